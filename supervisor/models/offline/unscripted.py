"""Answers prompts without a script: it follows simple instructions with the real tools of Claude Code."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import PurePosixPath

from supervisor.models.offline.instructions import (
    ABILITIES,
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
from supervisor.models.offline.reply import SIGNATURE, Reply, ToolUse
from supervisor.models.offline.tool_choice import explicit, next_step
from supervisor.models.offline.transcript import ToolOutcome, Transcript

LONGEST_QUOTE = 2000
"""The longest part of a file, list or output that an answer repeats, in characters."""

LONGEST_INLINE = 100
"""The longest text that is quoted inside a sentence, in characters."""

SAME_CALL = "make exactly the same call again"
"""Part of the prompt with which the daemon says that a person allowed the last tool call."""

WITHOUT_IT = "Go on without it"
"""Part of the prompt with which the daemon says that the last tool call was not allowed."""

CUT_OFF = re.compile(r'Your work on the message "(.*[^…])" was interrupted when .* then go on with it', re.DOTALL)
"""The prompt with which the daemon resumes an interrupted turn; the offline model starts the quoted prompt again."""

NUMBERED_LINE = re.compile(r"^ *\d+(?:→|\t)(.*)$")
"""A line in the result of the Read tool."""

TEST_COMMANDS = (
    ("Makefile", "make test"),
    ("package.json", "npm test"),
    ("Cargo.toml", "cargo test"),
    ("go.mod", "go test ./..."),
)
"""The test command of a project by the file that identifies it. Without any of them it is pytest."""

OF_CLAUDE_CODE = frozenset({"Bash", "Read", "Write", "Edit", "Glob"})
"""Tools by which a client is known to be Claude Code. Its other tools are called only where the prompt names them."""

Next = ToolUse | str
"""The next tool call, or the final answer without its signature."""


def answer(transcript: Transcript) -> Reply:
    """Return the next answer to a prompt without a script. It says that no model has written it."""
    step = _go_on(transcript)
    if step is None:
        cut_off = CUT_OFF.search(transcript.prompt)
        instruction = parse_instruction(cut_off[1] if cut_off is not None else transcript.prompt)
        if (chosen := _chosen(transcript)) is not None:
            step = chosen
        elif instruction is not None and not _offers_others(transcript):
            step = _pursue(instruction, transcript)
        else:
            step = _decline(transcript)
    if isinstance(step, str):
        return Reply(text=f"{step}{SIGNATURE}" if step.endswith("\n") else f"{step} {SIGNATURE}")
    if step.name not in transcript.tools:
        return Reply(text=f"That needs the tool {step.name}, which is not offered here. {SIGNATURE}")
    return Reply(tools=(step,))


def _go_on(transcript: Transcript) -> Next | None:
    """Return the next step after a tool call that waited for a person; None = the prompt is not about one."""
    if WITHOUT_IT in transcript.prompt:
        return "I went on without that call. There was nothing else to do."
    if SAME_CALL not in transcript.prompt or transcript.last_call is None:
        return None
    name, given = transcript.last_call
    if name == "Bash":
        return _run(str(given.get("command", "")), transcript.outcomes)
    if not transcript.outcomes:
        return ToolUse(name=name, input=given)
    last = transcript.outcomes[-1]
    return _failure(f"make the call {name}", last) if last.failed else f"I made the call {name}."


def _chosen(transcript: Transcript) -> Next | None:
    """Return the next step with a tool that is not of Claude Code; None = the prompt is not about one."""
    if _offers_others(transcript) or explicit(transcript.prompt) is not None:
        return next_step(transcript)
    return None


def _offers_others(transcript: Transcript) -> bool:
    """Return whether the client offers tools, and none of Claude Code."""
    return bool(transcript.tools) and transcript.tools.isdisjoint(OF_CLAUDE_CODE)


def _pursue(instruction: Instruction, transcript: Transcript) -> Next:
    done, root = transcript.outcomes, transcript.working_directory
    match instruction:
        case WriteFile():
            return _write(instruction, root, done)
        case AppendToFile():
            return _append(instruction, root, done)
        case ReplaceInFile():
            return _replace(instruction, root, done)
        case ReadFile():
            return _read(instruction, root, done)
        case ListFiles():
            return _list(instruction, root, done)
        case RunCommand():
            return _run(instruction.command, done)
        case RunTests():
            return _run_tests(transcript)


def _write(instruction: WriteFile, root: str | None, done: Sequence[ToolOutcome]) -> Next:
    path = _path(instruction.name, root)
    write = ToolUse(name="Write", input={"file_path": path, "content": instruction.text})
    if not done:
        return write
    # The Write tool replaces a file only after a Read of it.
    if done[-1].failed and done[-1].name == "Write" and len(done) == 1 and "not been read" in done[-1].result:
        return ToolUse(name="Read", input={"file_path": path})
    if done[-1].failed:
        return _failure(f"write {instruction.name}", done[-1])
    if done[-1].name == "Read":
        return write
    if not instruction.text:
        return f"I created {instruction.name}, empty."
    return f"I wrote {instruction.name}, containing:{_quote(instruction.text)}"


def _append(instruction: AppendToFile, root: str | None, done: Sequence[ToolOutcome]) -> Next:
    path = _path(instruction.name, root)
    if not done:
        return ToolUse(name="Read", input={"file_path": path})
    if done[-1].failed:
        return _failure(f"add to {instruction.name}", done[-1])
    if done[-1].name != "Read":
        return f"I added this at the end of {instruction.name}:{_quote(instruction.text)}"
    lines = _lines(done[-1].result)
    if not lines:
        return ToolUse(name="Write", input={"file_path": path, "content": f"{instruction.text}\n"})
    tail = _unique_tail(lines)
    ending = "\n" if tail.endswith("\n") else ""
    text = f"{tail.removesuffix(ending)}\n{instruction.text}{ending}"
    return ToolUse(name="Edit", input={"file_path": path, "old_string": tail, "new_string": text})


def _replace(instruction: ReplaceInFile, root: str | None, done: Sequence[ToolOutcome]) -> Next:
    path = _path(instruction.name, root)
    if not done:
        return ToolUse(name="Read", input={"file_path": path})
    if done[-1].failed:
        return _failure(f"change {instruction.name}", done[-1])
    if done[-1].name == "Read":
        edit = {"file_path": path, "old_string": instruction.old, "new_string": instruction.new, "replace_all": True}
        return ToolUse(name="Edit", input=edit)
    return f"I replaced “{instruction.old}” with “{instruction.new}” in {instruction.name}."


def _read(instruction: ReadFile, root: str | None, done: Sequence[ToolOutcome]) -> Next:
    if not done:
        return ToolUse(name="Read", input={"file_path": _path(instruction.name, root)})
    if done[-1].failed:
        return _failure(f"read {instruction.name}", done[-1])
    lines = _lines(done[-1].result)
    return f"{instruction.name} holds:{_quote(''.join(lines))}" if lines else f"{instruction.name} is empty."


def _list(instruction: ListFiles, root: str | None, done: Sequence[ToolOutcome]) -> Next:
    if not done:
        where = {"path": _path(instruction.folder, root)} if instruction.folder else {}
        return ToolUse(name="Glob", input={"pattern": "**/*", **where})
    if done[-1].failed:
        return _failure("list the files", done[-1])
    return f"These are the files:{_quote(done[-1].result)}"


def _run(command: str, done: Sequence[ToolOutcome]) -> Next:
    if not done or done[-1].name != "Bash":
        return ToolUse(name="Bash", input={"command": command, "description": "Run the command that was asked for"})
    if done[-1].failed:
        return _failure(f"run `{command}`", done[-1])
    output = done[-1].result.strip()
    return f"I ran `{command}`:{_quote(output)}" if output else f"I ran `{command}`; it printed nothing."


def _run_tests(transcript: Transcript) -> Next:
    done = transcript.outcomes
    if not done and "Glob" in transcript.tools:
        return ToolUse(name="Glob", input={"pattern": "*"})
    files = {PurePosixPath(line).name for line in done[0].result.splitlines()} if done else set()
    command = next((command for file, command in TEST_COMMANDS if file in files), "python3 -m pytest")
    return _run(command, done)


def _decline(transcript: Transcript) -> str:
    prompt = transcript.prompt
    able = [f"call {tool}" for tool in sorted(transcript.tools)] if _offers_others(transcript) else ABILITIES
    abilities = "\n".join(f"- {ability}" for ability in able)
    said = f"You wrote:{_quote(prompt.strip())}" if prompt.strip() else "I have read no text."
    return f"{said}\nI am a script that stands in for a model, and can only do this:\n{abilities}\n"


def _failure(what: str, outcome: ToolOutcome) -> str:
    return f"I could not {what}. The tool {outcome.name} said:{_quote(outcome.result.strip() or 'nothing')}"


def _path(name: str, root: str | None) -> str:
    return str(PurePosixPath(root, name)) if root else name


def _quote(text: str) -> str:
    """Return a text quoted for the end of a sentence: in quotation marks if it is short, else as a fenced block."""
    if text and "\n" not in text and len(text) <= LONGEST_INLINE:
        return f' "{text}".'
    cut = (
        text if len(text) <= LONGEST_QUOTE else f"{text[:LONGEST_QUOTE]}\n[{len(text) - LONGEST_QUOTE} more characters]"
    )
    # The fence is longer than any in the text, so that the text cannot close it.
    longest = max((len(run) for run in re.findall("`+", cut)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"\n{fence}\n{cut.rstrip()}\n{fence}\n"


def _lines(result: str) -> list[str]:
    """Return the lines of a file, with their line breaks, from the result of the Read tool."""
    found = [match[1] for line in result.split("\n") if (match := NUMBERED_LINE.match(line))]
    lines = [f"{line}\n" for line in found[:-1]] + found[-1:]
    return lines if lines != [""] else []


def _unique_tail(lines: Sequence[str]) -> str:
    """Return the shortest run of last lines that occurs only once in the file."""
    whole = "".join(lines)
    for count in range(1, len(lines)):
        tail = "".join(lines[-count:])
        if tail.strip() and whole.count(tail) == 1:
            return tail
    return whole
