from __future__ import annotations

from dataclasses import replace

import pytest

from supervisor.commands import resume as interrupted
from supervisor.delivery.replies import quote
from supervisor.models.offline.instructions import ABILITIES
from supervisor.models.offline.reply import SIGNATURE, ToolUse
from supervisor.models.offline.transcript import ToolOutcome, Transcript
from supervisor.models.offline.unscripted import answer
from supervisor.turns import suspension as resting

ALL_TOOLS = frozenset({"Read", "Write", "Edit", "Glob", "Grep", "Bash"})
ROOT = "/srv/p"
UNREAD = "<tool_use_error>File has not been read yet. Read it first before writing to it.</tool_use_error>"


def transcript(
    prompt: str, *outcomes: ToolOutcome, tools: frozenset[str] = ALL_TOOLS, root: str | None = ROOT
) -> Transcript:
    return Transcript(
        model="m",
        prompt=prompt,
        answered=len(outcomes),
        outcomes=outcomes,
        tools=tools,
        working_directory=root,
        turns=(),
    )


def did(name: str, result: str = "ok", *, failed: bool = False) -> ToolOutcome:
    return ToolOutcome(name=name, input={}, failed=failed, result=result)


def tool(prompt: str, *outcomes: ToolOutcome) -> ToolUse:
    (use,) = answer(transcript(prompt, *outcomes)).tools
    return use


def final(prompt: str, *outcomes: ToolOutcome, tools: frozenset[str] = ALL_TOOLS) -> str:
    reply = answer(transcript(prompt, *outcomes, tools=tools))
    assert not reply.tools
    assert reply.text.endswith(SIGNATURE)
    return reply.text


def test_file_is_written_under_the_working_directory() -> None:
    use = tool("create a file hello.txt containing hi")
    assert (use.name, use.input) == ("Write", {"file_path": "/srv/p/hello.txt", "content": "hi"})
    text = final("create a file hello.txt containing hi", did("Write"))
    assert text == f'I wrote hello.txt, containing: "hi". {SIGNATURE}'


def test_absolute_name_stays_as_it_is() -> None:
    assert tool("create a file /tmp/x.txt containing hi").input["file_path"] == "/tmp/x.txt"


def test_name_stays_relative_without_a_working_directory() -> None:
    reply = answer(transcript("create a file x.txt containing hi", root=None))
    assert reply.tools[0].input["file_path"] == "x.txt"


def test_existing_file_is_read_before_it_is_replaced() -> None:
    prompt, refused = "write new to hello.txt", did("Write", UNREAD, failed=True)
    assert tool(prompt, refused).name == "Read"
    assert tool(prompt, refused, did("Read", "1\told")).name == "Write"
    assert "I wrote hello.txt" in final(prompt, refused, did("Read", "1\told"), did("Write"))
    assert "I could not write" in final(prompt, refused, did("Read", "gone", failed=True))


def test_denied_write_quotes_the_reason() -> None:
    text = final("create a file hello.txt containing hi", did("Write", "not without Ada's yes", failed=True))
    assert "I could not write hello.txt" in text
    assert "not without Ada's yes" in text


def test_appending_adds_a_line_after_the_last() -> None:
    use = tool("append three to n.txt", did("Read", "1\tone\n2\ttwo"))
    assert (use.name, use.input["old_string"], use.input["new_string"]) == ("Edit", "two", "two\nthree")


def test_appending_keeps_the_last_line_ended() -> None:
    use = tool("append three to n.txt", did("Read", "     1→one\n     2→two\n     3→"))
    assert (use.input["old_string"], use.input["new_string"]) == ("two\n", "two\nthree\n")


def test_appending_finds_a_unique_ending() -> None:
    use = tool("append new to n.txt", did("Read", "1\tx\n2\ta\n3\tx"))
    assert use.input["old_string"] == "a\nx"


def test_appending_to_an_empty_file_writes_it() -> None:
    empty = did("Read", "<system-reminder>Warning: the file exists but the contents are empty.</system-reminder>")
    assert tool("append x to n.txt", empty).input == {"file_path": "/srv/p/n.txt", "content": "x\n"}
    assert "I added this at the end of n.txt" in final("append x to n.txt", empty, did("Write"))


def test_appending_to_no_file_quotes_the_reason() -> None:
    assert "File does not exist" in final("append x to n.txt", did("Read", "File does not exist.", failed=True))


