"""The two frames of docs/protocol.md: encodes prompts, parses answers. No I/O."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

from supervisor.protocol.conversation import Prompt
from supervisor.protocol.messages import SessionId
from supervisor.protocol.text.foreign_json import loads

NANOS_PER_USD = 1_000_000_000
MOST_USD = 1_000_000
"""A higher cost of one answer is ignored as an error of the remote."""

LONGEST_REASON = 2000
"""Characters of the remote's error text that are passed on."""


class BadFrame(Exception):
    """A frame that names no prompt, so it is ignored."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The answer of the remote to a prompt.

    Attributes:
        message_id: the prompt that it answers.
        failure: a sentence for a person; empty where the turn succeeded.
        cost_nanos: in nanodollars; None where the remote names no cost, or an impossible one.
    """

    message_id: str
    content: str
    failure: str
    cost_nanos: int | None


def encode_prompt(session_id: SessionId, prompt: Prompt, now: datetime) -> str:
    """Return the frame that carries a prompt.

    Args:
        now: a datetime with a time zone; sent in UTC.
    """
    return json.dumps(
        {
            "id": prompt.message_id,
            "session_id": session_id,
            "content": prompt.text,
            "timestamp": now.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "context": None if prompt.context is None else dict(prompt.context),
        }
    )


def parse_answer(frame: str) -> Answer:
    """Parse an answer; unknown fields are ignored.

    Raises:
        BadFrame: it is not a JSON object, or does not name its prompt.
    """
    try:
        document = loads(frame, parse_float=Decimal)
    except (ValueError, ArithmeticError, RecursionError):
        raise BadFrame("not JSON") from None
    if not isinstance(document, dict):
        raise BadFrame("not an object")
    message_id = document.get("message_id")
    if not isinstance(message_id, str):
        raise BadFrame("message_id: must be a string")
    content = document.get("content")
    text = content if isinstance(content, str) else ""
    return Answer(
        message_id=message_id,
        content=text,
        failure=_failure(document, text),
        cost_nanos=_nanos(document.get("cost_usd")),
    )


def _failure(document: Mapping[str, Any], text: str) -> str:
    match document.get("status"):
        case "success" if isinstance(document.get("content"), str):
            return ""
        case "error":
            return text.strip()[:LONGEST_REASON] or "the remote Claude Code failed without saying why"
        case _:
            return "the remote Claude Code sent an answer that cannot be read"


def _nanos(cost_usd: object) -> int | None:
    if isinstance(cost_usd, bool) or not isinstance(cost_usd, int | Decimal) or not 0 <= cost_usd <= MOST_USD:
        return None
    return int((Decimal(cost_usd) * NANOS_PER_USD).to_integral_value(ROUND_HALF_EVEN))
