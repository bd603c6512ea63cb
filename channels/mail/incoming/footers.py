"""Recognises what stands below the sender's words without being one of them: signatures and lines of mail programs."""

from __future__ import annotations

import re
from collections.abc import Sequence

MAX_LINES = 20
"""The most lines of a signature."""

MAX_LENGTH = 600
"""The longest line of a mail program, in characters."""

_LINK = re.compile(r"\(?\s?<?(?:https?://|mailto:)[^\s<>()]{1,500}>?\s?\)?|\[https?:[^\]\s]{1,500}\]")
_PROGRAMS = re.compile(
    r"iphon|ipad|ipod|android|samsung|galaxy|huawei|xiaomi|redmi|oneplus|pixel|motorola|nokia|blackberry|windows|outlook"
    r"|gmail|google|yahoo|\baol\b|proton|superhuman|\bgmx\b|web\.de|\bmail\b|e-?mail|\bspark\b|zoho|thunderbird|\bfront\b"
    r"|tutanota|\btuta\b|em client|k-9|fairemail|bluemail|fastmail|spike|\bhey\b|mailbird"
    r"|airmail|edison|foxmail|smartphone|phone"
    r"|mobil|手机|手機|郵箱|邮箱|メール|携帯|スマートフォン|휴대폰|телефон|почт|\bqq\b|网易|yandex|яндекс|\bmacs?\b|\bapp\b",
    re.IGNORECASE,
)
_DEVICES = re.compile(r"iphon|ipad|android|samsung|galaxy|huawei|xiaomi|outlook|smartphone", re.IGNORECASE)
_SENT = re.compile(
    r"\b(?:sent|gesendet|verschickt|geschickt|envoyée?|enviad[oa]|enviat|mandado"
    r"|inviat[oa]|spedit[oa]|verzonden|verstuurd|wysłan[eoy]|wysłano"
    r"|sendt|skickat|skickades|lähetetty|odesláno|odoslané|poslano|trimis|elküldve|küldve|gönderildi|gönderilmiştir"
    r"|отправлено|надіслано|изпратено|послато|στάλθηκε|εστάλη|saadetud|nosūtīts|išsiųsta|dikirim|gửi|get|beziehen"
    r"|télécharge[rz]|obtenez|obtenir|obtener|obtén|obter|obtenha|ottieni|scarica|download(?:en)?|ophalen|pobierz|hämta|hent|hanki|скачать|получить)\b"
    r"|送信|から|发自|發自|寄自|傳送|发送|來自|来自|入手|获取|取得|下载|보냄|보낸|에서|다운로드|נשלח|أُرسلت|أرسلت|مرسل|ส่งจาก|भेजा|ارسال",
    re.IGNORECASE,
)
_ALONE = re.compile(
    r"(?:sent from my \w+|sent from (?:outlook|mail|yahoo mail|proton ?mail)\b.{0,40}|get outlook for (?:ios|android)"
    r"|von meinem \w+ gesendet|gesendet mit .{3,30}|envoyé de mon \w+|envoyé depuis .{3,30}|enviado desde .{3,30}"
    r"|enviado do meu \w+|inviato da(?:l mio)? .{3,30}|verzonden vanaf .{3,30}|verstuurd vanaf .{3,30}"
    r"|wysłane z .{3,30}"
    r"|sendt fra .{3,30}|skickat från .{3,30}|отправлено с .{3,30}|iphoneから送信|[发發]自我的 ?iphone"
    r"|나의 iphone에서 보냄|outlook für (?:ios|android) beziehen)[.!]?",
    re.IGNORECASE,
)
"""Lines of mail programs that are no words of the sender even where nothing else is written."""
_DISCLAIMED = re.compile(r"[?？!;；]|:\s|[:：]$")


def unsigned(lines: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the lines above a signature or a line of the mail program, and the lines that are left out.

    RFC 3676 section 4.3: a signature starts after two hyphens and a space. Several programs drop the space.
    """
    kept = list(lines)
    removed: list[str] = []
    for index in range(len(kept) - 1, max(-1, len(kept) - 2 - MAX_LINES), -1):
        if kept[index] == "-- " or (kept[index].strip() == "--" and _is_signature(kept, index)):
            removed = [*kept[index + 1 :]]
            kept = kept[:index]
            break
    _strip(kept)
    for _ in range(2):
        if not _ends_with_program_line(kept):
            break
        removed.insert(0, kept.pop())
        _strip(kept)
    return kept, [line.strip() for line in removed if line.strip()]


def is_program_line(text: str) -> bool:
    """Return whether a whole text is a line that a mail program adds."""
    return len(text) <= MAX_LENGTH and _ALONE.fullmatch(_LINK.sub("", text).strip()) is not None


def _is_signature(lines: Sequence[str], divider: int) -> bool:
    """Return whether a bare `--` starts a signature: a short paragraph below a blank line."""
    below = list(lines[divider + 1 :])
    _strip(below)
    apart = divider > 0 and not lines[divider - 1].strip()
    plain = all(line.strip() and not line.startswith(("-", ">")) and len(line) <= 100 for line in below)
    return apart and bool(below) and plain and any(line.strip() for line in lines[:divider])


def _ends_with_program_line(lines: Sequence[str]) -> bool:
    """Return whether the last line is one such as "Sent from my iPhone", and something stands above it."""
    if len(lines) < 2 or len(lines[-1]) > MAX_LENGTH or not any(line.strip() for line in lines[:-1]):
        return False
    line = lines[-1].strip()
    words = _LINK.sub(" ", line).strip()
    if len(words) > 80 or _DISCLAIMED.search(words) or line.startswith(">") or not _SENT.search(words):
        return False
    short = len(words.split()) <= 5
    if lines[-2].strip():  # HTML of phones has no blank line above it
        return short and _DEVICES.search(line) is not None
    linked = words != line and len(words.split()) <= 8
    return linked or _PROGRAMS.search(line) is not None


def _strip(lines: list[str]) -> None:
    while lines and not lines[-1].strip():
        lines.pop()
