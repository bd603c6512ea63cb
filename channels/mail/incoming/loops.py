"""Detects mail that must not be answered: automatic mail, bounces, mailing lists and loops (RFC 3834 section 2)."""

from __future__ import annotations

import re
from collections import OrderedDict, deque
from collections.abc import Callable

from channels.mail.headers import Headers

MAX_HOPS = 20
"""The most answers of ours in the References of a mail; with more of them the thread counts as a loop."""

REPLIES_PER_HOUR = 20
"""The most answers to one sender within an hour."""

_HOUR = 3600.0  # seconds
_MAX_SENDERS = 10_000  # whose times are kept
_UUID = r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"


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
    if headers.first("precedence").lower() in ("bulk", "list", "junk"):
        return "its Precedence says that it is bulk mail"
    if any(name.startswith("list-") for name, _ in headers.fields):
        return "it came by a mailing list"
    if headers.all("x-auto-response-suppress"):
        return "its X-Auto-Response-Suppress asks for no automatic answer"
    if re.match(r"multipart/report\b", headers.first("content-type"), re.IGNORECASE):
        return "it is a delivery report"
    ours = re.compile(rf"<{_UUID}@{re.escape(domain)}>", re.IGNORECASE)
    if sum(1 for found in headers.message_ids("references") if ours.fullmatch(found)) > MAX_HOPS:
        return "its thread is a loop of automatic answers"
    return None


class ReplyRate:
    """Limits the answers to one sender to `REPLIES_PER_HOUR`, in bounded memory.

    Args:
        now: a monotonic clock in seconds.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._times: OrderedDict[str, deque[float]] = OrderedDict()

    def exhausted(self, sender: str) -> bool:
        """Return whether the sender has had the most answers of an hour."""
        times = self._times.get(sender, deque())
        while times and times[0] <= self._now() - _HOUR:
            times.popleft()
        return len(times) >= REPLIES_PER_HOUR

    def count(self, sender: str) -> None:
        """Count one answer to the sender."""
        self._times.setdefault(sender, deque(maxlen=REPLIES_PER_HOUR)).append(self._now())
        self._times.move_to_end(sender)
        if len(self._times) > _MAX_SENDERS:
            self._times.popitem(last=False)
