"""Callables for programs that orchestrate agents: Claude Code does the work, and the program gets a string.

They return a string on failure too: `Claude timed out`, or `Error: ...`. Nothing that a model answers is executed here.

The environment says where and for whom: see `Settings`. XSWARM_TIMEOUT_SECONDS limits a call (600 by default).
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import threading
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from xswarm_client import monitor
from xswarm_client.blocking import Client, Session
from xswarm_client.errors import NotConfigured, TimedOut, Unreachable, XswarmError
from xswarm_client.events import Answer, Event, Tool

TIMED_OUT = "Claude timed out"
RESULTS = "=== Execution Results ==="
TIMEOUT_SECONDS = 600.0
ENDED = frozenset({"session_not_active", "session_not_found"})
"""Codes of a session that was ended elsewhere: another one is opened."""

BUSY = frozenset({"rate_limited", "overloaded"})
"""Codes after which a call waits as long as the daemon says, if it has the time."""

MAX_INPUT = 200
"""How much of the input of a tool call is told, in characters."""

CLAUDE_EXECUTE_SCHEMA: dict[str, Any] = {
    "name": "claude_execute",
    "description": (
        "Let Claude Code do a programming task in the project: it reads, writes and runs code there, and tells "
        "what it did."
    ),
    "parameters": {
        "type": "object",
        "properties": {"prompt": {"type": "string", "description": "What is to be done, in plain words"}},
        "required": ["prompt"],
    },
}
"""How the function is described to a model that calls it."""


def claude_execute(prompt: str, working_dir: str = "") -> str:
    """Let Claude Code do a task; return its answer, and below it which tools it used.

    Calls with the same folder share one conversation.

    Args:
        working_dir: a folder in one of the user's projects; empty = XSWARM_PROJECT, or the user's default project.
    """
    return _said(prompt, working_dir)


def claude_execute_wrapper(prompt: str) -> str:
    """Do as `claude_execute` does, in the default folder."""
    return claude_execute(prompt)


def claude_execute_simple(prompt: str, working_dir: str = "") -> str:
    """Let Claude Code do a task; return its answer alone."""
    return _said(prompt, working_dir, results=False)


def monitored_claude_execute(prompt: str, working_dir: str = "") -> str:
    """Do as `claude_execute` does, and report it to the monitor, with what was done to files."""
    monitor.log_agent_message("Claude", f"Executing: {prompt[:100]}...", "execution")
    monitor.update_agent_status("Claude", "executing")
    answers: list[Answer] = []
    said = _said(prompt, working_dir, answers=answers)
    monitor.log_agent_message("Claude", said, "result", message_id=answers[0].message_id if answers else None)
    monitor.update_agent_status("Claude", "idle")
    return said


def call_claude_code(messages: list[Any], repo: str | None = None) -> str:
    """Let Claude Code answer the messages of a chat.

    Args:
        messages: dictionaries with `content`, and `name` or `role`; or plain strings.
        repo: a folder in one of the user's projects; None = the default one.
    """
    return claude_execute(_as_prompt(messages), repo or "")


class _Worker:
    """The client and the sessions of this process, one for each folder."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pid = 0
        self._client: Client | None = None
        self._sessions: dict[str, Session] = {}
        self._thread = ""

    def execute(self, prompt: str, folder: str, timeout: float, tools: list[Tool]) -> Answer:
        """Send a prompt and return the answer; the tools that it used are added to `tools`.

        Raises:
            XswarmError: there is no answer.
        """

        def note(event: Event) -> None:
            if isinstance(event, Tool) and event.input is not None:
                inputs[event.tool_use_id] = event.input
            if isinstance(event, Tool) and event.status != "started":
                tools.append(replace(event, input=inputs.get(event.tool_use_id)))

        inputs: dict[str, Mapping[str, Any]] = {}
        client = self._connected()
        where = folder or client.project
        deadline = time.monotonic() + timeout
        while True:
            left, session = max(0.0, deadline - time.monotonic()), None
            try:
                if not where:
                    return client.ask(f"claude: {prompt}", thread=self._thread, timeout=left)
                session = self._session(client, where)
                return session.ask(prompt, timeout=left, on_event=note)
            except TimeoutError:
                raise TimedOut(TIMED_OUT) from None
            except XswarmError as error:  # after each of these codes, nothing was accepted
                if error.code in ENDED and session is not None:
                    self._drop(where, session)
                elif error.code in BUSY and error.retry_after is not None and error.retry_after < left:
                    time.sleep(error.retry_after)
                else:
                    raise

    def _drop(self, folder: str, session: Session) -> None:
        """Forget a session, unless another thread has opened another one."""
        with self._lock:
            if self._sessions.get(folder) is session:
                del self._sessions[folder]

    def forget(self) -> None:
        """Close the sessions and the connection; the next call opens others."""
        with self._lock:
            sessions, self._sessions = list(self._sessions.values()), {}
            client, self._client = self._client, None
        if self._pid != os.getpid():
            return  # those of the process that forked this one
        for session in sessions:
            with contextlib.suppress(Exception):
                session.close()
        if client is not None:
            with contextlib.suppress(Exception):
                client.close()

    def _connected(self) -> Client:
        with self._lock:
            if self._client is None or self._pid != os.getpid():
                self._client, self._sessions, self._pid = Client(), {}, os.getpid()
                self._thread = f"program:{uuid.uuid4()}"
            return self._client

    def _session(self, client: Client, folder: str) -> Session:
        with self._lock:
            if folder not in self._sessions:
                self._sessions[folder] = client.session(folder)
            return self._sessions[folder]


