"""Routing with what the store knows: which conversation a message continues, and whether it starts a new one."""

from __future__ import annotations

from dataclasses import replace

from supervisor.people.projects import Project, Projects
from supervisor.protocol.ids import uuid7
from supervisor.protocol.messages import CHAT, SessionId
from supervisor.protocol.status import Permissions, Target
from supervisor.protocol.times import Clock, now_ms
from supervisor.routing.destination import Destination
from supervisor.routing.rules import Context, Decision, Router, split_prefix
from supervisor.sentences import intake as say
from supervisor.store.ports.sessions import SessionStore
from supervisor.store.ports.turns import TurnStore
from supervisor.store.records.accounts import User
from supervisor.store.records.session import NewSession, Session
from supervisor.turns.lanes.name import LaneName


class Conversations:
    """Decides where a message goes; reads the store and changes nothing.

    `decide` applies the routing rules to a text. `destination` then names the lane and the session for T1.

    Args:
        followup_seconds: how long after an answer the next message of a person continues the same conversation.
        default_project: for messages that name no project; empty = ask the person.
    """

    def __init__(
        self,
        *,
        sessions: SessionStore,
        turns: TurnStore,
        projects: Projects,
        router: Router,
        followup_seconds: float,
        default_project: str,
        clock: Clock = now_ms,
    ) -> None:
        self._sessions = sessions
        self._turns = turns
        self._projects = projects
        self._router = router
        self._followup_ms = round(followup_seconds * 1000)
        self._default_project = default_project
        self._clock = clock

    # -- the decision: Claude Code, the assistant, or a refusal

    async def decide(
        self, user: User, channel: str, thread: str, text: str, *, follows: bool = True, joins: bool = False
    ) -> Decision:
        """Return where a message of a user goes, and why.

        Args:
            thread: the conversation that the channel names; empty = none.
            follows: without a thread, continue the conversation of the last answer while that answer is recent.
            joins: the message is about the turn that runs or waits for the user on the channel. Without a thread, it
                goes where that one does.
        """
        in_chat = channel == CHAT
        if in_chat and not split_prefix(text)[0]:  # what nothing is read for is answered sooner
            return self._router.route(text, Context(role=user.role, projects=(), in_chat=True))
        projects = self._projects.of(user)
        follows = bool(thread) or (follows and not in_chat)
        session = await self._followed(user, channel, thread, joins) if follows else None
        thread_project = self._projects.holding(session) if session is not None else None
        lost = None
        if thread_project not in projects:
            lost = session.project if session is not None and not in_chat else None
            session, thread_project = None, None
        last = await self._turns.last_project(user.id) if len(projects) > 1 else None
        context = Context(
            role=user.role,
            projects=projects,
            thread_session=session.id if session is not None else None,
            thread_project=thread_project,
            lost_project=lost,
            last_project=self._usable(projects, last),
            default_project=self._usable(projects, self._default_project),
            in_chat=in_chat,
        )
        decision = self._router.route(text, context)
        return self._by_mail(decision) if channel == "mail" else decision

    async def again(self, user: User, channel: str, session_id: SessionId, text: str) -> Decision:
        """Return whether a user may send a prompt to a session that a command word named."""
        session = await self._sessions.get(session_id)
        if session is not None and session.is_chat and session.user_id == user.id:
            return Decision(target=Target.ASSISTANT, reason="after an interruption", text=text, session_id=session_id)
        project = self._projects.holding(session) if session is not None else None
        if session is None or not self._projects.is_open_to(user, session):
            project = None
        if project is None or project not in self._projects.of(user):
            return Decision(target=Target.REFUSED, reason=say.NO_PROJECT_ANY_MORE(), text="")
        decision = Decision(
            target=Target.CLAUDE_CODE, reason="after an interruption", text=text, project=project, session_id=session_id
        )
        return self._by_mail(decision) if channel == "mail" else decision

    async def _followed(self, user: User, channel: str, thread: str, joins: bool) -> Session | None:
        """Return the session that a message continues: of its thread, of a running turn, or of a recent answer."""
        if thread:
            return await self._in_thread(user, thread)
        if joins and (current := await self._turns.current(user.id, channel)) is not None:
            session_id = current.session_id if current.target is Target.CLAUDE_CODE else None
        else:
            last = await self._turns.last_conversation(user.id, channel)
            recent = last is not None and self._clock() - last.answered_ms <= self._followup_ms
            session_id = last.session_id if last is not None and recent else None
        session = await self._sessions.get(session_id) if session_id is not None else None
        return session if session is not None and self._projects.is_open_to(user, session) else None

    async def _in_thread(self, user: User, thread: str) -> Session | None:
        for project in self._projects.shared_with(user):
            if (found := await self._sessions.find_shared(project, thread)) is not None:
                return found
        return await self._sessions.find_in_thread(user.id, thread)

    @staticmethod
    def _by_mail(decision: Decision) -> Decision:
        """Refuse a project with full permissions by mail: a mailbox alone is not enough proof of who writes."""
        if decision.project is not None and decision.project.permissions is Permissions.FULL:
            why = say.NOT_BY_MAIL(project=decision.project.name)
            return replace(decision, target=Target.REFUSED, reason=why)
        return decision

    @staticmethod
    def _usable(projects: list[Project], name: str | None) -> Project | None:
        return next((p for p in projects if p.name == name), None) if name else None

    # -- the destination: lane and session

    async def destination(
        self, user: User, channel: str, thread: str, decision: Decision, session: Session | None = None
    ) -> Destination:
        """Return the lane and the session of a decided message.

        Two first messages of one conversation must not both get a new session: the caller holds a lock of the user,
        and for a shared project one of the project, from this call to the end of T1.

        Args:
            session: the session that the caller named, or the chat that the message is written in; None = look it up.
        """
        project = decision.project
        if decision.target is Target.ASSISTANT:
            named = decision.session_id
            chat = session if named is None or (session is not None and session.id == named) else None
            if chat is None and named is not None:
                chat = await self._sessions.get(named)
            if chat is not None:
                return Destination(lane=LaneName.of_session(chat.id), session=chat)
            return Destination(lane=LaneName.of_assistant(user.id, thread or channel), project=project)
        if decision.target is not Target.CLAUDE_CODE or project is None:
            return Destination(lane=LaneName.of_refused(user.id), project=project)
        if session is None or session.is_chat:
            session = await self._known(user, thread, decision, project)
        if session is not None:
            return Destination(lane=LaneName.of_session(session.id), project=project, session=session)
        fresh = NewSession(
            id=SessionId(uuid7()),
            user_id=user.id,
            project=project.name,
            project_path=project.path,
            conversation_id=uuid7(),
            thread=thread,
            shared=project.shared,
        )
        return Destination(lane=LaneName.of_session(fresh.id), project=project, new_session=fresh)

    async def _known(self, user: User, thread: str, decision: Decision, project: Project) -> Session | None:
        """Return the stored session that a message for Claude Code continues; None = it starts a new one."""
        if decision.session_id is not None:
            found = await self._sessions.get(decision.session_id)
            if found is not None and found.resumes_by_itself:
                return found
        if project.shared:
            found = await self._sessions.find_shared(project.name, thread)
        else:
            found = await self._sessions.find(user.id, project.name, thread)
        return found if found is not None and self._projects.holding(found) is not None else None

    def has_several_projects(self, user: User) -> bool:
        """Return whether a user needs to be told which project answers."""
        return len(self._projects.of(user)) > 1
