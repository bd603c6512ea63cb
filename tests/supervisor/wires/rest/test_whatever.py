"""REST over a real port: no body, query or message makes the server fail."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from hypothesis import given, settings
from hypothesis import strategies as st

from supervisor.people.identity import Caller
from supervisor.protocol.messages import SessionId
from tests.supervisor.wires.http.serving import ROUTE, SESSIONS, Served

ANYTHING = st.text(st.characters(), max_size=20)  # half surrogate pairs and NUL too
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | ANYTHING,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ANYTHING, inner, max_size=3),
    max_leaves=8,
)
FIELDS = ["user_id", "project_path", "message", "context", "from", "channel"]
BODIES = JSON | st.dictionaries(st.sampled_from(FIELDS), JSON | st.sampled_from(["alice", "sms", "fix it"]))
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
QUERIES = st.dictionaries(
    st.sampled_from(["user_id", "session_id", "status", "limit", "cursor", "since", "until", "group_by", "before"]),
    TEXTS | st.sampled_from(["alice", "9999-12-31", "2024-01-01T00:00:00Z", "user", "1"]),
)


@contextmanager
def survivor(folder: Path) -> Iterator[Callable[..., None]]:
    """Give what sends a request and fails where the server did; one server for all examples."""
    with asyncio.Runner() as runner:
        served = runner.run(Served(folder).__aenter__())
        core, everybody = served.core, Caller(name="tests")
        runner.run(core.operations.sessions.connect(everybody, SessionId("fuzz"), str(core.site), "alice"))

        async def ask(method: str, path: str, **more: Any) -> None:
            response = await served.service.request(method, path, **more)
            assert response.status_code < 500, response.text
            if response.status_code >= 400:
                assert set(response.json()) >= {"error", "code"}

        try:
            yield lambda *request, **more: runner.run(ask(*request, **more))
        finally:
            runner.run(served.__aexit__())


def test_no_body_makes_the_server_fail(tmp_path: Path) -> None:
    paths = [SESSIONS, f"{SESSIONS}/any/messages", ROUTE, f"{SESSIONS}/any/interrupt"]
    with survivor(tmp_path) as ask:

        @given(path=st.sampled_from(paths), body=BODIES)
        @settings(max_examples=150)
        def whatever(path: str, body: object) -> None:
            ask("POST", path, content=json.dumps(body), headers={"Content-Type": "application/json"})

        whatever()


def test_no_message_makes_the_server_fail(tmp_path: Path) -> None:
    with survivor(tmp_path) as ask:

        @given(message=ANYTHING, context=st.none() | st.dictionaries(ANYTHING, JSON, max_size=3))
        @settings(max_examples=100)
        def whatever(message: str, context: object) -> None:
            content = json.dumps({"message": message, "context": context})
            headers = {"Content-Type": "application/json"}
            ask("POST", f"{SESSIONS}/fuzz/messages", content=content, headers=headers)
            ask("GET", f"{SESSIONS}/fuzz/messages")

        whatever()


def test_no_query_makes_the_server_fail(tmp_path: Path) -> None:
    with survivor(tmp_path) as ask:

        @given(
            path=st.sampled_from([SESSIONS, "/api/costs", f"{SESSIONS}/", "/api/messages/"]), query=QUERIES, name=TEXTS
        )
        @settings(max_examples=150)
        def whatever(path: str, query: dict[str, str], name: str) -> None:
            ask("GET", path + quote(name, safe="") if path.endswith("/") else path, params=query)

        whatever()
