"""Plug-ins for tests of the core: a connector that does what the test says, a channel that fails as the test says."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from supervisor.protocol.conversation import (
    ConversationEvent,
    Exchange,
    Exited,
    Failed,
    Finished,
    ModelEndpoint,
    ProcessIdentity,
    Prompt,
    SessionSpec,
    TextDelta,
    Tokens,
    ToolCall,
    ToolFinished,
    ToolStarted,
    Trace,
    UsageReported,
)
from supervisor.protocol.errors import ConnectionFailed
from supervisor.protocol.messages import MessageId, NotSent, Outbound, Reconciled, Sent
from supervisor.protocol.ports.channel import Channel
from supervisor.protocol.ports.connector import Connector, Conversation


class ScriptedConversation(Conversation):
    """Does as the first word of its prompt says; any other prompt is answered with its own text.

    ==============  ======================================================================
    `hold`          writes "so far", then waits for `release`, an interrupt or the end
    `deaf`          the same, and does not hear an interrupt
    `fail WHY`      ends in a failure
    `die WHY`       the process ends
    `refuse WHY`    the prompt is certainly not written
    `break`         the plug-in itself raises what its port does not name
    `tool COMMAND`  starts a Bash tool, then waits as `hold` does
    `deny COMMAND`  asks whether a Bash tool may run, and answers with the verdict
    `repeat COMMAND`  the same; and asks once more where it is told to make the same call again
    `write PATH X`  writes X into a file by a Write tool where the policy allows it; "hold" as X then waits
    `shell PATH X`  the same by a Bash tool
    `pay NANOS`     answers, and reports a cost of its own that counts
    ==============  ======================================================================
    """

    def __init__(self, connector: ScriptedConnector, spec: SessionSpec, number: int) -> None:
        self._connector = connector
        self._events: asyncio.Queue[ConversationEvent | Exception] = asyncio.Queue()
        self._number = number
        self.spec = spec
        self.held: MessageId | None = None
        self.closed = False
        self.frozen = False
        self._asking: asyncio.Task[None] | None = None

    async def freeze(self) -> bool:
        self.frozen = True
        return self._connector.freezes

    async def thaw(self) -> None:
        self.frozen = False

    @property
    def identity(self) -> ProcessIdentity:
        """An identity that no process has."""
        return ProcessIdentity(pid=4_000_000 + self._number, started=self._number, boot_id="scripted")

    async def prompt(self, prompt: Prompt) -> None:
        if self.closed:
            raise ConnectionFailed("the conversation is closed")
        word, _, rest = prompt.text.partition(" ")
        if word == "refuse":
            raise ConnectionFailed(rest)
        if word == "break":
            raise RuntimeError("a plug-in that is broken")
        self._connector.began(self, prompt)
        match word:
            case "hold" | "deaf":
                self.held = prompt.message_id
                self.put(TextDelta(text="so far"))
            case "fail":
                self._finish(Failed(message_id=prompt.message_id, why=rest))
            case "die":
                self.die(rest)
            case "tool":
                self.held = prompt.message_id
                self.start_tool(prompt, rest)
            case "deny":
                self._asking = asyncio.create_task(self._ask(prompt, rest), name=f"deny {prompt.message_id}")
            case "repeat":
                self._connector.repeated = rest
                self._asking = asyncio.create_task(self._ask(prompt, rest), name=f"repeat {prompt.message_id}")
            case _ if "make exactly the same call again" in prompt.text and self._connector.repeated:
                repeated = self._connector.repeated
                self._asking = asyncio.create_task(self._ask(prompt, repeated), name=f"again {prompt.message_id}")
            case "write" | "shell":
                await self._change(prompt, word, *rest.partition(" ")[::2])
            case "pay":
                usage = UsageReported(
                    model="elsewhere",
                    tokens=self._connector.tokens,
                    provider_nanos=int(rest.split()[0]),
                    authoritative=True,
                )
                self.put(usage)
                self._finish(Finished(message_id=prompt.message_id, text="paid"))
            case _:
                for piece in (prompt.text[:3], prompt.text[3:]):
                    self.put(TextDelta(text=piece))
                self._finish(Finished(message_id=prompt.message_id, text=prompt.text))

    async def _ask(self, prompt: Prompt, command: str) -> None:
        """Ask whether a Bash tool may run, and answer with the verdict."""
        call = ToolCall(tool_use_id=f"use {prompt.key or prompt.message_id}", name="Bash", input={"command": command})
        if prompt.key and (first := self._connector.meanwhile) is not None:
            assert (await self.spec.decide(first)).allowed
        self.put(ToolStarted(tool_use_id=call.tool_use_id, name=call.name, input=call.input))
        verdict = await self.spec.decide(call)
        self.put(ToolFinished(tool_use_id=call.tool_use_id, failed=not verdict.allowed, result=verdict.reason))
        self._finish(Finished(message_id=prompt.message_id, text=f"allowed: {verdict.allowed}"))

    async def _change(self, prompt: Prompt, word: str, path: str, content: str) -> None:
        """Write a file of the project by a tool, where the policy lets it; "hold" as content holds the turn then."""
        target = Path(self.spec.project_path) / path
        values = {"file_path": str(target)} if word == "write" else {"command": f"echo {content} > {path}"}
        name = "Write" if word == "write" else "Bash"
        call = ToolCall(tool_use_id=f"use {prompt.message_id}", name=name, input=values)
        self.put(ToolStarted(tool_use_id=call.tool_use_id, name=name, input=values))
        if (verdict := await self.spec.decide(call)).allowed:
            target.write_text(f"{content}\n", encoding="utf-8")
        self.put(ToolFinished(tool_use_id=call.tool_use_id, failed=not verdict.allowed, result=verdict.reason))
        if content == "hold":
            self.held = prompt.message_id
        else:
            self._finish(Finished(message_id=prompt.message_id, text="written"))

    def start_tool(self, prompt: Prompt, command: str) -> None:
        """Report the start of a shell command."""
        self.put(ToolStarted(tool_use_id=f"use {prompt.message_id}", name="Bash", input={"command": command}))

    async def interrupt(self) -> None:
        self._connector.interrupts += 1
        if self.held is not None and not self._connector.is_deaf(self):
            held, self.held = self.held, None
            self._finish(Failed(message_id=held, why="interrupted", partial="so far", interrupted=True))

    def release(self, text: str = "released") -> None:
        """Finish the held prompt with this text."""
        if self.held is not None:
            held, self.held = self.held, None
            self._finish(Finished(message_id=held, text=text))

    def die(self, why: str) -> None:
        """End like a killed process."""
        self.closed = True
        if self._asking is not None:
            self._asking.cancel()
        self._connector.ended(self)
        self.put(Exited(why=why))

    def raise_in_events(self, error: Exception) -> None:
        """Make the stream of events raise `error`."""
        self._events.put_nowait(error)

    async def close(self) -> None:
        if not self.closed:
            self.closed = True
            if self._asking is not None:
                self._asking.cancel()
                await asyncio.wait([self._asking])
            self._connector.ended(self)
            self.put(Exited())

    async def events(self) -> AsyncIterator[ConversationEvent]:
        while True:
            event = await self._events.get()
            if isinstance(event, Exception):
                raise event
            yield event
            if isinstance(event, Exited):
                return

    def put(self, event: ConversationEvent) -> None:
        """Emit an event."""
        self._events.put_nowait(event)

    def _finish(self, event: Finished | Failed) -> None:
        self._connector.ended(self)
        self.put(event)


class ScriptedConnector(Connector):
    """Opens `ScriptedConversation`s and keeps count of what the core asks of it.

    Attributes:
        refusals: sentences with which the next attempts to open fail, first come first.
        breaking: how many of the next attempts raise what the port does not name.
        freezes: whether its conversations can be frozen.
        gate: an attempt to open waits until this is set.
        tokens: what `pay` reports.
        prompts: (session, text) of all prompts, in the order in which they were written; `given`: the same, whole.
        opened: the conversations, in order.
        histories: what each was opened with.
        running: sessions with a turn under way; `most_running` at one time, `most_of_project` by project.
        overlaps: sessions that were prompted while a turn of theirs ran.
        traces: how far a prompt had come, by its key.
        repeated: the last command of a `repeat`.
        meanwhile: a call that is made before it is repeated.
    """

    name = "scripted"

    def __init__(self) -> None:
        self.refusals: deque[str] = deque()
        self.repeated = ""
        self.meanwhile: ToolCall | None = None
        self.breaking = 0
        self.freezes = True
        self.gate = asyncio.Event()
        self.gate.set()
        self.tokens = Tokens(input=10, output=5)
        self.prompts: list[tuple[str, str]] = []
        self.given: list[Prompt] = []
        self.opened: list[ScriptedConversation] = []
        self.histories: list[list[Exchange]] = []
        self.opening = 0
        self.most_processes = 0
        self.interrupts = 0
        self.running: dict[str, str] = {}
        self.most_running = 0
        self.most_of_project: dict[str, int] = {}
        self.overlaps: list[str] = []
        self._deaf: set[int] = set()
        self.traces: dict[MessageId, Trace] = {}

    async def trace(self, home: str, conversation_id: str, key: MessageId) -> Trace:
        return self.traces.get(key, Trace())

    async def open(self, session: SessionSpec, history: Sequence[Exchange]) -> Conversation:
        self.opening += 1
        try:
            self.most_processes = max(self.most_processes, len(self.open_now()) + self.opening)
            await self.gate.wait()
            if self.breaking:
                self.breaking -= 1
                raise RuntimeError("a plug-in that is broken")
            if self.refusals:
                raise ConnectionFailed(self.refusals.popleft())
            conversation = ScriptedConversation(self, session, len(self.opened))
            self.opened.append(conversation)
            self.histories.append(list(history))
            return conversation
        finally:
            self.opening -= 1

    def open_now(self) -> list[ScriptedConversation]:
        """Return the conversations that are not closed."""
        return [conversation for conversation in self.opened if not conversation.closed]

    def of(self, session_id: str) -> ScriptedConversation:
        """Return the newest conversation of a session."""
        return next(c for c in reversed(self.opened) if c.spec.id == session_id)

    def texts(self, session_id: str) -> list[str]:
        """Return the prompts of a session, in order."""
        return [text for session, text in self.prompts if session == session_id]

    def endpoints(self) -> list[ModelEndpoint | None]:
        """Return the model endpoint of each conversation."""
        return [conversation.spec.endpoint for conversation in self.opened]

    def held(self) -> list[ScriptedConversation]:
        """Return the conversations with a held prompt."""
        return [conversation for conversation in self.opened if conversation.held is not None]

    def release(self, text: str = "released") -> None:
        """Finish every held prompt with this text."""
        for conversation in self.opened:
            conversation.release(text)

    def began(self, conversation: ScriptedConversation, prompt: Prompt) -> None:
        """Count the start of a turn."""
        spec = conversation.spec
        self.prompts.append((spec.id, prompt.text))
        self.given.append(prompt)
        if spec.id in self.running:
            self.overlaps.append(spec.id)
        self.running[spec.id] = spec.project
        self.most_running = max(self.most_running, len(self.running))
        now = sum(project == spec.project for project in self.running.values())
        self.most_of_project[spec.project] = max(self.most_of_project.get(spec.project, 0), now)
        if prompt.text.startswith("deaf"):
            self._deaf.add(id(conversation))

    def ended(self, conversation: ScriptedConversation) -> None:
        """Count the end of a turn or of the process."""
        self.running.pop(conversation.spec.id, None)

    def is_deaf(self, conversation: ScriptedConversation) -> bool:
        """Return whether a conversation ignores interrupts."""
        return id(conversation) in self._deaf


class Lose(Exception):
    """In a channel's script: the provider accepts the message, and `send` raises an unexpected error."""


