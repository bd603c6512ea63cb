"""How mail programs write a reply above a quoted mail: formats of clients, each in several languages."""

# ruff: noqa: E501  # the formats are data

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass

WHO = "Claude Bot <bot@example.org>"

_GMAIL = """\
en|On Sun, Nov 29, 2026 at 12:00 PM {who} wrote:
de|Am So., 29. Nov. 2026 um 12:00 Uhr schrieb {who}:
fr|Le dim. 29 nov. 2026 à 12:00, {who} a écrit :
es|El dom, 29 nov 2026 a las 12:00, Claude Bot (<bot@example.org>) escribió:
pt|Em dom., 29 de nov. de 2026 às 12:00, {who} escreveu:
it|Il giorno dom 29 nov 2026 alle ore 12:00 {who} ha scritto:
nl|Op zo 29 nov 2026 om 12:00 schreef {who}:
pl|niedz., 29 lis 2026 o 12:00 {who} napisał(a):
da|Den søn. 29. nov. 2026 kl. 12.00 skrev {who}:
sv|Den sön 29 nov. 2026 kl 12:00 skrev {who}:
ja|2026年11月29日(日) 12:00 {who}:
zh|{who} 于2026年11月29日周日 12:00写道：
ko|2026년 11월 29일 (일) 오후 12:00, {who}님이 작성:
ru|вс, 29 нояб. 2026 г. в 12:00, {who}:
fi|su 29. marrask. 2026 klo 12.00 {who} kirjoitti:
tr|{who}, 29 Kas 2026 Paz, 12:00 tarihinde şunu yazdı:
cs|ne 29. 11. 2026 v 12:00 odesílatel {who} napsal:
he|בתאריך יום א׳, 29 בנוב׳ 2026 ב-12:00 מאת {who}:
"""
_APPLE = """\
en|On 29 Nov 2026, at 12:00, {who} wrote:
de|Am 29.11.2026 um 12:00 schrieb {who}:
fr|Le 29 nov. 2026 à 12:00, {who} a écrit :
es|El 29 nov 2026, a las 12:00, {who} escribió:
pt|No dia 29/11/2026, às 12:00, {who} escreveu:
it|Il giorno 29 nov 2026, alle ore 12:00, {who} ha scritto:
nl|Op 29 nov. 2026 om 12:00 heeft {who} het volgende geschreven:
pl|Wiadomość napisana przez {who} w dniu 29 lis 2026, o godz. 12:00:
da|Den 29. nov. 2026 kl. 12.00 skrev {who}:
sv|29 nov. 2026 kl. 12:00 skrev {who}:
ja|2026/11/29 12:00、{who}のメール:
zh|在 2026年11月29日，12:00，{who} 写道：
ko|2026. 11. 29. 오후 12:00, {who} 작성:
ru|29 нояб. 2026 г., в 12:00, {who} написал(а):
"""
_THUNDERBIRD = """\
en|On 29/11/2026 12:00, Claude Bot wrote:
de|Am 29.11.26 um 12:00 schrieb Claude Bot:
fr|Le 29/11/2026 à 12:00, Claude Bot a écrit :
es|El 29/11/2026 a las 12:00, Claude Bot escribió:
pt|Às 12:00 de 29/11/2026, Claude Bot escreveu:
it|Il 29/11/2026 12:00, Claude Bot ha scritto:
nl|Op 29-11-2026 om 12:00 schreef Claude Bot:
pl|W dniu 29.11.2026 o 12:00, Claude Bot pisze:
da|Den 29.11.2026 kl. 12.00 skrev Claude Bot:
sv|Den 2026-11-29 kl. 12:00, skrev Claude Bot:
ja|On 2026/11/29 12:00, Claude Bot wrote:
zh|在 2026/11/29 12:00, Claude Bot 写道:
ko|2026. 11. 29. 오후 12:00에 Claude Bot 이(가) 쓴 글:
ru|29.11.2026 12:00, Claude Bot пишет:
"""
_HEADERS = """\
en|From|Sent|To|Subject|Sunday, November 29, 2026 12:00 PM
de|Von|Gesendet|An|Betreff|Sonntag, 29. November 2026 12:00
fr|De|Envoyé|À|Objet|dimanche 29 novembre 2026 12:00
es|De|Enviado el|Para|Asunto|domingo, 29 de noviembre de 2026 12:00
pt|De|Enviado|Para|Assunto|domingo, 29 de novembro de 2026 12:00
it|Da|Inviato|A|Oggetto|domenica 29 novembre 2026 12:00
nl|Van|Verzonden|Aan|Onderwerp|zondag 29 november 2026 12:00
pl|Od|Wysłane|Do|Temat|niedziela, 29 listopada 2026 12:00
da|Fra|Sendt|Til|Emne|29. november 2026 12:00
sv|Från|Skickat|Till|Ämne|den 29 november 2026 12:00
ja|差出人|送信日時|宛先|件名|2026年11月29日 12:00
zh|发件人|发送时间|收件人|主题|2026年11月29日 12:00
ko|보낸 사람|보낸 날짜|받는 사람|제목|2026년 11월 29일 일요일 오후 12:00
ru|От|Отправлено|Кому|Тема|29 ноября 2026 г. 12:00
fi|Lähettäjä|Lähetetty|Vastaanottaja|Aihe|sunnuntai 29. marraskuuta 2026 12.00
el|Από|Στάλθηκε|Προς|Θέμα|Κυριακή, 29 Νοεμβρίου 2026 12:00
"""
_FOOTERS = {
    "en": "Sent from my iPhone",
    "de": "Von meinem iPhone gesendet",
    "fr": "Envoyé de mon iPhone",
    "es": "Enviado desde mi iPhone",
    "pt": "Enviado do meu iPhone",
    "it": "Inviato da iPhone",
    "nl": "Verstuurd vanaf mijn iPhone",
    "pl": "Wysłane z iPhone'a",
    "da": "Sendt fra min iPhone",
    "sv": "Skickat från min iPhone",
    "ja": "iPhoneから送信",
    "zh": "发自我的iPhone",
    "ko": "나의 iPhone에서 보냄",
    "ru": "Отправлено с iPhone",
}
_OUTLOOK_FOOTERS = {
    "en": "Get Outlook for iOS<https://aka.ms/o0ukef>",
    "de": "Outlook für iOS<https://aka.ms/o0ukef> beziehen",
    "fr": "Télécharger Outlook pour iOS<https://aka.ms/o0ukef>",
    "es": "Obtener Outlook para iOS<https://aka.ms/o0ukef>",
    "pt": "Obter o Outlook para iOS<https://aka.ms/o0ukef>",
    "it": "Scarica Outlook per iOS<https://aka.ms/o0ukef>",
    "nl": "Outlook voor iOS<https://aka.ms/o0ukef> downloaden",
    "pl": "Pobierz program Outlook dla systemu iOS<https://aka.ms/o0ukef>",
    "da": "Hent Outlook til iOS<https://aka.ms/o0ukef>",
    "sv": "Hämta Outlook för iOS<https://aka.ms/o0ukef>",
    "ja": "Outlook for iOS<https://aka.ms/o0ukef>を入手",
    "zh": "获取 Outlook for iOS<https://aka.ms/o0ukef>",
    "ko": "iOS용 Outlook<https://aka.ms/o0ukef> 다운로드",
    "ru": "Получить Outlook для iOS<https://aka.ms/o0ukef>",
}


