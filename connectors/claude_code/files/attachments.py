"""Hands the files of a message to a session: read-only copies in its folder, and what Claude Code is told of them."""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from supervisor.protocol.conversation import HANDED_OVER, Attachment

logger = logging.getLogger(__name__)

TOLD = "(Attached by the person, to be read only: {files})"
LOST = "(A file that the person attached cannot be read any more: {name})"


async def hand_over(attachments: Sequence[Attachment], home: str) -> str:
    """Copy files into the folder of a session; return what its prompt says about them, empty where there are none.

    Args:
        home: the session's own folder. Its sandbox shows it, and the policy lets Claude Code read these copies.
    """
    return await asyncio.to_thread(_hand_over, attachments, Path(home)) if attachments else ""


def _hand_over(attachments: Sequence[Attachment], home: Path) -> str:
    told, lost = [], []
    for one in attachments:
        copy = home / HANDED_OVER / one.id / one.name
        try:
            _copy(Path(one.path), copy)
        except OSError as error:
            logger.warning("the attached file %s is not handed over: %s", one.id, error.strerror)
            lost.append(LOST.format(name=one.name))
        else:
            told.append(f"{copy} ({one.media_type}, {one.size} bytes)")
    return "\n".join([*([TOLD.format(files="; ".join(told))] if told else []), *lost])


def _copy(source: Path, copy: Path) -> None:
    """Copy a file once: a prompt that is repeated finds it there."""
    if copy.is_file():
        return
    copy.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    new = copy.with_name(".new")
    shutil.copyfile(source, new)
    os.chmod(new, 0o400)
    new.replace(copy)
