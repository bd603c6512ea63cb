"""The same client for plain programs: each call blocks. It works inside a running event loop and in notebooks too."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterator
from types import TracebackType
from typing import Any, TypeVar

from xswarm_client.client import AsyncClient
from xswarm_client.connection import AWAY_SECONDS
from xswarm_client.events import Answer, Cost, Event, GroupBy, HistoryMessage, Question, SessionStatus
from xswarm_client.session import Session as AsyncSession

T = TypeVar("T")


class _Loop:
    """An event loop in a thread of its own, which ends with the process. A forked process starts another one."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._pid = 0

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine to its end. An interrupt from the keyboard cancels it.

        Raises:
            RuntimeError: it is called from a function that the client itself has called.
        """
        loop = self._running()
        if threading.current_thread() is self._thread:
            work.close()
            raise RuntimeError("a blocking call inside a callback of the client would wait for itself")
        future = asyncio.run_coroutine_threadsafe(work, loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def _running(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None or self._pid != os.getpid():
                self._loop, self._pid = asyncio.new_event_loop(), os.getpid()
                self._thread = threading.Thread(target=self._loop.run_forever, name="xswarm client", daemon=True)
                self._thread.start()
            return self._loop


_LOOP = _Loop()


class Session:
    """A session of Claude Code whose calls block; see `xswarm_client.session.Session`."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    @property
    def id(self) -> str:
        """The id of the session."""
        return self._session.id

    @property
    def resumed(self) -> bool:
        """Whether it was there before."""
        return self._session.resumed

    def ask(
        self,
        prompt: str,
        *,
        context: dict[str, Any] | None = None,
        external_id: str | None = None,
        timeout: float | None = None,
        on_event: Callable[[Event], object] | None = None,
    ) -> Answer:
        """Send a prompt and return the whole answer; `on_event` is called in another thread."""
        return _LOOP.run(
            self._session.ask(prompt, context=context, external_id=external_id, timeout=timeout, on_event=on_event)
        )

    def stream(self, prompt: str, *, context: dict[str, Any] | None = None) -> Iterator[Event]:
        """Send a prompt and yield its events as they come; the last one is the `Answer`."""
        return _iterated(self._session.stream(prompt, context=context))

    def interrupt(self) -> bool:
        """Stop the running turn; False = none was running."""
        return _LOOP.run(self._session.interrupt())

    def status(self) -> SessionStatus:
        """Return its state and cost."""
        return _LOOP.run(self._session.status())

    def history(self, *, limit: int = 50, before: str | None = None) -> list[HistoryMessage]:
        """Return its newest messages, oldest first."""
        return _LOOP.run(self._session.history(limit=limit, before=before))

    def close(self) -> None:
        """End the session on the daemon."""
        _LOOP.run(self._session.close())

    def __enter__(self) -> Session:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class Client:
    """A client whose calls block; see `AsyncClient`. It connects at once; `with` or `close` disconnects."""

    def __init__(
        self,
        url: str | None = None,
        token: str | None = None,
        *,
        user: str | None = None,
        project: str | None = None,
        away_seconds: float = AWAY_SECONDS,
    ) -> None:
        self._client = AsyncClient(url, token, user=user, project=project, away_seconds=away_seconds)
        _LOOP.run(self._client.__aenter__())

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def server(self) -> str:
        """Name and version of the daemon."""
        return self._client.server

    @property
    def user(self) -> str:
        """The user for whom the client asks."""
        return self._client.user

    @property
    def project(self) -> str:
        """The folder where Claude Code works if a call names none; empty = the user's default project."""
        return self._client.settings.project

    def session(self, project: str | None = None, *, session_id: str | None = None) -> Session:
        """Open a session of Claude Code, or go on with one."""
        return Session(_LOOP.run(self._client.session(project, session_id=session_id)))

    def ask(
        self,
        message: str,
        *,
        thread: str | None = None,
        external_id: str | None = None,
        timeout: float | None = None,
    ) -> Answer:
        """Send a message that the daemon routes, and return the answer."""
        return _LOOP.run(self._client.ask(message, thread=thread, external_id=external_id, timeout=timeout))

    def stream(self, prompt: str, project: str | None = None) -> Iterator[Event]:
        """Ask in a new session and yield the events."""
        return _iterated(self._client.stream(prompt, project))

    def questions(self) -> Iterator[Question]:
        """Yield the questions that this token may answer, as they come."""
        return _iterated(self._client.questions())

    def approve(self, question: Question | str, note: str | None = None) -> None:
        """Allow a tool call."""
        _LOOP.run(self._client.approve(question, note))

    def deny(self, question: Question | str, note: str | None = None) -> None:
        """Deny a tool call."""
        _LOOP.run(self._client.deny(question, note))

    def sessions(self, *, active_only: bool = True, user: str | None = None) -> list[SessionStatus]:
        """Return the sessions that this token may see."""
        return _LOOP.run(self._client.sessions(active_only=active_only, user=user))

    def cost(
        self,
        *,
        user: str | None = None,
        session_id: str | None = None,
        since: str | None = None,
        until: str | None = None,
        group_by: GroupBy | None = None,
    ) -> Cost:
        """Return what was spent."""
        return _LOOP.run(
            self._client.cost(user=user, session_id=session_id, since=since, until=until, group_by=group_by)
        )

    def close(self) -> None:
        """Disconnect."""
        _LOOP.run(self._client.__aexit__(None, None, None))


def _iterated(events: AsyncGenerator[T, None]) -> Iterator[T]:
    """Yield what an asynchronous iterator yields; leaving the loop early closes it."""

    async def following() -> tuple[bool, T | None]:
        try:
            return True, await anext(events)
        except StopAsyncIteration:
            return False, None

    async def close() -> None:
        await events.aclose()

    try:
        while True:
            more, event = _LOOP.run(following())
            if not more:
                return
            yield event  # type: ignore[misc]
    finally:
        _LOOP.run(close())
