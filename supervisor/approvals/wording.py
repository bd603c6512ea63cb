"""What people and the model are told about a question."""

from __future__ import annotations

from supervisor.approvals.call import AskedCall
from supervisor.approvals.parts import Part
from supervisor.permissions.wording import brief, summary
from supervisor.protocol.conversation import ToolCall
from supervisor.protocol.messages import well_formed
from supervisor.store.ports.approvals import Approval, ApprovalState

LINK_CHANGED = "a link in its path was changed after the question"
"""Why a yes does not let a call run whose path leads elsewhere by then."""

NO_ANSWER = "nobody answered in time"
TURN_ENDED = "its turn ended first"
DENIED = "the person said no"
STOPPING = "the daemon stops"


def question(asked: AskedCall, part: Part, code: str, seconds: float, *, asker: str, second_factor: bool) -> str:
    """Return the text of a question: the code first, since channels cut long texts, then the call itself.

    Args:
        part: what the text shows of the call.
        seconds: how long the question is open.
        asker: the user whose turn makes the call; empty where that user is asked.
        second_factor: a yes by the channel of this text needs a passphrase.
    """
    who = f" for {asker}" if asker else ""
    minutes = max(1, round(seconds / 60))
    proof = "; a yes by this way needs your passphrase behind the code" if second_factor else ""
    text = f"[{asked.session.project}] May it run{who}? YES {code} or NO {code}, within {minutes} min{proof}."
    if not part.is_last:  # above the call, which could pretend to end earlier
        text += f" The call has {part.total} characters. Its end is not shown here: MORE {code} shows the next part."
    return well_formed(f"{text}\nIn {asked.place}:\n{part.text}")


def more(approval: Approval, part: Part) -> str:
    """Return the text that shows the next part of a call to a person who may answer its question."""
    code = approval.code
    follows = "this is its end" if part.is_last else f"MORE {code} shows the next part"
    head = f"[{approval.project}] {code}, characters {part.start + 1} to {part.end} of {part.total}, {follows}:"
    return well_formed(f"{head}\n{part.text}")


def read(approval: Approval) -> str:
    """Return what is said where MORE has shown a whole call."""
    code = approval.code
    return f"There is nothing more: {code} was shown to its end. MORE {code} begins again."


def waiting(asked: AskedCall) -> str:
    """Return what somebody is told who may not answer: that their turn waits for somebody else."""
    return f"[{asked.session.project}] {summary(asked.call)} waits for somebody's approval"


def not_run(approval: Approval, why: str) -> str:
    """Return what the model is told of a call that was refused."""
    return f"{brief(approval.summary)} was not run: {why}"


def asked_before(call: ToolCall) -> str:
    """Return what the model is told of a call that it makes under the id of an earlier one."""
    return f"{summary(call)} was asked about before and may already have run; check before you repeat it"


def too_long(call: ToolCall, most: int) -> str:
    """Return what the model is told of a call that is too long for a question."""
    return f"{summary(call)} was not run: it needs approval, and nobody can read a call of more than {most} characters"


def denied(by: str, note: str) -> str:
    """Return why a call was denied with a note."""
    return f"denied by {by}: {' '.join(note.split()).removesuffix('.')}"


def no_longer_waits(approval: Approval, why: str) -> str:
    """Return why a question that was kept over a restart cannot be allowed."""
    return f"{approval.code} counts no more: {why}. Nothing was allowed"


def closed(approval: Approval, *, epoch: int) -> str:
    """Return why a question cannot be answered any more.

    Args:
        epoch: of the running daemon.
    """
    match approval.state:
        case ApprovalState.OPEN if approval.epoch != epoch:
            return f"{approval.code} was asked before a restart; its turn is over. Nothing was allowed"
        case ApprovalState.ALLOWED:
            return f"{approval.code} was allowed before{' and has been used' if approval.consumed else ''}"
        case ApprovalState.DENIED:
            return f"{approval.code} was denied before. Nothing was allowed"
        case ApprovalState.WITHDRAWN:
            return f"{approval.code} counts no more: its turn is over. Nothing was allowed"
        case _:
            return f"{approval.code} has expired. Nothing was allowed"
