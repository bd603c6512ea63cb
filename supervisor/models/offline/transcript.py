"""Reads the conversation from a request to the Messages API, as far as the offline model needs it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from supervisor.protocol.values.record import record

WORKING_DIRECTORY = re.compile(r"working directory: *(\S[^\n]*?) *$", re.IGNORECASE | re.MULTILINE)
"""Where Claude Code names its working directory: in the system prompt, or in a message of role "system"."""

NOTICES = ("<system-reminder>", "[Request interrupted by user", "Continue from where you left off.")
"""How the text blocks start that Claude Code adds by itself. They are no prompts."""


@record
class ToolOutcome:
    """A tool call with its result.

    Attributes:
        failed: the call was denied or failed; `result` says why.
        result: the result as text.
    """

    name: str
    input: Mapping[str, Any]
    failed: bool
    result: str


@record
class OfferedTool:
    """A tool that the client offers.

    Attributes:
        properties: the schema of each input by its name.
        required: names of the inputs without which it cannot be called.
    """

    name: str
    description: str
    properties: Mapping[str, Mapping[str, Any]]
    required: frozenset[str]


@record
class Transcript:
    """The conversation that a request asks the model to continue.

    Attributes:
        prompt: the last text of the user; empty = there is none.
        answered: the number of assistant messages after the prompt.
        outcomes: the tool calls after the prompt, in order.
        tools: the names of the tools that the client offers.
        working_directory: the working directory of the client's tools; None = the request does not name it.
        turns: all messages as (role, text).
        last_call: the last tool call before the prompt, as (name, input); None = there is none.
        offered: the tools that the client offers, whole.
        earlier: the tool calls before the prompt, oldest first.
    """

    model: str
    prompt: str
    answered: int
    outcomes: tuple[ToolOutcome, ...]
    tools: frozenset[str]
    working_directory: str | None
    turns: tuple[tuple[str, str], ...]
    last_call: tuple[str, Mapping[str, Any]] | None = None
    offered: tuple[OfferedTool, ...] = ()
    earlier: tuple[ToolOutcome, ...] = ()


def read_transcript(body: Mapping[str, Any]) -> Transcript:
    """Return the conversation in a request body. Parts that do not have the shape of the API are skipped."""
    messages = [m for m in _items(body.get("messages")) if isinstance(m.get("role"), str)]
    position, prompt = _last_prompt(messages)
    since = messages[position + 1 :]
    return Transcript(
        model=str(body.get("model", "")),
        prompt=prompt,
        answered=sum(m["role"] == "assistant" for m in since),
        outcomes=tuple(_outcomes(since)),
        tools=frozenset(str(tool.get("name")) for tool in _items(body.get("tools"))),
        working_directory=_working_directory(body.get("system"), messages),
        turns=tuple((m["role"], "\n".join(_texts(m.get("content")))) for m in messages),
        last_call=next(reversed(list(_calls(messages[: position + 1]).values())), None),
        offered=tuple(_offered(tool) for tool in _items(body.get("tools"))),
        earlier=tuple(_outcomes(messages[:position])),
    )


def _offered(tool: Mapping[str, Any]) -> OfferedTool:
    schema = tool.get("input_schema")
    schema = schema if isinstance(schema, Mapping) else {}
    properties, required = schema.get("properties"), schema.get("required")
    return OfferedTool(
        name=str(tool.get("name")),
        description=str(tool.get("description", "")),
        properties={
            str(key): value
            for key, value in (properties.items() if isinstance(properties, Mapping) else ())
            if isinstance(value, Mapping)
        },
        required=frozenset(map(str, required)) if isinstance(required, list) else frozenset(),
    )


def _items(value: object) -> list[Mapping[str, Any]]:
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []


def _texts(content: object) -> list[str]:
    if isinstance(content, str):
        return [content]
    return [b["text"] for b in _items(content) if b.get("type") == "text" and isinstance(b.get("text"), str)]


def _last_prompt(messages: Sequence[Mapping[str, Any]]) -> tuple[int, str]:
    for position in range(len(messages) - 1, -1, -1):
        if messages[position]["role"] != "user":
            continue
        for text in reversed(_texts(messages[position].get("content"))):
            if not text.lstrip().startswith(NOTICES):
                return position, text
    return len(messages) - 1, ""


def _calls(messages: Sequence[Mapping[str, Any]]) -> dict[str, tuple[str, Mapping[str, Any]]]:
    calls: dict[str, tuple[str, Mapping[str, Any]]] = {}
    for message in messages:
        for block in _items(message.get("content")):
            if block.get("type") == "tool_use":
                given = block.get("input")
                calls[str(block.get("id"))] = str(block.get("name")), given if isinstance(given, Mapping) else {}
    return calls


def _outcomes(messages: Sequence[Mapping[str, Any]]) -> Iterator[ToolOutcome]:
    calls = _calls(messages)
    for message in messages:
        for block in _items(message.get("content")):
            if block.get("type") == "tool_result" and str(block.get("tool_use_id")) in calls:
                name, given = calls[str(block["tool_use_id"])]
                result = "\n".join(_texts(block.get("content")))
                yield ToolOutcome(name=name, input=given, failed=block.get("is_error") is True, result=result)


def _working_directory(system: object, messages: Sequence[Mapping[str, Any]]) -> str | None:
    places = [_texts(system), *(_texts(m.get("content")) for m in messages if m["role"] == "system")]
    # The last one counts: a conversation may be resumed in another directory.
    for texts in reversed(places):
        for text in reversed(texts):
            if found := WORKING_DIRECTORY.search(text):
                return found[1]
    return None
