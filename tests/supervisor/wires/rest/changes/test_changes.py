"""REST on what turns changed: diff, undo, file operations; another user's session does not exist."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.fakes import ScriptedConnector
from tests.supervisor.wires.http.serving import SESSIONS, Served, refusal


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Served]:
    async with Served(tmp_path, connector=ScriptedConnector()) as served:
        yield served


async def test_a_turns_changes_are_shown_taken_back_and_listed(served: Served) -> None:
    session_id = await served.session()
    message_id = (await served.prompt(session_id, "write a.txt new")).json()["message_id"]
    url = f"{SESSIONS}/{session_id}"
    shown = (await served.service.get(f"{url}/changes")).json()
    assert (shown["message_id"], shown["undone"], shown["why"]) == (message_id, False, "")
    (file,) = shown["files"]
    assert (file["path"], file["tool"], file["status"], file["user_id"]) == ("a.txt", "Write", "added", "alice")
    assert "+new" in shown["diff"]

    path = served.core.site / "a.txt"
    would = (await served.service.post(f"{url}/undo", json={"dry_run": True})).json()
    assert (would["paths"], would["dry_run"], would["undone"]) == (["a.txt"], True, False)
    assert path.exists()
    done = (await served.service.post(f"{url}/undo", json={"message_id": message_id})).json()
    assert done == {
        "session_id": session_id,
        "message_id": message_id,
        "paths": ["a.txt"],
        "dry_run": False,
        "undone": True,
    }
    assert not path.exists()
    again = (await served.service.post(f"{url}/undo", json={})).json()
    assert (again["paths"], again["undone"], path.exists()) == (["a.txt"], False, True)

    assert file["tool_use_id"] is None
    listed = (await served.service.get("/api/file-operations", params={"path": "a.txt"})).json()
    assert [operation["message_id"] for operation in listed["operations"]] == [message_id]
    (call,) = listed["operations"]
    assert (call["tool"], call["status"], len(call["after_hash"])) == ("Write", "added", 64)
    page = await served.service.get("/api/file-operations", params={"before": call["id"]})
    assert [operation["id"] for operation in page.json()["operations"]] == []
    of_session = (await served.service.get("/api/file-operations", params={"session_id": session_id})).json()
    assert of_session == listed


async def test_refusals_have_a_code_and_the_reason(served: Served) -> None:
    session_id = await served.session()
    url = f"{SESSIONS}/{session_id}"
    status, code, text = refusal(await served.service.get(f"{url}/changes"))
    assert (status, code) == (404, "nothing_to_undo")
    assert text == "Not undone: no turn of this session has changed a file"
    await served.prompt(session_id, "write a.txt new")
    (served.core.site / "a.txt").write_text("by hand\n", encoding="utf-8")
    status, code, text = refusal(await served.service.post(f"{url}/undo", json={}))
    assert (status, code) == (409, "undo_conflict")
    assert "a.txt" in text


async def test_another_users_changes_do_not_exist(served: Served) -> None:
    session_id = await served.session()
    await served.prompt(session_id, "write a.txt new")
    bob = await served.client_of("bob")
    for response in (
        await bob.get(f"{SESSIONS}/{session_id}/changes"),
        await bob.post(f"{SESSIONS}/{session_id}/undo", json={}),
        await bob.get("/api/file-operations", params={"session_id": session_id}),
    ):
        assert refusal(response)[:2] == (404, "session_not_found")
    assert refusal(await bob.get("/api/file-operations", params={"user_id": "alice"}))[:2] == (404, "user_not_found")
    assert (await bob.get("/api/file-operations")).json() == {"operations": [], "truncated": False}
    assert (served.core.site / "a.txt").exists()


async def test_turns_that_changed_files_are_listed_by_pages_and_filters(served: Served) -> None:
    session_id = await served.session()
    other_session = await served.session()
    first = (await served.prompt(session_id, "write a.txt one")).json()["message_id"]
    second = (await served.prompt(other_session, "write b.txt two")).json()["message_id"]
    await served.prompt(session_id, "hello")

    async def listed(**parameters: str | int | bool) -> list[str]:
        body = (await served.service.get("/api/changes", params=parameters)).json()
        return [turn["message_id"] for turn in body["turns"]]

    assert await listed() == [second, first]
    assert await listed(session_id=session_id) == [first]
    assert await listed(user_id="alice", project="site") == [second, first]
    assert await listed(project="elsewhere") == []
    page = (await served.service.get("/api/changes", params={"limit": 1})).json()
    (turn,) = page["turns"]
    assert (turn["message"], turn["files"], turn["undone"], turn["why"]) == ("write b.txt two", 1, False, "")
    assert await listed(limit=1, before=page["next_before"]) == [first]
    last = (await served.service.get("/api/changes", params={"before": page["next_before"]})).json()
    assert last["next_before"] is None

    undo = {"message_id": first, "direction": "back"}
    assert (await served.service.post(f"{SESSIONS}/{session_id}/undo", json=undo)).status_code == 200
    assert await listed(undone=True) == [first]
    assert await listed(undone=False) == [second]
    # A second click, or a second tab, does not bring the changes back.
    assert refusal(await served.service.post(f"{SESSIONS}/{session_id}/undo", json=undo))[:2] == (409, "undo_refused")
    again = (await served.service.post(f"{SESSIONS}/{session_id}/undo", json={**undo, "direction": "again"})).json()
    assert (again["undone"], await listed(undone=True)) == (False, [])


async def test_the_list_of_a_user_holds_no_turn_of_others(served: Served) -> None:
    session_id = await served.session()
    await served.prompt(session_id, "write a.txt new")
    bob = await served.client_of("bob")
    assert (await bob.get("/api/changes")).json() == {"turns": [], "next_before": None}
    assert refusal(await bob.get("/api/changes", params={"user_id": "alice"}))[:2] == (404, "user_not_found")
    assert refusal(await bob.get("/api/changes", params={"session_id": session_id}))[:2] == (404, "session_not_found")
    alice = await served.client_of("alice")
    assert len((await alice.get("/api/changes")).json()["turns"]) == 1
