"""Binds running turns to the processes of their sessions."""

from __future__ import annotations

import logging
from functools import partial

from supervisor.approvals.asking import Approvals
from supervisor.protocol.errors import StorageError
from supervisor.sessions.binding import TurnBinding
from supervisor.sessions.lifecycle import TurnBegan, TurnEnded
from supervisor.sessions.live import LiveSession
from supervisor.sessions.transitions import SessionTransitions
from supervisor.turns.running.turn import RunningTurn
from supervisor.undo.recorder import Recorder

logger = logging.getLogger(__name__)


class TurnBinder:
    """Gives a turn the events of its session's process, and gives the process the turn's approvals and witness.

    Args:
        approvals: asks people about the turn's tool calls.
        recorder: records the project's folder and the turn's tool calls.
    """

    def __init__(self, *, transitions: SessionTransitions, approvals: Approvals, recorder: Recorder) -> None:
        self._transitions = transitions
        self._approvals = approvals
        self._recorder = recorder

    async def bind(self, session: LiveSession, running: RunningTurn) -> TurnBinding:
        """Bind a turn that begins, and mark its session active."""
        binding = TurnBinding(
            sink=running.on_event,
            ask_person=partial(self._approvals.decide, session=session.record, running=running),
            witness=partial(self._recorder.witness, running.turn.id, session.project.path),
            note=partial(self._recorder.note, running.turn.id),
            outdate=partial(self._approvals.outdate, session.id),
            user_id=running.turn.user_id,
            guarded=self._approvals.guarded(running.turn.channel, running.turn.way),
        )
        session.bind(binding)
        await self._mark_active(session)
        return binding

    async def resume(self, session: LiveSession) -> TurnBinding:
        """Return the binding of a suspended turn that resumes in another process, and mark its session active."""
        assert session.turn is not None, "only a turn that ended is unbound"
        session.turn.outdated = False  # an approval was kept for the call that the turn was suspended for
        await self._mark_active(session)
        return session.turn

    def unbind(self, session: LiveSession, *, well: bool) -> None:
        """Unbind a turn that ended without another one in its place, and withdraw its open questions.

        Args:
            well: the turn succeeded, which resets the session's count of failures.
        """
        session.unbind()
        self._approvals.turn_ended(session.id)
        session.lifecycle.on(TurnEnded(well))

    async def _mark_active(self, session: LiveSession) -> None:
        try:
            await self._transitions.on(session, TurnBegan())
        except StorageError as error:
            logger.error("%s: its status could not be recorded: %s", session.id, error)