class RecordingChannel(Channel):
    """A channel with a provider of its own that remembers what it took.

    Attributes:
        script: what the next attempts meet, first come first: None sends; a `DeliveryFailure` is raised and nothing is
            taken; `Lose(failure)` takes the message and raises that failure.
        provider: (provider id, outbound) of all that was taken: what people have in their hands.
        attempts: every outbound that `send` was given.
        asked: every outbound that `reconcile` was given.
        answers: what the next questions are answered, first come first; the truth where it is empty.
    """

    def __init__(self, name: str = "sms") -> None:
        self.name = name
        self.script: deque[Exception | None] = deque()
        self.provider: list[tuple[str, Outbound]] = []
        self.attempts: list[Outbound] = []
        self.asked: list[Outbound] = []
        self.answers: deque[Reconciled | Exception] = deque()
        self.gate = asyncio.Event()
        self.gate.set()

    async def send(self, outbound: Outbound) -> Sent:
        self.attempts.append(outbound)
        await self.gate.wait()
        failure = self.script.popleft() if self.script else None
        if isinstance(failure, Lose):
            self._take(outbound)
            raise failure.args[0] if failure.args else RuntimeError("the answer was lost")
        if failure is not None:
            raise failure
        return Sent(provider_id=self._take(outbound))

    async def reconcile(self, outbound: Outbound) -> Reconciled:
        self.asked.append(outbound)
        if self.answers:
            answer = self.answers.popleft()
            if isinstance(answer, Exception):
                raise answer
            return answer
        taken = [provider_id for provider_id, known in self.provider if known.id == outbound.id]
        return Sent(provider_id=taken[0]) if taken else NotSent()

    def texts(self, to: str | None = None) -> list[str]:
        """Return the delivered texts, in order; `to` = only those to this address."""
        return [outbound.text for _, outbound in self.provider if to is None or outbound.to.value == to]

    def doubles(self) -> list[str]:
        """Return the ids of replies that the provider accepted more than once."""
        ids = [outbound.id for _, outbound in self.provider]
        return sorted({i for i in ids if ids.count(i) > 1})

    def _take(self, outbound: Outbound) -> str:
        provider_id = f"{self.name}-{len(self.provider)}"
        self.provider.append((provider_id, outbound))
        return provider_id
