from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from supervisor.models.offline.reply import Reply
from supervisor.models.offline.script import Step, find_script
from supervisor.protocol.values.record import field_names

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
step_keys = st.sampled_from(
    [*field_names(Step), "text", "tools", "usage", "stop_reason", "typo"],
)


def test_script_is_found_between_other_words() -> None:
    steps = find_script('please @@{"steps": [{"text": "one"}, {"text": "two", "delay": 0.5}]} and so on } ]')
    assert steps == (Step(reply=Reply(text="one")), Step(reply=Reply(text="two"), delay=0.5))


def test_every_key_of_a_step_is_read() -> None:
    written = {
        "text": "t",
        "tools": [{"name": "Bash", "input": {"command": "ls"}, "id": "toolu_1"}],
        "delay": 1,
        "token_delay": 0.25,
        "hang": True,
        "errors": [529, 500],
        "retry_after": 2,
        "drop_after": 3,
        "sse_error": True,
        "usage": {"input_tokens": 7, "cache_creation": {"ephemeral_1h_input_tokens": 2}},
        "stop_reason": "max_tokens",
    }
    steps = find_script(f"@@{json.dumps({'id': 'x', 'steps': [written]})}")
    assert steps is not None
    (step,) = steps
    assert (step.reply.text, step.reply.stop_reason, step.reply.usage) == ("t", "max_tokens", written["usage"])
    assert [(tool.name, tool.input, tool.id) for tool in step.reply.tools] == [("Bash", {"command": "ls"}, "toolu_1")]
    assert (step.delay, step.token_delay, step.hang, step.errors) == (1.0, 0.25, True, (529, 500))
    assert (step.retry_after, step.drop_after, step.sse_error) == (2.0, 3, "Overloaded")


def test_script_inside_a_tool_input_is_left_to_the_subagent() -> None:
    inner = '@@{"steps": [{"text": "inner"}]}'
    outer = {"steps": [{"tools": [{"name": "Agent", "input": {"prompt": inner}}]}]}
    steps = find_script(f"@@{json.dumps(outer)}")
    assert steps is not None
    assert steps[0].reply.tools[0].input == {"prompt": inner}


def test_last_of_several_scripts_counts() -> None:
    steps = find_script('earlier: @@{"steps": [{"text": "old"}]}\nnow: @@{"steps": [{"text": "new"}]}')
    assert steps == (Step(reply=Reply(text="new")),)


@pytest.mark.parametrize(
    "prompt",
    [
        "no script",
        "@@{",
        "@@{}",
        '@@{"steps": {}}',
        '@@{"steps": [1]}',
        '@@{"steps": [{"txt": "typo"}]}',
        '@@{"steps": [{"text": 1}]}',
        '@@{"steps": [{"delay": -1}]}',
        '@@{"steps": [{"delay": NaN}]}',
        '@@{"steps": [{"delay": 1e9}]}',
        '@@{"steps": [{"hang": "yes"}]}',
        '@@{"steps": [{"errors": [200]}]}',
        '@@{"steps": [{"errors": 529}]}',
        '@@{"steps": [{"drop_after": true}]}',
        '@@{"steps": [{"tools": [{"input": {}}]}]}',
        '@@{"steps": [{"tools": [{"name": "Bash", "input": "ls"}]}]}',
        '@@{"steps": [{"tools": {}}]}',
        '@@{"steps": [{"usage": {"input_tokens": "7"}}]}',
        '@@{"steps": [{"usage": {"output_tokens": {"a": 1}}}]}',
        '@@{"steps": [{"text": "cut',
        "@@" + '{"a":' * 100_000,
    ],
    ids=lambda prompt: prompt[:40],
)
def test_invalid_script_is_ignored(prompt: str) -> None:
    assert find_script(prompt) is None


def test_invalid_script_does_not_hide_a_valid_one() -> None:
    assert find_script('@@{"steps": @@{"steps": []}') == ()


@given(st.text())
def test_no_text_breaks_the_parser(text: str) -> None:
    find_script(f"@@{{{text}")


@given(st.lists(st.dictionaries(step_keys, json_values, max_size=4) | json_values, max_size=3), st.text(max_size=10))
def test_no_script_breaks_the_parser(steps: list[object], tail: str) -> None:
    found = find_script(f"@@{json.dumps({'steps': steps})}{tail}")
    assert found is None or len(found) == len(steps)
