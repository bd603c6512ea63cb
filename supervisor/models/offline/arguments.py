"""Fills the input of a tool by its schema: with dates, names and numbers of the prompt, and ids of earlier results."""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from supervisor.models.offline.transcript import OfferedTool
from supervisor.protocol.values.record import record

_ISO_DATE = re.compile(r"\b\d{4}-\d\d-\d\d\b")
_NAME = re.compile(
    r"\b(?:[Dd]r\.?|[Ff]or|[Pp]erson|[Nn]amed|[Ff]ind)\s+((?:[Dd]r\.?\s+)?[A-Z][\w'’-]+(?:\s+[A-Z][\w'’-]+)*)"
)
_QUOTED = re.compile(r"[\"“]([^\"”\n]{1,200})[\"”]")
_QUOTED_VALUE = re.compile(r"\"(\w+)\" =")
"""A value that the description of an input names and explains."""
_REFERENCE = re.compile(r"\b[a-z]+-[0-9a-f]{8,}\b")

_PERIODS = (("next month", "month", 1), ("this month", "month", 0), ("last month", "month", -1), ("month", "month", 0),
            ("next week", "week", 1), ("this week", "week", 0), ("last week", "week", -1), ("week", "week", 0),
            ("tomorrow", "day", 1), ("today", "day", 0))  # fmt: skip
"""The words for a period, and how many of it lie between it and now; the first that the prompt holds counts."""


WITHOUT_PERIOD = "this month"
"""The period of a prompt that names none, for a tool that needs one."""


@record
class Known:
    """What the model has read.

    Attributes:
        results: of earlier tool calls, oldest first.
    """

    prompt: str
    results: Sequence[str]


def fill(tool: OfferedTool, known: Known, *, today: datetime.date | None = None) -> tuple[dict[str, Any], list[str]]:
    """Return an input for a tool, and the keys that it needs and whose values are not known.

    Args:
        today: None = the day in UTC.
    """
    today = today or datetime.datetime.now(datetime.UTC).date()
    period = period_of(known.prompt, today)
    given: dict[str, Any] = {}
    missing = []
    for key, schema in tool.properties.items():
        value = _value(key, schema, known, period)
        if value is None and "date" in key and key in tool.required:
            value = _value(key, schema, known, period_of(WITHOUT_PERIOD, today))
        if value is not None:
            given[key] = value
        elif key in tool.required:
            missing.append(key)
    return given, missing


def period_of(prompt: str, today: datetime.date) -> tuple[str, str] | None:
    """Return the first and the last day that a prompt speaks of, in ISO form; None = it speaks of none."""
    if dates := _ISO_DATE.findall(prompt):
        return dates[0], dates[-1]
    lower = prompt.lower()
    for words, unit, offset in _PERIODS:
        if re.search(rf"\b{words}\b", lower):
            first, last = _days(unit, offset, today)
            return first.isoformat(), last.isoformat()
    return None


def _days(unit: str, offset: int, today: datetime.date) -> tuple[datetime.date, datetime.date]:
    if unit == "day":
        day = today + datetime.timedelta(days=offset)
        return day, day
    if unit == "week":
        monday = today + datetime.timedelta(days=7 * offset - today.weekday())
        return monday, monday + datetime.timedelta(days=6)
    month = today.year * 12 + today.month - 1 + offset
    first = datetime.date(month // 12, month % 12 + 1, 1)
    following = datetime.date((month + 1) // 12, (month + 1) % 12 + 1, 1)
    return first, following - datetime.timedelta(days=1)


def _value(key: str, schema: Mapping[str, Any], known: Known, period: tuple[str, str] | None) -> object:
    """Return the value of one input; None = it is not known."""
    if "date" in key:
        day = None if period is None else period[1] if "end" in key or "until" in key else period[0]
        return day or schema.get("default")
    references = _REFERENCE.findall(known.prompt) if key.endswith("_id") else []
    if (found := _from_results(key, known.results)) is not None:
        kind = str(found).partition("-")[0]
        return next((one for one in references if one.partition("-")[0] == kind), found)
    if key.endswith("_id"):
        quoted = _QUOTED_VALUE.search(str(schema.get("description", "")))
        return references[0] if references else _default(schema) or (quoted[1] if quoted is not None else None)
    if "name" in key:
        return name_in(known.prompt) or _default(schema)
    return _default(schema)


def name_in(prompt: str) -> str | None:
    """Return the name of a person in a prompt: in quotation marks, or in capitals behind "Dr.", "for" and the like."""
    found = _QUOTED.search(prompt) or _NAME.search(prompt)
    return re.sub(r"^[Dd]r\.?\s+", "", found[1]) if found is not None else None


def _default(schema: Mapping[str, Any]) -> object:
    for key in ("default", "const"):
        if schema.get(key) is not None:
            return schema[key]
    for key in ("examples", "enum"):
        values = schema.get(key)
        if isinstance(values, list) and values:
            return values[0]
    return None


def _from_results(key: str, results: Sequence[str]) -> object:
    """Return the value that the newest result has under a key, or under its own word: `person` for `person_id`."""
    for result in reversed(results):
        try:
            value = json.loads(result)
        except (ValueError, RecursionError):  # text, or JSON that was cut
            if (cut := re.search(rf'"{re.escape(key)}": ?(?:"([^"]+)"|(\d+)\b)', result)) is not None:
                return cut[1] or int(cut[2])
            continue
        for name in dict.fromkeys((key, key.removesuffix("_id"), "reference" if key == "person_id" else key)):
            found = _under(name, value)
            if isinstance(found, str | int | float) and not isinstance(found, bool):
                return found
    return None


def _under(key: str, value: object) -> object:
    if isinstance(value, Mapping):
        if isinstance(value.get(key), str | int | float):
            return value[key]
        value = list(value.values())
    if isinstance(value, list):
        return next((found for item in value if (found := _under(key, item)) is not None), None)
    return None
