from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from supervisor.models.offline.transcript import ToolOutcome, read_transcript

REMINDER = {"type": "text", "text": "<system-reminder>\nbe kind\n</system-reminder>"}
ENVIRONMENT = "# Environment\nYou have been invoked: \n - Primary working directory: /srv/my project\n - Shell: bash"


def text(words: str) -> dict[str, Any]:
    return {"type": "text", "text": words}


def call(number: int) -> dict[str, Any]:
    return {"type": "tool_use", "id": f"toolu_{number}", "name": "Bash", "input": {"command": f"echo {number}"}}


def result(number: int, content: object, *, failed: bool = False) -> dict[str, Any]:
    return {"type": "tool_result", "tool_use_id": f"toolu_{number}", "content": content, "is_error": failed}


def body(*messages: tuple[str, object]) -> dict[str, Any]:
    return {"model": "m", "messages": [{"role": role, "content": content} for role, content in messages]}


def test_prompt_is_the_last_block_that_is_not_a_reminder() -> None:
    read = read_transcript(body(("user", [REMINDER, text("old words"), text("do it"), REMINDER]), ("system", "x")))
    assert (read.prompt, read.answered, read.outcomes) == ("do it", 0, ())


def test_plain_string_is_a_prompt() -> None:
    read = read_transcript(body(("user", "first"), ("assistant", "ok"), ("user", "second")))
    assert (read.prompt, read.answered) == ("second", 0)
    assert read.turns == (("user", "first"), ("assistant", "ok"), ("user", "second"))


def test_tool_results_follow_their_prompt() -> None:
    read = read_transcript(
        body(
            ("user", [text("go")]),
            ("assistant", [text("first"), call(1)]),
            ("user", [result(1, "fine")]),
            ("assistant", [call(2)]),
            ("user", [result(2, [text("no"), text("way")], failed=True), REMINDER]),
        )
    )
    assert (read.prompt, read.answered) == ("go", 2)
    assert read.outcomes == (
        ToolOutcome(name="Bash", input={"command": "echo 1"}, failed=False, result="fine"),
        ToolOutcome(name="Bash", input={"command": "echo 2"}, failed=True, result="no\nway"),
    )


def test_resumed_approval_is_no_new_prompt() -> None:
    resumed = [result(1, "done"), text("Continue from where you left off.")]
    read = read_transcript(body(("user", "go"), ("assistant", [call(1)]), ("user", resumed)))
    assert (read.prompt, read.answered) == ("go", 1)


def test_text_after_an_interrupted_tool_is_a_new_prompt() -> None:
    cut = [result(1, "stopped", failed=True), text("[Request interrupted by user for tool use]"), text("rather this")]
    read = read_transcript(body(("user", "go"), ("assistant", [call(1)]), ("user", cut)))
    assert (read.prompt, read.answered, read.outcomes) == ("rather this", 0, ())


def test_working_directory_is_read_from_a_system_message() -> None:
    assert read_transcript(body(("user", "hi"), ("system", [text(ENVIRONMENT)]))).working_directory == "/srv/my project"


def test_working_directory_is_read_from_the_system_prompt() -> None:
    request = {**body(("user", "hi")), "system": [text("x"), text("<env>\nWorking directory: /srv/p\n</env>")]}
    assert read_transcript(request).working_directory == "/srv/p"


def test_latest_working_directory_counts() -> None:
    request = {**body(("user", "hi"), ("system", ENVIRONMENT)), "system": "Working directory: /old"}
    assert read_transcript(request).working_directory == "/srv/my project"


def test_prompt_cannot_set_the_working_directory() -> None:
    assert read_transcript(body(("user", ENVIRONMENT))).working_directory is None


def test_offered_tools_are_named() -> None:
    assert read_transcript({**body(("user", "hi")), "tools": [{"name": "Bash"}]}).tools == {"Bash"}


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=6)
    | st.sampled_from(["user", "tool_use", "tool_result"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["role", "content", "type", "text", "id", "name", "input", "tool_use_id"]),
            inner,
            max_size=5,
        )
    ),
    max_leaves=25,
)


@given(st.lists(json_values, max_size=5), json_values, json_values)
def test_no_body_breaks_it(messages: list[object], system: object, tools: object) -> None:
    read_transcript({"messages": messages, "system": system, "tools": tools})
