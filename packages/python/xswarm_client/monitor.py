"""Reports of a program about its agents. A report that fails is logged, once, and never stops the program."""

from __future__ import annotations

import json
import logging
import threading
import uuid
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import quote
from urllib.request import OpenerDirector, ProxyHandler, Request, build_opener

from xswarm_client.errors import NotXswarm, Unreachable, XswarmError, of_frame
from xswarm_client.settings import Settings, settings

logger = logging.getLogger(__name__)

SECONDS = 10.0
"""How long a report may take."""

MAX_CONTENT = 16_384
"""The longest message that is taken, in characters; a longer one is cut."""

CUT = "\n[...]"


class Monitor:
    """The monitor's routes of a daemon.

    Args:
        where: None = from the environment at the first call.

    Attributes:
        conversation_id: the conversation that reports belong to; None = the daemon chooses.
    """

    def __init__(self, where: Settings | None = None) -> None:
        self._where = where
        self._opener: OpenerDirector | None = None
        self.conversation_id: str | None = None

    def report(self, kind: str, **fields: Any) -> dict[str, Any]:
        """Send one report; a field that is None is left out.

        Raises:
            XswarmError: it is not stored.
        """
        body = {"type": kind, **{name: value for name, value in fields.items() if value is not None}}
        stored: dict[str, Any] = self.call("POST", "/api/agents/events", body)
        return stored

    def roll_back(self, operation_id: str) -> dict[str, Any]:
        """Take back the turn in which Claude Code did a file operation.

        Raises:
            XswarmError: it is not taken back, and why.
        """
        done: dict[str, Any] = self.call("POST", f"/api/rollback/{quote(str(operation_id), safe='')}", {})
        return done

    def conversations(self, limit: int = 20) -> list[dict[str, Any]]:
        """Return the newest conversations, newest first."""
        found: list[dict[str, Any]] = self.call("GET", f"/api/conversations?limit={limit}")
        return found

    def active_agents(self) -> dict[str, dict[str, Any]]:
        """Return what each agent does, by its name."""
        found: dict[str, dict[str, Any]] = self.call("GET", "/api/active-agents")
        return found

    def stats(self) -> dict[str, Any]:
        """Return how many conversations, messages and file operations there are, and the newest operations."""
        found: dict[str, Any] = self.call("GET", "/api/stats")
        return found

    def file_operations(self, limit: int = 50) -> list[dict[str, Any]]:
        """Return what Claude Code did to files, newest first."""
        found: list[dict[str, Any]] = self.call("GET", f"/api/file-operations?limit={limit}")["operations"]
        return found

    def call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """Send a request to REST and return the body of the answer. A POST whose answer is lost is repeated once.

        Raises:
            Unreachable: nothing answers there.
            NotXswarm: the answer is none of xswarm.
            XswarmError: it was refused.
        """
        where = self._settings()
        headers = {"Authorization": f"Bearer {where.token}", "Idempotency-Key": str(uuid.uuid4())}
        data = None
        if body is not None:
            headers["Content-Type"] = "application/json"
            data = json.dumps(body).encode()
        request = Request(where.http_url + path, data, headers, method=method)  # noqa: S310 - the user's own URL
        try:
            return self._answer(request)
        except Unreachable:
            return self._answer(request)

    def _answer(self, request: Request) -> Any:
        assert self._opener is not None, "_settings builds it"
        try:
            with self._opener.open(request, timeout=SECONDS) as response:
                return json.loads(response.read())
        except HTTPError as error:
            with error:
                raise _refusal(request.full_url, error.code, error.read()) from None
        except ValueError:
            raise NotXswarm(f"{request.full_url}: the answer is none of xswarm", remedy="set XSWARM_HTTP_URL") from None
        except (URLError, OSError) as error:
            reason = getattr(error, "reason", error)
            raise Unreachable(f"{request.full_url}: {reason}", remedy="set XSWARM_HTTP_URL") from None

    def _settings(self) -> Settings:
        if self._where is None:
            self._where = settings()
        if self._opener is None:
            self._opener = build_opener(ProxyHandler({})) if self._where.is_local else build_opener()
        return self._where


_MONITOR = Monitor()
_LOCK = threading.Lock()
_failing = False


def log_agent_message(
    agent: str, message: str, message_type: str = "message", *, message_id: str | None = None
) -> None:
    """Report what an agent said.

    Args:
        message_id: of the message to Claude Code that it tells of, so that its files are listed with the conversation.
    """
    content = str(message)
    if len(content) > MAX_CONTENT:
        content = content[: MAX_CONTENT - len(CUT)] + CUT
    stored = _try(
        "new_message",
        agent=agent,
        content=content,
        message_type=message_type,
        message_id=message_id,
        conversation_id=_MONITOR.conversation_id,
    )
    if stored is not None:
        _MONITOR.conversation_id = stored.get("conversation_id")


def update_agent_status(agent: str, status: str) -> None:
    """Report what an agent does now, in a word."""
    _try("agent_status_update", agent=agent, status=status)


def start_conversation(agents: Sequence[str]) -> str:
    """Start a conversation; what is reported next belongs to it. Return its id; empty = the report failed."""
    stored = _try("conversation_started", agents=list(agents))
    _MONITOR.conversation_id = stored.get("conversation_id") if stored is not None else None
    return _MONITOR.conversation_id or ""


def end_conversation() -> None:
    """End the conversation."""
    if _MONITOR.conversation_id is not None:
        _try("conversation_ended", conversation_id=_MONITOR.conversation_id)
    _MONITOR.conversation_id = None


def current() -> Monitor:
    """Return the monitor that the functions of this module report to."""
    return _MONITOR


def configure(where: Settings | None) -> None:
    """Report to another daemon from now on; None = to that of the environment."""
    global _MONITOR
    _MONITOR = Monitor(where)


def _try(kind: str, **fields: Any) -> dict[str, Any] | None:
    """Send a report; None = it failed, which is logged where it did not fail before."""
    global _failing
    try:
        stored = _MONITOR.report(kind, **fields)
    except XswarmError as error:
        with _LOCK:
            first, _failing = not _failing, True
        if first:
            logger.warning("agents are not reported: %s", error)
        return None
    with _LOCK:
        _failing = False
    return stored


def _refusal(url: str, status: int, body: bytes) -> XswarmError:
    try:
        frame = json.loads(body)
    except ValueError:
        frame = None
    if isinstance(frame, dict) and "code" in frame:
        return of_frame(frame)
    return NotXswarm(f"{url}: the answer is none of xswarm (HTTP status {status})", remedy="set XSWARM_HTTP_URL")
