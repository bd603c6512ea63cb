"""Recognises tapbacks: the texts with which phones report a reaction to a text of ours, such as `Liked “Done.”`.

A reaction quotes our words, and the words around them are those of a phone: an emoji ("👍 to “Done.”"), or words that
phones use for reactions. Both must hold, so what a person writes about our words is not lost.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

MAX_FRAME = 60
"""The most characters around the quotation."""

MAX_WORDS = 8
"""The most words around the quotation."""

_MARKS = 5  # quotation marks from each end of a text that are tried
_PART = 12  # letters of a quotation that may be a part of our text; a shorter one must be the whole of it

_QUOTES = "\"'“”„‟«»‘’‚‹›「」『』〝〞＂"
_NO_LETTER = re.compile(r"[\W_]+")
_EMOJI = re.compile("[\u203c\u2049\u2190-\u21ff\u2300-\u23ff\u2600-\u27bf\u2b00-\u2bff\U0001f000-\U0001faff]")
_CJK = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")

_WORDS = {
    "en": "liked loved disliked laughed at emphasized emphasised questioned reacted to with removed a an the heart "
    "like dislike laugh exclamation mark point question emphasis reaction love thumbs up down from",
    "de": "gefällt mir nicht liebt liebte geliebt hat mit markiert lacht lachte gelacht über betont betonte "
    "hervorgehoben hebt hervor hinterfragt hinterfragte reagiert reagierte auf zu ein eine einen das herz lachen "
    "lacher ausrufezeichen fragezeichen reaktion von entfernt entfernte daumen hoch runter oben unten nach missfällt",
    "fr": "a adoré aimé aime n pas ri de mis en évidence souligné exclamé posé une question sur s est interrogé réagi "
    "avec à au par un le la l retiré supprimé j adore je d cœur coeur rire point exclamation interrogation réaction",
    "es": "le gusta gustó encantó encanta no me ha gustado encantado reído ríe rió se de risa enfatizó énfasis destacó "
    "en cuestionó preguntó exclamó reaccionó con a quitó eliminó un una el la por corazón signo exclamación "
    "interrogación reacción",
    "pt": "gostou gostei de adorou amou curtiu não riu enfatizou exclamou destacou questionou perguntou reagiu com a à "
    "em para removeu retirou um uma o coração curtida risada exclamação interrogação ponto reação da do",
    "it": "ha messo mi piace piaciuto è a amato adorato non riso di per ridere enfatizzato evidenziato esclamato in "
    "dubbio domandato interrogato contrassegnato con reagito rimosso tolto un una il cuore risata punto esclamativo "
    "interrogativo reazione da",
    "nl": "vond vindt leuk niet is dol op geweldig lachte om gelachen benadrukte benadrukt stelde een vraag bij trok "
    "in twijfel heeft reageerde gereageerd met verwijderde verwijderd hart duim omhoog lach uitroepteken vraagteken "
    "reactie van",
    "pl": "polubił polubiła polubiono podoba się nie uwielbia pokochał pokochała zaśmiał zaśmiała z na zareagował "
    "zareagowała usunął usunęła usunięto serce reakcję polubienie wykrzyknik znak zapytania podkreślił podkreśliła "
    "zakwestionował zakwestionowała",
    "da": "syntes synes godt om kunne lide ikke elskede elsker grinede lo ad af fremhævede satte spørgsmålstegn ved "
    "reagerede med på til fjernede et en hjerte udråbstegn latter reaktion fra",
    "sv": "gillade gillar ogillade älskade älskar skrattade åt betonade ifrågasatte reagerade med på till tog bort ett "
    "en hjärta utropstecken frågetecken skratt reaktion från",
    "ru": "нравится понравилось не любит обожает рассмешило смеется засмеялся засмеялась над на отреагировал "
    "отреагировала реакция реакцию выделил выделила подчеркнул подчеркнула вопрос удалил удалила убрал убрала сердце с "
    "от из к",
}
_VOCABULARIES = [frozenset(words.split()) for words in _WORDS.values()]
_SMALL = frozenset(
    "a à ad af an at au auf avec bij com con d da de der di do ein eine einen em en et ett fra från from ha hat "
    "heeft il in j je l la le me med met mi mir mit n na no non not nicht não nie niet ikke o om op per por para pas "
    "på s se sur te the til till to um uma un una une van ved von with z zu é è на над с от из к не "
    "heart like dislike laugh love exclamation mark point question emphasis reaction thumbs up down herz daumen "
    "reaktion vraag hart lach fragezeichen hoch runter nach oben unten cœur coeur rire énfasis dubbio cuore punto "
    "corazón risa signo ponto coração risada hjerte hjärta skratt latter serce znak вопрос сердце".split()
)
"""Words of the vocabularies that are no report of a reaction by themselves."""

_PIECES = (
    "いいね よくない いまいち ハート 爆笑 笑 強調 疑問 はてな リアクション 反応 "  # Japanese
    "赞 讚 喜欢 喜歡 踩 大笑 强调 強調 疑问 疑問 回应 回應 爱心 愛心 "  # Chinese
    "좋아 싫어 웃 강조 물음표 느낌표 반응 하트 공감"  # Korean
).split()


def may_be_reaction(text: str) -> bool:
    """Return whether a text has the form of a reaction to some text."""
    return any(True for _ in _quotations(text))


def is_reaction(text: str, ours: Iterable[str], *, notes: Iterable[str] = ()) -> bool:
    """Return whether a text is a reaction to one of ours.

    Args:
        ours: what we sent, as plain texts.
        notes: what a sent text may have had before or behind it.
    """
    quoted = [letters for words in _quotations(text) if (letters := _letters(words))]
    around = [letters for note in notes if (letters := _letters(note))]
    known = [letters for one in ours if (letters := _letters(one))]
    for words in quoted:
        plain = words
        for note in around:
            plain = plain.removeprefix(note).removesuffix(note)
        if any(plain == one or (len(plain) >= _PART and plain in one) for one in known):
            return True
    return False


def _quotations(text: str) -> Iterator[str]:
    """Yield what a text may quote, where the words around it are those of a reaction."""
    marks = [index for index, character in enumerate(text) if character in _QUOTES]
    for start in marks[:_MARKS]:
        for end in reversed(marks[-_MARKS:]):
            if end > start and _is_frame(f"{text[:start]} {text[end + 1 :]}"):
                yield text[start + 1 : end]


def _is_frame(words: str) -> bool:
    """Return whether the words around a quotation are those of a reaction."""
    if len(words) > MAX_FRAME or "?" in words:
        return False
    split = [word for word in _NO_LETTER.split(words.casefold()) if word]
    if len(split) > MAX_WORDS:
        return False
    if _CJK.search(words):
        return any(piece in words for piece in _PIECES) or _EMOJI.search(words) is not None
    if _EMOJI.search(words):
        return True
    telling = any(word not in _SMALL for word in split)
    return telling and any(vocabulary.issuperset(split) for vocabulary in _VOCABULARIES)


def _letters(text: str) -> str:
    return _NO_LETTER.sub("", text).casefold()
