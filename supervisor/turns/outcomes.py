"""The outcomes of turns: what T3 stores, and what the person is told on their channel. Pure functions."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from supervisor.delivery.replies import quote, reply_id
from supervisor.permissions.wording import brief
from supervisor.protocol import conversation as talk
from supervisor.protocol.codes import CodeKind
from supervisor.protocol.errors import SessionNotActive, TurnFailed, XswarmError
from supervisor.protocol.ids import uuid7
from supervisor.protocol.messages import PLAIN_CHANNELS, OutboxId, in_a_sentence, well_formed
from supervisor.protocol.status import SessionStatus, Target, TurnState
from supervisor.protocol.text.amounts import money
from supervisor.protocol.text.template import as_sentences, listed
from supervisor.protocol.times import DAY_MS
from supervisor.sentences import turns as say
from supervisor.sessions.lifecycle import ATTENTION
from supervisor.store.ports.approvals import Approval
from supervisor.store.records.changes import Recorded
from supervisor.store.records.outbox import OutboxDraft
from supervisor.store.records.outcome import IssuedCode, OtherNotice, Outcome
from supervisor.store.records.turn import Turn
from supervisor.turns.running.turn import Ended, RunningTurn, state_of

ASKED_MS = DAY_MS
"""Time to answer CONTINUE, RETRY or DROP after an interrupted turn, in milliseconds; afterwards it is dropped."""

INTERRUPTED_OFTEN = f"{ATTENTION}: its turns were interrupted repeatedly"
"""Reason of a session that is closed because its turns keep being interrupted."""

OWN_WORDS = ("Failed to connect", "Budget exceeded")
"""Beginnings of reasons that need no "Claude Code failed:" in front."""

_MARKUP = re.compile(r"[*_~`\\\[\]<>&]")
"""Characters that may be markup in Markdown."""

MOST_ASKED = 3
"""The most open questions of an interrupted turn that its report names; STATUS has all."""

INCLUDED = "(It is answered together with the message before it.)"
"""The stored answer of a message that was part of another message's turn."""

SHUT_DOWN = "the daemon was shut down while it ran"


def concluded(running: RunningTurn, ended: Ended, denied: Sequence[str], now_ms: int) -> Outcome:
    """Return the outcome of a turn that ended while the daemon was running.

    Args:
        denied: the refused tool calls, as sentences.
    """
    if isinstance(ended, talk.Finished):
        dropped = say.DROPPED_BEHIND(count=running.dropped) if running.dropped else ""
        answer = "\n\n".join(filter(None, (ended.text, _denials(denied) if denied else "", dropped)))
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
    asked: Sequence[Approval] = (),
    behind: Sequence[Turn] = (),
) -> Outcome:
    """Return the outcome of a turn that a crash or a shutdown interrupted; only its person starts it again (P5).

    Args:
        tools: the tool calls that had started, in a few words each.
        running: the turn in this process; None = it ran in an earlier daemon.
        attention: the session was interrupted too often, and stays closed until somebody connects it.
        asked: the questions of the turn that can still be answered, oldest first.
        behind: the turns that are queued behind it: they run before its sender has decided.
    """
    started = f" {say.TOOLS_STARTED(calls=', '.join(tools))}" if tools else ""
    can_say = turn.reply is not None and turn.session_id is not None and not attention
    in_chat = turn.target is Target.ASSISTANT and turn.session_id is not None and turn.reply is None
    advice = "" if can_say else ": check what it did, and write again to go on"
    if attention:
        advice = f", and its session does not start again by itself: {what_to_do(turn)}"
    sentence = f"{why}.{started} It was not run again{advice}"
    answer = "".join(running.text) if running is not None else ""
    outcome = _outcome(turn, TurnState.INTERRUPTED, answer, sentence, "interrupted", running, now_ms)
    if attention:
        return replace(outcome, session_status=SessionStatus.ERROR, session_reason=INTERRUPTED_OFTEN)
    if in_chat:
        return replace(outcome, asking=_asked_in_chat(turn, f"{why}.{started}", now_ms))
    if not can_say:
        return outcome

    def notices(code: str) -> Sequence[OutboxDraft]:
        # The codes come first: a long text is cut, and the list of tools may be long.
        words = [as_sentences(_was_interrupted(turn, why)), say.NOT_RUN_AGAIN(), say.DECIDE(code=code)]
        if asked:  # a yes to one of them withdraws the others: the work asks again what it still needs
            words += [say.YES_GOES_ON(code=one.code, call=brief(one.summary)) for one in asked[:MOST_ASKED]]
            words += [say.ONE_YES_GOES_ON()] if len(asked) > 1 else []
        text = f"{' '.join([*words, *_runs_first(turn, behind)])}{started}"
        return [replace(draft, text=text) for draft in outcome.replies]

    asking = IssuedCode(kind=CodeKind.TURN, ref=turn.message_id, until_ms=now_ms + ASKED_MS, notices=notices)
    return replace(outcome, replies=(), asking=asking, others=_told_behind(turn, behind))


