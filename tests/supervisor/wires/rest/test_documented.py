"""The pages for administrators and programmers name paths, messages and commands that exist."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from cli.main import COMMANDS
from supervisor.wires.failures import STATUS
from supervisor.wires.socket.schema import schema
from tests.supervisor.wires.http.serving import Served

DOCS = Path(__file__).resolve().parents[4] / "docs"


def page(name: str) -> str:
    """Return the text of a page."""
    return (DOCS / name).read_text(encoding="utf-8")


async def test_every_path_of_http_on_the_pages_exists(tmp_path: Path) -> None:
    async with Served(tmp_path) as served:
        known = (await served.service.get("/openapi.json")).json()["paths"]
    for name in ("protocol.md", "operations.md"):
        named = re.findall(r"`(?:GET |POST )?(/(?:api|healthz|readyz|metrics)[\w/{}-]*[\w}])`", page(name))
        assert named
        for path in named:
            shape = re.sub(r"/sms$", "/{channel}", path)
            assert shape in known or any(one.startswith(f"{shape}/") for one in known), path


@pytest.mark.parametrize(("side", "title"), [("request", "### From a client"), ("event", "### From the daemon")])
def test_the_page_has_every_message_of_the_socket_with_its_fields(side: str, title: str) -> None:
    part = page("protocol.md").partition(title)[2].partition("\n#")[0]
    told = {
        kind: set(re.findall(r"`(\w+\??)`", fields))
        for kind, fields in re.findall(r"^\| `(\w+)` \| (.*?) \| ", part, re.MULTILINE)
    }
    described = schema()["$defs"]
    assert told == {
        message["properties"]["type"]["const"]: _fields(message)
        for message in (described[one["$ref"].rpartition("/")[2]] for one in described[side]["oneOf"])
    }


def test_the_page_has_every_code_with_its_status() -> None:
    part = page("protocol.md").partition("## Errors")[2]
    told = re.findall(r"^\| `(\w+)` \| (\d+) \| ", part, re.MULTILINE)
    assert sorted(told) == sorted((code, str(status)) for code, status in STATUS.items())


@pytest.mark.parametrize("name", ["install.md", "setup.md", "operations.md", "security.md", "usage.md"])
def test_the_commands_on_the_pages_exist(name: str) -> None:
    used = re.findall(
        r"(?:^|[`/ ])xswarm ([a-z]+)(?=[ `\n])", "".join(re.findall(r"```sh\n.*?```|`[^`\n]+`", page(name), re.S))
    )
    assert set(used) <= set(COMMANDS), set(used) - set(COMMANDS)


def _fields(message: dict[str, Any]) -> set[str]:
    needed = set(message.get("required", ()))
    return {
        field if field in needed else f"{field}?"
        for field in message["properties"]
        if field not in ("type", "request_id")
    }
