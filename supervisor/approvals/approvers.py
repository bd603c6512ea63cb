"""Who may answer a question about a tool call, and how these people are told of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from supervisor.delivery.hub import Hub
from supervisor.people.identity import Caller, Directory
from supervisor.people.projects import Projects
from supervisor.people.rights import Rights
from supervisor.protocol.errors import UserNotFound
from supervisor.protocol.messages import CONSOLE, FOR_ALL, IN_CHAT, Address, ProjectName, Reply, UserId
from supervisor.protocol.values.record import record
from supervisor.sentences.approvals import QUESTION_SUBJECT, THE_ASSISTANT
from supervisor.store.ports.approvals import Approval
from supervisor.store.records.accounts import User
from supervisor.store.records.turn import Turn

TOPIC = "approvals"
"""The topic on which services and the operator receive all questions."""


@record
class Recipient:
    """A person who is told of a question.

    Attributes:
        user_id: whom the text is for.
        reply: where the text of the question goes.
        channel: by which the answer comes. It differs from the channel of `reply` where a service carries texts: the
            service sends the question, and the person answers with a text.
        answers: whether this person may answer; else they only learn that the question was asked.
        own: whether this is the user whose turn makes the call.
    """

    user_id: UserId
    reply: Reply
    channel: str
    answers: bool
    own: bool


class Approvers:
    """The people who answer questions: the approvers of the project, or else the user whose turn makes the call.

    Args:
        hub: knows whether somebody subscribes to questions.
    """

    def __init__(self, directory: Directory, projects: Projects, hub: Hub) -> None:
        self._directory = directory
        self._projects = projects
        self._rights = Rights(directory, projects)
        self._hub = hub

    def of(self, project: ProjectName, asker: UserId) -> Sequence[UserId]:
        """Return who may answer the questions of a user's turn in a project.

        Without approvers in the configuration that is the user, while they may work in the project.
        """
        found = self._projects.get(project)
        if found is not None and found.approvers:
            return found.approvers
        return (asker,) if self._rights.refusal(asker, project) is None else ()

    def may_answer(self, user_id: UserId, approval: Approval) -> bool:
        """Return whether a user may answer a question."""
        return user_id in self.of(approval.project, approval.user_id)

    def may_decide(self, caller: Caller, approval: Approval) -> bool:
        """Return whether the holder of a token may answer a question. A service may: it acts for every user."""
        return caller.user_id is None or self.may_answer(caller.user_id, approval)

    def topics(self, project: ProjectName, asker: UserId) -> Sequence[str]:
        """Return the topics on which the questions of a user's turn are published."""
        return (TOPIC, *(own_topic(user_id) for user_id in self.of(project, asker)))

    def recipients(self, turn: Turn) -> Sequence[Recipient] | None:
        """Return who is told of a turn's question; None = nobody could answer, so it cannot be asked.

        The result is empty where only subscribers are told.
        """
        approvers = self.of(turn.project, turn.user_id)
        recipients = []
        # Without a reply a program has sent the prompt. It is asked where programs subscribe, not by text.
        if turn.reply is not None:
            own = Recipient(
                user_id=turn.user_id,
                reply=turn.reply,
                channel=turn.channel,
                answers=turn.user_id in approvers,
                own=True,
            )
            others = [self._recipient(user_id, own, turn.project) for user_id in approvers if user_id != turn.user_id]
            recipients = [own, *(other for other in others if other is not None)]
        # A chat is shown its open questions whenever somebody opens it, and the console lists them on every page.
        can_be_answered = any(one.answers for one in recipients) or self._has_subscribers(turn)
        can_be_answered = can_be_answered or (turn.channel in {*IN_CHAT, CONSOLE} and bool(approvers))
        return recipients if can_be_answered else None

    def _has_subscribers(self, turn: Turn) -> bool:
        return self._hub.wanted(*self.topics(turn.project, turn.user_id))

    def _recipient(self, user_id: UserId, own: Recipient, project: ProjectName) -> Recipient | None:
        """Return how an approver is told: by the asker's channel, or else at the approver's first address."""
        try:
            user = self._directory.user(user_id)
        except UserNotFound:
            return None
        address = _address(user, own.channel)
        if address is None:
            return None
        if address.kind != own.channel:
            meta = {"subject": QUESTION_SUBJECT(project=project or THE_ASSISTANT())}
            reply = Reply(channel=address.kind, to=address, meta=meta)
        elif own.reply.meta.get(FOR_ALL):
            reply = replace(own.reply, meta={**own.reply.meta, "to": address.value, "user": user_id})
        else:
            # If a service carries the texts, its account is no number or mailbox of ours.
            account = own.reply.account if own.reply.channel == address.kind else ""
            meta = {"subject": QUESTION_SUBJECT(project=project or THE_ASSISTANT())}
            reply = Reply(channel=address.kind, to=address, account=account, meta=meta)
        return Recipient(user_id=user_id, reply=reply, channel=address.kind, answers=True, own=False)


def own_topic(user_id: UserId) -> str:
    """Return the topic on which one user receives the questions that they may answer."""
    return f"{TOPIC}:{user_id}"


def _address(user: User, kind: str) -> Address | None:
    """Return a user's first address of a kind, or else their first address; None = they have none."""
    same = [address for address in user.addresses if address.kind == kind]
    return next(iter([*same, *user.addresses]), None)
