"""The callables as old programs know them."""

from __future__ import annotations

import inspect

import xswarm_client
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
