"""The files of a prompt as the model gets them: pictures and PDFs as they are, texts in words, others by their name."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

from anthropic.types import ContentBlockParam

from supervisor.protocol.conversation import Attachment, Prompt

PICTURES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
MAX_PICTURE = 3_700_000
"""Most bytes of a picture: the Messages API takes 5 MB of base64."""

MAX_PDF = 10_000_000
MAX_TEXT = 100_000
"""Most bytes of a text."""

NOT_SHOWN = "[The attached file {name} ({media_type}, {size} bytes) cannot be shown here.]"


async def content_of(prompt: Prompt) -> str | list[ContentBlockParam]:
    """Return the content of the message for a prompt: its text, with blocks for its files where it has some."""
    if not prompt.attachments:
        return prompt.text
    return await asyncio.to_thread(blocks_of, prompt.text, prompt.attachments)


def blocks_of(text: str, attachments: Sequence[Attachment]) -> list[ContentBlockParam]:
    """Return blocks for a text and files; the files come first, as the API advises."""
    blocks = [cast(ContentBlockParam, _block(one)) for one in attachments]
    return [*blocks, {"type": "text", "text": text}]


def _block(one: Attachment) -> dict[str, Any]:
    most = MAX_PICTURE if one.media_type in PICTURES else MAX_PDF if one.media_type == "application/pdf" else MAX_TEXT
    readable = one.media_type in PICTURES or one.media_type in ("application/pdf", "text/plain")
    try:
        content = Path(one.path).read_bytes() if readable and one.size <= most else None
    except OSError:
        content = None
    if content is None:
        told = NOT_SHOWN.format(name=one.name, media_type=one.media_type, size=one.size)
        return {"type": "text", "text": told}
    if one.media_type == "text/plain":
        return {"type": "text", "text": f"[The attached file {one.name}:]\n{content.decode(errors='replace')}"}
    kind = "image" if one.media_type in PICTURES else "document"
    data = base64.b64encode(content).decode()
    return {"type": kind, "source": {"type": "base64", "media_type": one.media_type, "data": data}}
