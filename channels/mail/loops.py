"""Mail that must never be answered: automatic mail and loops (RFC 3834)."""

from __future__ import annotations

import re
from collections import OrderedDict, deque
from collections.abc import Callable

from channels.mail.headers import Headers

MAX_HOPS = 20
"""Answers of ours that a thread may name before it counts as a loop."""

REPLIES_PER_HOUR = 20
"""Answers that one correspondent gets within an hour."""

_HOUR = 3600.0  # seconds
_MAX_CORRESPONDENTS = 10_000
_UUID = r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"


def automatic(headers: Headers, envelope_sender: str, domain: str) -> str | None:
    """Return why a mail must not be answered, or None where a person seems to have written it.

    Args:
        envelope_sender: as MAIL FROM had it; empty and `<>` are the null sender.
        domain: of our own address, to know our answers in References by their Message-ID.
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
        return "it asks for no automatic answer"
    if re.match(r"multipart/report\b", headers.first("content-type"), re.IGNORECASE):
        return "it is a delivery report"
    ours = re.compile(rf"<{_UUID}@{re.escape(domain)}>", re.IGNORECASE)
    if sum(1 for found in headers.message_ids("references") if ours.fullmatch(found)) > MAX_HOPS:
        return "its thread goes round in circles"
    return None


class ReplyRate:
    """Counts the answers that each correspondent has been promised within the last hour, in bounded memory.

    Args:
        now: a monotonic clock, in seconds.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._times: OrderedDict[str, deque[float]] = OrderedDict()

    def exhausted(self, correspondent: str) -> bool:
        """Return whether one more answer within the hour would be too many."""
        times = self._times.get(correspondent, deque())
        while times and times[0] <= self._now() - _HOUR:
            times.popleft()
        return len(times) >= REPLIES_PER_HOUR

    def count(self, correspondent: str) -> None:
        """Note an answer to come."""
        self._times.setdefault(correspondent, deque(maxlen=REPLIES_PER_HOUR)).append(self._now())
        self._times.move_to_end(correspondent)
        if len(self._times) > _MAX_CORRESPONDENTS:
            self._times.popitem(last=False)
