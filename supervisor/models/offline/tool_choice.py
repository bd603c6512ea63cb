"""Chooses among the tools that a client offers, by the words of the prompt, and sums up what they answered.

It knows no tool by name: it compares words with names and descriptions, and fills inputs by their schemas.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

from supervisor.models.offline.arguments import Known, fill, name_in
from supervisor.models.offline.reply import ToolUse
from supervisor.models.offline.transcript import OfferedTool, ToolOutcome, Transcript

MOST_CALLS = 4
"""The most calls for one prompt."""

NAME_WEIGHT = 2.0
"""How much more a word counts that stands in the name of a tool than one of its description."""

NAMED_IN_INPUT = 10
"""How much more than a word it counts that the description of an input names the tool which tells its value."""

LEAST_SCORE = 0.9
"""The least score of a tool that is called; a word in one description alone has the score 1."""

SHOWN_ROWS = 3
"""How many rows of each list an answer shows."""

LONGEST_ROW = 200
"""The longest row that an answer shows, in characters."""

_EXPLICIT = re.compile(
    r"\b(?:call|use)\s+(?:the\s+)?(?:tool\s+)?`?([A-Za-z0-9_-]{1,128})`?\s+(?:with\s+)?(?=\{)", re.IGNORECASE
)
_WORD = re.compile(r"[a-z]{3,}")
_COMMON = frozenset(
    "the and for are there any with this that next last week month year today tomorrow from into all can you please "
    "show tell give what which who why how now have has does will would should could our your its not use one each "
    "call tool status".split()
)
"""Words that say nothing about which tool is meant."""

_ASKING = frozenset({"who"})
"""Common words that say something together with the next one."""

Next = ToolUse | str


def next_step(transcript: Transcript) -> Next | None:
    """Return the next tool call for a prompt, or what is said at its end; None = no tool fits the prompt."""
    done = transcript.outcomes
    if done and done[-1].failed:
        return f"I could not do that. The tool {done[-1].name} said: {done[-1].result.strip() or 'nothing'}"
    if (asked := explicit(transcript.prompt)) is not None:
        return asked if not done else _summary(done[-1])
    wanted = best(transcript.prompt, transcript.offered)
    if wanted is None:
        return None
    if any(outcome.name == wanted.name for outcome in done):
        return _summary(next(outcome for outcome in reversed(done) if outcome.name == wanted.name))
    given, missing = _filled(wanted, transcript)
    if not missing:
        return _shown_before(wanted, given, transcript)
    helper = _helper(missing[0], transcript, wanted)
    if helper is None or len(done) >= MOST_CALLS:
        return f"To call {wanted.name} I need to know: {', '.join(missing)}."
    return helper


def explicit(prompt: str) -> ToolUse | None:
    """Return the call that a prompt asks for in so many words: `call NAME {"key": "value"}`; None = it does not."""
    found = _EXPLICIT.search(prompt)
    if found is None:
        return None
    try:
        given, _ = json.JSONDecoder().raw_decode(prompt, found.end())
    except (ValueError, RecursionError):
        return None
    return ToolUse(name=found[1], input=given) if isinstance(given, dict) else None


def best(prompt: str, offered: Sequence[OfferedTool]) -> OfferedTool | None:
    """Return the tool that a prompt fits best; None = it fits none.

    A word, or two that follow each other, counts the less, the more tools it stands in.
    """
    words = _features(prompt)
    texts = [(tool, _features(tool.name), _features(tool.description)) for tool in offered]
    scored: list[tuple[float, OfferedTool]] = []
    for tool, named, described in texts:
        score = 0.0
        for word in words:
            count = sum(word in name | text for _, name, text in texts)
            if word in named:
                score += NAME_WEIGHT / count
            elif word in described:
                score += 1.0 / count
        scored.append((score, tool))
    score, found = max(scored, key=lambda one: one[0]) if scored else (0.0, None)
    return found if score >= LEAST_SCORE else None


def _features(text: str) -> set[str]:
    """Return the stems of a text, and each two words that follow each other: "make swap" for "make that swap"."""
    words = [
        _stem(word) for word in _WORD.findall(text.lower().replace("_", " ")) if word in _ASKING or word not in _COMMON
    ]
    return {*_stems(text), *(f"{one} {two}" for one, two in pairwise(words))}


def _stems(text: str) -> Iterator[str]:
    for word in _WORD.findall(text.lower().replace("_", " ")):
        if word not in _COMMON:
            yield _stem(word)


def _stem(word: str) -> str:
    return word[:6] if len(word) > 6 else word.rstrip("s")


def _filled(wanted: OfferedTool, transcript: Transcript) -> tuple[dict[str, Any], list[str]]:
    """Return the input of a tool, and the keys that it needs and whose values are not known.

    Whoever the prompt names is looked up: what earlier answers speak of may be somebody else.
    """
    given, missing = fill(
        wanted, Known(prompt=transcript.prompt, results=_results(*transcript.earlier, *transcript.outcomes))
    )
    named = _named_person(wanted, transcript)
    if named is None:
        return given, missing
    found, _ = fill(wanted, Known(prompt=transcript.prompt, results=_results(*transcript.outcomes)))
    if named in found:
        return {**given, named: found[named]}, [key for key in missing if key != named]
    given.pop(named, None)
    return given, [named, *(key for key in missing if key != named)]


def _results(*outcomes: ToolOutcome) -> list[str]:
    return [outcome.result for outcome in outcomes]


def _shown_before(wanted: OfferedTool, given: dict[str, Any], transcript: Transcript) -> ToolUse:
    """Return a call of a tool, or before it the call that shows what the tool would do.

    That is one which the description of the tool names, and that needs nothing that the tool does not. What was shown
    last is called with the same inputs.
    """
    last = next(reversed((*transcript.earlier, *transcript.outcomes)), None)
    for tool in transcript.offered:
        named = re.search(rf"\b{re.escape(tool.name.rpartition('__')[2])}\b", wanted.description)
        if named is None or tool.name == wanted.name or not tool.required or not tool.required <= wanted.required:
            continue
        if last is None or last.name != tool.name or last.failed:
            shown = {key: value for key, value in given.items() if key in tool.properties}
            return ToolUse(name=tool.name, input=shown)
        given |= {key: value for key, value in last.input.items() if key in wanted.properties}
    return ToolUse(name=wanted.name, input=given)


def _named_person(wanted: OfferedTool, transcript: Transcript) -> str | None:
    """Return the input of a tool that is the id of the person whom the prompt names; None = it names nobody.

    It is the first one that a tool tells which takes a name.
    """
    name = name_in(transcript.prompt)
    if name is None:
        return None
    before = replace(transcript, outcomes=())
    for key in wanted.properties:
        helper = _helper(key, before, wanted) if key.endswith("_id") and key in wanted.required else None
        if helper is not None and name in helper.input.values():
            return key
    return None


def _helper(key: str, transcript: Transcript, wanted: OfferedTool) -> ToolUse | None:
    """Return a call that may tell the value of an input which is missing; None = no tool is known to.

    It is one that the description of the input names, or else whose own name or description has the key's words in it
    (`find_person` for `person_id`); its own inputs are known, and it was not called yet.
    """
    stems = set(_stems(key.removesuffix("_id")))
    described = str(wanted.properties[key].get("description", ""))
    name = name_in(transcript.prompt)
    if name is not None and any(name in outcome.input.values() for outcome in transcript.outcomes):
        return None  # the name was looked up, and nobody has it
    called = {outcome.name for outcome in transcript.outcomes}
    fitting: list[tuple[int, ToolUse]] = []
    for tool in transcript.offered:
        if tool.name == wanted.name or tool.name in called or key in tool.required:
            continue
        given, missing = fill(tool, Known(prompt=transcript.prompt, results=_results(*transcript.earlier)))
        score = 2 * len(stems & set(_stems(tool.name))) + len(stems & set(_stems(tool.description)))
        score += NAMED_IN_INPUT * (tool.name.rpartition("__")[2] in described)
        if not missing and score:
            fitting.append((score, ToolUse(name=tool.name, input=given)))
    return max(fitting, key=lambda one: one[0])[1] if fitting else None


def _summary(outcome: ToolOutcome) -> str:
    """Return the answer after the last call: what the tool said, in a few lines."""
    try:
        value = json.loads(outcome.result)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        return f"The tool {outcome.name} answered:\n{outcome.result.strip() or 'nothing'}\n"
    return "\n".join([f"The tool {outcome.name} answered:", *(_lines(value)), ""])


def _lines(value: Mapping[str, Any]) -> Iterator[str]:
    for key, item in value.items():
        if isinstance(item, list):
            yield f"- {key}: {len(item)}"
            for row in item[:SHOWN_ROWS]:
                yield f"  - {_row(row)}"
        else:
            yield f"- {key}: {_row(item)}"


def _row(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    if len(text) <= LONGEST_ROW:
        return text
    kept = text[:LONGEST_ROW]
    return f"{kept.rpartition(' ')[0] or kept}..."  # before a word: half a reference stands for nobody
