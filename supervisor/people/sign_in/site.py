"""Our own page, as a browser names it."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Our own page, as the browser names it: its origin. The RP id of passkeys is the host of it."""

    origin: str

    @property
    def rp_id(self) -> str:
        """The host, without port."""
        return urlsplit(self.origin).hostname or ""