_WORKER = _Worker()
atexit.register(_WORKER.forget)


def disconnect() -> None:
    """End the sessions of this program; the next call begins new ones, with the environment as it is then."""
    _WORKER.forget()


def _said(prompt: str, working_dir: str, *, results: bool = True, answers: list[Answer] | None = None) -> str:
    """Return the answer as a string, or the sentence of the failure."""
    tools: list[Tool] = []
    try:
        folder = os.path.abspath(working_dir) if working_dir else ""
        answer = _WORKER.execute(prompt, folder, _timeout(), tools)
    except TimedOut:
        return TIMED_OUT
    except Unreachable as error:
        _WORKER.forget()
        return f"Error: {error}{_remedy(error)}"
    except XswarmError as error:
        return f"Error: {error}{_remedy(error)}"
    except Exception as error:  # noqa: BLE001 - the caller, a model, gets a string in every case
        return f"Error: {error or type(error).__name__}"
    if answers is not None:
        answers.append(answer)
    if not results or not tools:
        return answer.content
    return f"{answer.content}\n\n{RESULTS}\n" + "\n".join(map(_line, tools))


def _line(tool: Tool) -> str:
    """Return a line about a tool call: `Write {"file_path": ...}: succeeded`."""
    given = json.dumps(dict(tool.input), ensure_ascii=False) if tool.input else ""
    shown = f" {given[:MAX_INPUT]}{'...' if len(given) > MAX_INPUT else ''}" if given else ""
    return f"{tool.name}{shown}: {tool.status}"


def _remedy(error: XswarmError) -> str:
    return f" ({error.remedy})" if error.remedy else ""


def _timeout() -> float:
    given = os.environ.get("XSWARM_TIMEOUT_SECONDS")
    try:
        seconds = float(given) if given else TIMEOUT_SECONDS
    except ValueError:
        seconds = 0.0
    if not seconds > 0:
        raise NotConfigured("XSWARM_TIMEOUT_SECONDS must be a number of seconds")
    return seconds


def _as_prompt(messages: Sequence[Any]) -> str:
    """Return the messages of a chat as one prompt; a single one stands alone."""
    parts = []
    for message in messages:
        if isinstance(message, Mapping):
            content = message.get("content")
            text = content if isinstance(content, str) else json.dumps(content, default=str, ensure_ascii=False)
            parts.append((str(message.get("name") or message.get("role") or "user"), text if content else ""))
        else:
            parts.append(("user", str(message)))
    told = [(who, text) for who, text in parts if text]
    return told[0][1] if len(told) == 1 else "\n\n".join(f"{who}: {text}" for who, text in told)
