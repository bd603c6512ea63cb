"""The gateway: sessions call the Messages API through it with tokens of their own, within limits, and metered."""

from __future__ import annotations

import hashlib
import logging
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from aiohttp import hdrs, web

from supervisor.models.api_errors import error_response
from supervisor.models.api_server import ApiServer
from supervisor.models.connections import BODY_SECONDS, read_body
from supervisor.models.gateway.call_record import CallRecord
from supervisor.models.gateway.call_size import UnmeterableCall, read_call_size
from supervisor.models.gateway.meter import CallTotals, Meter
from supervisor.models.gateway.upstream import UpstreamClient
from supervisor.models.prices import PriceList
from supervisor.protocol.conversation import ModelEndpoint
from supervisor.protocol.errors import StorageError
from supervisor.protocol.ports.connector import OWN_ERROR
from supervisor.protocol.text.refusals import cause

logger = logging.getLogger(__name__)

AWAY = "the database of the daemon does not answer, so the model was not asked; try again in a few minutes"
REFUSED = "the database of the daemon refused, so the model was not asked: {cause}"
"""What the client of a call reads whose costs cannot be checked or recorded: for a while, or until a person acts."""


NOT_REPEATED = 402
"""The only status that Claude Code neither repeats nor rewords."""


@dataclass(frozen=True, slots=True)
class Grant:
    """What a token stands for.

    Attributes:
        owner: the session or user whose calls these are.
        meter: decides about these calls and is told of them.
    """

    owner: str
    meter: Meter


class Gateway:
    """Forwards model calls of token holders to the Messages API, and keeps the API key to itself.

    A call takes these steps: check the token; read the size of the call; ask the meter to admit it; forward it with
    the API key; count the tokens of the answer while it streams through; tell the meter.

    Args:
        upstream: base URL of the Messages API, or of the offline model.
        api_key: None = the upstream needs no key.
        port: 0 = take a free port.
        connect_timeout: seconds to connect to the upstream.
        read_timeout: seconds without a byte from the upstream, before and during an answer.
        body_timeout: seconds for the body of a request.

    Raises:
        OSError: on entering: the port is taken.
    """

    def __init__(
        self,
        *,
        upstream: str,
        api_key: str | None,
        prices: PriceList,
        host: str = "127.0.0.1",
        port: int = 0,
        connect_timeout: float = 10.0,
        read_timeout: float = 600.0,
        body_timeout: float = BODY_SECONDS,
    ) -> None:
        self._body_timeout = body_timeout
        self._upstream = UpstreamClient(upstream, api_key, connect_timeout=connect_timeout, read_timeout=read_timeout)
        self._prices = prices
        self._grants: dict[bytes, Grant] = {}
        self._totals: dict[str, CallTotals] = {}
        self._server = ApiServer(
            messages=self._messages,
            count_tokens=self._count_tokens,
            not_found="this gateway passes on model calls only, not",
            host=host,
            port=port,
        )

    def __repr__(self) -> str:
        return f"Gateway({self.url} -> {self._upstream.url})"

    @property
    def url(self) -> str:
        """The base URL, without a trailing slash. It is valid after entering."""
        return self._server.url

    async def __aenter__(self) -> Gateway:
        await self._server.start()
        self._upstream.open()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._server.stop()
        await self._upstream.close()

    def issue(self, owner: str, meter: Meter) -> ModelEndpoint:
        """Return an endpoint with a new token for `owner`. Calls with this token go to `meter`."""
        token = secrets.token_urlsafe(32)
        self._grants[_digest(token)] = Grant(owner, meter)
        return ModelEndpoint(base_url=self.url, token=token)

    def revoke(self, token: str) -> None:
        """Refuse new calls with this token. Calls in flight finish and are metered. An unknown token is ignored."""
        self._grants.pop(_digest(token), None)

    def metered(self) -> Mapping[str, CallTotals]:
        """Return the totals of all calls that finished since the start, by model."""
        return MappingProxyType(dict(self._totals))

    async def _count_tokens(self, request: web.Request) -> web.StreamResponse:
        if self._grant(request) is None:
            return _forbidden()
        raw = await read_body(request, self._body_timeout)
        if self._grant(request) is None:  # revoked while the body arrived
            return _forbidden()
        return await self._upstream.forward(request, raw, None)

    async def _messages(self, request: web.Request) -> web.StreamResponse:
        grant = self._grant(request)
        if grant is None:
            return _forbidden()
        raw = await read_body(request, self._body_timeout)
        try:
            size = read_call_size(raw)
        except UnmeterableCall as error:
            return error_response(400, error.why)
        try:
            most = self._prices.most(size.model, size.prompt_tokens, size.max_tokens)
            refusal = await grant.meter.admit(size.model, size.max_tokens, most_nanos=most)
        except StorageError as error:
            logger.warning("%s: a call of the model was not made: %s", grant.owner, error)
            return _not_checked(error)
        except Exception:  # the limits must hold even when checking them fails
            logger.exception("%s: the limits of a model call could not be checked", grant.owner)
            return error_response(500, "the limits could not be checked", headers={"x-should-retry": "false"})
        if refusal is not None:
            return error_response(NOT_REPEATED, refusal)
        with CallRecord(
            owner=grant.owner,
            meter=grant.meter,
            model=size.model,
            prices=self._prices,
            totals=self._totals,
            agent_id=request.headers.get("x-claude-code-agent-id"),
            session_header=request.headers.get("x-claude-code-session-id"),
        ) as record:
            if self._grant(request) is None:  # revoked while the body arrived, or while the meter made the call wait
                return _forbidden()
            return await self._upstream.forward(request, raw, record)

    def _grant(self, request: web.Request) -> Grant | None:
        scheme, _, bearer = request.headers.get(hdrs.AUTHORIZATION, "").partition(" ")
        token = request.headers.get("x-api-key") or (bearer.strip() if scheme.lower() == "bearer" else "")
        # A lookup by digest: its duration says nothing about the tokens that exist.
        return self._grants.get(_digest(token))


def _digest(token: str) -> bytes:
    # A header may hold any bytes; aiohttp decodes them to lone surrogates.
    return hashlib.sha256(token.encode(errors="surrogateescape")).digest()


def _not_checked(error: StorageError) -> web.Response:
    """Return the answer to a call whose costs cannot be checked or recorded."""
    own = {OWN_ERROR: error.code}
    if error.lasts:
        return error_response(
            NOT_REPEATED, REFUSED.format(cause=cause(error)), headers={**own, "x-should-retry": "false"}
        )
    # Not 529: Claude Code gives up after three of them. Others from 500 on it repeats for minutes.
    return error_response(503, AWAY, headers=own)


def _forbidden() -> web.Response:
    # Not 401: Claude Code would retry it.
    return error_response(403, "this token is not known to the gateway; it ends with its session")
