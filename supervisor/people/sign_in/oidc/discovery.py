"""What a service says about itself (OpenID Connect Discovery 1.0), read again after an hour."""

from __future__ import annotations

import asyncio
import json
import logging
import time

from authlib.oidc.discovery import get_well_known_url

from supervisor.config.issuers import is_safe_url
from supervisor.people.keys import KEPT_SECONDS, RETRY_SECONDS, Monotonic, Read, UnreadableKeys, from_url
from supervisor.protocol.values.record import record

logger = logging.getLogger(__name__)


@record
class Metadata:
    """Where a service is asked.

    Attributes:
        secret_in_body: whether it wants our secret in the body instead of in a header (RFC 6749 section 2.3.1).
    """

    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    secret_in_body: bool = False


class Discovery:
    """Reads the document of a service. While it cannot be read, the last one counts.

    Args:
        name: of the service, for the log.
        issuer: its URL; the document must name the same.
        read: returns the document; None = it is fetched.
        clock: seconds of a clock that never goes back.
    """

    def __init__(self, name: str, issuer: str, read: Read | None = None, *, clock: Monotonic = time.monotonic) -> None:
        self._name = name
        self._issuer = issuer
        self._read = read or from_url(get_well_known_url(issuer, external=True))
        self._clock = clock
        self._known: Metadata | None = None
        self._next = 0.0  # when the document is read again
        self._failing = False
        self._reading = asyncio.Lock()

    async def metadata(self) -> Metadata | None:
        """Return where the service is asked; None = its document cannot be read, and never could."""
        async with self._reading:  # those who come meanwhile wait for the same read
            if self._clock() >= self._next:
                await self._refresh()
            return self._known

    async def _refresh(self) -> None:
        try:
            self._known = parsed(await self._read(), self._issuer)
        except UnreadableKeys as error:
            if not self._failing:
                logger.warning("oidc %s: its document cannot be read: %s", self._name, error)
            self._failing = True
            self._next = self._clock() + RETRY_SECONDS
            return
        if self._failing:
            logger.info("oidc %s: its document can be read again", self._name)
        self._failing = False
        self._next = self._clock() + KEPT_SECONDS


def parsed(document: bytes, issuer: str) -> Metadata:
    """Return what a document says.

    Raises:
        UnreadableKeys: it is none, it belongs to another issuer, or it names a URL that is not safe.
    """
    try:
        found = json.loads(document)
        named = {name: found[name] for name in ("authorization_endpoint", "token_endpoint", "jwks_uri")}
        whose, methods = found["issuer"], found.get("token_endpoint_auth_methods_supported")
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        raise UnreadableKeys("it is no OpenID Connect Discovery document") from None
    if whose != issuer:
        raise UnreadableKeys("it names another issuer")
    for name, url in named.items():
        if not isinstance(url, str) or not is_safe_url(url):
            raise UnreadableKeys(f"its {name} is not a safe URL")
    in_body = isinstance(methods, list) and "client_secret_basic" not in methods and "client_secret_post" in methods
    return Metadata(**named, secret_in_body=in_body)
