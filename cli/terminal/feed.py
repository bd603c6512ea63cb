"""What a terminal shows of the frames that the daemon sends about its session."""

from __future__ import annotations

from collections.abc import Sequence

from cli.daemon.client import Frame
from cli.failures import sentence
from cli.terminal.link import SessionLink
from cli.terminal.prompts import Prompts, TypedPrompt
from cli.terminal.questions import Questions
from cli.terminal.screen import Screen
from cli.terminal.transcript import Transcript
from supervisor.protocol.errors import TurnFailed, XswarmError
from supervisor.protocol.queue import Mode, told
from supervisor.protocol.status import Direction

INTERRUPTED = str(TurnFailed("interrupted"))
"""The error of a prompt whose turn a person stopped; their name may follow."""


class SessionFeed:
    """Turns pushed frames and the outcomes of prompts into lines on the screen."""

    def __init__(self, screen: Screen, transcript: Transcript, questions: Questions, prompts: Prompts) -> None:
        self._screen = screen
        self._transcript = transcript
        self._questions = questions
        self._prompts = prompts
        self._last_update: tuple[object, ...] = ()

    async def show(self, link: SessionLink, session_id: str, frame: Frame) -> None:
        """Show a pushed frame."""
        # `approval_resolved` names no session; frames of other sessions come with the topic "approvals".
        if frame.get("session_id") != session_id and frame["type"] != "approval_resolved":
            return
        match frame["type"]:
            case "claude_code_delta" | "claude_code_tool":
                await self._progress(link, frame)
            case "session_updated":
                await self._updated(link, frame)
            case "approval_requested":
                self._questions.requested(frame)
            case "approval_resolved":
                self._questions.resolved(frame)
            case "claude_code_queued" if self._prompts.is_unanswered(frame["external_id"]):
                self._queued(frame)
            case "claude_code_ended" if not self._transcript.is_over(frame["message_id"]):
                await self._ended(link, frame)
            case "claude_code_stuck":
                silent = max(1, frame["silent_seconds"] // 60)
                self._screen.remark(f"No sign of life for {silent} min. Ctrl-C interrupts the turn.")
            case "claude_code_disconnected":
                self._transcript.cut()
                self._screen.remark(f"The session has ended: {frame['reason']}.")
            case _:
                pass

    async def finish(self, link: SessionLink, prompt: TypedPrompt, outcome: Frame | XswarmError) -> None:
        """Show how a prompt of this terminal ended."""
        self._transcript.concluded(prompt.text)
        if isinstance(outcome, XswarmError):
            self._transcript.cut()
            if not str(outcome).startswith(INTERRUPTED):
                self._screen.remark(sentence(outcome))
            elif not link.interrupted:
                by = str(outcome).removeprefix(INTERRUPTED)
                self._screen.remark(f"Interrupted{by}.")
            link.interrupted = False
        else:
            self._transcript.response(outcome)
        await self.catch_up(link)

    async def catch_up(self, link: SessionLink, *, up_to: str | None = None) -> None:
        """Show the messages of the history that are not on the screen yet.

        Args:
            up_to: the prompt after which to stop; None for all.
        """
        messages = await link.history()
        if up_to is None or any(message["id"] == up_to for message in messages):
            self._transcript.rows(messages, up_to)

    async def attach(self, link: SessionLink) -> Sequence[str]:
        """Show the history on a new connection; return the prompts in it, oldest first."""
        messages = await link.history()
        self._transcript.rows(messages)
        self._transcript.joined_late(messages)
        return [message["message"] for message in messages if message["direction"] == Direction.TO_CLAUDE]

    def _queued(self, frame: Frame) -> None:
        where = told(Mode(frame["mode"]), frame["ahead"], frame.get("waits_for", ""))
        self._screen.remark(f"{where} {self._questions.how_to_answer}".rstrip())

    async def _ended(self, link: SessionLink, frame: Frame) -> None:
        """Show the end of a turn; that of a prompt of this terminal comes as the prompt's outcome."""
        self._transcript.ends(frame)
        await self.catch_up(link)
        self._transcript.has_ended(frame["message_id"])

    async def _progress(self, link: SessionLink, frame: Frame) -> None:
        turn = frame["message_id"]
        if self._transcript.is_news(turn):
            await self.catch_up(link, up_to=turn)
        if frame["type"] == "claude_code_delta":
            self._transcript.delta(turn, frame["text"])
        else:
            self._transcript.tool(turn, frame)

    async def _updated(self, link: SessionLink, frame: Frame) -> None:
        update = (frame["message_count"], frame["cost_usd"], frame["last_activity"], frame["status"])
        if update != self._last_update and not self._prompts.unanswered:
            # The turn of somebody else has begun or ended.
            await self.catch_up(link)
        self._last_update = update
