"""What a tool server tells: its tools, and the answer to a call."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Any

from supervisor.protocol.values.record import record

ARTIFACT = "xswarm/artifact"
"""In the `_meta` of a result: `type` (as `ToolOutput.kind`) and `title` of the artifact that it makes."""


@record
class ListedTool:
    """A tool of a server.

    Attributes:
        name: as the server knows it.
        title: for people; empty = none.
        schema: of its input; JSON Schema of an object.
        category: under which people find it, as the server says in the `_meta` of the tool; empty = none.
    """

    name: str
    title: str
    description: str
    schema: Mapping[str, Any]
    category: str = ""


@record
class Answer:
    """The result of a call, as the server sent it.

    Attributes:
        structured: a value of JSON; None = there is none.
        failed: the tool says that it failed; `text` may say why.
        title, kind: of the artifact, where the server says them in the `_meta` of its result under `ARTIFACT`; else
            empty.
        meta: what came beside it (`supervisor.tools.meta`).
    """

    text: str
    structured: Any = None
    failed: bool = False
    title: str = ""
    kind: str = ""
    meta: Mapping[str, Any] = field(default_factory=dict)


class CallFailed(Exception):
    """A call has no result.

    Attributes:
        kind: a word, such as `TimeoutError`.
        detail: for the log; it may hold what the server wrote.
    """

    def __init__(self, kind: str, detail: str) -> None:
        super().__init__(kind, detail)
        self.kind = kind
        self.detail = detail
