"""Reports of a program: they never stop it, and what answers that is no xswarm is named."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tests.ports import free_port
from xswarm_client import monitor
from xswarm_client.errors import NotAuthenticated, NotXswarm, Unreachable, XswarmError
from xswarm_client.monitor import MAX_CONTENT, Monitor
from xswarm_client.settings import Settings


class Server:
    """An HTTP server on loopback.

    Attributes:
        answers: what it answers, one after the other: a status and a body; None = it closes the connection.
        heard: method, path, key and body of each request.
    """

    def __init__(self) -> None:
        self.answers: list[tuple[int, bytes] | None] = []
        self.heard: list[tuple[str, str, str | None, Any]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers.get("Content-Length", 0))
                body = json.loads(self.rfile.read(length)) if length else None
                outer.heard.append((self.command, self.path, self.headers.get("Idempotency-Key"), body))
                if (answer := outer.answers.pop(0)) is None:
                    self.close_connection = True
                    return
                self.send_response(answer[0])
                self.send_header("Content-Length", str(len(answer[1])))
                self.end_headers()
                self.wfile.write(answer[1])

            do_GET = do_POST

            def log_message(self, format: str, *args: object) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.settings = Settings(
            url="ws://127.0.0.1:1", http_url=f"http://127.0.0.1:{self._server.server_port}", token="t"
        )
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    def close(self) -> None:
        """Stop it."""
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    monitor.configure(server.settings)
    yield server
    monitor.configure(None)
    server.close()


def test_a_report_whose_answer_is_lost_is_repeated_under_its_key(server: Server) -> None:
    server.answers = [None, (200, b'{"type": "new_message", "conversation_id": "c1"}')]
    monitor.log_agent_message("planner", "x" * (MAX_CONTENT + 5), "sent")
    first, second = server.heard
    assert first == second
    assert first[:2] == ("POST", "/api/agents/events")
    assert first[2]
    assert (first[3]["agent"], first[3]["message_type"]) == ("planner", "sent")
    assert (len(first[3]["content"]), first[3]["content"][-6:]) == (MAX_CONTENT, "\n[...]")
    assert monitor.current().conversation_id == "c1"


def test_a_report_that_fails_is_logged_once_and_stops_nothing(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    refused = (422, b'{"error": "agent: too long", "code": "invalid_message"}')
    server.answers = [refused, refused, refused, (200, b'{"conversation_id": null}'), refused]
    with caplog.at_level(logging.WARNING):
        assert monitor.start_conversation(["planner"]) == ""
        monitor.update_agent_status("planner", "active")
        monitor.log_agent_message("planner", "hi")
        assert [record.getMessage() for record in caplog.records] == ["agents are not reported: agent: too long"]
        monitor.update_agent_status("planner", "idle")
        monitor.update_agent_status("planner", "idle")
    assert len(caplog.records) == 2
    monitor.end_conversation()  # none has begun
    assert len(server.heard) == 5


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ((200, b"<html>a page</html>"), NotXswarm),
        ((502, b"<html>a proxy</html>"), NotXswarm),
        ((401, b'{"error": "Not authenticated", "code": "not_authenticated"}'), NotAuthenticated),
        ((404, b'{"error": "Not undone: gone", "code": "nothing_to_undo", "remedy": "look"}'), XswarmError),
    ],
)
def test_a_refusal_says_what_it_is(server: Server, answer: tuple[int, bytes], kind: type[XswarmError]) -> None:
    server.answers = [answer]
    with pytest.raises(XswarmError) as failed:
        monitor.current().roll_back("a/b")
    assert type(failed.value) is kind
    assert server.heard[0][1] == "/api/rollback/a%2Fb"


def test_nothing_listens() -> None:
    with pytest.raises(Unreachable) as failed:
        Monitor(Settings(url="ws://127.0.0.1:1", http_url=f"http://127.0.0.1:{free_port()}", token="t")).stats()
    assert failed.value.remedy == "set XSWARM_HTTP_URL"
