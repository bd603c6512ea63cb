"""Phone numbers and mail addresses as people write them, in the one form in which they are compared."""

from __future__ import annotations

import re

from supervisor.protocol.errors import InvalidMessage
from supervisor.protocol.messages import Address

MAX_MAIL_CHARACTERS = 254
"""The longest mail address (RFC 5321 section 4.5.3.1.3, without the angle brackets)."""

_PHONE = re.compile(r"\+[1-9][0-9]{6,14}")
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LOCAL = re.compile(rf"{_ATOM}(?:\.{_ATOM})*")
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_DOMAIN = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")


def phone(text: str) -> Address:
    """Return a phone number as an address.

    Raises:
        InvalidMessage: it is not in the form of E.164.
    """
    if not _PHONE.fullmatch(text):
        raise InvalidMessage("phones", f"must be a number like +15550100 (E.164), not {text!r}")
    return Address(kind="sms", value=text)


def mailbox(text: str) -> Address:
    """Return a mail address in the form of the mail channel: lower case, the domain in ASCII.

    Raises:
        InvalidMessage: it is not one plain address.
    """
    local, at, domain = text.strip().rpartition("@")
    ascii_domain = ""
    if at and len(text) <= MAX_MAIL_CHARACTERS and _LOCAL.fullmatch(local):
        try:
            ascii_domain = domain.removesuffix(".").encode("idna").decode("ascii").lower()  # idna applies NFKC
        except UnicodeError:
            ascii_domain = ""
    if not _DOMAIN.fullmatch(ascii_domain):
        raise InvalidMessage("emails", f"must be a plain mail address, not {text!r}")
    return Address(kind="mail", value=f"{local.lower()}@{ascii_domain}")
