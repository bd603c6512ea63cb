"""What arrived with a mail that has no words for us, and what its sender can do, as sentences for the sender."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from channels.mail import sentences as say
from supervisor.protocol.text.amounts import counted

ENCRYPTED = say.ENCRYPTED()
HIDDEN = say.HIDDEN()
INVITATION = say.INVITATION()
INVITATION_ANSWER = say.INVITATION_ANSWER()
REACTION = say.REACTION()
QUOTATION = say.QUOTATION()
NO_WORDS = say.NO_WORDS()

_ENCRYPTED = frozenset({"multipart/encrypted", "application/pgp-encrypted"})
_PKCS7 = frozenset({"application/pkcs7-mime", "application/x-pkcs7-mime"})
_INVITATIONS = frozenset({"request", "publish", "add", "cancel"})
_METHODS = _INVITATIONS | {"reply", "refresh", "counter", "declinecounter"}
_KINDS = {"image": "a picture", "audio": "a recording", "video": "a video", "message": "a forwarded mail"}
_REACTION = "text/vnd.google.email-reaction+json"
_ARMOUR = re.compile(r"\s*-----BEGIN PGP MESSAGE-----(?:\s|\Z)")
_ANSWERED = re.compile(
    r"(?:accepted|declined|tentative|tentatively accepted|zugesagt|angenommen|abgelehnt|mit vorbehalt|vorläufig"
    r"|accepté|refusé|provisoire|aceptad[oa]|aceptado|rechazad[oa]|provisional|accettat[oa]|rifiutat[oa]|provvisorio"
    r"|aceite|aceito|recusad[oa]|geaccepteerd|afgewezen|zaakceptowano|odrzucono|accepteret|afvist|accepterad|accepterat"
    r"|avböjt|принято|отклонено|承諾済み?|辞退|仮承諾|已接受|已拒绝|暂定|수락됨|거절됨)\s*[:：]",
    re.IGNORECASE,
)
"""The subjects by which calendars answer an invitation."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a mail that is not its text.

    Attributes:
        type: its MIME type, lower case.
        name: its file name; empty = it has none.
        detail: the `method` of a calendar entry (RFC 5546) or the `smime-type` of PKCS #7 (RFC 8551), lower case; empty
            for other parts, and for a calendar file that is attached.
    """

    type: str
    name: str = ""
    detail: str = ""

    @property
    def shown(self) -> str:
        """What it is, in words."""
        kind = _KINDS.get(self.type.partition("/")[0])
        if kind is None:
            return self.name or self.type
        return f"{kind} ({self.name})" if self.name else kind


def told(text: str, subject: str, parts: Sequence[Part], more: int) -> str:
    """Return what the sender of a mail is told whose text is no request; empty = it may be one.

    Args:
        text: the sender's own text.
        parts: the other parts of the mail.
        more: the number of further such parts.
    """
    types = {part.type for part in parts}
    details = {part.detail for part in parts if part.detail}
    methods = details & _METHODS
    if _REACTION in types:
        return REACTION
    if methods:
        return INVITATION if methods & _INVITATIONS else INVITATION_ANSWER
    if _ARMOUR.match(text):
        return ENCRYPTED
    if text.strip():
        return ""
    if types & _ENCRYPTED or types & _PKCS7:
        return ENCRYPTED if types & _ENCRYPTED or "signed-data" not in details else HIDDEN
    if not parts:
        return INVITATION_ANSWER if _ANSWERED.match(subject) else ""
    return f"{say.ONLY_PARTS(parts=_listed([part.shown for part in parts], more))} {NO_WORDS}"


def _listed(shown: Sequence[str], more: int) -> str:
    if more:
        return f"{counted(len(shown) + more, 'attachment')}: {', '.join(shown)} and {more} more"
    if len(shown) == 1:
        return shown[0] if shown[0].startswith("a ") else f"the attachment {shown[0]}"
    return f"{counted(len(shown), 'attachment')}: {', '.join(shown[:-1])} and {shown[-1]}"
