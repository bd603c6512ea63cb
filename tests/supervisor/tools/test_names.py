"""The names of tools are unique, and such as the APIs of models allow."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from supervisor.tools.names import full_name, name_in_claude_code, parts, safe_name


@pytest.mark.parametrize("tool", ["find_person", "a", "x" * 40, "with-hyphen", "a__b"])
def test_a_name_that_is_allowed_stays(tool: str) -> None:
    assert safe_name("residency", tool) == tool
    assert full_name("residency", tool) == f"residency__{tool}"
    assert name_in_claude_code("residency", tool) == f"mcp__residency__{tool}"
    assert parts(f"residency__{tool}") == ("residency", tool)


@given(st.text(max_size=100), st.text(max_size=100))
def test_every_name_is_allowed_and_two_tools_never_have_one(one: str, other: str) -> None:
    name = name_in_claude_code("a-server-of-24-letters-x", one)
    assert re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", name)
    assert (name == name_in_claude_code("a-server-of-24-letters-x", other)) is (one == other)


def test_what_is_no_full_name_has_no_tool() -> None:
    assert parts("claude_code") == ("claude_code", "")
