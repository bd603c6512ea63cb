"""REST on what waits."""

from __future__ import annotations

from pathlib import Path

from tests.fakes import ScriptedConnector
from tests.supervisor.helpers import scripted, text_message
from tests.supervisor.wires.http.serving import Served, refusal
from tests.waiting import until


async def test_what_waits_is_listed_and_taken_back(tmp_path: Path) -> None:
    async with Served(tmp_path, connector=ScriptedConnector()) as served:
        await served.core.intake.accept(text_message("claude: hold on"))
        await until(scripted(served.core).held, "it runs")
        second = await served.core.intake.accept(text_message("claude: second"))
        (waiting,) = (await served.service.get("/api/queue")).json()["queue"]
        assert (waiting["message_id"], waiting["place"], waiting["message"], waiting["project"]) == (
            second.message_id,
            1,
            "second",
            "site",
        )
        bob = await served.client_of("bob")
        url = f"/api/messages/{second.message_id}"
        assert refusal(await bob.delete(url))[:2] == (404, "message_not_found")
        assert (await served.service.delete(url)).status_code == 204
        assert refusal(await served.service.delete(url))[:2] == (409, "message_not_waiting")
        assert (await served.service.get("/api/queue")).json() == {"queue": []}
        unknown = await served.service.get("/api/queue", params={"session_id": "nobodys"})
        assert refusal(unknown)[:2] == (404, "session_not_found")
        scripted(served.core).release()
