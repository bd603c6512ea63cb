"""Who may answer a question about a tool call, and by which ways they are asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from supervisor.delivery.hub import Hub
from supervisor.people.identity import Caller, Directory
from supervisor.people.projects import Projects
from supervisor.people.rights import Rights
from supervisor.protocol.errors import UserNotFound
from supervisor.protocol.messages import FOR_ALL, Address, ProjectName, Reply, UserId
from supervisor.store.ports.approvals import Approval
from supervisor.store.records.accounts import User
from supervisor.store.records.turn import Turn

TOPIC = "approvals"
"""Where services and the operator hear of all questions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """A way by which somebody is told of a question.

    Attributes:
        channel: by which their answer comes: a service that hands texts on carries the question, and they text back.
        answers: they may answer it; else they only learn that it was asked.
        own: it is the asker's.
    """

    reply: Reply
    channel: str
    answers: bool
    own: bool


class Approvers:
    """The asker of a turn, or those whom the project names.

    Args:
        hub: tells whether somebody watches for questions besides those who are written to.
    """

    def __init__(self, directory: Directory, projects: Projects, hub: Hub) -> None:
        self._directory = directory
        self._projects = projects
        self._rights = Rights(directory, projects)
        self._hub = hub

    def of(self, project: ProjectName, asker: UserId) -> Sequence[UserId]:
        """Return who may answer questions of a user's turn in a project: its asker as long as they may work there."""
        found = self._projects.get(project)
        if found is not None and found.approvers:
            return found.approvers
        return (asker,) if self._rights.refusal(asker, project) is None else ()

    def may_answer(self, user_id: UserId, approval: Approval) -> bool:
        """Return whether a user may answer a question."""
        return user_id in self.of(approval.project, approval.user_id)

    def may_decide(self, caller: Caller, approval: Approval) -> bool:
        """Return whether whoever holds a token may answer a question; a service may, as it acts for every user."""
        return caller.user_id is None or self.may_answer(caller.user_id, approval)

    def topics(self, project: ProjectName, asker: UserId) -> Sequence[str]:
        """Return where questions of a user's turn are announced: to services, and to those who may answer."""
        return (TOPIC, *(own_topic(user_id) for user_id in self.of(project, asker)))

    def ways(self, turn: Turn) -> Sequence[Way] | None:
        """Return how a question of a turn is told; None = nobody would see it, so it cannot be asked."""
        approvers = self.of(turn.project, turn.user_id)
        ways = []
        if turn.reply is not None:  # else a program prompts, and asks where programs are: a text would be out of place
            own = Way(reply=turn.reply, channel=turn.channel, answers=turn.user_id in approvers, own=True)
            others = [self._to(user_id, own) for user_id in approvers if user_id != turn.user_id]
            ways = [own, *(way for way in others if way is not None)]
        return ways if any(way.answers for way in ways) or self._is_attended(turn) else None

    def _is_attended(self, turn: Turn) -> bool:
        return self._hub.wanted(*self.topics(turn.project, turn.user_id))

    def _to(self, user_id: UserId, own: Way) -> Way | None:
        """Return the way to an approver: by the asker's channel where they have it, else by their first address."""
        try:
            user = self._directory.user(user_id)
        except UserNotFound:
            return None
        address = _address(user, own.channel)
        if address is None:
            return None
        if address.kind != own.channel:
            reply = Reply(channel=address.kind, to=address)
        elif own.reply.meta.get(FOR_ALL):
            reply = replace(own.reply, meta={**own.reply.meta, "to": address.value, "user": user_id})
        else:
            # What a service calls our side of a message is no number or mailbox of ours.
            account = own.reply.account if own.reply.channel == address.kind else ""
            reply = Reply(channel=address.kind, to=address, account=account)
        return Way(reply=reply, channel=address.kind, answers=True, own=False)


def own_topic(user_id: UserId) -> str:
    """Return where one user hears of the questions that they may answer."""
    return f"{TOPIC}:{user_id}"


def _address(user: User, kind: str) -> Address | None:
    same = [address for address in user.addresses if address.kind == kind]
    return next(iter([*same, *user.addresses]), None)
