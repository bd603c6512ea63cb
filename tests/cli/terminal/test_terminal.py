"""The terminal without a real one: tests post events and read the screen. test_connect.py uses a pseudo-terminal."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from io import StringIO

import pytest

from cli.daemon.addresses import Daemon
from cli.failures import ExitCode
from cli.terminal.events import InputEnded, Interrupted, Truncated, Typed
from cli.terminal.screen import Screen
from cli.terminal.terminal import Terminal
from supervisor.protocol.errors import SessionNotFound
from supervisor.protocol.events import ClaudeCodeQueued, ClaudeCodeStuck
from tests.cli.conftest import SESSION
from tests.cli.daemon_stand_in import OPERATOR, DaemonStandIn
from tests.ports import free_port
from tests.waiting import until


class AttachedTerminal:
    """A terminal attached to a daemon, with its screen."""

    def __init__(self, daemon: DaemonStandIn, given: str = SESSION, *, interactive: bool = True) -> None:
        self.screen = StringIO()
        self.terminal = Terminal(
            lambda: Daemon(socket=f"ws://127.0.0.1:{daemon.port}", token=OPERATOR),
            given,
            Screen(self.screen, self.screen, interactive=interactive, colour=False),
            interactive=interactive,
        )

    async def sees(self, text: str) -> None:
        await until(lambda: text in self.screen.getvalue(), f"{text!r} on the screen")


async def test_prompts_of_a_person_are_sent_as_they_are_typed(daemon: DaemonStandIn) -> None:
    attached = AttachedTerminal(daemon)
    running = asyncio.create_task(attached.terminal.run())
    attached.terminal.post(Typed("wait"))
    attached.terminal.post(Typed("say hello"))
    await until(lambda: daemon.records.prompts == ["wait", "say hello"], "both were sent")
    attached.terminal.post(InputEnded())
    assert await running is ExitCode.DONE


async def test_prompts_of_a_script_wait_for_each_other(daemon: DaemonStandIn) -> None:
    attached = AttachedTerminal(daemon, interactive=False)
    for text in ("wait", "say hello"):
        attached.terminal.post(Typed(text))
    attached.terminal.post(InputEnded())
    running = asyncio.create_task(attached.terminal.run())
    await until(lambda: daemon.records.prompts == ["wait"], "the first was sent")
    attached.terminal.post(Interrupted())
    assert await running is ExitCode.FAILED
    assert daemon.records.prompts == ["wait", "say hello"]


async def test_line_that_the_terminal_cut_is_not_sent(daemon: DaemonStandIn) -> None:
    attached = AttachedTerminal(daemon)
    running = asyncio.create_task(attached.terminal.run())
    attached.terminal.post(Truncated())
    await attached.sees("Not sent: a terminal cuts a line after 4095 bytes.")
    attached.terminal.post(InputEnded())
    assert await running is ExitCode.DONE
    assert daemon.records.prompts == []


async def test_daemon_that_comes_back_elsewhere_is_found(daemon: DaemonStandIn) -> None:
    attached = AttachedTerminal(daemon)
    running = asyncio.create_task(attached.terminal.run())
    await attached.sees("Attached to")
    await asyncio.to_thread(daemon.stop)
    await attached.sees("The daemon went away")
    daemon.port = free_port()
    await asyncio.to_thread(daemon.start)
    await attached.sees("Connected again.")
    attached.terminal.post(InputEnded())
    assert await running is ExitCode.DONE


async def test_prompts_that_could_not_be_sent_are_counted(daemon: DaemonStandIn) -> None:
    attached = AttachedTerminal(daemon)
    running = asyncio.create_task(attached.terminal.run())
    await attached.sees("Attached to")
    await asyncio.to_thread(daemon.stop)
    await attached.sees("The daemon went away")
    attached.terminal.post(Typed("say hello"))
    attached.terminal.post(InputEnded())
    assert await running is ExitCode.DONE
    assert "Not sent: 1 prompt(s)." in attached.screen.getvalue()
    await asyncio.to_thread(daemon.start)


async def test_unknown_session_is_an_error(daemon: DaemonStandIn) -> None:
    with pytest.raises(SessionNotFound):
        await AttachedTerminal(daemon, "no-such-session").terminal.run()


async def test_how_a_prompt_enters_the_line_is_sent_and_shown(daemon: DaemonStandIn) -> None:
    attached = AttachedTerminal(daemon)
    running = asyncio.create_task(attached.terminal.run())
    attached.terminal.post(Typed("Steer: wait"))
    await until(lambda: daemon.records.prompts == ["wait"], "it was sent without its prefix")
    (sent,) = [request for request in daemon.requests if request["type"] == "claude_code_message"]
    assert sent["mode"] == "steer"
    queued = ClaudeCodeQueued(
        session_id=SESSION, message_id="m", external_id=sent["external_id"], user_id="alice", mode="steer", ahead=0
    )
    topic = f"session:{SESSION}"
    await asyncio.to_thread(daemon.push, replace(queued, external_id="another's", ahead=3), topic)
    await asyncio.to_thread(daemon.push, queued, topic)
    await attached.sees("Your message went into the running turn")
    assert "number 3 in the queue" not in attached.screen.getvalue()
    await asyncio.to_thread(daemon.push, ClaudeCodeStuck(session_id=SESSION, message_id="m", silent_seconds=601), topic)
    await attached.sees("No sign of life for 10 min. Ctrl-C interrupts the turn.")
    attached.terminal.post(InputEnded())
    assert await running is ExitCode.DONE


async def test_a_script_s_prompt_is_sent_as_it_stands(daemon: DaemonStandIn) -> None:
    attached = AttachedTerminal(daemon, interactive=False)
    attached.terminal.post(Typed("steer: hello"))
    attached.terminal.post(InputEnded())
    assert await attached.terminal.run() is ExitCode.DONE
    assert daemon.records.prompts == ["steer: hello"]


async def test_of_a_shared_session_it_shows_who_wrote_what_before_and_meanwhile(daemon: DaemonStandIn) -> None:
    daemon.records.add_message(SESSION, "to_claude", "first", user_id="alice")
    attached = AttachedTerminal(daemon)
    running = asyncio.create_task(attached.terminal.run())
    await attached.sees("alice: first\n")
    await attached.sees("Attached to")
    daemon.records.add_message(SESSION, "to_claude", "second", user_id="bob", context={"channel": "sms"})
    attached.terminal.post(Typed("say hello"))  # what follows a prompt shows what came meanwhile
    await attached.sees("bob (sms): second\n")
    attached.terminal.post(InputEnded())
    assert await running is ExitCode.DONE
