"""Which conversation a message joins: its thread's, that of the last answer, the project's, or a new one."""

from __future__ import annotations

from dataclasses import replace

from supervisor.people.projects import Project, Projects
from supervisor.protocol.ids import uuid7
from supervisor.protocol.messages import SessionId
from supervisor.protocol.status import Permissions, Target
from supervisor.protocol.times import Clock, now_ms
from supervisor.routing.rules import Context, Decision, Router
from supervisor.store.port import Store
from supervisor.store.records.accounts import User
from supervisor.store.records.session import NewSession, Session


class Conversations:
    """Routes with what the store knows of a user's conversations; changes nothing.

    Args:
        followup_seconds: how long after an answer the next message of a person belongs to the same conversation.
        default_project: for messages that name none; empty = ask.
    """

    def __init__(
        self,
        *,
        store: Store,
        projects: Projects,
        router: Router,
        followup_seconds: float,
        default_project: str,
        clock: Clock = now_ms,
    ) -> None:
        self._store = store
        self._projects = projects
        self._router = router
        self._followup_ms = round(followup_seconds * 1000)
        self._default_project = default_project
        self._clock = clock

    async def decide(self, user: User, channel: str, thread: str, text: str, *, follows: bool = True) -> Decision:
        """Return where a message of a user would go, and why; changes nothing.

        Args:
            follows: without a thread, it belongs where the last answer came from, while that is fresh.
        """
        projects = self._projects.of(user)
        session = await self._thread_session(user, channel, thread) if thread or follows else None
        thread_project = self._projects.holding(session) if session is not None else None
        if thread_project not in projects:
            session, thread_project = None, None
        last = await self._store.turns.last_project(user.id) if len(projects) > 1 else None
        context = Context(
            role=user.role,
            projects=projects,
            thread_session=session.id if session is not None else None,
            thread_project=thread_project,
            last_project=self._usable(projects, last),
            default_project=self._usable(projects, self._default_project),
        )
        decision = self._router.route(text, context)
        return self._by_mail(decision) if channel == "mail" else decision

    async def again(self, user: User, channel: str, session_id: SessionId, text: str) -> Decision:
        """Return whether a user may prompt a session of theirs, which a command word named."""
        session = await self._store.sessions.get(session_id)
        project = self._projects.holding(session) if session is not None else None
        if session is None or not self._projects.is_open_to(user, session):
            project = None
        if project is None or project not in self._projects.of(user):
            return Decision(target=Target.REFUSED, reason="you may not use its project any more", text="")
        decision = Decision(
            target=Target.CLAUDE_CODE, reason="after an interruption", text=text, project=project, session_id=session_id
        )
        return self._by_mail(decision) if channel == "mail" else decision

    async def _thread_session(self, user: User, channel: str, thread: str) -> Session | None:
        """Return the session that a message follows: that of its thread, or that of a fresh answer."""
        if thread:
            return await self._in_thread(user, thread)
        last = await self._store.turns.last_conversation(user.id, channel)
        if last is None or self._clock() - last.answered_ms > self._followup_ms:
            return None
        session = await self._store.sessions.get(last.session_id)
        return session if session is not None and self._projects.is_open_to(user, session) else None

    async def _in_thread(self, user: User, thread: str) -> Session | None:
        for project in self._projects.shared_with(user):
            if (found := await self._store.sessions.find_shared(project, thread)) is not None:
                return found
        return await self._store.sessions.find_in_thread(user.id, thread)

    @staticmethod
    def _by_mail(decision: Decision) -> Decision:
        """Refuse by mail what mail does not prove enough for (facts: a mailbox alone opens no shell)."""
        if decision.project is not None and decision.project.permissions is Permissions.FULL:
            why = f"project {decision.project.name} has full permissions and cannot be used by mail"
            return replace(decision, target=Target.REFUSED, reason=why)
        return decision

    async def joined(
        self, user: User, thread: str, decision: Decision, session: Session | None
    ) -> tuple[Session | None, NewSession | None]:
        """Return the session of a routed message: the named one, the conversation's, or a new one."""
        project = decision.project
        if session is not None or project is None:
            return session, None
        if decision.session_id is not None:
            found = await self._store.sessions.get(decision.session_id)
            if found is not None and found.resumes_by_itself:
                return found, None
        if project.shared:
            found = await self._store.sessions.find_shared(project.name, thread)
        else:
            found = await self._store.sessions.find(user.id, project.name, thread)
        if found is not None and self._projects.holding(found) is not None:
            return found, None
        fresh = NewSession(
            id=SessionId(uuid7()),
            user_id=user.id,
            project=project.name,
            project_path=project.path,
            conversation_id=uuid7(),
            thread=thread,
            shared=project.shared,
        )
        return None, fresh

    @staticmethod
    def _usable(projects: list[Project], name: str | None) -> Project | None:
        return next((p for p in projects if p.name == name), None) if name else None
