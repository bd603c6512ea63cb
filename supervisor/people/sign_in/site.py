"""Our own page, as a browser names it."""

from __future__ import annotations

from urllib.parse import urlsplit

from supervisor.protocol.values.record import record


@record
class Site:
    """Our own page, as the browser names it: its origin. The RP id of passkeys is the host of it."""

    origin: str

    @property
    def rp_id(self) -> str:
        """The host, without port."""
        return urlsplit(self.origin).hostname or ""
