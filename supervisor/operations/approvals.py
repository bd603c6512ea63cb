"""Questions about tool calls, for callers: list the open questions and answer one."""

from __future__ import annotations

from collections.abc import Sequence

from supervisor.approvals.answering import MAX_MINUTES, MAX_NOTE, ApprovalResolver
from supervisor.approvals.approvers import Approvers
from supervisor.approvals.second_factor import LINKS
from supervisor.people.identity import Caller
from supervisor.protocol.errors import ApprovalNotFound, InvalidMessage
from supervisor.protocol.messages import ProjectName, UserId
from supervisor.protocol.times import Clock, now_ms
from supervisor.store.ports.approvals import Approval, ApprovalStore, Refused
from supervisor.store.ports.people.sign_in import Way


class ApprovalOperations:
    """Lists and answers questions; a question that a caller may not answer does not exist for that caller."""

    def __init__(
        self, store: ApprovalStore, approvers: Approvers, resolver: ApprovalResolver, clock: Clock = now_ms
    ) -> None:
        self._store = store
        self._approvers = approvers
        self._resolver = resolver
        self._clock = clock

    async def open(self, caller: Caller) -> list[Approval]:
        """Return the open questions that a caller may answer, oldest first."""
        found = await self._store.open_now(now_ms=self._clock())
        return [approval for approval in found if self._approvers.may_decide(caller, approval)]

    async def get(self, caller: Caller, name: str) -> Approval:
        """Return a question, open or not.

        Args:
            name: its id or its code.

        Raises:
            ApprovalNotFound: there is none that this caller may answer.
        """
        approval = await self._store.find(name)
        if approval is None or not self._approvers.may_decide(caller, approval):
            raise ApprovalNotFound(name)
        return approval

    async def to_answer(self, caller: Caller, name: str, *, allow: bool, channel: str) -> Approval:
        """Return a question that a caller is about to answer; the audit trail keeps who may not and tried.

        Args:
            name: its id or its code.
            channel: as in `resolve`.

        Raises:
            ApprovalNotFound: there is none that this caller may answer.
        """
        approval = await self._store.find(name)
        if approval is None:
            raise ApprovalNotFound(name)
        if not self._approvers.may_decide(caller, approval):
            await self.refused(caller, approval, Refused.NOT_ASKED, allow=allow, channel=channel)
            raise ApprovalNotFound(name)
        return approval

    async def refused(self, caller: Caller, approval: Approval, why: Refused, *, allow: bool, channel: str) -> None:
        """Leave an entry in the audit trail about an answer that is refused."""
        await self._resolver.refused.note(
            approval, why, allow=allow, by=caller.name, channel=channel, way=caller.way, source=caller.source
        )

    def asked(self, project: ProjectName, asker: UserId) -> Sequence[UserId]:
        """Return on whom the questions of a user's turn in a project wait."""
        return self._approvers.of(project, asker)

    async def resolve(
        self,
        caller: Caller,
        name: str,
        *,
        allow: bool,
        channel: str,
        proven_by: Way | None = None,
        minutes: int = 0,
        note: str = "",
    ) -> Approval:
        """Answer a question and return its record from before the answer.

        Args:
            name: its id or its code.
            channel: the wire that the answer came by, for the audit trail. For a person who signed in with a link, or
                at another service, that way counts instead.
            proven_by: as what a passkey counts that was used for this answer; None = none was.
            minutes: how long further calls of the same tool and risk in the project are allowed; 0 = only this call.
            note: the reason, for the audit trail. With a denial the model and the user of the turn read it too.

        Raises:
            ApprovalNotFound: there is none that this caller may answer.
            ApprovalClosed: it can no longer be answered.
            InvalidMessage: the minutes are too many, or the note is too long.
            NotAllowed: a yes by this way needs a second factor.
        """
        if not 0 <= minutes <= MAX_MINUTES:
            raise InvalidMessage("minutes", f"must be 0 to {MAX_MINUTES}")
        if len(note) > MAX_NOTE:
            raise InvalidMessage("note", f"must be at most {MAX_NOTE} characters")
        approval = await self.to_answer(caller, name, allow=allow, channel=channel)
        if proven_by is not None and proven_by not in LINKS:
            await self._resolver.resolve_proven(
                approval,
                allow=allow,
                by=caller.name,
                channel=proven_by.value,
                source=caller.source,
                minutes=minutes,
                note=note,
            )
        else:
            way = caller.way if proven_by is None else proven_by.value
            await self._resolver.resolve(
                approval,
                allow=allow,
                by=caller.name,
                channel=channel,
                way=way,
                source=caller.source,
                minutes=minutes,
                note=note,
            )
        return approval
