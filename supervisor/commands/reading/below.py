"""What stands below a command word, or behind it: a closing and a signature, more words, or doubt. Pure: no I/O.

A yes must not be taken from somebody who takes it back in the next line. So words that may contradict it are doubt, and
so is what is written in a language that is not known here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from enum import StrEnum


class Below(StrEnum):
    """What stands below a command word."""

    NOTHING = "nothing"
    """Nothing, or quoted lines."""
    CLOSING = "closing"
    """A greeting, a name, an address, a disclaimer."""
    MORE = "more"
    """Sentences that do not contradict the word."""
    DOUBT = "doubt"
    """A question, or words that may contradict it."""


MAX_LENGTH = 8_000
"""The longest text below a command word that is looked at, in characters; a longer one is doubt."""

_CLOSING = re.compile(
    r"(?:many |kind |best |warm |with )*"
    r"(?:thanks|thank you|thx|ty|cheers|regards|best|sincerely|yours|br|rgds|kr|wishes)\b"
    r"|(?:vielen |besten |herzlichen |viele |liebe |mit |freundliche[nr]? |beste |schöne )*"
    r"(?:dank|danke|grüße|gruß|grüßen|gruss|grüsse|mfg|vg|lg)\b"
    r"|(?:bien |un grand )?(?:merci|cordialement|cdlt|bonne journée|à bientôt|bien à vous|salutations)\b"
    r"|(?:muchas |un )?(?:gracias|saludos|saludo|atentamente|un abrazo)\b"
    r"|(?:muito )?(?:obrigad[oa]|abraços?|atenciosamente|cumprimentos|att)\b"
    r"|(?:mille |molte |cordiali |distinti |un )?(?:grazie|saluti|saluto|cordialmente)\b"
    r"|(?:met |vriendelijke |hartelijke )*(?:groet(?:en)?|bedankt|dank je|dank u|mvg)\b"
    r"|(?:z |serdeczne )*(?:dziękuję|dzięki|pozdrawiam|pozdrowienia|poważaniem)\b"
    r"|(?:med |mange |venlig |vänliga? |bästa )*(?:tak|tack|hilsen|hälsning(?:ar)?|mvh|kh)\b"
    r"|(?:большое )?(?:спасибо|с уважением|благодарю)\b"
    r"|(?:どうも)?ありがとう(?:ございます|ございました)?|よろしく(?:お願い(?:します|いたします))?|以上"
    r"|多谢|谢谢|謝謝|此致|敬礼|祝好|감사합니다|고맙습니다|감사|드림",
    re.IGNORECASE,
)
_DOUBT = re.compile(
    r"\b(?:no|not|nope|nah|don'?t|dont|doesn'?t|isn'?t|can'?t|cannot|won'?t|wouldn'?t|shouldn'?t|never|none|wait|stop|hold"
    r"|halt|cancel|abort|but|only|except|unless|until|if|instead|rather|actually|however|hmm+|sorry|oops|wrong|mistake"
    r"|undo|before|first|without|later|maybe|perhaps"
    r"|nein|nicht|kein\w*|nie|warte\w*|stopp|moment|aber|nur|außer|wenn|falls|sondern|erst|vorher|ohne|doch|vielleicht"
    r"|falsch|später|lieber|abbrechen|halt"
    r"|non|ne|pas|jamais|attends|attendez|arrête[rz]?|mais|seulement|sauf|si|avant|sans|plutôt|annule[rz]?|peut-être"
    r"|nunca|espera|espere|pare|pero|sólo|solo|salvo|antes|primero|sin|cancela|mejor|quizás"
    r"|não|nao|espere|mas|só|apenas|exceto|se|primeiro|sem|talvez|melhor|cancele"
    r"|mai|aspetta|aspetti|ferma|fermo|però|soltanto|tranne|prima|senza|forse|annulla|meglio"
    r"|nee|niet|geen|nooit|wacht|maar|alleen|behalve|als|tenzij|eerst|zonder|misschien|liever"
    r"|nie|nigdy|czekaj|poczekaj|zaczekaj|ale|tylko|oprócz|jeśli|najpierw|bez|może|anuluj"
    r"|nej|ikke|inte|aldrig|vent|vänta|stopp|men|kun|bara|endast|hvis|om|først|först|uden|utan|måske|kanske"
    r"|нет|не|никогда|подожди\w*|стой|стоп|но|только|кроме|если|сначала|без|может|отмен\w*"
    r"|bekle\w*|dur|hayır|ama|čekej|počkej|ei|älä|odota|mutta|várj|nem|nu|așteaptă|dar|ні|чекай|зачекай|περίμενε|όχι|αλλά)\b"
    r"|[?？¿…]|\.\.|不|别|別|等|停|但|先|只|勿|沒|没|待|いや|いえ|だめ|ダメ|ない|止め|やめ|ちょっと|しかし|けど|まだ|でも"
    r"|아니|안 |잠깐|기다|말고|하지만|먼저|취소|못",
    re.IGNORECASE,
)
_KNOWN = re.compile(
    r"\b(?:the|and|please|also|this|that|it|is|are|you|then|go|with|for|und|bitte|auch|die|das|der|ist|dann|mit|für"
    r"|et|le|la|les|aussi|puis|merci|avec|pour|y|el|los|también|luego|con|por|favor|e|o|os|também|depois|com"
    r"|anche|poi|per|il|en|de|het|ook|dan|met|voor|i|też|proszę|potem|oraz|och|og|også|också|det|sen|med|för|for"
    r"|и|это|также|потом|пожалуйста|с)\b|[\u3040-\u30ff\u4e00-\u9fff\uac00-\ud7af]",
    re.IGNORECASE,
)
_DISCLAIMER = re.compile(
    r"confidential|intended recipient|privileged|vertraulich|confidentiel|confidencial|riservat|vertrouwelijk|poufn"
    r"|fortrolig|konfidentiell|конфиденциальн|機密|机密|保密|기밀|environment|umwelt|imprim|printing|virus",
    re.IGNORECASE,
)
_CONTACT = re.compile(r"https?://|www\.|[^\s@]@[^\s@]|(?:\d[\s()/.+-]*){5,}|\b(?:tel|phone|fax|mobile?|mob)\b", re.I)
_NAME = re.compile(r"[A-ZÀ-ÞŁŚŻĆŹА-ЯЁ][\w.'’&|/,()-]*|von|van|de|der|den|da|di|du|la|le|[&|,/·•–—~*-]+")
_EAST_ASIAN_NAME = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff\uac00-\ud7af\u3000 ]{1,6}")
_MAX_NAME = 60  # characters
_MAX_WORDS = 6  # words of a line that is a name or an address
_FEW = 3  # words: so few without a closing are no sentence that could be understood


def below(lines: Sequence[str]) -> Below:
    """Return what lines are that stand below a command word; quoted lines do not count."""
    if sum(map(len, lines)) > MAX_LENGTH:
        return Below.DOUBT
    own = [line.strip() for line in _without_disclaimer(lines) if line.strip() and not line.lstrip().startswith(">")]
    if not own:
        return Below.NOTHING if not any(map(str.strip, lines)) else Below.CLOSING
    if any(_DOUBT.search(line) for line in own):
        return Below.DOUBT
    if all(map(_is_closing, own)):
        return Below.CLOSING
    words = " ".join(line for line in own if not _is_closing(line))
    understood = len(words.split()) > _FEW or not words.isascii()
    return Below.MORE if understood and _KNOWN.search(words) else Below.DOUBT


def is_doubt(tail: str) -> bool:
    """Return whether the words behind a yes may take it back. A passphrase is none."""
    return len(tail) > MAX_LENGTH or _DOUBT.search(tail) is not None


def is_farewell(lines: Sequence[str]) -> bool:
    """Return whether lines begin with a closing such as "Thanks," and hold no more than a name and an address."""
    first = next((line.strip() for line in lines if line.strip()), "")
    return _CLOSING.match(first) is not None and below(lines) is Below.CLOSING


def _without_disclaimer(lines: Sequence[str]) -> Iterator[str]:
    """Yield the lines above a paragraph that is a disclaimer."""
    paragraph: list[str] = []
    for line in [*lines, ""]:
        if line.strip():
            paragraph.append(line)
            continue
        if len(" ".join(paragraph)) > _MAX_NAME and _DISCLAIMER.search(" ".join(paragraph)):
            return
        yield from paragraph
        paragraph = []


def _is_closing(line: str) -> bool:
    if len(line) > _MAX_NAME:
        return _CONTACT.search(line) is not None and not _KNOWN.search(line)
    closing = _CLOSING.match(line)
    if closing is not None:
        rest = line[closing.end() :].strip(" ,.!;:-–")
        return not rest or len(rest.split()) <= _FEW
    words = line.split()
    is_name = len(words) <= _MAX_WORDS and all(map(_NAME.fullmatch, words))
    return is_name or _CONTACT.search(line) is not None or _EAST_ASIAN_NAME.fullmatch(line) is not None
