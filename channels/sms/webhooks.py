"""The two webhooks that Twilio calls: for a received message, and for the status of a sent one.

https://www.twilio.com/docs/messaging/guides/webhook-request and
https://www.twilio.com/docs/messaging/guides/track-outbound-message-status
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress

from channels.sms.receiver import Receiver, TextMessage
from channels.sms.reply_sids import ReplySids
from channels.sms.reports import CallbackUrls, Reports, to_delivery
from channels.sms.twilio.signature import Signatures
from supervisor.protocol.errors import StorageError
from supervisor.protocol.ports.channel import ChannelHost
from supervisor.protocol.ports.web import Route, WebRequest, WebResponse

logger = logging.getLogger(__name__)

TEXT_PATH = "/webhooks/twilio/sms"
STATUS_PATH = "/webhooks/twilio/status"

_ACCEPTED = WebResponse(status=200, body=b"<Response/>", content_type="text/xml")
"""An empty TwiML document: the answer is sent later through the API."""

_RECORDED = WebResponse(status=204)
_REFUSED = WebResponse(status=403, body=b"the signature does not match\n")
_NOT_STORED = WebResponse(status=503, body=b"not stored, try again\n", headers={"Retry-After": "5"})


class Webhooks:
    """Handles Twilio's requests: 403 for a wrong signature, 503 if the message cannot be stored.

    Args:
        reply_sids: learns the message SIDs from status reports.
    """

    def __init__(
        self,
        host: ChannelHost,
        signatures: Signatures,
        callbacks: CallbackUrls,
        receiver: Receiver,
        reports: Reports,
        reply_sids: ReplySids,
    ) -> None:
        self._host = host
        self._signatures = signatures
        self._callbacks = callbacks
        self._receiver = receiver
        self._reports = reports
        self._assignments = reply_sids
        self._refusing = False

    def routes(self) -> Sequence[Route]:
        """Return the routes of both webhooks."""
        return (
            Route(method="POST", path=TEXT_PATH, handler=self.text),
            Route(method="POST", path=STATUS_PATH, handler=self.status),
        )

    async def text(self, request: WebRequest) -> WebResponse:
        """Receive a text message. The response is sent after the message is stored."""
        form = await self._genuine_form(request)
        if form is None:
            return _REFUSED
        text = TextMessage(
            sid=form.get("MessageSid", ""),
            sender=form.get("From", ""),
            to=form.get("To", ""),
            body=form.get("Body", ""),
            media=_count(form.get("NumMedia", "")),
            opt_out=form.get("OptOutType", ""),
        )
        try:
            await self._receiver.receive(text)
        except StorageError as error:
            logger.warning("%s: text message not accepted: %s", text.sid, error)
            return _NOT_STORED
        return _ACCEPTED

    async def status(self, request: WebRequest) -> WebResponse:
        """Receive a status report of one of our messages."""
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
        """Return the form of a request with a valid signature; None = refuse the request.

        A series of refusals is logged and recorded once, because anybody can cause any number of them.

        Raises:
            TemporaryFailure: nobody can tell now whether an agent signed it; the server answers 503.
        """
        form = self._signatures.genuine_form(request)
        if form is None and not self._refusing:
            self._refusing = True
            logger.warning(
                "sms: a webhook was refused because its signature does not match; if it came from Twilio, check "
                "TWILIO_AUTH_TOKEN, and that http.public_url is the address in the Twilio console"
            )
            with suppress(StorageError):  # the forgery is refused even if it cannot be recorded
                await self._host.dropped("", f"{request.path}: the signature does not match")
        elif form is not None:
            self._refusing = False
            if await request.from_agent():  # an agent that knows the token could write in the name of any user
                logger.error("sms: a webhook with a valid signature came from an agent and was refused")
                with suppress(StorageError):
                    await self._host.dropped("", f"{request.path}: signed by an agent")
                return None
        return form


def _count(number: str) -> int:
    return int(number) if number.isascii() and number.isdigit() and len(number) < 4 else 0
