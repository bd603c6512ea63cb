"""The few plain sentences that the scripted model understands without a script."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteFile:
    """Create a file, or replace what is in it."""

    name: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AppendToFile:
    """Add a line at the end of a file."""

    name: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplaceInFile:
    """Replace every occurrence of a text in a file."""

    name: str
    old: str
    new: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadFile:
    """Show what a file holds."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ListFiles:
    """List the files of the project, or of a folder of it."""

    folder: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunCommand:
    """Run a shell command."""

    command: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunTests:
    """Run the project's tests, whatever runs them."""


Wish = WriteFile | AppendToFile | ReplaceInFile | ReadFile | ListFiles | RunCommand | RunTests

ABILITIES = (
    "create a file NAME containing TEXT",
    "append TEXT to NAME",
    "replace A with B in NAME",
    "read NAME",
    "list the files",
    "run COMMAND",
    "run the tests",
)
"""What it can do, in the words that it understands."""

QUOTES = {'"': '"', "'": "'", "`": "`", "“": "”", "‘": "’"}

_QUOTED = r"`[^`\n]+`|\"[^\"\n]*\"|'[^'\n]*'|“[^”\n]*”|‘[^’\n]*’"
_BEGIN = r"(?:^|(?<=[.!?:;,>])|\b(?:please|kindly|then|and|you|now|just|to))\s*\b"
_END = r"\s*[.!?]*\s*$"
_FILE = r"(?:the\s+)?(?:file\s+)?(?:called\s+|named\s+)?"
_CALLED = r"file\s+(?:called\s+|named\s+)?"
_HOLDING = (
    r"\s*,?\s*(?:that\s+|which\s+|and\s+)?"
    r"(?:containing|contains|saying|says|with(?:\s+the)?(?:\s+(?:text|contents?|words?|line))?)\s*:?\s+"
)


def _name(group: str) -> str:
    return rf"(?P<{group}>{_QUOTED}|[^\s`\"'“‘]\S*?)"


def _path(group: str) -> str:
    """Return a pattern for a name that can only be a file's: quoted, or with a dot or a slash, or well known."""
    known = r"(?:Make|Docker)file|README|LICENSE|NOTICE|CHANGELOG"
    return rf"(?P<{group}>{_QUOTED}|(?:[^\s`\"'“‘]*[./][^\s]*?)|{known})"


def _phrase(group: str) -> str:
    return rf"(?P<{group}>{_QUOTED}|[^\n]+?)"


_TEXT = rf"(?P<text>```.*?```|(?:{_QUOTED})(?={_END})|.+?(?=\n[ \t]*\n|\Z))"

_PATTERNS: tuple[tuple[str, Callable[..., Wish]], ...] = (
    (rf"(?:create|make|add|write)\s+(?:me\s+)?(?:an?\s+|the\s+)?(?:new\s+)?(?:text\s+)?{_CALLED}{_name('name')}{_HOLDING}(?s:{_TEXT})", WriteFile),
    (rf"(?:create|make|write)\s+{_path('name')}{_HOLDING}(?s:{_TEXT})", WriteFile),
    (rf"(?:create|make|add)\s+(?:me\s+)?(?:an?\s+)?(?:new\s+)?(?:empty\s+)?(?:text\s+)?{_CALLED}{_name('name')}{_END}", WriteFile),
    (rf"(?:append|add)\s+{_phrase('text')}\s+(?:to|at)\s+(?:the\s+end\s+of\s+)?{_FILE}{_path('name')}{_END}", AppendToFile),
    (rf"append\s+{_phrase('text')}\s+(?:to|at)\s+(?:the\s+end\s+of\s+)?{_FILE}{_name('name')}{_END}", AppendToFile),
    (rf"write\s+{_phrase('text')}\s+(?:to|into)\s+{_FILE}{_name('name')}{_END}", WriteFile),
    (rf"(?:replace|change)\s+{_phrase('old')}\s+(?:with|by|to)\s+{_phrase('new')}\s+in\s+{_FILE}{_name('name')}{_END}", ReplaceInFile),
    (r"(?:list|show(?:\s+me)?)\s+(?:all\s+)?(?:of\s+)?(?:the\s+|my\s+|your\s+)?files"
     r"(?:\s+(?:in|under|of)\s+(?:(?:this|the|my)\s+(?:current\s+|project\s+|whole\s+)?(?:project|folder|directory|repository|repo|workspace)|here|"
     rf"(?:the\s+)?(?:folder\s+|directory\s+)?{_name('folder')}))?{_END}", ListFiles),
    (rf"(?:read|show(?:\s+me)?|print|display|cat)\s+(?:the\s+)?(?:contents?\s+of\s+)?(?:the\s+)?{_CALLED}{_name('name')}{_END}", ReadFile),
    (rf"(?:read|show(?:\s+me)?|print|display|cat|what(?:'s|\s+is)\s+in)\s+(?:the\s+)?(?:contents?\s+of\s+)?(?:the\s+)?{_path('name')}{_END}", ReadFile),
    (r"run\s+(?:all\s+)?(?:of\s+)?(?:the\s+|my\s+|our\s+)?(?:unit\s+)?tests\b", RunTests),
    (r"(?:run|execute)\s+(?:the\s+)?(?:shell\s+)?(?:command\s*:?\s+)?(?P<command>```.*?```|`[^`\n]+`|[^\n]+)", RunCommand),
)  # fmt: skip

_RULES = tuple(
    (re.compile(_BEGIN + f"(?:{pattern})", re.IGNORECASE | re.MULTILINE), wish) for pattern, wish in _PATTERNS
)


def understand(prompt: str) -> Wish | None:
    """Return the first wish in a prompt that is understood, or None."""
    found = min(_matches(prompt), key=lambda match: match[0], default=None)
    return None if found is None else found[1]


def _matches(prompt: str) -> Iterator[tuple[int, Wish]]:
    for rule, wish in _RULES:
        if match := rule.search(prompt):
            given = {field: _clean(field, value) for field, value in match.groupdict().items() if value is not None}
            if wish is WriteFile:
                given.setdefault("text", "")
            yield match.start(), wish(**given)


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
