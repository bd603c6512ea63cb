"""How a turn's end reads: what is stored, and what the person is told on their channel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from supervisor.delivery.replies import quote, reply_id
from supervisor.permissions.wording import brief
from supervisor.protocol import conversation as talk
from supervisor.protocol.codes import CodeKind
from supervisor.protocol.errors import XswarmError
from supervisor.protocol.messages import PLAIN_CHANNELS, in_a_sentence, well_formed
from supervisor.protocol.status import SessionStatus, Target, TurnState
from supervisor.protocol.times import usd
from supervisor.sessions.lifecycle import ATTENTION
from supervisor.store.ports.approvals import Approval
from supervisor.store.records.outbox import OutboxDraft
from supervisor.store.records.outcome import IssuedCode, Outcome
from supervisor.store.records.turn import Turn
from supervisor.turns.running import Ended, RunningTurn, state_of

ASKED_MS = 86_400_000
"""How long a person may say what becomes of a turn that was interrupted; silence drops it."""

INTERRUPTED_OFTEN = f"{ATTENTION}: its turns were interrupted again and again"
"""Why a session that keeps being interrupted starts no more by itself."""

CENT = 10_000_000
"""Nanodollars."""

OWN_WORDS = ("Failed to connect", "Budget exceeded")
"""How reasons begin that are told as they are."""

INCLUDED = "(It is answered together with the message before it.)"
"""The answer that is kept for a message that was part of another one's turn."""

SHUT_DOWN = "the daemon was shut down while it ran"


def concluded(running: RunningTurn, ended: Ended, denied: Sequence[str], now_ms: int) -> Outcome:
    """Return what is to be written of a turn that ended by itself."""
    if isinstance(ended, talk.Finished):
        answer = ended.text
        if denied:
            answer = "\n\n".join(part for part in (answer, _denials(denied)) if part)
        why, stop_reason = "", ended.stop_reason
    elif running.refused is not None:
        answer, why, stop_reason = ended.partial, str(running.refused), "budget"
        return _outcome(running.turn, TurnState.FAILED, answer, why, stop_reason, running, now_ms)
    else:
        why = "; ".join(filter(None, (ended.why, ended.remedy)))
        answer, stop_reason = ended.partial, "interrupted" if ended.interrupted else "error"
    return _outcome(running.turn, state_of(ended), answer, why, stop_reason, running, now_ms)


def interrupted(
    turn: Turn,
    why: str,
    tools: Sequence[str],
    running: RunningTurn | None,
    now_ms: int,
    *,
    attention: bool = False,
    asked: Approval | None = None,
) -> Outcome:
    """Return what is to be written of a turn that a crash or a shutdown cut off; only its person runs it again.

    Args:
        attention: it happened to its session too often: that starts no more until it is connected again.
        asked: a question of it that may still be answered.
    """
    started = f" These tools had started: {', '.join(tools)}." if tools else ""
    can_say = turn.reply is not None and turn.session_id is not None and not attention
    advice = "" if can_say else ": check what it did, and write again to go on"
    if attention:
        advice = ", and its session starts no more by itself: look what goes wrong, then connect it again"
    sentence = f"{why}.{started} It was not run again{advice}"
    answer = "".join(running.text) if running is not None else ""
    outcome = _outcome(turn, TurnState.INTERRUPTED, answer, sentence, "interrupted", running, now_ms)
    if attention:
        return replace(outcome, session_status=SessionStatus.ERROR, session_reason=INTERRUPTED_OFTEN)
    if not can_say:
        return outcome

    def notices(code: str) -> Sequence[OutboxDraft]:
        # The codes first, for what is too long is cut: there may be many tools.
        words = f"Reply CONTINUE {code}, RETRY {code} or DROP {code}."
        if asked is not None:
            words += f" YES {asked.code} allows once, and goes on with, what was not run: {brief(asked.summary)}."
        text = f"{_was_interrupted(turn, why)}. It was not run again. {words}{started}"
        return [replace(draft, text=text) for draft in outcome.replies]

    asking = IssuedCode(kind=CodeKind.TURN, ref=turn.message_id, until_ms=now_ms + ASKED_MS, notices=notices)
    return replace(outcome, replies=(), asking=asking)


