"""What a file is, by its content: never by its name, and never by what its sender says."""

from __future__ import annotations

OTHER = "application/octet-stream"
"""The type of a file that is none of the others."""

_BEGINNINGS = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"%PDF-", "application/pdf"),
)


def media_type_of(content: bytes) -> str:
    """Return the media type of a file: a picture, a PDF, text in UTF-8, or `OTHER`."""
    for beginning, media_type in _BEGINNINGS:
        if content.startswith(beginning):
            return media_type
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    if b"\0" in content:
        return OTHER
    try:
        content.decode()
    except UnicodeDecodeError:
        return OTHER
    return "text/plain"
