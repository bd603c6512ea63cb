"""Messages of the Model Context Protocol are read strictly."""

from __future__ import annotations

import pytest

from supervisor.protocol.tools import ToolOutput, ToolSpec
from supervisor.tools.claude_code import messages
from supervisor.tools.claude_code.messages import Malformed, Message, read


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"jsonrpc":"2.0","id":1,"method":"ping"}', Message(id=1, method="ping", params={})),
        (b'{"jsonrpc":"2.0","id":"a","method":"x","params":{"b":1}}', Message(id="a", method="x", params={"b": 1})),
        (b'{"jsonrpc":"2.0","method":"note","params":null}', Message(id=None, method="note", params={})),
        (b'{"jsonrpc":"2.0","id":1,"result":{}}', Message(id=None, method="", params={})),
    ],
)
def test_requests_notifications_and_responses_are_read(body: bytes, message: Message) -> None:
    assert read(body) == message


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", messages.PARSE_ERROR),
        (b"{", messages.PARSE_ERROR),
        (b"[" * 100_000, messages.PARSE_ERROR),
        (b"\xff", messages.PARSE_ERROR),
        (b"[]", messages.INVALID_REQUEST),
        (b'{"id":1,"method":"ping"}', messages.INVALID_REQUEST),
        (b'{"jsonrpc":"2.0","id":true,"method":"ping"}', messages.INVALID_REQUEST),
        (b'{"jsonrpc":"2.0","id":{},"method":"ping"}', messages.INVALID_REQUEST),
        (b'{"jsonrpc":"2.0","id":1,"method":5}', messages.INVALID_REQUEST),
        (b'{"jsonrpc":"2.0","id":1,"method":"x","params":[1]}', messages.INVALID_REQUEST),
    ],
)
def test_what_is_no_message_is_refused(body: bytes, code: int) -> None:
    with pytest.raises(Malformed) as caught:
        read(body)
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("asked", "spoken"), [("2025-06-18", "2025-06-18"), ("2099-01-01", "2025-11-25"), (None, "2025-11-25")]
)
def test_the_version_is_the_asked_one_or_the_newest(asked: str | None, spoken: str) -> None:
    assert messages.initialized({"protocolVersion": asked})["protocolVersion"] == spoken


def test_tools_and_results_have_the_form_of_the_protocol() -> None:
    spec = ToolSpec(name="a", description="b", input_schema={"type": "object"}, reads=True)
    assert messages.listed([spec]) == {"tools": [{"name": "a", "description": "b", "inputSchema": {"type": "object"}}]}
    failed = ToolOutput(text="no", failed=True, structured={"secret": 1}, shown="for the screen")
    assert messages.called(failed) == {"content": [{"type": "text", "text": "no"}], "isError": True}
