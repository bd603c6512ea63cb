"""After a crash: what an earlier daemon left running is requeued or reported; nothing runs twice."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from supervisor import outcomes
from supervisor.endings import Endings
from supervisor.protocol.status import EndReason, Target
from supervisor.protocol.times import Clock, now_ms
from supervisor.store.port import Store
from supervisor.store.records import Turn
from supervisor.turns import Turns

logger = logging.getLogger(__name__)

MAX_ATTEMPTS = 3
"""Times that an assistant's turn may be started; one that keeps taking the daemon down is reported instead."""

RESTARTED = "the daemon was restarted while it ran"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovered:
    """What was found at the start."""

    sessions: int
    requeued: int
    interrupted: int


async def recover(store: Store, turns: Turns, endings: Endings, clock: Clock = now_ms) -> Recovered:
    """Settle what an earlier epoch left; the connectors have ended its processes before.

    An assistant's turn has no tools, so it runs again. A Claude Code turn may have run one: it is marked
    interrupted, its person is told which tools had started, and only they start it again (promise P5).
    """
    sessions = await store.sessions.end_all(EndReason.CRASH, now_ms=clock())
    requeued = interrupted = 0
    for turn in await store.turns.unfinished():
        if not await store.turns.adopt(turn.id):
            continue
        if turn.target is Target.ASSISTANT and turn.attempts < MAX_ATTEMPTS:
            requeued += await store.turns.requeue(turn.id, now_ms=clock())
        else:
            await _report(endings, turn, clock)
            interrupted += 1
    if sessions or requeued or interrupted:
        logger.warning(
            "after a crash: %d sessions lost their process, %d turns run again, %d were interrupted",
            sessions,
            requeued,
            interrupted,
        )
    await turns.sweep()
    return Recovered(sessions=sessions, requeued=requeued, interrupted=interrupted)


async def _report(endings: Endings, turn: Turn, clock: Clock) -> None:
    tools = [summary for kind, summary in await endings.tools_of(turn) if kind == "tool_started"]
    outcome = outcomes.interrupted(turn, RESTARTED, tools, None, clock())
    await endings.finish(turn, outcome, None)
