"""REST: comments on a turn's lines go to its session as one prompt."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from supervisor.operations.changes.reviews import LineComment, prompt_of
from tests.fakes import ScriptedConnector
from tests.supervisor.wires.http.serving import SESSIONS, Served, refusal
from tests.waiting import until


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Served]:
    async with Served(tmp_path, connector=ScriptedConnector()) as served:
        yield served


def test_what_people_wrote_is_indented_so_that_it_can_be_read_back() -> None:
    gone = LineComment(path="src/a b.py", line=3, before=True, code="gone", text="1. x, line 2:\nkeep it")
    there = LineComment(path="src/a b.py", line=12, before=False, code="  x = 1", text="why 1?\n\nsay why")
    assert prompt_of("0197", [gone, there]) == (
        "Review of turn 0197: change what these comments ask for, and answer each by its number.\n\n"
        "1. src/a b.py, line 3 before the turn:\n   > gone\n   1. x, line 2:\n   keep it\n\n"
        "2. src/a b.py, line 12:\n   >   x = 1\n   why 1?\n   \n   say why"
    )


async def test_all_comments_reach_the_session_as_one_prompt(served: Served) -> None:
    session_id = await served.session()
    message_id = (await served.prompt(session_id, "write a.txt new")).json()["message_id"]
    url = f"{SESSIONS}/{session_id}/changes/reviews"
    comments = [{"path": "a.txt", "line": 1, "code": "new", "text": text} for text in ("shorter", "and kinder")]
    sent = await served.service.post(url, json={"message_id": message_id, "comments": comments})
    assert sent.status_code == 202
    review = sent.json()["message_id"]

    async def ended() -> bool:
        return bool((await served.service.get(f"/api/messages/{review}")).json()["ended_at"])

    await until(ended, "the end of the review's turn")
    message = (await served.service.get(f"/api/messages/{review}")).json()
    assert message["message"].startswith(f"Review of turn {message_id}: ")
    assert "   shorter\n" in message["message"]
    assert message["message"].endswith("   and kinder")
    assert (message["session_id"], message["channel"]) == (session_id, "console")

    bob = await served.client_of("bob")
    body = {"message_id": message_id, "comments": comments}
    assert refusal(await bob.post(url, json=body))[:2] == (404, "session_not_found")
    assert refusal(await served.service.post(url, json={**body, "comments": []}))[:2] == (422, "invalid_message")
    other = {**body, "message_id": review}
    assert refusal(await served.service.post(url, json=other))[:2] == (404, "nothing_to_undo")
