from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from supervisor.models.offline.instructions import (
    ABILITIES,
    LONGEST_PROMPT,
    AppendToFile,
    Instruction,
    ListFiles,
    ReadFile,
    ReplaceInFile,
    RunCommand,
    RunTests,
    WriteFile,
    parse_instruction,
)

UNDERSTOOD: list[tuple[str, Instruction]] = [
    ("create a file hello.txt containing hi", WriteFile(name="hello.txt", text="hi")),
    ('Please create a file called `a b.txt` with "hi there".', WriteFile(name="a b.txt", text="hi there")),
    ("make a file called NAME with TEXT", WriteFile(name="NAME", text="TEXT")),
    ("make a file called NAME with the text: one\ntwo\n\n[meta:X]", WriteFile(name="NAME", text="one\ntwo")),
    ("claude: create file x.py containing:\n```python\na\n\nb\n```\nthanks", WriteFile(name="x.py", text="a\n\nb\n")),
    ("Hi, can you create\na file hello.txt\ncontaining hi", WriteFile(name="hello.txt", text="hi")),
    ("create hello.txt with the text hello", WriteFile(name="hello.txt", text="hello")),
    ("Create a new text file “x.md” that says “hey”", WriteFile(name="x.md", text="hey")),
    ("create an empty file foo.txt", WriteFile(name="foo.txt", text="")),
    ("create a file run.sh containing run the tests", WriteFile(name="run.sh", text="run the tests")),
    ("write hello world to notes.txt", WriteFile(name="notes.txt", text="hello world")),
    ("write 'a to b' into the file notes.txt.", WriteFile(name="notes.txt", text="a to b")),
    ("write a to do list to todo.txt", WriteFile(name="todo.txt", text="a to do list")),
    ("append one more line to notes.txt", AppendToFile(name="notes.txt", text="one more line")),
    ("add hi to the end of notes.txt", AppendToFile(name="notes.txt", text="hi")),
    ("replace A with B in foo.py", ReplaceInFile(name="foo.py", old="A", new="B")),
    ('replace "a b" with "" in foo.py', ReplaceInFile(name="foo.py", old="a b", new="")),
    ("change foo to bar in src/x.c", ReplaceInFile(name="src/x.c", old="foo", new="bar")),
    ("read notes.txt.", ReadFile(name="notes.txt")),
    ("show me the file Makefile", ReadFile(name="Makefile")),
    ("what is in a.txt?", ReadFile(name="a.txt")),
    ("list the files", ListFiles()),
    ("List all files in this project!", ListFiles()),
    ("list the files in src/", ListFiles(folder="src/")),
    ("run `ls -la`", RunCommand(command="ls -la")),
    ("please run the command: make all", RunCommand(command="make all")),
    ("run ls -la.", RunCommand(command="ls -la")),
    ("run the tests", RunTests()),
    ("Could you run all the tests please?", RunTests()),
]


@pytest.mark.parametrize(("prompt", "instruction"), UNDERSTOOD, ids=[prompt[:40] for prompt, _ in UNDERSTOOD])
def test_sentence_is_understood(prompt: str, instruction: Instruction) -> None:
    assert parse_instruction(prompt) == instruction


@pytest.mark.parametrize(
    "prompt",
    [
        "",
        "hello",
        "do not create a file x.txt containing y",
        "don't run rm -rf .",
        "in the long run we are all late",
        "show me the status",
        "read it",
        "fix the bug in router.py",
        "create a file x.txt containing " + "y" * 30_000,
    ],
    ids=lambda prompt: prompt[:40],
)
def test_other_sentence_is_not_taken_for_one(prompt: str) -> None:
    assert parse_instruction(prompt) is None


@pytest.mark.parametrize("ability", ABILITIES)
def test_every_listed_instruction_is_understood(ability: str) -> None:
    assert parse_instruction(ability) is not None


@given(st.text())
def test_no_text_breaks_it(text: str) -> None:
    parse_instruction(text)
    parse_instruction(f"create a file {text} containing {text}")


@pytest.mark.parametrize(
    "piece",
    [
        " ",
        "\n",
        ".",
        "/",
        "a,",
        "write ",
        "run\n",
        "write a to ",
        "replace a with b in c d ",
        'create a file "',
        "> \n",
    ],
)
def test_hostile_repetition_is_read_to_its_end(piece: str) -> None:
    # Not possible to finish where matching is cubic.
    parse_instruction(piece * (LONGEST_PROMPT // len(piece)))