def included(turn: Turn, ended: Ended, now_ms: int) -> Outcome:
    """Return what is to be written of a turn that ended as part of another: its person has the answer to that one."""
    if isinstance(ended, talk.Finished):
        outcome = _outcome(turn, TurnState.COMPLETED, INCLUDED, "", "end_turn", None, now_ms)
    else:
        why = f"the turn that it was part of was not completed: {ended.why}"
        outcome = _outcome(turn, state_of(ended), "", why, "error", None, now_ms)
    return replace(outcome, replies=())


def recovered(turn: Turn, answer: str, now_ms: int) -> Outcome:
    """Return what is to be written of a turn that was answered when its daemon was gone."""
    return _outcome(turn, TurnState.COMPLETED, answer, "", "end_turn", None, now_ms)


def not_started(turn: Turn, error: XswarmError, now_ms: int) -> Outcome:
    """Return what is to be written of a turn whose prompt was never written."""
    return _outcome(turn, TurnState.FAILED, "", str(error), "error", None, now_ms)


def told(turn: Turn, state: TurnState, answer: str, why: str) -> str | None:
    """Return what the person is told; None = the answer itself."""
    who = "Claude Code" if turn.target is Target.CLAUDE_CODE else "The assistant"
    match state:
        case TurnState.COMPLETED:
            return None if answer else f"{who} finished without a text."
        case TurnState.CANCELLED:
            return "Stopped." + (f" Written until then:\n\n{answer}" if answer else "")
        case TurnState.INTERRUPTED:
            return f"{_was_interrupted(turn, why)}."
        case _:
            sentence = why if why.startswith(OWN_WORDS) else f"{who} failed: {why}"
            return f"{sentence}." + (f" Written until then:\n\n{answer}" if answer else "")


def _outcome(
    turn: Turn,
    state: TurnState,
    answer: str,
    why: str,
    stop_reason: str,
    running: RunningTurn | None,
    now_ms: int,
) -> Outcome:
    answer, why, stop_reason = well_formed(answer), well_formed(why), well_formed(stop_reason)
    replies = []
    if turn.reply is not None:
        reply = in_a_sentence(turn.reply) if state is TurnState.INTERRUPTED else turn.reply
        replies = [OutboxDraft(id=reply_id(turn.message_id), reply=reply, text=told(turn, state, answer, why))]
    return Outcome(
        state=state,
        answer=answer,
        why=why,
        stop_reason=stop_reason,
        duration_ms=running.duration_ms if running is not None else 0,
        provider_nanos=running.provider_nanos if running is not None else None,
        charges=running.charges if running is not None else (),
        hosts=running is not None and bool(running.joined),
        replies=replies,
        footer=footer if turn.target is Target.CLAUDE_CODE and _by_hand(turn) else None,
        now_ms=now_ms,
    )


def footer(outcome: Outcome, nanos: int) -> str:
    """Return what a turn took, in one line for a phone: what is not known is left out."""
    parts = []
    if outcome.files_changed is not None:
        parts.append(f"{outcome.files_changed} file{'' if outcome.files_changed == 1 else 's'} changed")
    if outcome.duration_ms:
        minutes, seconds = divmod(max(1, round(outcome.duration_ms / 1000)), 60)
        parts.append(f"{minutes} min {seconds} s" if minutes else f"{seconds} s")
    if nanos:
        parts.append(f"${usd(nanos):.2f}" if nanos >= CENT else "less than 1 cent")
    return f"({', '.join(parts)})" if parts else ""


def _by_hand(turn: Turn) -> bool:
    """Return whether the answer is read by a person on a channel that has no fields for what it took."""
    return turn.reply is not None and turn.reply.channel in PLAIN_CHANNELS


def _was_interrupted(turn: Turn, why: str) -> str:
    return f"Your message {quote(turn.text)} was interrupted: {why}"


def _denials(denied: Sequence[str]) -> str:
    return "Not done:\n" + "\n".join(f"- {reason}." for reason in dict.fromkeys(denied))
