"""Makes an `Inbound` of a received text message and hands it to the core.

The fields of a message: https://www.twilio.com/docs/messaging/guides/webhook-request
"""

from __future__ import annotations

import asyncio
import logging
import re
from dataclasses import dataclass

from channels.sms import sentences as say
from channels.sms.body.plain import clean, readable
from channels.sms.body.reactions import is_reaction, may_be_reaction
from channels.sms.body.shaping import MORE_NOTE, TRIAL_PREFIX
from channels.sms.bounded import BoundedDict
from supervisor.protocol.messages import Address, Inbound, Reply, Trust
from supervisor.protocol.ports.channel import ChannelHost
from supervisor.protocol.text.amounts import counted

logger = logging.getLogger(__name__)

STOP_WORDS = frozenset({"STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT"})
"""Words with which a user opts out. Twilio acts on them, and an answer would fail with error 21610.

HELP, INFO and START are answered like other words, unless OptOutType says that Twilio has answered. Source:
https://help.twilio.com/articles/223134027-Twilio-support-for-opt-out-keywords-SMS-STOP-filtering-
"""

_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
_SEPARATORS = str.maketrans("", "", " -().")


@dataclass(frozen=True, slots=True, kw_only=True)
class TextMessage:
    """A text message that Twilio received, from a webhook or from its list.

    Attributes:
        sid: the MessageSid, the same in the webhook, its repetitions and the list.
        sender: the sender's number, short code or name.
        to: our number.
        media: the number of attached files.
        opt_out: the OptOutType: "STOP", "START" or "HELP" if Twilio has acted on the message; empty = it has not.
    """

    sid: str
    sender: str
    to: str
    body: str
    media: int = 0
    opt_out: str = ""


class Receiver:
    """Hands received messages to the core, each once per process. The core deduplicates them across restarts."""

    def __init__(self, host: ChannelHost) -> None:
        self._host = host
        self._taken: BoundedDict[str, None] = BoundedDict(10_000)

    async def receive(self, text: TextMessage) -> None:
        """Hand one message to the core, or drop it with an entry in the audit trail.

        Raises:
            StorageError: nothing was accepted or recorded.
        """
        if text.sid in self._taken:
            return
        match to_inbound(text):
            case Inbound() as inbound if await self._is_reaction(inbound):
                logger.info("%s: text message dropped: it is a reaction", text.sid)
                await self._host.dropped(text.sender, f"text {text.sid}: it is a reaction to a text of ours")
            case Inbound() as inbound:
                await self._host.accept(inbound)
            case reason:
                logger.info("%s: text message dropped: %s", text.sid or "(no sid)", reason)
                await self._host.dropped(text.sender, f"text {text.sid}: {reason}")
        self._taken[text.sid] = None

    async def pass_over(self, text: TextMessage) -> None:
        """Drop a message that was most likely answered before the database was restored; it can be let in.

        Twilio's times are whole seconds: a text of the backup's own second may be in the backup, and stays as it is.

        Raises:
            StorageError: nothing was recorded.
        """
        if text.sid in self._taken:
            return
        inbound = to_inbound(text)
        if isinstance(inbound, Inbound) and not await self._host.was_accepted(inbound):
            logger.warning("%s: text message passed over: it came after the backup that was restored", text.sid)
            why = f"text {text.sid}: it came after the backup that was restored, and may have been answered"
            await self._host.dropped(text.sender, why, inbound)
        self._taken[text.sid] = None

    async def _is_reaction(self, inbound: Inbound) -> bool:
        """Return whether a text is the report of a phone that its owner reacted to a text of ours.

        Raises:
            StorageError: our texts cannot be read.
        """
        if not may_be_reaction(inbound.text):
            return False
        ours = await self._host.recent_replies(inbound.sender)
        texts = [await asyncio.to_thread(readable, each) for each in ours]
        return is_reaction(inbound.text, texts, notes=(TRIAL_PREFIX, MORE_NOTE))


def to_inbound(text: TextMessage) -> Inbound | str:
    """Return the message for the core, or the reason why it is dropped.

    The digest stays empty: nobody but Twilio chooses a sid, and the list may have another spelling of the body.
    """
    number = to_e164(text.sender)
    body = clean(text.body).strip()
    if not text.sid:
        return "it has no MessageSid"
    if number is None:
        return "the sender is a short code or a name, not a person's number"
    if text.opt_out or body.upper() in STOP_WORDS:
        return "Twilio handles the words for opting out, opting in and help"
    if not body and not text.media:
        return "it is empty"
    sender = Address(kind="sms", value=number)
    return Inbound(
        channel="sms",
        account=text.to,
        dedup_key=text.sid,
        sender=sender,
        # Twilio has authenticated the message, but the sender's number in it can be forged.
        trust=Trust.CLAIMED,
        text=body,
        reply=Reply(channel="sms", to=sender, account=text.to),
        note=_media_note(text.media),
        unreadable="" if body else _only_media(text.media),
    )


def to_e164(number: str) -> str | None:
    """Return a phone number in E.164 (`+` and digits); None = it is a short code, a name or another address."""
    bare = number.translate(_SEPARATORS)
    return bare if _E164.fullmatch(bare) else None


def _only_media(count: int) -> str:
    """Return what the sender of attachments without words is told."""
    return say.ONE_ATTACHMENT() if count == 1 else say.ATTACHMENTS(count=count)


def _media_note(count: int) -> str:
    if count <= 0:
        return ""
    files = (
        "1 attachment (a picture or another file), which was"
        if count == 1
        else f"{counted(count, 'attachment')}, which were"
    )
    return say.MEDIA_NOTE(what=files)
