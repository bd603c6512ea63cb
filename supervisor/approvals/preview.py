"""What a call would change in a file, as a diff for the person who decides about it."""

from __future__ import annotations

import asyncio
import os
import stat

from supervisor.permissions.diffs import edit_diff, text_diff
from supervisor.permissions.paths import base_folder, is_inside
from supervisor.protocol.conversation import ToolCall

MAX_FILE = 262_144
"""The largest file in bytes that is compared with what a `Write` puts in its place."""

READ_SECONDS = 10.0
"""How long the daemon waits for that file: it may lie on a network drive. After it the question has no diff."""


async def diff_of(call: ToolCall, project_path: str) -> str:
    """Return what a call changes in a file, or an empty string.

    A `Write` is compared with the file as it is now, where that is a text inside the project. Nobody is shown the
    content of other files, nor a diff that does not hold all that the call writes.
    """
    if call.name != "Write":
        return edit_diff(call)
    try:
        async with asyncio.timeout(READ_SECONDS):
            return await asyncio.to_thread(_write_diff, call, project_path)
    except (OSError, ValueError):  # not there, no text, a NUL in its name; TimeoutError is an OSError
        return ""


def _write_diff(call: ToolCall, project_path: str) -> str:
    path, content = call.input.get("file_path"), call.input.get("content")
    base = base_folder(call, project_path)
    if not isinstance(content, str) or not isinstance(path, str) or not is_inside(path, project_path, base):
        return ""
    return text_diff(_read(os.path.realpath(os.path.join(base, path))), content)


def _read(path: str) -> str:
    """Return the text of a regular file of at most `MAX_FILE` bytes.

    Raises:
        OSError, ValueError: it is none.
    """
    # O_NONBLOCK: a named pipe would block. O_NOFOLLOW: the path was resolved, so a link was put there since.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    with open(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise ValueError("no regular file")
        content = file.read(MAX_FILE + 1)
    if len(content) > MAX_FILE:
        raise ValueError("too large")
    return content.decode()
