"""The files of a prompt as blocks of the Messages API."""

from __future__ import annotations

import base64
from pathlib import Path

from connectors.assistant.attachments import MAX_PICTURE, content_of
from supervisor.protocol.conversation import Attachment, Prompt
from supervisor.protocol.messages import MessageId


def file(folder: Path, name: str, media_type: str, content: bytes, size: int | None = None) -> Attachment:
    path = folder / name
    path.write_bytes(content)
    return Attachment(id=name, name=name, media_type=media_type, size=size or len(content), path=str(path))


async def test_pictures_pdfs_and_texts_are_shown_and_others_named(tmp_path: Path) -> None:
    files = [
        file(tmp_path, "a.png", "image/png", b"picture"),
        file(tmp_path, "a.pdf", "application/pdf", b"%PDF"),
        file(tmp_path, "a.txt", "text/plain", b"hello"),
        file(tmp_path, "large.png", "image/png", b"picture", MAX_PICTURE + 1),
        file(tmp_path, "a.zip", "application/octet-stream", b"PK"),
    ]
    prompt = Prompt(message_id=MessageId("m1"), text="what is this?", attachments=files)
    source = {"type": "base64", "media_type": "image/png", "data": base64.b64encode(b"picture").decode()}
    assert await content_of(prompt) == [
        {"type": "image", "source": source},
        {
            "type": "document",
            "source": {"type": "base64", "media_type": "application/pdf", "data": base64.b64encode(b"%PDF").decode()},
        },
        {"type": "text", "text": "[The attached file a.txt:]\nhello"},
        {
            "type": "text",
            "text": f"[The attached file large.png (image/png, {MAX_PICTURE + 1} bytes) cannot be shown here.]",
        },
        {"type": "text", "text": "[The attached file a.zip (application/octet-stream, 2 bytes) cannot be shown here.]"},
        {"type": "text", "text": "what is this?"},
    ]


async def test_a_prompt_without_files_stays_a_text() -> None:
    assert await content_of(Prompt(message_id=MessageId("m1"), text="hello")) == "hello"
