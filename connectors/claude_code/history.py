"""Claude Code's own record of a conversation: finds it, and replaces it where it is lost."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from supervisor.protocol.conversation import Exchange, Prompt
from supervisor.protocol.text.amounts import counted

logger = logging.getLogger(__name__)

SETTINGS = ".claude.json"
"""The file in which Claude Code keeps its settings; it holds nothing of a conversation."""

MAX_HISTORY = 60_000
"""Characters of the earlier conversation in a preamble; the oldest exchanges are left out."""

END_BYTES = 262_144
"""How much of the end of a transcript is read for its last working directory."""

MOVED = (
    "(The folder of this project was moved: it is {folder} now. You have worked in {before} before. "
    "Files are found below the new folder, and paths that you know from before are out of date.)"
)

NOTICE = "(Claude Code's own record of this conversation was gone; it goes on from the history that xswarm keeps.)\n\n"
"""Put above the first answer, for the person."""

ELSEWHERE = (
    "(This conversation was last answered on another machine, so Claude Code begins anew here, from the history that "
    "xswarm keeps.)\n\n"
)
"""The same where another node has the record."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retelling:
    """What is told where a conversation does not simply go on: its record was lost, or its folder has moved.

    Attributes:
        preamble: put before the first prompt, for Claude Code.
        notice: put above the first answer, for the person; empty = the person need not know.
    """

    preamble: str
    notice: str


def retelling(history: Sequence[Exchange], notice: str = NOTICE) -> Retelling | None:
    """Return how the conversation goes on without its record; None where the history is empty."""
    return Retelling(preamble=preamble(history), notice=notice) if history else None


def find_transcript(config: Path, conversation_id: str) -> Path | None:
    """Return the transcript of a conversation, or None where there is none or it is empty."""
    for path in sorted(config.glob(f"projects/*/{conversation_id}.jsonl")):
        if path.stat().st_size > 0:
            return path
    return None


def last_folder(transcript: Path) -> str | None:
    """Return the working directory of the last entry of a transcript; None where its end names none.

    Raises:
        OSError: the transcript cannot be read.
    """
    with transcript.open("rb") as file:
        file.seek(max(0, transcript.stat().st_size - END_BYTES))
        lines = file.read(END_BYTES).splitlines()
    for line in reversed(lines):
        try:
            entry = json.loads(line) if b'"cwd"' in line else None
        except ValueError:
            continue  # cut off
        if isinstance(entry, dict) and isinstance(folder := entry.get("cwd"), str):
            return folder
    return None


def moved(before: str | None, folder: str) -> Retelling | None:
    """Return what Claude Code is told of a project's folder that has moved; None where it has not."""
    if before is None or Path(before).is_relative_to(folder):
        return None
    return Retelling(preamble=MOVED.format(before=json.dumps(before), folder=json.dumps(folder)), notice="")


def set_aside(config: Path, conversation_id: str, why: str = "unreadable") -> bool:
    """Rename a transcript that is not resumed, so that its id can be used again. Nothing is deleted.

    Args:
        why: part of the new name; empty ones count as unreadable.

    Returns:
        Whether there was one.
    """
    found = sorted(config.glob(f"projects/*/{conversation_id}.jsonl"))
    for path in found:
        copies = len(list(path.parent.glob(f"{conversation_id}.{why}-*")))
        path.rename(path.with_name(f"{conversation_id}.{why}-{copies + 1}"))
    return bool(found)


def set_settings_aside(config: Path) -> None:
    """Rename the settings that Claude Code has written, where they are no JSON: else it would refuse to start."""
    path = config / SETTINGS
    try:
        json.loads(path.read_bytes())
    except FileNotFoundError:
        pass
    except ValueError:
        logger.warning("%s cannot be read and is set aside", path)
        path.replace(path.with_name(f"{SETTINGS}.unreadable"))


def preamble(history: Sequence[Exchange]) -> str:
    """Return the text before the first prompt of a conversation whose transcript is lost."""
    told: list[str] = []
    left = MAX_HISTORY
    for exchange in reversed(history):
        text = f"<user>\n{exchange.prompt}\n</user>\n<you>\n{exchange.answer}\n</you>"
        if len(text) > left:
            break
        told.append(text)
        left -= len(text)
    earlier = (
        ""
        if len(told) == len(history)
        else f"({counted(len(history) - len(told), 'earlier message is|earlier messages are')} left out.)\n"
    )
    return (
        "Your own record of this conversation was lost. This is what was said before, from xswarm's history; "
        "read files again before you rely on what they hold. The new message follows the history.\n"
        f"<history>\n{earlier}" + "\n".join(reversed(told)) + "\n</history>"
    )


def content(prompt: Prompt) -> str:
    """Return the text of a prompt for Claude Code, followed by the context that a service sent with it."""
    if not prompt.context:
        return prompt.text
    context = json.dumps(dict(prompt.context), ensure_ascii=False, indent=1, default=str)
    return f"{prompt.text}\n\n<context>\n{context}\n</context>"
