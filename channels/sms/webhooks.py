"""The two webhooks of Twilio: a text that came, and what became of one of ours."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress

from channels.sms.assignments import Assignments
from channels.sms.reports import CallbackUrls, Reports, to_delivery
from channels.sms.signature import Signatures
from channels.sms.texts import Text, Texts
from supervisor.protocol.errors import StorageError
from supervisor.protocol.ports import ChannelHost, Route, WebRequest, WebResponse

logger = logging.getLogger(__name__)

TEXT_PATH = "/webhooks/twilio/sms"
STATUS_PATH = "/webhooks/twilio/status"

_ACCEPTED = WebResponse(status=200, body=b"<Response/>", content_type="text/xml")
"""An empty answer: the real one is sent by the API, and has an id of its own."""

_RECORDED = WebResponse(status=204)
_REFUSED = WebResponse(status=403, body=b"the signature does not match\n")
_NOT_STORED = WebResponse(status=503, body=b"not stored, try again\n", headers={"Retry-After": "5"})


class Webhooks:
    """Answers Twilio's requests: 403 where the signature fails, before anything is read; 503 where the store fails.

    Args:
        assignments: told here which message carries which reply.
    """

    def __init__(
        self,
        host: ChannelHost,
        signatures: Signatures,
        callbacks: CallbackUrls,
        texts: Texts,
        reports: Reports,
        assignments: Assignments,
    ) -> None:
        self._host = host
        self._signatures = signatures
        self._callbacks = callbacks
        self._texts = texts
        self._reports = reports
        self._assignments = assignments
        self._refusing = False

    def routes(self) -> Sequence[Route]:
        """Return both paths."""
        return (
            Route(method="POST", path=TEXT_PATH, handler=self.text),
            Route(method="POST", path=STATUS_PATH, handler=self.status),
        )

    async def text(self, request: WebRequest) -> WebResponse:
        """Take a text message; answers only after it is stored."""
        form = await self._genuine_form(request)
        if form is None:
            return _REFUSED
        text = Text(
            sid=form.get("MessageSid", ""),
            sender=form.get("From", ""),
            to=form.get("To", ""),
            body=form.get("Body", ""),
            media=_count(form.get("NumMedia", "")),
            opt_out=form.get("OptOutType", ""),
        )
        try:
            await self._texts.take(text)
        except StorageError as error:
            logger.warning("%s: text message not accepted: %s", text.sid, error)
            return _NOT_STORED
        return _ACCEPTED

    async def status(self, request: WebRequest) -> WebResponse:
        """Take a report on one of our messages."""
        form = await self._genuine_form(request)
        outbox_id = self._callbacks.outbox_id(request.query)
        if form is None or outbox_id is None:
            return _REFUSED
        sid = form.get("MessageSid", "")
        delivery = to_delivery(sid, form.get("MessageStatus", ""), form.get("ErrorCode", ""), outbox_id=outbox_id)
        if delivery is None or not sid:
            return _RECORDED
        self._assignments.assign(sid, outbox_id)
        try:
            await self._reports.pass_on(delivery)
        except StorageError as error:
            logger.warning("%s: status report not recorded: %s", sid, error)
            return _NOT_STORED
        return _RECORDED

    async def _genuine_form(self, request: WebRequest) -> Mapping[str, str] | None:
        """Check the signature. A series of refusals leaves one trace: anybody can cause them, in any number."""
        form = self._signatures.genuine_form(request)
        if form is None and not self._refusing:
            self._refusing = True
            logger.warning(
                "sms: a webhook was refused because its signature does not match; if it came from Twilio, check that "
                "http.public_url is what its console calls, and TWILIO_AUTH_TOKEN"
            )
            with suppress(StorageError):  # a forgery is refused with or without a trace
                await self._host.dropped("", f"{request.path}: the signature does not match")
        elif form is not None:
            self._refusing = False
            if await request.from_agent():  # it has come to know the token of Twilio, and writes in anybody's name
                logger.error("sms: a webhook with a good signature came from an agent, and was refused")
                with suppress(StorageError):
                    await self._host.dropped("", f"{request.path}: signed by an agent")
                return None
        return form


def _count(number: str) -> int:
    return int(number) if number.isascii() and number.isdigit() and len(number) < 4 else 0
