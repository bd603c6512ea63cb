"""Keeps secrets out of sentences, logs and recorded lines."""

from __future__ import annotations

import re
from collections.abc import Iterable

HIDDEN = "***"

_TOKEN = re.compile(r"(sk-ant-[\w-]+|Bearer\s+\S+|(?<=key=)\S+)", re.IGNORECASE)
"""Texts that look like credentials, in any output."""


class Redaction:
    """Replaces known secrets, and all that looks like a credential, by three asterisks.

    Args:
        secrets: texts to hide; empty ones are ignored.
    """

    def __init__(self, secrets: Iterable[str]) -> None:
        self._secrets = tuple(secret for secret in secrets if secret)

    def clean(self, text: str) -> str:
        """Return the text without secrets."""
        for secret in self._secrets:
            text = text.replace(secret, HIDDEN)
        return _TOKEN.sub(HIDDEN, text)
