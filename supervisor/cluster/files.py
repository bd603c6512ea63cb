"""Files that people attached at another node: fetched by the link when they are needed, and kept here from then on."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol
from weakref import WeakValueDictionary

from supervisor.cluster.link.errors import FileAway, FileGone
from supervisor.protocol.conversation import Attachment
from supervisor.protocol.errors import XswarmError
from supervisor.runtime.umask import write_private
from supervisor.store.records.turn import Turn

logger = logging.getLogger(__name__)

PART_BYTES = 4_000_000
"""Bytes that one act brings: far less than the largest frame of a link."""

_ID = re.compile(r"[0-9a-f-]{36}")
_PART = "uploads.part"


class Others(Protocol):
    """The other nodes."""

    @property
    def is_alone(self) -> bool:
        """Whether there are none."""
        ...

    def linked(self) -> Sequence[str]:
        """Return the names of those that can be asked."""
        ...

    def offer(self, name: str, method: Callable[..., Awaitable[Any]]) -> None:
        """Let them ask this node for an act."""
        ...

    async def ask(self, node: str, name: str, **given: Any) -> Any:
        """Ask one for an act; return its result.

        Raises:
            NodeUnreachable: it cannot be asked.
            XswarmError: it has refused.
        """
        ...


class Files:
    """Finds attached files: where they were taken, in the folders of this node, or at another node.

    Args:
        folders: each holds a folder for each file, named by its id. What is fetched is kept in the first, which all
            nodes may share.
    """

    def __init__(self, folders: Sequence[Path], others: Others) -> None:
        self._folders = folders
        self._others = others
        self._fetching: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        others.offer(_PART, self.part)

    async def brought(self, turn: Turn) -> Turn:
        """Return a turn whose files can be read here; one that no node has stays as it is, and the model is told."""
        if not turn.attachments and not turn.gathered:
            return turn
        files = [await self._brought(one) for one in turn.attachments]
        return replace(turn, attachments=files, gathered=tuple([await self.brought(part) for part in turn.gathered]))

    async def local(self, one: Attachment) -> Path:
        """Return where a file lies on this node; it is fetched if it does not.

        Raises:
            FileAway: no node that can be asked has it.
            FileGone: it is not here, and there are no other nodes.
        """
        kept, *older = (folder / one.id / one.name for folder in self._folders)
        for path in (Path(one.path), kept, *older):
            if await asyncio.to_thread(path.is_file):
                return path
        if self._others.is_alone:
            raise FileGone(one.name)
        async with self._fetching.setdefault(one.id, asyncio.Lock()):
            if await asyncio.to_thread(kept.is_file):
                return kept
            for node in self._others.linked():
                content = await self._fetch(node, one)
                if content is not None:
                    await asyncio.to_thread(write_private, kept, content)
                    logger.info("the attached file %s was fetched from node %s", one.id, node)
                    return kept
        raise FileAway(one.name)

    async def part(self, upload_id: str, file: str, offset: int) -> bytes:
        """Return the next bytes of a file of this node, for another one; empty = it ends there.

        Raises:
            FileAway: it is not here.
        """
        if not _ID.fullmatch(upload_id) or Path(file).name != file:
            raise FileAway(file)
        for folder in self._folders:
            with suppress(OSError):
                return await asyncio.to_thread(_read, folder / upload_id / file, offset)
        raise FileAway(file)

    async def _brought(self, one: Attachment) -> Attachment:
        try:
            return replace(one, path=str(await self.local(one)))
        except (FileAway, FileGone) as missing:
            logger.warning("%s: %s", one.id, missing)
        except OSError as error:
            logger.error("%s: the attached file cannot be kept: %s", one.id, error)
        return one

    async def _fetch(self, node: str, one: Attachment) -> bytes | None:
        """Return a file of another node; None = it does not have it, or cannot be asked."""
        content = bytearray()
        try:
            while len(content) < one.size:
                got = await self._others.ask(node, _PART, upload_id=one.id, file=one.name, offset=len(content))
                if not got:
                    return None
                content += got
        except XswarmError:
            return None
        return bytes(content)


def _read(path: Path, offset: int) -> bytes:
    with path.open("rb") as file:
        file.seek(offset)
        return file.read(PART_BYTES)
