"""The answer of a tool server as a model and a person get it: people by references or names, and not too long."""

from __future__ import annotations

import json
from typing import Any

from supervisor.protocol.text.tool_results import TEXT_BYTES, first_rows, plain, readable, structured
from supervisor.protocol.tools import ToolOutput
from supervisor.tools.people.fields import Fields, Json
from supervisor.tools.people.people import Known, People
from supervisor.tools.servers.answer import Answer

LONGEST_JSON = 16 * 1024 * 1024
"""Characters of the longest text that is read as JSON."""

WRAPPED = "result"
"""The only field of a structured result that stands for a plain value, as the servers of the package `mcp` make it."""

TOO_LARGE = "The result is too large to be shown."


def structure(answer: Answer) -> dict[str, Json] | None:
    """Return the structured result of an answer, also one that is the JSON in its text; None = it is plain text."""
    value = answer.structured
    if value is None and len(answer.text) <= LONGEST_JSON:
        value = _parsed(answer.text)
    if isinstance(value, dict):
        return None if value.keys() == {WRAPPED} and isinstance(value[WRAPPED], str) else value
    return {WRAPPED: value} if isinstance(value, list) else None


def output(answer: Answer, title: str, fields: Fields, people: People) -> tuple[list[Known], ToolOutput]:
    """Return the output of a call that went well, and what is new about people; that must be kept first.

    It may take long where the answer is large: call it in a thread.
    """
    value = structure(answer)
    if value is None:
        return [], _plain_output(answer, title, fields, people)
    fresh = people.learn(value, fields) if fields else []
    for_model, for_person = value, value
    if fields:
        for_model, for_person = people.for_model(value, fields), people.for_person(value, fields)
    whole = structured(for_person)
    return fresh, ToolOutput(
        text=first_rows(for_model),
        shown=first_rows(whole) if whole is not None else TOO_LARGE,
        structured=whole,
        title=answer.title or title,
        kind=answer.kind,
    )


def _plain_output(answer: Answer, title: str, fields: Fields, people: People) -> ToolOutput:
    text = answer.text
    if isinstance(answer.structured, dict):
        text = str(answer.structured.get(WRAPPED, text))
    if not fields:
        return ToolOutput(text=readable(text), title=title)
    return ToolOutput(text=_hidden(text, people), shown=people.told(readable(text)), title=answer.title or title)


def _hidden(text: str, people: People) -> str:
    """Return a text without known ids and names; a long one is cut before a word, so that no part of one is left."""
    total = len(text.encode(errors="replace"))
    if total <= TEXT_BYTES:
        return people.hidden(plain(text))
    kept = text.encode(errors="replace")[:TEXT_BYTES].decode(errors="ignore")
    words = kept.rsplit(None, 1)[0]
    return f"{people.hidden(plain(words))}\n[Cut here: this is the first {len(words.encode()):,} bytes of {total:,}.]"


def _parsed(text: str) -> Any:
    if not text.lstrip().startswith(("{", "[")):
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
