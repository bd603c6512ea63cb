"""Detects mail that must not be answered: automatic mail, bounces, mailing lists and loops (RFC 3834 section 2)."""

from __future__ import annotations

import re

from channels.mail.headers import Headers
from channels.mail.message_ids import pattern

MAX_HOPS = 20
"""The most answers of ours in the References of a mail; with more of them the thread counts as a loop."""

LOOP = f"its thread has more than {MAX_HOPS} answers, as a loop of automatic answers has"
"""The reason for a mail with more than `MAX_HOPS` answers. A person may have written it, so its command words count."""

_BULK = frozenset({"bulk", "list", "junk", "auto_reply", "auto-reply"})
_RESPONDERS = ("x-autoreply", "x-auto-reply", "x-autorespond", "x-autoresponder", "x-autoresponse")
"""Headers of vacation programs that are older than Auto-Submitted."""


def automatic_reason(headers: Headers, envelope_sender: str, domain: str) -> str | None:
    """Return why a mail must not be answered; None = it may be answered.

    Args:
        envelope_sender: the address of MAIL FROM; empty or `<>` = the null sender of a bounce.
        domain: the domain of our address; it identifies our answers in References.
    """
    if envelope_sender in ("", "<>"):
        return "it has the null sender of a bounce"
    submitted = headers.first("auto-submitted").partition(";")[0].strip().lower()
    if submitted not in ("", "no"):
        return "its Auto-Submitted says that a program has sent it"
    if headers.first("precedence").strip().lower() in _BULK:
        return "its Precedence says that it is bulk or automatic mail"
    if any(headers.first(name).strip().lower() not in ("", "no") for name in _RESPONDERS):
        return "it is the answer of a vacation program"
    if any(name.startswith("list-") for name, _ in headers.fields):
        return "it came by a mailing list"
    if headers.all("x-auto-response-suppress"):
        return "its X-Auto-Response-Suppress asks for no automatic answer"
    if re.match(r"multipart/report\b", headers.first("content-type"), re.IGNORECASE):
        return "it is a delivery report"
    ours = pattern(domain)
    if sum(1 for found in headers.message_ids("references") if ours.fullmatch(found)) > MAX_HOPS:
        return LOOP
    return None
