"""One terminal attached to one session: it handles the person's input and the daemon's frames, and reconnects."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from cli.daemon.addresses import Daemon
from cli.daemon.client import Client, Frame, connected, find_session
from cli.failures import ExitCode, Unreachable
from cli.terminal.events import (
    Answered,
    InputEnded,
    Interrupted,
    Lost,
    PersonEvent,
    Pushed,
    TerminalEvent,
    Truncated,
    Typed,
)
from cli.terminal.feed import SessionFeed
from cli.terminal.input import words
from cli.terminal.input.keys import InterruptKey, catching_ctrl_c
from cli.terminal.input.lines import TERMINAL_LINE
from cli.terminal.input.words import Decision
from cli.terminal.link import SessionLink
from cli.terminal.prompts import Prompts
from cli.terminal.questions import Questions
from cli.terminal.screen import Screen
from cli.terminal.transcript import Transcript
from supervisor.protocol.errors import XswarmError
from supervisor.protocol.requests import ClaudeCodeConnect, Subscribe
from supervisor.protocol.status import SessionKind

FIRST_RETRY, LAST_RETRY = 0.25, 5.0
"""Seconds before the first and before the last attempt to reach a lost daemon; they double in between."""

NO_WORD = (
    "Not sent: it begins with a slash, and is no word of the terminal."
    " /send sends it to Claude Code as text, /help lists the words."
)

SCRIPT_PATIENCE = 60.0
"""Seconds for which a script tries to reach a lost daemon; a person is connected again whenever it comes back."""


class Terminal:
    """One person, or one script, at one session.

    All events go through one queue and are handled by one task, with or without a connection.

    Args:
        locate: returns where the daemon is; called for each connection, since the port may change on a restart.
        given: the session as the person named it: its id, or the end of it.
        interactive: a person types; otherwise stdin is a script whose prompts are sent one at a time.
    """

    def __init__(self, locate: Callable[[], Daemon], given: str, screen: Screen, *, interactive: bool) -> None:
        self._locate = locate
        self._given = given
        self._screen = screen
        self._interactive = interactive
        self._prompts = Prompts(interactive=interactive)
        self._transcript = Transcript(screen)
        self._questions = Questions(screen)
        self._feed = SessionFeed(screen, self._transcript, self._questions, self._prompts)
        self._events: asyncio.Queue[TerminalEvent] = asyncio.Queue()
        self._session_id = ""
        self._as_text = ""  # what was taken for an unknown word
        self._input_ended = False
        self._interrupt_key = InterruptKey()
        self._result = ExitCode.DONE
        self._leave: ExitCode | None = None

    def post(self, event: TerminalEvent) -> None:
        """Queue an event; never blocks."""
        self._events.put_nowait(event)

    async def run(self) -> ExitCode:
        """Stay attached until the person leaves or the script is done; return the exit code.

        Raises:
            XswarmError: the terminal cannot be attached to the session.
        """
        loop = asyncio.get_running_loop()
        delay, lost_at = FIRST_RETRY, 0.0
        while True:
            try:
                async with connected(self._locate()) as client:
                    link = await self._attach(client)
                    delay, lost_at = FIRST_RETRY, 0.0
                    return await self._converse(link)
            except Unreachable as unreachable:
                if not self._session_id:
                    raise
                if not lost_at:
                    lost_at = loop.time()
                    self._transcript.lost()
                    self._questions.forget()
                    self._screen.remark(f"The daemon went away ({unreachable.why}); trying again ...")
                elif not self._interactive and loop.time() - lost_at > SCRIPT_PATIENCE:
                    raise
            await self._wait(delay)
            if self._leave is not None:
                return self._leave
            delay = min(delay * 2, LAST_RETRY)

    async def _attach(self, client: Client) -> SessionLink:
        """Attach to the session, show the messages that the screen lacks, and return the link."""
        again = bool(self._session_id)
        session = await find_session(client, self._session_id or self._given)
        session_id, path = session["session_id"], session["project_path"]
        # A person can answer questions about tool calls; a script cannot, so it gets none.
        questions = ["approvals"] if self._interactive else []
        await client.ask(Subscribe(topics=[f"session:{session_id}", *questions]))
        attached: Frame = {"resumed": False}
        if session.get("kind") != SessionKind.CHAT:  # a chat has no process that would have to start
            request = ClaudeCodeConnect(session_id=session_id, project_path=path, user_id=session["user_id"])
            attached = await client.ask(request, timeout=None)
        self._session_id = session_id
        link = SessionLink(client, session_id, post=self.post, screen=self._screen)
        prompts = await self._feed.attach(link)
        if again:
            self._screen.remark("Connected again.")
        else:
            verb = "Resumed" if attached["resumed"] else "Attached to"
            keys = " Ctrl-C interrupts the turn, Ctrl-D leaves, /help lists more." if self._interactive else ""
            place = f" in {path}" if path else ""
            self._screen.remark(f"{verb} {session_id}{place}.{keys}")
            self._screen.attached(prompts)
        return link

    async def _converse(self, link: SessionLink) -> ExitCode:
        """Handle the events of one connection, until the person leaves or the script is done.

        Raises:
            Unreachable: the connection ended.
        """
        link.listen()
        for prompt in self._prompts.unanswered:
            # The daemon knows an accepted prompt by its external_id and does not run it again.
            link.send(prompt)
        try:
            with catching_ctrl_c(self._post_ctrl_c):
                while self._leave is None:
                    self._send_prompts(link)
                    if self._input_ended and not self._prompts.unanswered:
                        return self._result
                    if not self._busy():
                        self._screen.mark()
                    await self._handle(await self._events.get(), link)
            return self._leave
        finally:
            await link.close()
            self._drop_connection_events()

    async def _wait(self, seconds: float) -> None:
        """Handle the person's events while there is no connection, for so many seconds or until the person leaves."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        with catching_ctrl_c(self._post_ctrl_c):
            while self._leave is None and loop.time() < deadline:
                try:
                    async with asyncio.timeout_at(deadline):
                        event = await self._events.get()
                except TimeoutError:
                    return
                await self._handle(event, None)

    async def _handle(self, event: TerminalEvent, link: SessionLink | None) -> None:
        match event:
            case Typed(text):
                self._typed(text, link)
            case Truncated():
                self._screen.entered("")
                self._screen.remark(
                    f"Not sent: a terminal cuts a line after {TERMINAL_LINE} bytes. End lines with a backslash,"
                    f" or use `xswarm claude send {self._session_id} - < FILE`."
                )
            case InputEnded():
                self._input_ended = True
                if self._interactive:
                    self._go(ExitCode.DONE)
            case Interrupted():
                self._ctrl_c(link)
            case Pushed(frame) if link is not None:
                await self._feed.show(link, self._session_id, frame)
            case Answered(external_id, outcome) if link is not None:
                prompt = self._prompts.answered(external_id)
                if isinstance(outcome, XswarmError):
                    self._result = ExitCode.FAILED
                await self._feed.finish(link, prompt, outcome)
            case Lost(why):
                raise Unreachable(why)
            case Pushed() | Answered():
                raise AssertionError("the events of a connection are dropped with it")

    def _typed(self, text: str, link: SessionLink | None) -> None:
        """Take a text: a word of the terminal, or a prompt."""
        self._screen.entered(text)
        if not self._interactive:
            self._prompts.add(text)
            return
        match words.word(text):
            case words.Answer(decision, which):
                self._answer_question(link, decision, which)
            case words.Help():
                self._screen.remark(words.HELP)
            case words.SendAsText():
                self._send_as_text()
            case words.UnknownWord():
                self._as_text = text
                self._screen.remark(NO_WORD)
            case None if self._questions.how_to_answer and words.is_almost_an_answer(text):
                self._screen.remark(f"Nothing was allowed or sent. {self._questions.how_to_answer}")
            case None:
                self._prompts.add(text)

    def _send_as_text(self) -> None:
        if not self._as_text:
            self._screen.remark("Nothing was held back.")
        self._prompts.add(self._as_text)
        self._as_text = ""

    def _answer_question(self, link: SessionLink | None, decision: Decision, number: int | str) -> None:
        if link is None:
            self._screen.remark("There is no connection; nothing was answered.")
        elif (approval_id := self._questions.take(number)) is not None:
            link.resolve(approval_id, decision)

    def _post_ctrl_c(self) -> None:
        self.post(Interrupted())

    def _ctrl_c(self, link: SessionLink | None) -> None:
        self._screen.overtyped()
        if not self._busy() and self._screen.drop_draft():
            return
        again = self._interrupt_key.press(asyncio.get_running_loop().time())
        if again or link is None:
            self._go(ExitCode.STOPPED)
        elif self._busy():
            self._screen.remark("Interrupting ... (Ctrl-C again leaves)")
            link.interrupt()
        else:
            self._screen.remark("Nothing is running; Ctrl-C again or Ctrl-D leaves.")

    def _go(self, result: ExitCode) -> None:
        """Leave; the daemon goes on with the prompts that it has accepted."""
        self._leave = result
        self._transcript.lost()
        self._screen.overtyped()
        if self._prompts.unanswered:
            self._screen.remark("The turn goes on without this terminal.")
        if self._prompts.unsent:
            self._screen.remark(f"Not sent: {self._prompts.unsent} prompt(s).")

    def _busy(self) -> bool:
        return bool(self._prompts.unanswered) or self._transcript.streaming

    def _send_prompts(self, link: SessionLink) -> None:
        while (prompt := self._prompts.next()) is not None:
            self._transcript.asked(prompt.text)
            link.send(prompt)

    def _drop_connection_events(self) -> None:
        """Drop the events of a connection that has ended, and keep those of the person."""
        events = [self._events.get_nowait() for _ in range(self._events.qsize())]
        for event in events:
            if isinstance(event, PersonEvent):
                self.post(event)