def _asked_in_chat(turn: Turn, sentence: str, now_ms: int) -> IssuedCode:
    """Return the question about an interrupted turn of a chat, which is read there."""

    def shown(code: str) -> str:
        return f"{sentence} {say.NOT_RUN_AGAIN()} {say.DECIDE(code=code)}"

    return IssuedCode(
        kind=CodeKind.TURN, ref=turn.message_id, until_ms=now_ms + ASKED_MS, notices=lambda _: (), shown=shown
    )


def included(turn: Turn, ended: Ended, now_ms: int) -> Outcome:
    """Return the outcome of a turn that ended as part of another one, whose answer covers both."""
    if isinstance(ended, talk.Finished):
        outcome = _outcome(turn, TurnState.COMPLETED, INCLUDED, "", "end_turn", None, now_ms)
    else:
        why = f"the turn that it was part of was not completed: {ended.why}"
        outcome = _outcome(turn, state_of(ended), "", why, "error", None, now_ms)
    return replace(outcome, replies=())


def recovered(turn: Turn, answer: str, now_ms: int) -> Outcome:
    """Return the outcome of a turn that was answered after its daemon had died."""
    return _outcome(turn, TurnState.COMPLETED, answer, "", "end_turn", None, now_ms)


def noted(outcome: Outcome, recorded: Recorded) -> Outcome:
    """Return an outcome whose texts tell what the person must know of the recording for undo; else as it is."""
    sentences = [*recorded.notes]
    if recorded.why:
        sentences.append(say.CANNOT_BE_UNDONE(why=recorded.why))
    if not sentences:
        return outcome
    note = f"({' '.join(sentences)})"
    replies = [
        draft if draft.text is None else replace(draft, text=f"{draft.text}\n\n{note}") for draft in outcome.replies
    ]
    answer = outcome.answer
    if answer or outcome.state is TurnState.COMPLETED:  # else its row in the history shows why there is none
        answer = f"{answer}\n\n{note}".lstrip()
    return replace(outcome, answer=answer, replies=replies)


def stopped_before(turn: Turn, tools: Sequence[str], now_ms: int) -> Outcome:
    """Return the outcome of a turn that somebody stopped before the daemon died; what was written of it is lost.

    Args:
        tools: the tool calls that may have had an effect, in a few words each.
    """
    answer = f"({say.TOOLS_STARTED(calls=', '.join(tools))})" if tools else ""
    return _outcome(turn, TurnState.CANCELLED, answer, "interrupted", "interrupted", None, now_ms)


def not_started(turn: Turn, error: XswarmError, now_ms: int) -> Outcome:
    """Return the outcome of a turn whose prompt was never written."""
    outcome = _outcome(turn, TurnState.FAILED, "", str(error), "error", None, now_ms)
    if not (isinstance(error, SessionNotActive) and _by_hand(turn)):
        return outcome
    text = say.NOT_ACTIVE(quoted=quote(turn.text))
    return replace(
        outcome, replies=[replace(one, reply=in_a_sentence(one.reply), text=text) for one in outcome.replies]
    )


def failure(turn: Turn, why: str, *, timed_out: bool = False, remedy: str = "") -> TurnFailed:
    """Return what the callers that wait for a turn get when it ends without an answer."""
    return TurnFailed(why, who=_who(turn), timed_out=timed_out, remedy=remedy)


def what_to_do(turn: Turn) -> str:
    """Return what the sender of a turn can do whose session does not start again by itself, as a part of a sentence.

    A person writes to a project, and gets a new session there. A program writes to the session.
    """
    return say.BEGIN_ANEW(session=str(turn.session_id)) if _by_hand(turn) else say.FIND_OUT()


