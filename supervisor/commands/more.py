"""MORE and MORE CODE: the next part of the last answer, or of the tool call of a question."""

from __future__ import annotations

from supervisor.approvals import parts, wording
from supervisor.approvals.approvers import Approvers
from supervisor.commands.dispatch import Asker, CommandAnswer
from supervisor.commands.reading.words import Command, Word
from supervisor.protocol.messages import VERBATIM
from supervisor.protocol.status import OutboxState
from supervisor.sentences import commands as say
from supervisor.store.ports.approvals import Approval, ApprovalStore
from supervisor.store.ports.outbox import OutboxStore
from supervisor.store.records.outbox import OutboxRow

UNSENT = frozenset({OutboxState.PENDING, OutboxState.SENDING})
"""The states of a part of which it is not known how much of it was shown: it is sent again."""

KEPT = (VERBATIM, "prefix", "offset", parts.META)
"""What the meta of a part keeps when it is sent again."""


class MoreCommands:
    """Carries out MORE.

    Attributes:
        words: the words that it carries out.
    """

    words = frozenset({Word.MORE})

    def __init__(self, outbox: OutboxStore, approvals: ApprovalStore, approvers: Approvers) -> None:
        self._outbox = outbox
        self._approvals = approvals
        self._approvers = approvers

    async def answer(self, command: Command, asker: Asker) -> CommandAnswer:
        """Return the next part of the last answer, or of the call of a question that the asker may answer."""
        if command.code:
            approval = await self._approvals.find(command.code)
            if approval is None or not self._approvers.may_answer(asker.user.id, approval):
                return CommandAnswer(text=say.NO_QUESTION_TO_SHOW(code=command.code))
            return await self._of_call(approval, asker)
        row = await self._outbox.last_cut(asker.channel, asker.sender)
        return _rest(row) or CommandAnswer(text=say.NOTHING_MORE())

    async def _of_call(self, approval: Approval, asker: Asker) -> CommandAnswer:
        """Return the part behind the one that the asker was shown last by this channel."""
        row = await self._outbox.last_part(parts.reader(approval.id, asker.user.id, asker.channel))
        if (rest := _rest(row)) is not None:
            return rest
        if row is not None and row.state in UNSENT:
            return CommandAnswer(text=row.text, meta={key: row.meta[key] for key in KEPT if key in row.meta})
        part = parts.following(approval, asker.channel, row.meta[parts.META]["end"] if row is not None else 0)
        text = wording.more(approval, part)
        if not part.text:
            part, text = parts.following(approval, asker.channel, 0).at_start(), wording.read(approval)
        meta = {VERBATIM: True, "prefix": "", **part.meta(approval.id, asker.user.id, asker.channel)}
        return CommandAnswer(text=text, meta=meta, session_id=approval.session_id)


def _rest(row: OutboxRow | None) -> CommandAnswer | None:
    """Return the text of a reply again, with the offset at which its channel cut it; None = it was not cut."""
    offset = row.note.removeprefix("more:") if row is not None and row.note.startswith("more:") else ""
    if row is None or not offset.isdecimal():
        return None
    # The meta must be that of the first part: the offset counts characters of the text made with it.
    return CommandAnswer(text=row.text, meta={**row.meta, "offset": int(offset)})
