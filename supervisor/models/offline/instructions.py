"""The instructions in plain English that the offline model understands without a script."""

from __future__ import annotations

import re
from collections.abc import Iterator

from supervisor.protocol.values.record import record


@record
class WriteFile:
    """Create a file, or replace what is in it."""

    name: str
    text: str


@record
class AppendToFile:
    """Append a line to a file."""

    name: str
    text: str


@record
class ReplaceInFile:
    """Replace every occurrence of a text in a file."""

    name: str
    old: str
    new: str


@record
class ReadFile:
    """Show the content of a file."""

    name: str


@record
class ListFiles:
    """List the files of the project, or of one folder.

    Attributes:
        folder: empty = the whole project.
    """

    folder: str = ""


@record
class RunCommand:
    """Run a shell command."""

    command: str


@record
class RunTests:
    """Run the tests of the project."""


Instruction = WriteFile | AppendToFile | ReplaceInFile | ReadFile | ListFiles | RunCommand | RunTests

ABILITIES = (
    "create a file NAME containing TEXT",
    "append TEXT to NAME",
    "replace A with B in NAME",
    "read the file NAME",
    "list the files",
    "run COMMAND",
    "run the tests",
)
"""The instructions as users see them, in words that `parse_instruction` understands."""

QUOTES = {'"': '"', "'": "'", "`": "`", "“": "”", "‘": "’"}

LONGEST_PROMPT = 20_000
"""The longest prompt that is parsed, in characters. A longer one holds no instruction."""

_QUOTED = r"`[^`\n]+`|\"[^\"\n]*\"|'[^'\n]*'|“[^”\n]*”|‘[^’\n]*’"
_END = r"[ \t\r]*+[.!?]*+[ \t\r]*+$"
_BARE = r"[^\s`\"'“‘]"
_WELL_KNOWN = r"(?:Make|Docker)file|README|LICENSE|NOTICE|CHANGELOG"

_PIECES = {
    "begin": r"(?:^|(?<=[.!?:;,>])|\b(?:please|kindly|then|and|you|now|just|to))[ \t]*+\b",
    "end": _END,
    "a_file": (
        r"(?:me\s++)?(?:an?\s++|the\s++)?(?:new\s++)?(?:empty\s++)?(?:text\s++)?"
        r"file\s++(?:called\s++|named\s++)?"
    ),
    "the_file": r"(?:the\s++)?(?:file\s++)?(?:called\s++|named\s++)?",
    "holding": (
        r"\s*+,?\s*+(?:(?:that|which|and)\s++)?"
        r"(?:containing|contains|saying|says|with(?:\s++the)?(?:\s++(?:text|contents?|words?|line))?)(?:\s*+:)?\s++"
    ),
    "files": r"(?:list|show(?:\s++me)?)\s++(?:all\s++)?(?:of\s++)?(?:the\s++|my\s++)?files",
    "show": (
        r"(?:read|show(?:\s++me)?|print|display|cat|what(?:'s|\s++is)\s++in)\s++"
        r"(?:the\s++)?(?:contents?\s++of\s++)?"
    ),
    "here": r"here|(?:this|the|my)\s++(?:(?:current|project|whole)\s++)?(?:project|folder|directory|repository|repo)\b",
    "name": rf"(?P<name>{_QUOTED}|{_BARE}\S{{0,300}}?)",
    "path": rf"(?P<name>{_QUOTED}|{_BARE}{{0,300}}?[./]\S{{0,300}}?|{_WELL_KNOWN})",
    "folder": rf"(?:the\s++)?(?:folder\s++|directory\s++)?(?P<folder>{_QUOTED}|{_BARE}\S{{0,300}}?)",
    "text": rf"(?s:(?P<text>```.*?```|(?:{_QUOTED})(?={_END})|.+?(?=\n[ \t\r]*+\n|\Z)))",
    "line": rf"(?P<text>{_QUOTED}|[^\n]{{1,500}}?)",
    "old": rf"(?P<old>{_QUOTED}|[^\n]{{1,300}}?)",
    "new": rf"(?P<new>{_QUOTED}|[^\n]{{0,300}}?)",
    "command": r"(?P<command>(?s:```.*?```)|`[^`\n]+`|[^\n]+)",
}
"""Regular expressions of the `<pieces>` of `_SENTENCES`, where a blank matches any white space, a line break too."""

_SENTENCES: tuple[tuple[str, type[Instruction]], ...] = (
    ("(?:create|make|add|write) <a_file><name><holding><text>", WriteFile),
    ("(?:create|make|write) <path><holding><text>", WriteFile),
    ("(?:create|make|add) <a_file><name><end>", WriteFile),
    ("write <line> (?:to|into) <the_file><name><end>", WriteFile),
    ("append <line> (?:to|at) (?:the end of )?<the_file><name><end>", AppendToFile),
    ("add <line> (?:to|at) (?:the end of )?<the_file><path><end>", AppendToFile),
    ("(?:replace|change) <old> (?:with|by|to) <new> in <the_file><name><end>", ReplaceInFile),
    ("<files>(?: (?:in|under|of) (?:<here>|<folder>))?<end>", ListFiles),
    ("<show>(?:the )?file <name><end>", ReadFile),
    ("<show><the_file><path><end>", ReadFile),
    (r"run (?:all )?(?:of )?(?:the |my |our )?(?:unit )?tests\b", RunTests),
    ("(?:run|execute) (?:the )?(?:shell )?(?:command(?: ?: ?| ))?<command>", RunCommand),
)  # fmt: skip


def _compile(sentence: str) -> re.Pattern[str]:
    blanks = f"<begin>(?:{sentence})".replace(" ?", r"\s*+").replace(" ", r"\s++")
    return re.compile(re.sub(r"<(\w+)>", lambda piece: _PIECES[piece[1]], blanks), re.IGNORECASE | re.MULTILINE)


_RULES = tuple((_compile(sentence), instruction) for sentence, instruction in _SENTENCES)


def parse_instruction(prompt: str) -> Instruction | None:
    """Return the first instruction in a prompt; None = it holds none."""
    if len(prompt) > LONGEST_PROMPT:
        return None
    found = min(_matches(prompt), key=lambda match: match[0], default=None)
    return None if found is None else found[1]


def _matches(prompt: str) -> Iterator[tuple[int, Instruction]]:
    for rule, instruction in _RULES:
        if match := rule.search(prompt):
            given = {field: _clean(field, value) for field, value in match.groupdict().items() if value is not None}
            if instruction is WriteFile:
                given.setdefault("text", "")
            yield match.start(), instruction(**given)


def _clean(field: str, value: str) -> str:
    value = value.strip()
    if value.startswith("```") and value.endswith("```") and len(value) >= 6:
        body = value[3:-3]
        first, newline, rest = body.partition("\n")
        return rest if newline and " " not in first else body.strip("\n")
    if QUOTES.get(value[:1], "") == value[-1:] and len(value) >= 2:
        return value[1:-1]
    if field in ("name", "folder"):
        return value.rstrip(".,;:!?") or value
    if field == "command" and re.search(r"\w\.$", value):
        return value[:-1]
    return value
