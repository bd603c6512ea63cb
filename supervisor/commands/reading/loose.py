"""Messages that say yes or no to a question, but not as YES CODE or NO CODE. Pure: no I/O.

They matter only while a question of their sender is open: such a message is meant for the question, so no model reads
it, and it does not queue behind the turn that waits for the answer.
"""

from __future__ import annotations

import re

from supervisor.commands.reading.words import Command, Word
from supervisor.protocol.codes import ALPHABET, CODE

MAX_LENGTH = 300
"""The longest message that is looked at for a code, in characters. A longer one is work, in which a code may occur."""

_YES = (
    r"y|yes|yep|yeah|yup|ok|okay|kk?|sure|allow(?:ed)?|approved?|agreed|confirm(?:ed)?|go|go ahead|go for it|do it"
    r"|run it|proceed|ja|jo|jep|jawohl|klar|gerne|einverstanden|mach(?: es| das)?|oui|ouais|d['’]accord|vas-y|allez-y"
    r"|s[íìi]|claro|vale|dale|adelante|sim|pode|certo|va bene|vai|procedi|tak|dobrze|zgoda|jasne|joo|kyllä|ano|jasně"
    r"|igen|evet|tamam|da|да|ага|хорошо|давай|так|ναι|はい|うん|了解|いいよ|許可|是的?|好的?|可以|同意|行|네|예|응|좋아|그래"
    r"|👍|👌|✅|✔|🆗"
)
_NO = (
    r"n|no|nope|nah|den(?:y|ied)|reject(?:ed)?|don['’]?t|do not|nein|nö|nicht|non|nee|nie|não|nao|nej|nei|ei|ne|nem"
    r"|hayır|нет|не|ні|όχι|いいえ|だめ|ダメ|不行?|不要|不可以|否|아니요?|아니오|안 ?돼|👎|❌|🚫|✋"
)
_TAIL = (
    r"please|pls|plz|thanks|thank you|thx|do it|go ahead|go for it|run it|do that|that['’]?s (?:fine|ok(?:ay)?)|fine"
    r"|of course|sure|allow it|approve it|both|all|bitte|danke|gerne|merci|s['’]il (?:te|vous) pla[iî]t|svp"
    r"|por favor|gracias|obrigad[oa]|per favore|grazie|alsjeblieft|graag|proszę|tack|tak|пожалуйста|спасибо"
    r"|お願いします|请|请便|부탁해요?"
)
_GAP = r"[\s,.:;!?*_`'\"()\[\]<>{}–—-]"
_NEAR_CODE = rf"[{ALPHABET}LY0-9]{{3,7}}"
_LOOSE = re.compile(
    rf"{_GAP}*(?:(?P<yes>{_YES})|{_NO})(?:{_GAP}*(?:{_TAIL})){{0,3}}(?:{_GAP}+{_NEAR_CODE})?{_GAP}*", re.IGNORECASE
)
"""A yes or no, some words of courtesy, and what may be a mistyped code."""

_CODES = re.compile(rf"(?<![^\W_])(?:yes|no)?({CODE})(?![^\W_])", re.IGNORECASE)
_DENIED = re.compile(rf"{_GAP}*(?:{_NO}){_GAP}*({CODE})(?![^\W_])", re.IGNORECASE)
_ALLOWED = re.compile(rf"{_GAP}*(?:{_YES}){_GAP}*(?:\w+{_GAP}+){{0,2}}{CODE}(.*)", re.IGNORECASE | re.DOTALL)
_SHADES = re.compile("[\U0001f3fb-\U0001f3ff\ufe0e\ufe0f\u200d]")
"""The colours of emoji, and the marks that choose their form."""


def parse_loose(text: str) -> Command | None:
    """Return the command that a message may mean which is none; None = it is an ordinary message.

    A message that says no to a code denies. Any other one that names a code decides nothing: `Command.mentioned`.
    """
    own = [line for line in text.strip().split("\n") if not line.lstrip().startswith(">")]
    said = _SHADES.sub("", "\n".join(own)).strip()
    if not said or len(said) > MAX_LENGTH:
        return None
    mentioned = tuple(dict.fromkeys(code.upper() for code in _CODES.findall(said)))
    if (denied := _DENIED.match(said)) is not None:
        return Command(Word.NO, denied[1].upper(), loose=True, mentioned=mentioned)
    match = _LOOSE.fullmatch(said)
    if match is None and not mentioned:
        return None
    word = Word.NO if match is not None and match["yes"] is None else Word.YES
    allowed = _ALLOWED.match(said)
    return Command(word, rest=allowed[1] if allowed is not None else "", loose=True, mentioned=mentioned)
