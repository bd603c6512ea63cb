"""Recognises what mail programs write above a quoted mail: dividers, header blocks, "On ... wrote:".

No standard defines these lines, and they come in every language. So their structure decides: labels with colons, dates,
times and addresses. Words of languages only help where a block holds none of these.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

MAX_LINES = 12
"""The most lines of a header block."""

MAX_PARAGRAPHS = 12
"""The most paragraphs of one introduction: some programs put a blank line after each header."""

MAX_LENGTH = 600
"""The longest introduction in one sentence, in characters."""

_SENTENCE_LINES = 5
_MARKS = re.compile(r"^[>|\s\u200e\u200f\ufeff]+")
_DIVIDER = re.compile(r"[-_=*~#\u2013\u2014\u2500\uff3f\uff0d]{3,}")
_TEXT_DIVIDER = re.compile(r"[-_=*~]{2,}\s?[^\W\d_].{0,300}?\s?[-_=*~]{2,}:?")
_LABEL = re.compile(
    r"\*{0,2}([^\s:\uff1a<>@*\"'`=-][^:\uff1a<>@*\"`={}()]{0,24}?)\*{0,2}\s?(?::\*{0,2}(?=\s|$)|\uff1a\*{0,2})(.*)"
)
_ADDRESS = re.compile(r"[^\s<>@()\[\]]{1,64}@[^\s<>@()\[\]]{2,}")
_TIME = re.compile(r"\d{1,2}(?:[:.\u6642\u65f6]|\uc2dc ?|h)\d{2}")
_DATE = re.compile(
    r"(?:19|20|25)\d{2}|\d{1,2}[./-]\s?\d{1,2}[./-]\s?\d{2,4}|\d\s?[\u5e74\ub144]|[\u0660-\u0669\u06f0-\u06f9\u0966-\u096f]{4}"
)
_ENDS = re.compile(r"[:\uff1a]\W*$|[-\u2013\u2014_]{2,}\W*$")
_SENTENCES = (
    re.compile(r"On (?=.*\d).{6,300}\bwrote\s?:"),
    re.compile(r"(?:Am|Den|Le|El) (?=.*\d).{6,300}\b(?:schrieb|skrev|a écrit|escribió)\b.{0,200}:"),
)
_ORIGINAL = re.compile(r"-{3,}\s?(?:Original|Ursprüngliche|Originalnachricht).{0,40}-{3,}", re.IGNORECASE)
_FORWARD = re.compile(
    r"-{3,}\s?(?:Forwarded|Weitergeleitete|Fwd|Message transféré|Mensaje reenviado|Messaggio inoltrato"
    r"|Doorgestuurd bericht|Mensagem encaminhada|Wiadomość przekazana).{0,40}?-{3,}"
    r"|Begin forwarded message:|Anfang der weitergeleiteten (?:Nachricht|E-Mail):"
    r"|Début du message (?:réexpédié|transféré)\s?:"
    r"|Inicio del mensaje reenviado:|Inizio messaggio inoltrato:|Begin doorgestuurd bericht:",
    re.IGNORECASE,
)
_FROM = frozenset(
    "from von de da van od från fra lähettäjä от від mittente expéditeur "
    "remitente remetente afzender nadawca avsändare afsender отправитель "
    "差出人 送信者 发件人 發件人 寄件者 寄件人 보낸사람 보낸이 από מאת من feladó kimden gönderen".split()
)
_DATES = frozenset(
    "sent date gesendet datum envoyé enviado enviada enviadael enviadoel "
    "enviadoem enviadaem fecha data inviato inviata verzonden wysłano "
    "skickat sendt dato lähetetty päiväys отправлено дата надіслано 送信日時 日時 "
    "日付 发送时间 發送時間 日期 寄件日期 傳送時間 時間 时间 보낸날짜 날짜 odesláno dátum küldve tarih "
    "gönderilme στάλθηκε ημερομηνία נשלח תאריך تاريخ".split()
)
_RECEIVERS = frozenset(
    "to an à para a aan naar do till til vastaanottaja кому 宛先 收件人 收件者 받는사람 "
    "받는이 komu címzett kime destinatario destinataire destinatário empfänger "
    "ontvanger adresat mottagare modtager получатель προς אל إلى".split()
)
_OPENING = _FROM | _DATES
"""Labels with which a header block starts."""
_MAX_FOLDED = 200  # characters of the second line of a header


def bare(line: str) -> str:
    """Return a line without the marks of quotation and the blanks around it."""
    return _MARKS.sub("", line).rstrip(" \t\u200e\u200f")


def is_quoted(line: str) -> bool:
    """Return whether a line starts with the mark of quotation."""
    return line.startswith(">")


def introduction_start(lines: Sequence[str], quoted: int, names: Sequence[str]) -> int:
    """Return where the introduction of a quotation of our own mail begins; `quoted` = there is none.

    Args:
        quoted: the index of the first quoted line.
        names: our address and our display name.
    """
    start, index = quoted, quoted
    for _ in range(MAX_PARAGRAPHS):
        end = index
        while end and not bare(lines[end - 1]):
            end -= 1
        top = end
        while top and end - top < MAX_LINES and bare(lines[top - 1]):
            top -= 1
        if top == end:
            break
        paragraph = [bare(line) for line in lines[top:end]]
        # Above the innermost introduction, only dividers and headers belong to it: other words are somebody's own.
        found = _introduction if start == quoted else _block_above
        offset = found(paragraph, names)
        if offset is not None:
            start = index = top + offset
            if offset:
                break
        elif len(paragraph) == 1 and _LABEL.fullmatch(paragraph[0]) and len(paragraph[0]) < 200:
            index = top  # one header of a block with blank lines between its headers
        else:
            break
    return start


def _block_above(paragraph: Sequence[str], names: Sequence[str]) -> int | None:
    return 0 if all(map(_is_divider, paragraph)) else _header_block_above(paragraph, names)


def _introduction(paragraph: Sequence[str], names: Sequence[str]) -> int | None:
    """Return the offset of the first line of an introduction at the end of a paragraph; None = there is none."""
    offset = _header_block_above(paragraph, names)
    if offset is None:
        last = len(paragraph) - (1 if _is_divider(paragraph[-1]) else 0)
        offset = _sentence_above(paragraph[:last], names) if last else None
        if offset is None:
            offset = last if last < len(paragraph) else None
    while offset and _is_divider(paragraph[offset - 1]):
        offset -= 1
    return offset


def _is_divider(line: str) -> bool:
    return bool(_DIVIDER.match(line) or _FORWARD.fullmatch(line))


@dataclass(slots=True)
class _Block:
    """What is seen of a header block, read from its last line upwards.

    Attributes:
        start: the offset of the topmost line that certainly belongs to it; None = there is none yet.
        labels: the number of its headers.
        words: how many of them are known words for sender, date or receiver.
        facts: it holds an address, a date, a time or one of our names.
    """

    start: int | None = None
    labels: int = 0
    words: int = 0
    facts: bool = False

    @property
    def complete(self) -> bool:
        if self.labels == 1:
            return self.facts and self.words > 0
        return self.labels > 1 and (self.facts or self.words > 1)


def _header_block_above(paragraph: Sequence[str], names: Sequence[str]) -> int | None:
    """Return the offset of the first line of a header block at the end of a paragraph."""
    block = _Block()
    for offset in range(len(paragraph) - 1, -1, -1):
        line = paragraph[offset]
        label = _LABEL.fullmatch(line)
        if label is not None:
            _add_header(block, paragraph, offset, _word(label[1]), names)
        elif _DIVIDER.match(line):
            block.start = offset
        elif offset and len(line) < _MAX_FOLDED and _LABEL.fullmatch(paragraph[offset - 1]):
            block.facts |= _has_fact(line, names)  # the second line of a header
        else:
            break
    return block.start if block.complete else None


def _add_header(block: _Block, paragraph: Sequence[str], offset: int, word: str, names: Sequence[str]) -> None:
    fact = _has_fact(paragraph[offset], names)
    block.labels += 1
    block.words += word in _OPENING or word in _RECEIVERS
    block.facts |= fact
    if fact or word in _OPENING or _ADDRESS.search(" ".join(paragraph[offset : offset + 2])):
        block.start = offset


def _sentence_above(paragraph: Sequence[str], names: Sequence[str]) -> int | None:
    """Return the offset of a sentence such as "On ... wrote:" at the end of a paragraph."""
    first = max(0, len(paragraph) - _SENTENCE_LINES)
    joined = {offset: " ".join(paragraph[offset:]) for offset in range(first, len(paragraph))}
    for offset, text in joined.items():
        if len(text) <= MAX_LENGTH and _is_known(text):
            return offset
    for offset in reversed(joined):
        if len(joined[offset]) > MAX_LENGTH:
            return None
        if _is_sentence(joined[offset], paragraph[-1], names):
            while offset > first and _continues(paragraph[offset - 1], joined[offset], names):
                offset -= 1
            return offset
    return None


def _is_sentence(text: str, last_line: str, names: Sequence[str]) -> bool:
    address, moment, named = _ADDRESS.search(text) is not None, _has_moment(text), _has_name(text, names)
    if _ENDS.search(text):
        return address or moment or (named and len(text.split()) <= 6)
    return moment and (address or named) and _has_fact(last_line, names)


def _continues(line: str, text: str, names: Sequence[str]) -> bool:
    """Return whether a line is the beginning of the sentence `text`, which was wrapped after it."""
    return _has_name(line, names) or bool(_ADDRESS.search(line)) or (not _has_moment(text) and _has_fact(line, names))


def _has_moment(text: str) -> bool:
    return bool(_DATE.search(text) and _TIME.search(text))


def _has_name(text: str, names: Sequence[str]) -> bool:
    folded = text.casefold()
    return any(name and name.casefold() in folded for name in names)


def _has_fact(line: str, names: Sequence[str]) -> bool:
    return bool(_ADDRESS.search(line) or _DATE.search(line) or _TIME.search(line)) or _has_name(line, names)


def _word(label: str) -> str:
    return "".join(label.split()).casefold()


def foreign_introduction(lines: Sequence[str], at: int) -> int:
    """Return how many lines at `at` introduce a quoted mail of anybody; 0 = they introduce none."""
    line = bare(lines[at])
    if not line:
        return 0
    if _FORWARD.fullmatch(line) or _ORIGINAL.fullmatch(line):
        return 1
    if _TEXT_DIVIDER.fullmatch(line) or (_DIVIDER.fullmatch(line) and len(line) >= 10):
        below = next((index for index in range(at + 1, min(at + 4, len(lines))) if bare(lines[index])), at)
        strong = _ADDRESS.search(line) and _DATE.search(line) and _TIME.search(line)
        if strong or (below > at and _is_header_block(lines[below : below + MAX_LINES])):
            return 1
    if _is_header_block(lines[at : at + MAX_LINES]):
        return 1
    return _sentence_below(lines, at)


def _is_header_block(lines: Sequence[str]) -> bool:
    """Return whether the headers of a quoted mail start here. A single "Subject:" in a text does not count."""
    block = [bare(line) for line in lines]
    if not _LABEL.fullmatch(block[0]):
        return False
    names, end = _labels(block)
    kinds = [kind for kind in (_FROM, _DATES, _RECEIVERS) if not kind.isdisjoint(names)]
    if names[0] in _OPENING and len(kinds) == 3:
        return True
    values = "\n".join(block[:end])
    opening = _ADDRESS.search(block[0]) or _TIME.search(block[0])
    return len(names) >= 4 and opening is not None and _has_moment(values) and bool(_ADDRESS.search(values))


def _labels(block: Sequence[str]) -> tuple[list[str], int]:
    """Return the labels of the headers at the beginning of a block, and the number of lines of these headers."""
    names: list[str] = []
    for index, (line, following) in enumerate(pairwise([*block, ""])):
        label = _LABEL.fullmatch(line)
        if label is not None:
            names.append(_word(label[1]))
        elif not line or _LABEL.fullmatch(following) is None:  # no second line of a header either
            return names, index
    return names, len(block)


def _sentence_below(lines: Sequence[str], at: int) -> int:
    """Return the number of lines of a sentence such as "On ... wrote:"; 0 = the lines are no such sentence."""
    text = ""
    for end in range(at + 1, min(at + _SENTENCE_LINES, len(lines) + 1)):
        line = lines[end - 1]
        text = f"{text} {bare(line)}".lstrip()
        if not bare(line) or is_quoted(line) != is_quoted(lines[at]) or len(text) > MAX_LENGTH:
            return 0
        if _ENDS.search(text) and _introduces(text, next((one for one in lines[end : end + 4] if one.strip()), "")):
            return end - at
    return 0


def _introduces(text: str, below: str) -> bool:
    """Return whether a sentence introduces a quotation: of marked lines, or by an address and a date."""
    address = _ADDRESS.search(text) is not None
    if is_quoted(below):
        return address or _has_moment(text) or _is_known(text)
    return (address and bool(_DATE.search(text))) or ((bool(_TIME.search(text)) or address) and _is_known(text))


def _is_known(text: str) -> bool:
    return any(pattern.fullmatch(text) for pattern in _SENTENCES)
