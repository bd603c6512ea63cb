"""A daemon's core as a process of its own that is killed at a point, for the tests of crash points.

Usage: `python -m tests.supervisor.crash_child`. Each line of stdin is a list as JSON, FOLDER, perhaps POINT and COUNT,
and runs a child, whose exit status is a line of stdout. A child is a fork of a process that has imported everything, as
that would take most of its time.

It works off FOLDER/script.json (a list of texts with their keys), handing every one in until it was acknowledged once,
writes what it was told to FOLDER/told.log, and ends by itself when everything was answered. Its errors are in
FOLDER/child.log. FOLDER/store.url names a PostgreSQL database; without that file, the store is SQLite in FOLDER. At the
COUNT-th time that the store comes by POINT it is killed, as `kill -9` does it. Points of the store are named in
`open_store`; "send.before" and "send.after" lie before and after the provider's taking of a reply; "prompt.after" after
the prompt was written; "stop.after" and "delete.after" after an answer was stopped and a chat was deleted.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from supervisor.protocol.conversation import Exchange, Prompt, SessionSpec
from supervisor.protocol.messages import MessageId, NotSent, Outbound, Reconciled, Sent, SessionId
from supervisor.protocol.ports.connector import Conversation
from supervisor.protocol.queue import Mode
from tests.fakes import RecordingChannel, ScriptedConnector, ScriptedConversation
from tests.supervisor.harness import Core
from tests.supervisor.helpers import text_message
from tests.waiting import until

CHAT = SessionId("c1")


class Killer:
    """Kills the process at the `count`-th time at a point; called from the store's thread too."""

    def __init__(self, point: str, count: int) -> None:
        self._point = point
        self._left = count
        self._lock = threading.Lock()

    def __call__(self, point: str) -> None:
        if point == self._point:
            with self._lock:
                self._left -= 1
                if self._left == 0:
                    os.kill(os.getpid(), signal.SIGKILL)


def append(path: Path, line: str) -> None:
    """Add a line at once: what is written here has happened, whatever becomes of the process."""
    with path.open("a", encoding="utf-8") as file:
        file.write(f"{line}\n")


class KeptConversation(ScriptedConversation):
    """Writes each prompt that it gets to a file before it does as told: the side effect of a turn."""

    def __init__(self, connector: KeptConnector, spec: SessionSpec, number: int) -> None:
        super().__init__(connector, spec, number)
        self._kept = connector

    async def prompt(self, prompt: Prompt) -> None:
        append(self._kept.folder / f"{self._kept.name}.log", prompt.message_id)
        if prompt.text.startswith("effect"):
            self.start_tool(prompt, prompt.text)
            await until(lambda: self._kept.recorded(prompt), "its tool is recorded")
        self._kept.killer("prompt.after")
        await super().prompt(prompt)


class KeptConnector(ScriptedConnector):
    """Opens `KeptConversation`s."""

    def __init__(self, name: str, folder: Path, killer: Killer) -> None:
        super().__init__()
        self.name = name
        self.folder = folder
        self.killer = killer
        self.core: Core | None = None

    async def open(self, session: SessionSpec, history: Sequence[Exchange]) -> Conversation:
        conversation = KeptConversation(self, session, len(self.opened))
        self.opened.append(conversation)
        return conversation

    async def recorded(self, prompt: Prompt) -> bool:
        """Return whether a tool of the prompt's turn is in the store."""
        assert self.core is not None
        found = await self.core.store.turns.result(prompt.message_id)
        return found is not None and bool(await self.core.store.turns.events(found.turn.id))


