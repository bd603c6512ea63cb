"""A message with files: its text names them, so that they stand in every history of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256

from supervisor.intake.submission import Submission
from supervisor.protocol.errors import NotAllowed
from supervisor.store.ports.people.uploads import UploadStore


async def with_files(written: Submission, ids: Sequence[str], store: UploadStore) -> Submission:
    """Return a message that carries files.

    Raises:
        NotAllowed: the user has no such file.
    """
    if not ids:
        return written
    names = []
    for upload_id in dict.fromkeys(ids):
        found = await store.get(upload_id)
        if found is None or found.user_id != written.user.id:
            raise NotAllowed(f"the attached file {upload_id}", "attach the file again")
        names.append(found.name)
    named = f"\n\n[attached: {', '.join(names)}]"
    return replace(
        written,
        text=written.text.removesuffix(named) + named,  # a client may have written it already
        digest=sha256("\n".join([written.digest, *ids]).encode()).hexdigest(),
        attachments=tuple(dict.fromkeys(ids)),
    )
