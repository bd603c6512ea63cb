"""Names of files in Content-Disposition (RFC 6266), and the headers under which a file is sent."""

from __future__ import annotations

import pytest

from supervisor.wires.http.download import attachment, disposition


@pytest.mark.parametrize(
    ("name", "header"),
    [
        ("a.txt", "attachment; filename=\"a.txt\"; filename*=UTF-8''a.txt"),
        ("src/deep/a b.txt", "attachment; filename=\"a b.txt\"; filename*=UTF-8''a%20b.txt"),
        ("café.txt", "attachment; filename=\"caf_.txt\"; filename*=UTF-8''caf%C3%A9.txt"),
        (
            'a";\r\nB: x',
            "attachment; filename=\"a_;__B_ x\"; filename*=UTF-8''a_%3B__B_%20x",
        ),
        ("100%41.txt", "attachment; filename=\"100_41.txt\"; filename*=UTF-8''100%2541.txt"),
        ("..", "attachment; filename=\"file\"; filename*=UTF-8''file"),
        ("\udcff.txt", "attachment; filename=\"_.txt\"; filename*=UTF-8''%3F.txt"),
    ],
)
def test_a_name_is_sent_in_utf_8_and_in_ascii_and_ends_no_header(name: str, header: str) -> None:
    assert disposition(name) == header


def test_a_file_is_saved_and_never_shown_in_our_origin() -> None:
    sent = attachment("page.html", b"<script>alert(1)</script>")
    assert sent.media_type == "application/octet-stream"
    assert sent.headers["content-disposition"].startswith("attachment; ")
    assert sent.headers["x-content-type-options"] == "nosniff"
    assert sent.headers["content-security-policy"].startswith("sandbox;")