def told(turn: Turn, state: TurnState, answer: str, why: str, *, stopped_by: str = "", dropped: int = 0) -> str | None:
    """Return the text for the person; None = the answer itself.

    Args:
        stopped_by: who interrupted the turn; empty = the person did.
        dropped: queued messages of the same person that ABORT dropped when it stopped the turn.
    """
    who = _who(turn)
    partial = f" {say.WRITTEN()}\n\n{answer}" if answer else ""
    match state:
        case TurnState.COMPLETED:
            return None if answer else say.WITHOUT_TEXT(who=who)
        case TurnState.CANCELLED:
            return _stopped(stopped_by, dropped) + partial
        case TurnState.INTERRUPTED:
            return as_sentences(_was_interrupted(turn, why))
        case _:
            sentence = why if why.startswith(OWN_WORDS) else say.FAILED(who=who, why=why)
            behind = say.DROPPED_BEHIND(count=dropped) if dropped else ""
            return as_sentences(sentence, behind) + partial


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
        text = told(
            turn,
            state,
            answer,
            why,
            stopped_by=running.stopped_by if running is not None else "",
            dropped=running.dropped if running is not None else 0,
        )
        replies = [OutboxDraft(id=reply_id(turn.message_id), reply=reply, text=text)]
    return Outcome(
        state=state,
        answer=answer,
        why=why,
        stop_reason=stop_reason,
        duration_ms=running.clock.duration_ms if running is not None else 0,
        provider_nanos=running.provider_nanos if running is not None else None,
        charges=running.charges if running is not None else (),
        hosts=running is not None and bool(running.joined),
        replies=replies,
        footer=footer if turn.target is Target.CLAUDE_CODE and _by_hand(turn) else None,
        now_ms=now_ms,
    )


def footer(outcome: Outcome, nanos: int) -> str:
    """Return the last line of an answer: the changed files, duration and cost of a turn.

    Unknown figures are left out, and so is a duration under half a second.
    """
    parts = []
    if outcome.files_changed:  # 0 is left out: a shell command may have changed files outside the project
        parts.append(say.FILES_CHANGED(files=outcome.files_changed))
    if in_all := round(outcome.duration_ms / 1000):
        minutes, seconds = divmod(in_all, 60)
        parts.append(say.MINUTES(minutes=minutes, seconds=seconds) if minutes else say.SECONDS(seconds=seconds))
    if nanos:
        parts.append(money(nanos))
    return f"({', '.join(parts)})" if parts else ""


def _who(turn: Turn) -> str:
    return say.CLAUDE_CODE() if turn.target is Target.CLAUDE_CODE else say.THE_ASSISTANT()


def _by_hand(turn: Turn) -> bool:
    """Return whether a person reads the answer on a channel without fields for duration and cost."""
    return turn.reply is not None and turn.reply.channel in PLAIN_CHANNELS


def _runs_first(turn: Turn, behind: Sequence[Turn]) -> Sequence[str]:
    """Return the sentences about the messages that run before the sender of an interrupted turn has decided."""
    own = [one for one in behind if one.user_id == turn.user_id]
    others = [one for one in behind if one.user_id != turn.user_id]
    who = listed(list(dict.fromkeys(one.user_id for one in others)))
    told = []
    if len(own) == 1:
        told.append(say.YOURS_RUNS_FIRST(quoted=quote(own[0].text)))
    elif own:
        told.append(say.YOURS_RUN_FIRST(count=len(own)))
    if len(others) == 1:
        told.append(say.ANOTHERS_RUNS_FIRST(quoted=quote(others[0].text), who=who))
    elif others:
        told.append(say.OTHERS_RUN_FIRST(count=len(others), who=who))
    return told


def _told_behind(turn: Turn, behind: Sequence[Turn]) -> Sequence[OtherNotice]:
    """Return the notices to other users whose messages run before the sender of an interrupted turn has decided."""
    found = []
    for one in behind:
        if one.user_id != turn.user_id and one.reply is not None and one.reply.channel in PLAIN_CHANNELS:
            text = say.RUNS_BEFORE(who=turn.user_id, quoted=quote(one.text))
            draft = OutboxDraft(id=OutboxId(uuid7()), reply=in_a_sentence(one.reply), text=text)
            found.append(OtherNotice(turn_id=one.id, user_id=one.user_id, draft=draft))
    return found


def _was_interrupted(turn: Turn, why: str) -> str:
    return say.WAS_INTERRUPTED(quoted=quote(turn.text), why=why)


def stopped(running: RunningTurn) -> str:
    """Return why the callers that wait for an interrupted turn get no answer, as a part of a sentence."""
    return f"interrupted by {running.stopped_by}" if running.stopped_by else "interrupted"


def _stopped(by: str, dropped: int) -> str:
    if by:
        return say.STOPPED_BY(who=by)
    return say.STOPPED_AND_DROPPED(count=dropped) if dropped else say.STOPPED()


def _denials(denied: Sequence[str]) -> str:
    return "\n".join([say.NOT_DONE(), *(f"- {_as_written(as_sentences(reason))}" for reason in dict.fromkeys(denied))])


def _as_written(sentence: str) -> str:
    """Return a sentence so that an answer, which is Markdown, shows it as it is: a call may contain any characters."""
    if not _MARKUP.search(sentence):
        return sentence
    return f"`{sentence.replace('`', chr(39))}`"
