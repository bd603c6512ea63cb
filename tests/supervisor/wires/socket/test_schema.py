"""The JSON Schema of the socket: made from the types, committed, complete."""

from __future__ import annotations

import importlib
import pkgutil
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import channels
import connectors
import supervisor
from supervisor.protocol.errors import XswarmError
from supervisor.protocol.events import SocketEvent
from supervisor.protocol.requests import AnyRequest
from supervisor.wires.failures import CODES
from supervisor.wires.socket.schema import FILE, schema, text
from tests.packaging.project import ROOT
from tests.slowness import scaled


def test_committed_schema_is_the_one_of_the_types() -> None:
    assert (ROOT / FILE).read_text(encoding="utf-8") == text(), "stale: run `python -m supervisor.wires.socket.schema`"


def test_schema_is_written_where_it_is_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "schema.json"
    command = [sys.executable, "-m", "supervisor.wires.socket.schema", str(path)]
    subprocess.run(command, check=True, cwd=ROOT, timeout=scaled(60))
    assert path.read_text(encoding="utf-8") == text()


def test_every_message_is_in_the_schema_under_its_name() -> None:
    definitions = schema()["$defs"]
    for side, union in (("request", AnyRequest), ("event", SocketEvent)):
        for cls in get_args(union):
            kind = cls.__dataclass_fields__["type"].default
            assert definitions[cls.__name__]["properties"]["type"]["const"] == kind
            assert definitions[side]["discriminator"]["mapping"][kind] == f"#/$defs/{cls.__name__}"


def test_what_may_be_left_out_is_not_required_and_the_type_always_is() -> None:
    definitions = schema()["$defs"]
    assert definitions["Error"]["required"] == ["message", "code", "type"]
    assert definitions["Error"]["properties"]["retry_after"] == {"type": "number"}
    assert definitions["ClaudeCodeConnect"]["required"] == ["session_id", "project_path", "user_id", "type"]
    assert "protocol" in definitions["AuthResult"]["required"]


def test_bounds_of_the_types_are_in_the_schema() -> None:
    definitions = schema()["$defs"]
    assert definitions["GetHistory"]["properties"]["limit"] == {
        "default": 50,
        "maximum": 500,
        "minimum": 1,
        "type": "integer",
    }
    assert definitions["ClaudeCodeConnect"]["properties"]["session_id"]["pattern"] == "^[A-Za-z0-9._-]{1,64}$"
    assert "from" in definitions["SmsReceived"]["required"]


def test_no_word_of_how_python_spells_it_is_left() -> None:
    assert "Omit" not in text()
    assert "from_" not in text()


def test_the_schema_is_as_narrow_as_the_server() -> None:
    definitions = schema()["$defs"]
    for name in ("Subscribe", "Unsubscribe"):
        topic = definitions[name]["properties"]["topics"]["items"]["pattern"]
        for good in ("sessions", "costs", "approvals", "session:s1", "user:alice"):
            assert re.fullmatch(topic, good)
        for bad in ("", "session", "session:", "user:", "everything", "sessions:s1", "xsessions"):
            assert re.fullmatch(topic, bad) is None
    for name in ("since", "until"):
        (text_, _) = definitions["GetCost"]["properties"][name]["anyOf"]
        assert re.fullmatch(text_["pattern"], "2024-01-01")
        assert re.fullmatch(text_["pattern"], "2024-W01-1") is None
    assert "error" in definitions["SessionStatusEvent"]["properties"]["status"]["enum"]


def test_every_code_that_the_wire_sends_is_in_the_schema() -> None:
    for package in (supervisor, channels, connectors):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not module.name.endswith("__main__"):
                importlib.import_module(module.name)
    known = {*schema()["$defs"]["Error"]["properties"]["code"]["enum"], *CODES}
    codes = {kind.code for kind in descendants(XswarmError) if kind.code and not kind.__module__.startswith("cli.")}
    assert codes - known == {"no_database", "not_copied"}, "they are told on the command line only"
    assert {"not_authenticated", "internal", "budget_exceeded", "undo_conflict"} <= known


def descendants(kind: type[XswarmError]) -> Iterator[type[XswarmError]]:
    yield kind
    for child in kind.__subclasses__():
        yield from descendants(child)
