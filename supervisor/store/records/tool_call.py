"""A call of a tool that the daemon gave the assistant, as it is stored with its turn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Any

from supervisor.protocol.values.record import record


@record
class StoredCall:
    """A tool call of a turn.

    Attributes:
        input: as the model wrote it; empty where it was too long to be kept.
        reads: it only reads, by our own configuration.
        started_ms, ended_ms: milliseconds UTC; None = it has not ended.
        failed: it was denied, or it failed.
        result: as the person saw it; empty = it has not ended.
        for_model: as the model got it, where that differs from `result`; else empty.
        title, kind: of the artifact, as in `ToolOutput`.
        artifact: the whole structured result; None = there is none.
    """

    tool_use_id: str
    name: str
    input: Mapping[str, Any]
    reads: bool
    started_ms: int
    ended_ms: int | None = None
    failed: bool = False
    result: str = ""
    for_model: str = ""
    title: str = ""
    kind: str = ""
    artifact: Mapping[str, Any] | None = None


@record
class Reference:
    """A person in a conversation, with one of their names.

    Attributes:
        reference: as the model knows it; empty = a name without an id.
        person: the id as the tool server writes it; None = there is none.
        name: empty = not known.
        seq: its number in the store, which grows; 0 = it was not read from there.
    """

    reference: str
    person: str | int | None
    name: str
    seq: int = field(default=0, compare=False)
