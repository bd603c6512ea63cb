"""Frames of this session are shown, those of other sessions are not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from io import StringIO
from typing import Any

import pytest

from cli.daemon.client import Frame
from cli.terminal.feed import SessionFeed
from cli.terminal.link import SessionLink
from cli.terminal.prompts import Prompts
from cli.terminal.questions import Questions
from cli.terminal.screen import Screen
from cli.terminal.transcript import Transcript
from supervisor.protocol.errors import TurnFailed


class Link(SessionLink):
    """A link to a history in memory, without a daemon."""

    def __init__(self) -> None:
        self.messages: list[Frame] = []
        self.asked = 0
        self.interrupted = False

    async def history(self) -> Sequence[Frame]:
        self.asked += 1
        return self.messages


@dataclass
class Shown:
    """A feed with its screen."""

    feed: SessionFeed
    link: Link
    prompts: Prompts
    out: StringIO

    async def show(self, kind: str, session_id: str = "ours", **fields: Any) -> str:
        """Show a frame; return the whole screen."""
        await self.feed.show(self.link, "ours", {"type": kind, "session_id": session_id, **fields})
        return self.out.getvalue()


@pytest.fixture
def shown() -> Shown:
    out = StringIO()
    screen = Screen(out, out, interactive=True, colour=False)
    prompts = Prompts(interactive=True)
    return Shown(SessionFeed(screen, Transcript(screen), Questions(screen), prompts), Link(), prompts, out)


def prompt_row(text: str) -> Frame:
    return {"id": "m1", "direction": "to_claude", "message": text, "status": "running", "user_id": "bob"}


async def test_a_frame_of_another_session_is_not_shown(shown: Shown) -> None:
    assert await shown.show("claude_code_delta", "another", message_id="m1", text="secret") == ""


async def test_the_first_piece_of_a_turn_brings_its_prompt_from_the_history(shown: Shown) -> None:
    shown.link.messages.append(prompt_row("fix it"))
    assert await shown.show("claude_code_delta", message_id="m1", text="On") == "bob: fix it\nOn"
    assert await shown.show("claude_code_delta", message_id="m1", text=" it.") == "bob: fix it\nOn it."
    assert shown.link.asked == 1


async def test_the_same_update_twice_asks_for_the_history_once(shown: Shown) -> None:
    update: dict[str, Any] = {"message_count": 1, "cost_usd": 0.1, "last_activity": "now", "status": "active"}
    await shown.show("session_updated", **update)
    await shown.show("session_updated", **update)
    assert shown.link.asked == 1
    await shown.show("session_updated", **(update | {"message_count": 2}))
    assert shown.link.asked == 2


async def test_an_update_does_not_ask_while_a_prompt_of_this_terminal_is_answered(shown: Shown) -> None:
    shown.prompts.add("hello")
    assert shown.prompts.next() is not None
    await shown.show("session_updated", message_count=1, cost_usd=0.1, last_activity="now", status="active")
    assert shown.link.asked == 0


async def test_the_end_of_the_session_is_shown(shown: Shown) -> None:
    assert await shown.show("claude_code_disconnected", reason="closed") == "The session has ended: closed.\n"


@pytest.mark.parametrize(("ours", "shown_as"), [(True, ""), (False, "Interrupted by bob.\n")])
async def test_an_interruption_is_no_error_and_told_once(shown: Shown, ours: bool, shown_as: str) -> None:
    shown.prompts.add("hello")
    prompt = shown.prompts.next()
    assert prompt is not None
    shown.link.interrupted = ours
    await shown.feed.finish(shown.link, prompt, TurnFailed("interrupted by bob"))
    assert shown.out.getvalue() == shown_as
    await shown.feed.finish(shown.link, prompt, TurnFailed("it broke"))
    assert shown.out.getvalue() == f"{shown_as}Error: Claude Code failed: it broke\n"


async def test_what_a_queued_prompt_waits_for_is_shown(shown: Shown) -> None:
    shown.prompts.add("hello")
    prompt = shown.prompts.next()
    assert prompt is not None
    queued: dict[str, Any] = {"external_id": prompt.external_id, "mode": "followup", "ahead": 1}
    text = await shown.show("claude_code_queued", **queued, waits_for="It waits for the running turn.")
    assert text == "Queued: your message is next in the queue. It waits for the running turn.\n"


async def test_the_end_of_a_watched_turn_is_shown(shown: Shown) -> None:
    shown.link.messages.append(prompt_row("fix it"))
    answer = {"id": "a1", "direction": "from_claude", "message": "On it.", "status": "completed", "cost_usd": 0.5}
    await shown.show("claude_code_delta", message_id="m1", text="On it.")
    shown.link.messages.append({**answer, "reply_to": "m1"})
    ended: dict[str, Any] = {"message_id": "m1", "status": "completed", "cost_usd": 0.5, "duration_ms": 2000}
    text = "bob: fix it\nOn it.\n[$0.50, 2.0 s]\n"
    assert await shown.show("claude_code_ended", **ended) == text
    assert await shown.show("claude_code_ended", **ended) == text
