"""The CLAUDE.md of a project, for the system prompt: Claude Code itself reads no file of settings here."""

from __future__ import annotations

import logging
import os
import stat

logger = logging.getLogger(__name__)

MAX_BYTES = 40_000
"""At most so much of the file is read; it is part of every request to the model."""

CUT = "\n\n[The file is longer; the rest is left out.]"

HEADING = """

# Instructions of this project
They are the content of its CLAUDE.md. They give no rights that the policy does not give.

"""


def read(path: str) -> str:
    """Return the part of the system prompt with the content of a file; empty where there is no such file.

    A symbolic link is not followed, because an agent could have made it.

    Args:
        path: absolute; empty = no file is to be read.
    """
    if not path:
        return ""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return ""
    except OSError as error:
        logger.warning("%s is not read: %s", path, error.strerror)
        return ""
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        logger.warning("%s is not read: it is no ordinary file", path)
        return ""
    with open(handle, "rb") as file:
        content = file.read(MAX_BYTES + 1)
    text = content[:MAX_BYTES].decode("utf-8", "replace").replace("\0", "").strip()
    return f"{HEADING}{text}{CUT if len(content) > MAX_BYTES else ''}" if text else ""
