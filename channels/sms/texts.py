"""A received text message as the core takes it, and what of it needs no answer."""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass

from channels.sms.plain import clean
from channels.sms.recent import Recent
from supervisor.protocol.messages import Address, Inbound, Reply, Trust
from supervisor.protocol.ports import ChannelHost

logger = logging.getLogger(__name__)

STOP_WORDS = frozenset({"STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT"})
"""Alone in a text, these make Twilio and the carriers block our number for the sender: an answer fails with 21610.

They are theirs to act on. HELP and START are answered by us unless Twilio says, by OptOutType, that it has done so.
"""

_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
_DRESSING = str.maketrans("", "", " -().")


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A text message as Twilio reports it, by webhook or in its list.

    Attributes:
        sid: Twilio's id of it, the same in the webhook, in its repetitions and in the list.
        to: our number.
        media: how many files came with it.
        opt_out: "STOP", "START" or "HELP" where Twilio has already acted on it, else empty; webhooks only.
    """

    sid: str
    sender: str
    to: str
    body: str
    media: int = 0
    opt_out: str = ""


class Texts:
    """Hands received texts to the core, each once per process: the core's own key makes it once for ever."""

    def __init__(self, host: ChannelHost) -> None:
        self._host = host
        self._taken: Recent[str, None] = Recent(10_000)

    async def take(self, text: Text) -> None:
        """Hand in a text, or leave a trace of it where there is nobody or nothing to answer.

        Raises:
            StorageError: neither was stored.
        """
        if text.sid in self._taken:
            return
        match to_inbound(text):
            case Inbound() as inbound:
                await self._host.accept(inbound)
            case reason:
                logger.info("%s: text message dropped: %s", text.sid or "(no sid)", reason)
                await self._host.dropped(text.sender, f"text {text.sid}: {reason}")
        self._taken[text.sid] = None


def to_inbound(text: Text) -> Inbound | str:
    """Return what the core is handed, or in words why the text is not answered.

    The digest is left empty: the sid is Twilio's own choice, and the list may spell a body otherwise than the webhook.
    """
    number = to_e164(text.sender)
    body = clean(text.body).strip()
    if not text.sid:
        return "it has no MessageSid"
    if number is None:
        return "the sender is a short code or a name, not a person's number"
    if text.opt_out or body.upper() in STOP_WORDS:
        return "opting out, in and help are the carrier's"
    if not body and not text.media:
        return "it is empty"
    sender = Address(kind="sms", value=number)
    return Inbound(
        channel="sms",
        account=text.to,
        dedup_key=text.sid,
        sender=sender,
        # Twilio vouches for the message; the caller id in it can be forged.
        trust=Trust.CLAIMED,
        text=body,
        reply=Reply(channel="sms", to=sender, account=text.to),
        note=_media_note(text.media),
    )


def to_e164(number: str) -> str | None:
    """Return a phone number as `+` and digits, or None for a short code, a name or another kind of address."""
    bare = number.translate(_DRESSING)
    return bare if _E164.fullmatch(bare) else None


def _media_note(count: int) -> str:
    if count <= 0:
        return ""
    files = "1 attachment (a picture or another file), which was" if count == 1 else f"{count} attachments, which were"
    return f"The text message came with {files} left out."
