"""Claude Code's own record of a conversation: finds it, and replaces it where it is lost."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from supervisor.protocol.conversation import Exchange, Prompt

logger = logging.getLogger(__name__)

SETTINGS = ".claude.json"
"""The file in which Claude Code keeps its settings; it holds nothing of a conversation."""

MAX_HISTORY = 60_000
"""Characters of the earlier conversation in a preamble; the oldest exchanges are left out."""

NOTICE = "(Claude Code's own record of this conversation was gone; it goes on from the history that xswarm keeps.)\n\n"
"""Put above the first answer, for the person."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retelling:
    """How a conversation goes on after Claude Code's own record of it was lost.

    Attributes:
        preamble: put before the first prompt, for Claude Code.
        notice: put above the first answer, for the person.
    """

    preamble: str
    notice: str


def retelling(history: Sequence[Exchange]) -> Retelling | None:
    """Return how the conversation goes on after a loss; None where the history is empty."""
    return Retelling(preamble=preamble(history), notice=NOTICE) if history else None


def find_transcript(config: Path, conversation_id: str) -> Path | None:
    """Return the transcript of a conversation, or None where there is none or it is empty."""
    for path in sorted(config.glob(f"projects/*/{conversation_id}.jsonl")):
        if path.stat().st_size > 0:
            return path
    return None


def set_aside(config: Path, conversation_id: str) -> bool:
    """Rename an unreadable or empty transcript, so that its id can be used again. Nothing is deleted.

    Returns:
        Whether there was one.
    """
    found = sorted(config.glob(f"projects/*/{conversation_id}.jsonl"))
    for path in found:
        copies = len(list(path.parent.glob(f"{conversation_id}.unreadable-*")))
        path.rename(path.with_name(f"{conversation_id}.unreadable-{copies + 1}"))
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
    earlier = "" if len(told) == len(history) else f"({len(history) - len(told)} earlier messages are left out.)\n"
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