def test_replacing_reads_then_edits() -> None:
    assert tool("replace a with b in n.txt").name == "Read"
    use = tool("replace a with b in n.txt", did("Read", "1\ta"))
    assert use.input == {"file_path": "/srv/p/n.txt", "old_string": "a", "new_string": "b", "replace_all": True}
    assert "replaced" in final("replace a with b in n.txt", did("Read", "1\ta"), did("Edit"))
    assert "could not change" in final("replace a with b in n.txt", did("Read"), did("Edit", "no match", failed=True))


def test_reading_shows_the_lines_without_their_numbers() -> None:
    assert tool("read n.txt").input == {"file_path": "/srv/p/n.txt"}
    assert "\n```\none\n\ntwo\n```\n" in final("read n.txt", did("Read", "1\tone\n2\t\n3\ttwo"))
    assert "is empty" in final("read n.txt", did("Read", "<system-reminder>empty</system-reminder>"))


def test_long_file_is_cut_and_says_so() -> None:
    assert "[998000 more characters]" in final("read n.txt", did("Read", "1\t" + "x" * 1_000_000))


def test_fence_in_a_file_does_not_end_the_quote() -> None:
    assert "\n````\n```\nx\n```\n````\n" in final("read n.txt", did("Read", "1\t```\n2\tx\n3\t```"))


def test_files_are_listed() -> None:
    assert tool("list the files").input == {"pattern": "**/*"}
    assert tool("list the files in src").input == {"pattern": "**/*", "path": "/srv/p/src"}
    assert "a.py\nb.py" in final("list the files", did("Glob", "a.py\nb.py"))


def test_command_is_run() -> None:
    assert tool("run `ls -l`").input["command"] == "ls -l"
    assert "it printed nothing" in final("run `true`", did("Bash", ""))
    assert "exit 1" in final("run `false`", did("Bash", "exit 1", failed=True))


@pytest.mark.parametrize(
    ("files", "command"),
    [
        ("Makefile\nREADME.md", "make test"),
        ("/srv/p/package.json", "npm test"),
        ("setup.py", "python3 -m pytest"),
        ("No files found", "python3 -m pytest"),
    ],
)
def test_tests_are_run_by_what_the_project_has(files: str, command: str) -> None:
    assert tool("run the tests").name == "Glob"
    assert tool("run the tests", did("Glob", files)).input["command"] == command
    assert f"I ran `{command}`" in final("run the tests", did("Glob", files), did("Bash", "3 passed"))


def test_tests_are_run_without_a_way_to_list_files() -> None:
    reply = answer(transcript("run the tests", tools=frozenset({"Bash"})))
    assert reply.tools[0].name == "Bash"


def test_tool_that_is_not_offered_is_named() -> None:
    assert "needs the tool Bash, which is not offered" in final("run `ls`", tools=frozenset({"Read"}))


def test_anything_else_repeats_the_words_and_says_what_it_can_do() -> None:
    text = final("What is the capital of France?")
    assert "What is the capital of France?" in text
    assert all(ability in text for ability in ABILITIES)


def test_empty_prompt_gets_an_answer() -> None:
    assert "no text" in final("")


def test_an_allowed_call_is_made_again_and_a_denied_one_is_not() -> None:
    allowed = resting.GO_ON.format(quoted='"clean up"')
    asked = replace(transcript(allowed), last_call=("Bash", {"command": "make clean"}))
    assert answer(asked).tools[0].input["command"] == "make clean"
    written = replace(transcript(allowed), last_call=("Write", {"file_path": "/srv/p/a", "content": "x"}))
    assert answer(written).tools[0].input == {"file_path": "/srv/p/a", "content": "x"}
    assert "I made the call Write" in answer(replace(written, outcomes=(did("Write"),))).text
    assert "could not" in answer(replace(written, outcomes=(did("Write", "no", failed=True),))).text.lower()
    refused = resting.GO_ON_WITHOUT.format(reason="Bash x was not run: the person said no", quoted='"clean up"')
    assert "without that call" in final(refused)


def test_interrupted_work_starts_again_if_it_is_quoted_in_full() -> None:
    cut_off = transcript(interrupted.GO_ON.format(quoted=quote("run make clean")))
    assert answer(cut_off).tools[0].input["command"] == "make clean"
    long = transcript(interrupted.GO_ON.format(quoted=quote("run make " + "clean " * 20)))
    assert "You wrote" in answer(long).text, "half a command is none"
