"""A link sends requests in tasks and posts their outcomes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from io import StringIO

from cli.daemon.addresses import Daemon
from cli.daemon.client import connected
from cli.terminal.events import Answered, ConnectionEvent, Lost, Pushed
from cli.terminal.link import SessionLink
from cli.terminal.prompts import TypedPrompt
from cli.terminal.screen import Screen
from supervisor.protocol.errors import XswarmError
from supervisor.protocol.events import Pong
from supervisor.protocol.requests import Subscribe
from tests.cli.conftest import SESSION
from tests.cli.daemon_stand_in import OPERATOR, DaemonStandIn
from tests.waiting import until


@asynccontextmanager
async def linked(daemon: DaemonStandIn, events: list[ConnectionEvent], shown: StringIO) -> AsyncIterator[SessionLink]:
    """Connect; the link is closed at the end."""
    screen = Screen(shown, shown, interactive=True, colour=False)
    async with connected(Daemon(socket=f"ws://127.0.0.1:{daemon.port}", token=OPERATOR)) as client:
        await client.ask(Subscribe(topics=["sessions"]))
        link = SessionLink(client, SESSION, post=events.append, screen=screen)
        yield link
        await link.close()


def prompt(text: str) -> TypedPrompt:
    return TypedPrompt(external_id=text, text=text, mode=None)


async def test_the_outcome_of_each_prompt_is_posted(daemon: DaemonStandIn) -> None:
    events: list[ConnectionEvent] = []
    async with linked(daemon, events, StringIO()) as link:
        link.send(prompt("say hello"))
        await until(lambda: len(events) == 1, "an answer")
        link.send(prompt("fail"))
        await until(lambda: len(events) == 2, "an error")
        assert [row["message"] for row in await link.history()][:2] == ["say hello", "hello"]
    answer, failure = events
    assert isinstance(answer, Answered)
    assert isinstance(answer.outcome, dict)
    assert (answer.external_id, answer.outcome["content"]) == ("say hello", "hello")
    assert isinstance(failure, Answered)
    assert isinstance(failure.outcome, XswarmError)


async def test_pushed_frames_and_the_loss_of_the_connection_are_posted(daemon: DaemonStandIn) -> None:
    events: list[ConnectionEvent] = []
    async with linked(daemon, events, StringIO()) as link:
        link.listen()
        await asyncio.to_thread(daemon.push, Pong(), "sessions")
        await until(lambda: len(events) == 1, "a frame")
        await asyncio.to_thread(daemon.stop)
        await until(lambda: len(events) == 2, "the loss")
    assert isinstance(events[0], Pushed)
    assert isinstance(events[1], Lost)
    await asyncio.to_thread(daemon.start)


async def test_an_interrupt_shows_how_it_went(daemon: DaemonStandIn) -> None:
    events: list[ConnectionEvent] = []
    shown = StringIO()
    async with linked(daemon, events, shown) as link:
        link.interrupt()
        await until(lambda: "Nothing was running." in shown.getvalue(), "there was no turn")
        link.send(prompt("wait"))
        await until(lambda: "wait" in daemon.records.prompts, "the turn runs")
        link.interrupt()
        await until(lambda: "Interrupted." in shown.getvalue(), "the turn was interrupted")
    assert shown.getvalue() == "Nothing was running.\nInterrupted.\n"
