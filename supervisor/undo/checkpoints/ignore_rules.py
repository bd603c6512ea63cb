"""The rules of .gitignore files, without those that git takes too long to match.

git tries every way in which the wildcards of a pattern can match a name: `*a*a*a*a*a*a*a*a` takes minutes for one long
name. Such a rule is refused. The others are written to one file for `git ls-files --exclude-from`.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

MAX_WILDCARDS = 3
"""Most wildcards `*` in a part of a path, and most parts `**` in a pattern, that a rule may have."""

MAX_FILE_BYTES = 65_536
"""At most so much of a file with rules is read."""

RULES = ".gitignore"


@dataclass(slots=True)
class IgnoreRules:
    """The rules below a folder, as patterns relative to it, the strongest last.

    Attributes:
        lines: the rules that are applied.
        refused: the rules that are not, each with its file: "docs/.gitignore: *a*a*a*a".
    """

    lines: list[bytes] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    def add(self, content: bytes, folder: bytes, name: str) -> None:
        """Add the rules of a file in a folder.

        Args:
            folder: relative to the folder of all rules; empty = that folder itself.
            name: of the file, for a person.
        """
        for line in content.split(b"\n"):
            line = line.removesuffix(b"\r")
            if not line.strip() or line.startswith(b"#"):
                continue
            if is_expensive(line):
                self.refused.append(f"{name}: {os.fsdecode(line)}")
            else:
                self.lines.append(_moved(line, folder))


def rules_below(project: Path, *, first: bytes = b"") -> IgnoreRules:
    """Return the rules of all .gitignore files in a folder; symbolic links are not followed.

    Args:
        first: rules of the folder itself that are weaker than all of them, such as those of .git/info/exclude.
    """
    rules = IgnoreRules()
    rules.add(first, b"", ".git/info/exclude")
    found = sorted(_files(project), key=lambda folder: folder.count(b"/") if folder else -1)
    for folder in found:
        path = os.path.join(os.fsencode(project), folder, os.fsencode(RULES))
        rules.add(content_of(path), folder, os.fsdecode(os.path.join(folder, os.fsencode(RULES))))
    return rules


def is_expensive(rule: bytes) -> bool:
    """Return whether git may take too long to match a rule."""
    parts = rule.split(b"/")
    if sum(part == b"**" for part in parts) > MAX_WILDCARDS:
        return True
    return any(len(re.findall(rb"\*+", part)) > MAX_WILDCARDS for part in parts)


def cheap(content: bytes) -> bytes:
    """Return the rules of a file without those that git takes too long to match."""
    return b"\n".join(line for line in content.split(b"\n") if not is_expensive(line))


def widened(content: bytes) -> bytes:
    """Return the rules of a file with a wider one for each that git takes too long to match: it ignores more files.

    In each part the text between the first and the last wildcard may be anything: `*a*b*c*d.log` becomes `*.log`. A
    rule that takes files back (`!`) is left out.
    """
    return b"\n".join(map(_widened, content.split(b"\n")))


def _widened(rule: bytes) -> bytes:
    if not is_expensive(rule):
        return rule
    if rule.startswith(b"!"):
        return b""
    parts = [re.sub(rb"\*.*\*", b"*", part) if part != b"**" else part for part in rule.split(b"/")]
    if parts.count(b"**") > MAX_WILDCARDS:
        first = parts.index(b"**")
        last = len(parts) - 1 - parts[::-1].index(b"**")
        parts[first : last + 1] = [b"**"]
    return b"/".join(parts)


def literal(path: bytes) -> bytes:
    """Return the pattern that matches this path only."""
    escaped = b"".join(b"\\" + bytes((byte,)) if byte in b"\\*?[ " else bytes((byte,)) for byte in path)
    return b"/" + escaped


def _moved(rule: bytes, folder: bytes) -> bytes:
    """Return a rule of a folder as a rule of the folder of all rules (gitignore(5), "PATTERN FORMAT")."""
    if not folder:
        return rule
    sign, body = (b"!", rule[1:]) if rule.startswith(b"!") else (b"", rule)
    anchored = b"/" in body.rstrip(b" ").removesuffix(b"/")
    return sign + literal(folder) + (b"/" + body.removeprefix(b"/") if anchored else b"/**/" + body)


def _files(project: Path) -> Iterator[bytes]:
    """Yield the folders with a .gitignore file, relative to the project; the project itself is empty."""
    top = os.fsencode(project)
    for folder, folders, files in os.walk(top):
        folders[:] = _without_git(folders)
        if os.fsencode(RULES) in files:
            below = os.path.relpath(folder, top)
            yield b"" if below == b"." else below


def _without_git(folders: Iterable[bytes]) -> list[bytes]:
    return [name for name in folders if name.lower() != b".git"]


def content_of(path: bytes) -> bytes:
    """Return the content of a file with rules; empty where it cannot be read, or is no ordinary file."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return b""
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        return b""
    with open(handle, "rb") as file:
        return file.read(MAX_FILE_BYTES)