class KeptChannel(RecordingChannel):
    """Its provider's record is a file, which outlives the process."""

    def __init__(self, folder: Path, killer: Killer) -> None:
        super().__init__()
        self._path = folder / "provider.log"
        self._killer = killer

    async def send(self, outbound: Outbound) -> Sent:
        self._killer("send.before")
        taken = self._taken()
        append(self._path, json.dumps([outbound.id, outbound.message_id, outbound.text]))
        self._killer("send.after")
        return Sent(provider_id=f"p{len(taken)}")

    async def reconcile(self, outbound: Outbound) -> Reconciled:
        for number, (outbox_id, _, _) in enumerate(self._taken()):
            if outbox_id == outbound.id:
                return Sent(provider_id=f"p{number}")
        return NotSent()

    def _taken(self) -> list[list[str]]:
        if not self._path.exists():
            return []
        return [json.loads(line) for line in self._path.read_text(encoding="utf-8").splitlines()]


def url_of(folder: Path) -> str:
    """Return the URL of the database; empty = it is SQLite."""
    named = folder / "store.url"
    return named.read_text(encoding="utf-8") if named.exists() else ""


async def work(folder: Path, killer: Killer) -> None:
    """Hand everything in, and wait until everything was answered and sent."""
    script: dict[str, str] = json.loads((folder / "script.json").read_text(encoding="utf-8"))
    claude, assistant = KeptConnector("claude", folder, killer), KeptConnector("assistant", folder, killer)
    channel = KeptChannel(folder, killer)
    core = Core(folder, url=url_of(folder), connector=claude, assistant=assistant, crash=killer, recovering=False)
    claude.core = assistant.core = core
    async with core:
        core.outbox.add_channel(channel)
        worker = asyncio.create_task(core.outbox.run("sms"), name="outbox")
        await core.recover()
        told = folder / "told.log"
        known = set(told.read_text(encoding="utf-8").split()) if told.exists() else set()
        for key, text in script.items():
            if key not in known:  # as a provider does that got no answer
                append(folder / "accepted.log", f"{key} {await _accept(core, key, text)}")
                append(told, key)
        accepted = (folder / "accepted.log").read_text(encoding="utf-8").split()[1::2]
        await until(lambda: _is_done(core, accepted), "everything is answered and sent", timeout=30)
        worker.cancel()
        await asyncio.gather(worker, return_exceptions=True)


async def _accept(core: Core, key: str, text: str) -> str:
    """Hand a text in; those whose key begins with the name of an act are about a chat."""
    act = key.partition("-")[0]
    if act not in ("chat", "interrupt", "edit", "stop", "delete"):
        return str((await core.intake.accept(text_message(text, key=key))).message_id)
    alice = core.directory.user("alice")
    chats, chat = core.api.chat, (await core.api.chat.open(alice, CHAT)).session_id
    if act != "chat":
        running = await chats.running(alice, chat)
        await until(lambda: core.turns.running(chat), "the answer begins")
    match act:
        case "edit":
            return (await chats.edit(alice, chat, running[0], text)).message_id
        case "stop":
            await chats.interrupt(alice, chat)
        case "delete":
            await chats.delete(alice, chat)
        case _:
            mode = Mode.INTERRUPT if act == "interrupt" else None
            return (await chats.submit(alice, chat, text, mode=mode, external_id=key)).message_id
    core.crash(f"{act}.after")
    return running[0]


async def _is_done(core: Core, accepted: Sequence[str]) -> bool:
    for message_id in accepted:
        found = await core.store.turns.result(MessageId(message_id))
        if found is None or not found.turn.state.final:
            return False
    return not any((await core.store.outbox.counts()).values())


def main() -> None:
    """Fork a child for each line of stdin, and print its exit status."""
    for line in sys.stdin:
        arguments = json.loads(line)
        child = os.fork()
        if child == 0:
            log = os.open(Path(arguments[0], "child.log"), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
            os.dup2(log, 1)
            os.dup2(log, 2)
            run(arguments)
            return
        sys.stdout.write(f"{os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])}\n")
        sys.stdout.flush()


def run(arguments: list[str]) -> None:
    """Run until done or killed."""
    folder, point, count = [*arguments, "", "1"][:3]
    asyncio.run(work(Path(folder), Killer(point, int(count))))


if __name__ == "__main__":
    main()
