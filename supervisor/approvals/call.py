"""The tool call of a question: what an answer is valid for, and what people see of it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

from supervisor.permissions.paths import link_targets
from supervisor.permissions.tools import EXPLANATIONS
from supervisor.permissions.wording import one_line, shown, whole
from supervisor.protocol.conversation import ToolCall
from supervisor.protocol.messages import ProjectName, SessionId
from supervisor.protocol.values.record import record

NO_PROJECT = ProjectName("")


class CallPlace(Protocol):
    """Where a call is made: a session of Claude Code, or a conversation with the assistant.

    A conversation with the assistant has neither project nor path.
    """

    @property
    def id(self) -> SessionId:
        """The id of the session, or the lane of the conversation."""

    @property
    def project(self) -> ProjectName:
        """The project; empty = none."""

    @property
    def project_path(self) -> str:
        """Its folder, symbolic links resolved; empty = none."""


@record
class AssistantPlace:
    """A conversation with the assistant as the place of a call."""

    id: SessionId
    project: ProjectName = NO_PROJECT
    project_path: str = ""


@dataclass(frozen=True, kw_only=True)
class AskedCall:
    """A tool call together with everything that changes what it does.

    Attributes:
        links: where its paths lead that go through symbolic links. They are resolved once, so that an answer is valid
            for exactly what its question shows.
        diff: what it changes in files; empty = not known, or nothing.
    """

    call: ToolCall
    session: CallPlace
    links: Sequence[str]
    diff: str = ""

    @classmethod
    def now(cls, call: ToolCall, session: CallPlace) -> AskedCall:
        """Return a call with its links as they lead now. Where there is no project, no input names a file of ours."""
        links = link_targets(call, session.project_path) if session.project_path else ()
        return cls(call=call, session=session, links=links)

    @property
    def place(self) -> str:
        """The folder in which the call runs, and where its links lead; empty = it has no folder."""
        return ", leading to ".join([one_line(self._folder), *self.links])

    @cached_property
    def text(self) -> str:
        """The whole call: what its server says of it, its headline, then every other input."""
        preview = one_line(self.call.preview)
        return f"{preview}\n{whole(self.call)}" if preview else whole(self.call)

    @property
    def one_line(self) -> str:
        """The call in one line of a list, at most 240 characters, and its place; then what its server says of it."""
        in_folder = (
            [f"in {one_line(self.call.folder)}"] if self.call.folder not in ("", self.session.project_path) else []
        )
        place = ", ".join([*in_folder, *(f"leading to {link}" for link in self.links)])
        preview = f": {one_line(self.call.preview)}" if self.call.preview else ""
        return shown(self.call).replace("\n", "\\n") + (f" ({place})" if place else "") + preview

    @cached_property
    def digest(self) -> bytes:
        """The SHA-256 of the exact call: its ids, input, folder, links and session."""
        return self._sha256([self.call.tool_use_id, self.call.agent_id], dict(self.call.input))

    @cached_property
    def repeat_digest(self) -> bytes:
        """The SHA-256 that stays the same when the call is made again: without its ids and the model's explanation."""
        ignored = EXPLANATIONS.get(self.call.name, frozenset())
        return self._sha256([], {key: value for key, value in self.call.input.items() if key not in ignored})

    @property
    def _folder(self) -> str:
        # The shell keeps its `cd` from call to call. In a new process it starts in the project's folder again.
        return self.call.folder or self.session.project_path

    def _sha256(self, ids: Sequence[str | None], tool_input: dict[str, Any]) -> bytes:
        # The order and form of these parts must not change: questions in the database keep their digests.
        parts = [self.session.id, self.session.project_path, self._folder, *self.links, *ids, self.call.name]
        return hashlib.sha256(json.dumps([*parts, tool_input], sort_keys=True, default=str).encode()).digest()