@dataclass(frozen=True, slots=True)
class Format:
    """A reply as one client writes it in one language."""

    client: str
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.client}-{self.language}"


def replies(own: str, answer: str) -> Iterator[Format]:
    """Yield a reply with the words `own` to the mail `answer` in the format of each client and language."""
    marked = "\n".join(f"> {line}".rstrip() for line in answer.split("\n"))
    wrapped = "\n".join(f"> {part}" for line in answer.split("\n") for part in textwrap.wrap(line, 30) or [""])
    for language, sentence in _rows(_GMAIL):
        intro = sentence[0].format(who=WHO)
        yield Format("gmail", language, f"{own}\n\n{_folded(intro)}\n\n{wrapped}\n")
        yield Format("gmail-no-blank", language, f"{own}\n{intro}\n{marked}\n")
    for language, sentence in _rows(_APPLE):
        intro = sentence[0].format(who=WHO)
        yield Format("apple", language, f"{own}\n\n> {intro}\n> \n{marked}\n")
        yield Format("ios", language, f"{own}\n\n{_FOOTERS[language]}\n\n> {intro}\n> \n> \ufeff{marked[2:]}\n")
    for language, sentence in _rows(_THUNDERBIRD):
        yield Format("thunderbird", language, f"{own}\n\n{sentence[0]}\n{marked}\n\n-- \nAda Lovelace\n")
    for language, (sender, sent, to, subject, moment) in _rows(_HEADERS):
        gap = " :" if language == "fr" else ":"
        block = f"{sender}{gap} {WHO}\n{sent}{gap} {moment}\n{to}{gap} Ada Lovelace <ada@example.com>\n{subject}{gap} Re: Build"
        bold = re.sub(r"(?m)^([^:]+:)", r"*\1*", block).replace(WHO, "Claude Bot")
        footer = _OUTLOOK_FOOTERS.get(language, "Get Outlook for iOS<https://aka.ms/o0ukef>")
        yield Format("outlook-desktop", language, f"{own}\n\n{block}\n\n{answer}\n")
        yield Format("outlook-web", language, f"{own}\n\n{'_' * 32}\n{block}\n\n{answer}\n")
        yield Format("outlook-mobile", language, f"{own}\n\n{footer}\n{'_' * 32}\n{bold}\n\n{answer}\n")
        double_spaced = block.replace("\n", "\n\n")
        yield Format("outlook-mac", language, f"{own}\n\n{double_spaced}\n\n{answer}\n")
        yield Format("samsung", language, f"{own}\n\n-------- Original message --------\n{block}\n{answer}\n")
        yield Format(
            "gmx",
            language,
            f'{own}\n\n{sent}: {moment}\n{sender}: "Claude Bot" <bot@example.org>\n{to}: Ada\n{subject}: Re: Build\n{answer}\n',
        )
        yield Format(
            "hotmail",
            language,
            f"{own}\n\n{'-' * 32}\n{sender}: bot@example.org\n{to}: ada@example.com\n{subject}: Build\n{sent}: Sun, 29 Nov 2026 12:00:00 +0000\n\n{answer}\n",
        )
    english = {
        "yahoo": f"{own}\n\n    On Sunday, November 29, 2026 at 12:00:00 PM GMT+1, {WHO} wrote:  \n \n {answer}\n",
        "yahoo-ios": f"{own}\n\n\nSent from Yahoo Mail for iPhone\n\n\nOn Sunday, November 29, 2026, 12:00 PM, {WHO} wrote:\n\n{answer}\n",
        "proton": f"{own}\n\n-------- Original Message --------\nOn 11/29/26 12:00, {WHO} wrote:\n\n{marked}\n",
        "proton-web": f"{own}\n\nSent with Proton Mail secure email.\n\nOn Sunday, November 29th, 2026 at 12:00, {WHO} wrote:\n\n{marked}\n",
        "zoho": f"{own}\n\n---- On Sun, 29 Nov 2026 12:00:00 +0100 {WHO} wrote ---\n\n{answer}\n",
        "front": f"{own}\n\nOn November 29, 2026, 12:00 PM GMT+1 bot@example.org wrote:\n\n{answer}\n",
        "superhuman": f"{own}\n\nSent via Superhuman ( https://sprh.mn/?vip=ada@example.com )\n\nOn Sun, Nov 29, 2026 at 12:00 PM, Claude Bot < bot@example.org > wrote:\n\n{marked}\n",
        "fastmail": f"{own}\n\nOn Sun, 29 Nov 2026, at 12:00, Claude Bot wrote:\n{marked}\n",
        "hey": f"{own}\n\nOn November 29, 2026, {WHO} wrote:\n{answer}\n",
        "mutt": f"{own}\n\nOn Sun, Nov 29, 2026 at 12:00:00PM +0100, Claude Bot wrote:\n{marked}\n",
        "gnus": f"{own}\n\nClaude Bot <bot@example.org> writes:\n\n{marked}\n",
        "bare": f"{own}\n\n{marked}\n",
        "bar": f"{own}\n\nAm 29.11.2026 um 12:00 schrieb {WHO}:\n"
        + "\n".join(f"| {line}" for line in answer.split("\n"))
        + "\n",
    }
    for client, text in english.items():
        yield Format(client, "en", text)


def _rows(table: str) -> Iterator[tuple[str, list[str]]]:
    for row in table.splitlines():
        language, *cells = row.split("|")
        yield language, cells


def _folded(sentence: str) -> str:
    """Return an introduction as Gmail folds it: before or after the `<` of a long line."""
    return sentence.replace(" <bot@", " <\nbot@", 1) if len(sentence) > 60 else sentence
