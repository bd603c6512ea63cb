"""What people and the model are told about a question."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from supervisor.approvals.call import AskedCall
from supervisor.approvals.parts import Part
from supervisor.permissions.wording import brief, summary
from supervisor.protocol.conversation import ToolCall, Verdict
from supervisor.protocol.messages import well_formed
from supervisor.sentences import approvals as say
from supervisor.store.ports.approvals import Approval, ApprovalState
from supervisor.tools.names import CLAUDE_CODE

LINK_CHANGED = say.LINK_CHANGED()
"""Why a yes does not let a call run whose path leads elsewhere by then."""

NO_ANSWER = say.NO_ANSWER()
TURN_ENDED = say.TURN_ENDED()
DENIED = say.SAID_NO()
STOPPING = say.STOPPING()


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal(Verdict):
    """A no to a call.

    Attributes:
        words: returns the reason with the call named as given: the model knows people by references only. `reason` may
            name them, and may be cut in the middle of a name, so nobody could find all names in it.
    """

    words: Callable[[str], str]


def question(asked: AskedCall, part: Part, code: str, seconds: float, *, asker: str, second_factor: bool) -> str:
    """Return the text of a question: the code first, since channels cut long texts, then the call itself.

    Args:
        part: what the text shows of the call.
        seconds: how long the question is open.
        asker: the user whose turn makes the call; empty where that user is asked.
        second_factor: a yes by the channel of this text needs a passphrase.
    """
    values: dict[str, str | int] = {
        "project": named(asked.session.project),
        "code": code,
        "minutes": max(1, round(seconds / 60)),
    }
    told = [say.MAY_IT_RUN_FOR(**values, who=asker) if asker else say.MAY_IT_RUN(**values)]
    if second_factor:
        told.append(say.PASSPHRASE_NEEDED())
    if not part.is_last:  # above the call, which could pretend to end earlier
        told.append(say.END_NOT_SHOWN(count=part.total, code=code))
    place = [say.IN_FOLDER(place=asked.place)] if asked.place else []
    return well_formed("\n".join([" ".join(told), *place, part.text]))


def named(project: str) -> str:
    """Return the name under which people know where a call is made: the project, or the assistant."""
    return project or say.THE_ASSISTANT()


def more(approval: Approval, part: Part) -> str:
    """Return the text that shows the next part of a call to a person who may answer its question."""
    words = say.LAST_PART_OF if part.is_last else say.PART_OF
    place = {"first": str(part.start + 1), "last": str(part.end), "length": str(part.total)}
    head = words(project=named(approval.project), code=approval.code, **place)
    return well_formed(f"{head}\n{part.text}")


def read(approval: Approval) -> str:
    """Return what is said where MORE has shown a whole call."""
    return say.SHOWN_TO_ITS_END(code=approval.code)


def waiting(asked: AskedCall) -> str:
    """Return what somebody is told who may not answer: that their turn waits for somebody else."""
    return say.WAITS_FOR_OTHERS(project=named(asked.session.project), call=summary(asked.call))


def not_run(approval: Approval, why: str) -> Refusal:
    """Return the refusal of a call that was asked about."""
    return _refusal(brief(approval.summary), lambda call: say.NOT_RUN(call=call, why=why))


def asked_before(call: ToolCall) -> Refusal:
    """Return the refusal of a call that the model makes under the id of an earlier one."""
    why = "was asked about before and may already have run; check before you repeat it"
    return _refusal(summary(call), lambda named: f"{named} {why}")


def too_long(call: ToolCall, most: int) -> Refusal:
    """Return the refusal of a call that is too long for a question."""
    why = f"was not run: it needs approval, and nobody can read a call of more than {most} characters"
    return _refusal(summary(call), lambda named: f"{named} {why}")


def told_to_model(verdict: Verdict, call: str, hidden: Callable[[str], str]) -> Verdict:
    """Return a no as the model may read it.

    Args:
        call: the call in one line, as the model wrote it; empty = as its question shows it, which names nobody.
        hidden: returns a text with references in the place of names.
    """
    reason = verdict.words(call) if call and isinstance(verdict, Refusal) else verdict.reason
    return Verdict(allowed=False, reason=hidden(reason))


def for_model(approval: Approval) -> str:
    """Return a call as its model is told of it later: in at most 80 characters, and without names of people.

    People read names in the calls of tool servers, and so in all that the assistant is asked about; it has no project.
    """
    names_people = not approval.project or approval.tool.startswith(CLAUDE_CODE)
    return approval.tool if names_people else brief(approval.summary)


def _refusal(call: str, words: Callable[[str], str]) -> Refusal:
    return Refusal(allowed=False, reason=words(call), words=words)


def denied(by: str, note: str) -> str:
    """Return why a call was denied with a note."""
    return say.DENIED_BY(who=by, why=" ".join(note.split()).removesuffix("."))


def no_longer_waits(approval: Approval, why: str) -> str:
    """Return why a question that was kept over a restart cannot be allowed."""
    return say.COUNTS_NO_MORE(code=approval.code, why=why).removesuffix(".")


def closed(approval: Approval, *, now_ms: int) -> str:
    """Return why a question cannot be answered any more."""
    match approval.state:
        case ApprovalState.OPEN if approval.expires_ms > now_ms:
            told = say.ASKED_BEFORE_RESTART
        case ApprovalState.ALLOWED:
            told = say.ALLOWED_AND_USED if approval.consumed else say.ALLOWED_BEFORE
        case ApprovalState.DENIED:
            told = say.DENIED_BEFORE
        case ApprovalState.WITHDRAWN:
            told = say.TURN_OVER
        case _:
            told = say.EXPIRED
    return told(code=approval.code).removesuffix(".")  # an error ends without one
