"""Who reads names in the answers of a session of Claude Code, and who references."""

from __future__ import annotations

from pathlib import Path

import httpx

from supervisor.config import ProjectConfig
from supervisor.tools.people.people import Known, People
from tests.fakes import ScriptedConnector
from tests.supervisor.wires.http.serving import SESSIONS, Served

ANN = Known(reference="entity-4f5a1c2e", person="7", name="Ann Lee")
ASKED = "ask entity-4f5a1c2e"


async def said(client: httpx.AsyncClient, session_id: str) -> list[str]:
    """Return what a caller reads: prompts and answers."""
    messages = (await client.get(f"{SESSIONS}/{session_id}/messages")).json()["messages"]
    return [message["message"].partition("\n")[0] for message in messages]


async def test_a_person_reads_names_in_answers_to_themselves_and_a_service_references(tmp_path: Path) -> None:
    (tmp_path / "team").mkdir()
    projects = {"team": ProjectConfig(path=str(tmp_path / "team"), shared=True)}
    async with Served(tmp_path, connector=ScriptedConnector(), projects=projects) as served:
        own = await served.session("alice")
        for user, role in (("alice", "ADMIN"), ("bob", "COORDINATOR")):
            await served.core.accounts.put_user(user, name=user, role=role, projects=["team", "site"])
        body = {"user_id": "alice", "project_path": str(tmp_path / "team")}
        shared = (await served.service.post(SESSIONS, json=body)).json()["session_id"]
        circles = [await served.core.api.chat.people.of(session_id) for session_id in (own, shared)]
        for circle in circles:
            circle.people = People([ANN])
        alice, bob = await served.client_of("alice"), await served.client_of("bob")

        await served.prompt(own, ASKED)
        assert await said(alice, own) == [ASKED, "ask Ann Lee"]
        assert await said(served.service, own) == [ASKED, ASKED]

        asked = await bob.post(f"{SESSIONS}/{shared}/messages", json={"message": ASKED})
        assert asked.status_code == 200
        assert await said(bob, shared) == [ASKED, "ask Ann Lee"]
        assert await said(alice, shared) == [ASKED, ASKED]
