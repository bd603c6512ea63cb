"""The Message-IDs of our answers (RFC 5322 section 3.6.4): the id of the reply at our domain."""

from __future__ import annotations

import re

_UUID = r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"


def message_id(reply_id: str, domain: str) -> str:
    """Return the Message-ID of an answer."""
    return f"<{reply_id}@{domain}>"


def pattern(domain: str) -> re.Pattern[str]:
    """Return what the Message-IDs of our answers match; group 1 is the id of the reply, in any case.

    Args:
        domain: the domain of our address.
    """
    return re.compile(rf"<({_UUID})@{re.escape(domain)}>", re.IGNORECASE)


def reply_id(found: str, domain: str) -> str | None:
    """Return the id of the reply whose Message-ID this is; None = it is not one of ours."""
    match = pattern(domain).fullmatch(found)
    return match[1].lower() if match is not None else None
