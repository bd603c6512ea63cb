"""Separates the text that the sender wrote from the text that the mail program quotes.

There is no standard for this: `>` marks quoted lines by custom (RFC 3676 section 4.5), the introductions are those of
common mail programs in some languages. The samples are in tests/channels/mail/incoming/golden/.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

MIXED = (
    "the mail answers inside or below quoted text: its lines that start with > are quoted, "
    "the sender has not written them in this mail"
)
FORWARDED = (
    "the mail forwards another one: its lines that start with > come from that mail, the sender has not written them"
)

_ATTRIBUTIONS = (
    re.compile(r"On (?=.*\d).{6,300}\bwrote\s?:"),
    re.compile(r"(?:Am|Den|Le|El) (?=.*\d).{6,300}\b(?:schrieb|skrev|a écrit|escribió)\b.{0,200}:"),
    re.compile(r"[^<>]{1,100}<[^<>\s]+@[^<>\s]+> (?:schrieb am|wrote on) (?=.*\d).{6,80}:"),
    re.compile(r"\d{4}-\d\d-\d\d .{0,200}<[^<>\s]+@[^<>\s]+>\s?:"),
)
_MOMENT = re.compile(r"\d{1,2}[:.]\d{2}|@")
"""A time of day or an address: an introduction that a mail program wrote contains one of them."""
_ORIGINAL = re.compile(
    r"-{3,}\s?(?:Original (?:Message|Appointment)|Ursprüngliche(?: Nachricht|r Termin)|Originalnachricht)\s?-{3,}",
    re.IGNORECASE,
)
_FORWARD = re.compile(
    r"-{3,}\s?(?:Forwarded message|Forwarded Message|Weitergeleitete Nachricht)\s?-{3,}"
    r"|Begin forwarded message:|Anfang der weitergeleiteten (?:Nachricht|E-Mail):",
    re.IGNORECASE,
)
_HEADER = re.compile(
    r"[>*\s]*(From|Sent|Date|To|Cc|Subject|Importance|Von|Gesendet|Datum|An|Betreff|Wichtigkeit)\s?:\*?\s?.*",
    re.IGNORECASE,
)
_DATES = frozenset({"sent", "date", "gesendet", "datum"})
_RECEIVERS = frozenset({"to", "an"})
_RULE = re.compile(r"_{10,}|-{10,}")
_SENT_FROM = re.compile(
    r"(?:Sent from my \w+|Sent from (?:Outlook|Mail) for \w+|Get Outlook for \w+.*"
    r"|Von meinem \w+ gesendet|Gesendet von .{1,30})\.?",
    re.IGNORECASE,
)
_SENT_BY = re.compile(
    r"(?:Sent (?:from|via) |Von meinem |Gesendet (?:von|mit) |Envoyé (?:de|depuis) |Enviado (?:desde|do|de) "
    r"|Sendt fra |Skickat från )[^?!:;]{1,60}",
    re.IGNORECASE,
)
"""Longer forms of `_SENT_FROM`; they count only after an empty line."""
_SIGNATURE_LINES = 20
_ATTRIBUTION_LINES = 4
_ATTRIBUTION_LENGTH = 600


@dataclass(frozen=True, slots=True)
class OwnText:
    """The text of a mail for the core.

    Attributes:
        text: the sender's own text; or, if it cannot be separated, the whole text with `>` before each quoted line.
        note: a sentence for the model about quoted lines in `text`; empty = there are none.
    """

    text: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class _Quote:
    """The position of a quotation, as indexes of lines.

    Attributes:
        start: the first line of its introduction.
        body: the first quoted line.
        prefixed: every quoted line starts with `>`; otherwise the end of the quotation is not marked.
        forwarded: it is a forwarded mail.
    """

    start: int
    body: int
    prefixed: bool
    forwarded: bool = False


def own_text(text: str) -> OwnText:
    """Return the sender's own text of a plain text mail.

    The quotation is removed only if no own text can follow it: its lines are marked and nothing follows, or its end is
    not marked and own text is above it. Otherwise the whole text stays, and `>` marks each quoted line; so no own text
    is lost, and no quoted text is taken for the sender's.
    """
    lines = text.replace("\r\n", "\n").rstrip("\n").split("\n")
    quote = _first_quote(lines)
    if quote is None:
        return OwnText(_joined(_unsigned(lines)))
    above = _unsigned(lines[: quote.start])
    if quote.prefixed:
        return _around_marked_quotes(lines, above, quote)
    rest = [line if line.startswith(">") else f"> {line}".rstrip() for line in lines[quote.start :]]
    if quote.forwarded:
        return OwnText(_joined([*above, *rest]), FORWARDED)
    if _blank(above):
        return OwnText(_joined(rest), MIXED)
    return OwnText(_joined(above))


def _around_marked_quotes(lines: Sequence[str], above: Sequence[str], quote: _Quote) -> OwnText:
    """Return the text around quotations whose lines all start with `>`."""
    below = _unsigned([line for line in _without_attributions(lines[quote.body :]) if not line.startswith(">")])
    if _blank(below) and not _blank(above):
        return OwnText(_joined(above))
    intro = [f"> {line}" for line in lines[quote.start : quote.body]]
    return OwnText(_joined([*lines[: quote.start], *intro, *lines[quote.body :]]), MIXED)


def _first_quote(lines: Sequence[str]) -> _Quote | None:
    for index, line in enumerate(lines):
        stripped = line.strip()
        if not stripped:
            continue
        if line.startswith(">"):
            return _Quote(index, index, True)
        if _FORWARD.fullmatch(stripped):
            return _Quote(index, index + 1, False, True)
        if _ORIGINAL.fullmatch(stripped) or _is_header_block(lines[index : index + 8]):
            start = index - 1 if index and _RULE.fullmatch(lines[index - 1].strip()) else index
            return _Quote(start, index + 1, False)
        length = _attribution(lines[index : index + _ATTRIBUTION_LINES])
        if length:
            marked = next((lines[i] for i in range(index + length, len(lines)) if lines[i].strip()), "").startswith(">")
            if marked or _MOMENT.search(" ".join(lines[index : index + length])):
                return _Quote(index, index + length, marked)
    return None


def _attribution(lines: Sequence[str]) -> int:
    """Return the number of lines of an introduction such as "On ... wrote:"; 0 = the lines are no introduction."""
    for length in range(1, len(lines) + 1):
        if not lines[length - 1].strip() or lines[length - 1].startswith(">"):
            return 0
        candidate = " ".join(line.strip() for line in lines[:length])
        if len(candidate) > _ATTRIBUTION_LENGTH:
            return 0
        if any(pattern.fullmatch(candidate) for pattern in _ATTRIBUTIONS):
            return length
    return 0


def _is_header_block(lines: Sequence[str]) -> bool:
    """Return whether the headers of a quoted mail start here. A single "Subject:" in a text does not count."""
    names = []
    for line in lines:
        match = _HEADER.fullmatch(line)
        if match is None:
            break
        names.append(match[1].lower())
    return names[:1] in (["from"], ["von"]) and not _DATES.isdisjoint(names) and not _RECEIVERS.isdisjoint(names)


def _without_attributions(lines: Sequence[str]) -> list[str]:
    kept, index = [], 0
    while index < len(lines):
        length = _attribution(lines[index : index + _ATTRIBUTION_LINES])
        if not length:
            kept.append(lines[index])
        index += length or 1
    return kept


def _unsigned(lines: Sequence[str]) -> list[str]:
    """Return lines without the signature at their end (RFC 3676 section 4.3: after two hyphens and a space)."""
    kept = list(lines)
    for index in range(len(kept) - 1, max(-1, len(kept) - 2 - _SIGNATURE_LINES), -1):
        if kept[index] == "-- ":
            kept = kept[:index]
            break
    while kept and not kept[-1].strip():
        kept.pop()
    apart = len(kept) > 2 and not kept[-2].strip()
    if kept and (_SENT_FROM.fullmatch(kept[-1].strip()) or (apart and _SENT_BY.fullmatch(kept[-1].strip()))):
        kept.pop()
    return kept


def _blank(lines: Sequence[str]) -> bool:
    return not any(line.strip() for line in lines)


def _joined(lines: Sequence[str]) -> str:
    return "\n".join(lines).strip("\n").rstrip()
