"""The callables as old programs know them."""

from __future__ import annotations

import ast
import asyncio
import inspect
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection

import xswarm_client
from tests.packages.python.xswarm_client.stand_ins import daemon, say
from xswarm_client.claude import _as_prompt


def test_the_callables_have_the_signatures_that_old_programs_use() -> None:
    signatures = {
        "claude_execute": "(prompt: 'str', working_dir: 'str' = '') -> 'str'",
        "claude_execute_simple": "(prompt: 'str', working_dir: 'str' = '') -> 'str'",
        "monitored_claude_execute": "(prompt: 'str', working_dir: 'str' = '') -> 'str'",
        "claude_execute_wrapper": "(prompt: 'str') -> 'str'",
    }
    for name, signature in signatures.items():
        assert str(inspect.signature(getattr(xswarm_client, name))) == signature
    assert list(inspect.signature(xswarm_client.call_claude_code).parameters) == ["messages", "repo"]
    schema = xswarm_client.CLAUDE_EXECUTE_SCHEMA
    assert (schema["name"], schema["parameters"]["required"]) == ("claude_execute", ["prompt"])
    assert schema["parameters"]["properties"]["prompt"]["type"] == "string"


def test_a_chat_becomes_one_prompt() -> None:
    assert _as_prompt([{"role": "user", "content": "do it"}]) == "do it"
    assert _as_prompt([{"role": "system", "content": None}, "do it"]) == "do it"
    chat = [{"name": "planner", "content": "a plan"}, {"role": "user", "content": [{"type": "text", "text": "x"}]}]
    assert _as_prompt(chat) == 'planner: a plan\n\nuser: [{"type": "text", "text": "x"}]'


def test_nothing_that_a_model_answers_is_executed_in_the_program() -> None:
    runs = {"exec", "eval", "compile", "__import__", "system", "popen", "Popen", "create_subprocess_exec"}
    folder = Path(xswarm_client.__file__).parent
    for path in sorted(folder.glob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        imported = {name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names}
        assert not imported & {"subprocess", "importlib", "runpy", "pickle", "code"}, path
        called = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
        names = {f.id if isinstance(f, ast.Name) else f.attr for f in called if isinstance(f, ast.Name | ast.Attribute)}
        assert not names & runs, (path, names & runs)


@pytest.mark.parametrize("code", ["rate_limited", "overloaded", "session_not_active"])
async def test_a_call_that_was_not_accepted_is_made_again(monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    opened: list[str] = []
    asked: list[str] = []

    async def refuse_once(frame: dict[str, Any], websocket: ServerConnection) -> None:
        back = frame["request_id"]
        if frame["type"] == "claude_code_connect":
            opened.append(frame["session_id"])
        elif frame["type"] == "claude_code_message":
            asked.append(frame["external_id"])
            if len(asked) == 1:
                await say(websocket, type="error", request_id=back, code=code, message="not now", retry_after=0.05)
                return
        await say(websocket, type="done", request_id=back, content="done")

    async with daemon(refuse_once, {"user_id": "alice"}) as url:
        for name, value in {"XSWARM_URL": url, "XSWARM_TOKEN": "t", "XSWARM_PROJECT": "/srv"}.items():
            monkeypatch.setenv(name, value)
        assert await asyncio.to_thread(xswarm_client.claude_execute, "do it") == "done"
        await asyncio.to_thread(xswarm_client.disconnect)
    assert len(set(asked)) == 2
    assert len(opened) == (2 if code == "session_not_active" else 1)
