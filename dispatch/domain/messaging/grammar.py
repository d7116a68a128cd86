"""The grammar of volunteers' text messages, in French and English.

The grammar is closed: a text has a meaning only if every word of it is known. Whatever has a word left
over, contradicts itself or asks a question is `unclear`, and the volunteer is asked again.

- A bare "OK", "d'accord", 👍, "vu" or "seen" is `acknowledged`: the message was read. That acknowledges a recall
  and never fills a seat, since "OK" may mean no more than "I saw it". "OK" beside a yes is a yes, beside a
  no it is unclear; "vu" goes with either.
- 👎 and ❌ are a no: they are never sent for a yes. Other emoji mean nothing, alone or beside a word.
- "Dans 10 min" goes with a yes and is no answer by itself.
- A code such as 7K4 names the offer that is answered; two different codes name none and are unclear.
- STOP is `stop` with or without a polite word; "non stop", or a yes and a stop, are unclear.
"""

import re
import unicodedata
from dataclasses import dataclass
from typing import Literal

Answer = Literal["accepted", "declined", "acknowledged", "stop", "start", "unclear"]

LONGEST = 500

# A digit first and no vowel: never a word. No M, N or H: never a time. No two characters that look alike.
CODE_DIGITS = "23456789"
CODE_LETTERS = "CDFJKPQRTVWX"

# The first kind that fits wins: "ok" and "no" come before "yes", for "o k" and "je peux pas" begin with one.
_PHRASES = {
    "ok": "ok, okay, okey, oki, o k, d accord, dac, entendu, c est entendu, 👍, 👌, 🆗, ✅, ✔",
    "seen": (
        "vu, bien vu, lu, recu, bien recu, message recu, message bien recu, note, bien note, c est "
        "note, compris, bien compris, seen, read, received, message received, noted, understood"
    ),
    "no": (
        "non, no, n, nan, nope, nah, 👎, ❌, 🚫, 🙅, non desole, non desolee, desole non, desolee non, no "
        "sorry, sorry no, impossible, je peux pas, je ne peux pas, je peux pas venir, je ne peux pas "
        "venir, je viens pas, je ne viens pas, pas disponible, pas dispo, je suis pas disponible, je "
        "suis pas dispo, je ne suis pas disponible, je ne suis pas dispo, indisponible, je suis "
        "indisponible, can t, cannot, can not, i can t, i cannot, i can not, can t come, i can t come, "
        "i cannot come, not coming, i m not coming, i am not coming, not available, i m not available, "
        "i am not available, unavailable, i m unavailable"
    ),
    "yes": (
        "oui, o, ouais, ouaip, yes, y, yep, yeah, yup, j arrive, j y vais, je viens, je prends, je "
        "peux, je peux venir, disponible, dispo, je suis disponible, je suis dispo, en route, je suis "
        "en route, bien sur, volontiers, accepte, j accepte, coming, i m coming, i am coming, i can, i "
        "can come, available, i m available, i am available, on my way, i m on my way, i am on my way, "
        "omw, of course, accept, i accept"
    ),
    "stop": (
        "stop, stopall, stop all, stop tout, stop sms, stop messages, arret, arreter, arretez, "
        "desabonner, me desabonner, desabonnement, unsubscribe"
    ),
    "start": "start, unstop, reprendre",
    "courtesy": (
        "merci, merci beaucoup, bonjour, bonsoir, salut, svp, stp, s il vous plait, s il te plait, "
        "hello, hi, thanks, thank you, please"
    ),
    "question": "?, ？, ؟, ❓, ❔, 🤔, 🤷",
}
_SIGNS = "".join(phrase for phrases in _PHRASES.values() for phrase in re.findall(r"[^\w\s,]", phrases))


@dataclass(frozen=True, slots=True)
class ParsedText:
    """The answer in a text, and the code of the offer that it names."""

    answer: Answer
    code: str | None = None


def code_for(number: int, length: int = 3) -> str:
    """Spell a number as a code of 2 to 4 characters, which has 96, 768 or 9216 values."""
    characters = []
    for position in range(length):
        alphabet = CODE_LETTERS if position % 2 else CODE_DIGITS
        number, index = divmod(number, len(alphabet))
        characters.append(alphabet[index])
    return "".join(characters)


def parse(text: str) -> ParsedText:
    """Parse a text; what is not understood whole is unclear, never guessed."""
    if len(text) > LONGEST:
        return ParsedText("unclear")
    kinds, codes = set(), set()
    for token in _TOKEN.finditer(_plain(text)):
        kinds.add(token.lastgroup)
        if token.lastgroup == "code":
            codes.add(token.group().upper())
    if len(codes) > 1:
        return ParsedText("unclear")
    return ParsedText(_answer(kinds - {"code", "courtesy"}), next(iter(codes), None))


def _answer(kinds: set[str | None]) -> Answer:
    if "yes" in kinds and kinds <= {"yes", "ok", "seen", "eta"}:
        return "accepted"
    if "no" in kinds and kinds <= {"no", "seen"}:
        return "declined"
    if kinds and kinds <= {"ok", "seen"}:
        return "acknowledged"
    if kinds == {"stop"}:
        return "stop"
    return "start" if kinds == {"start"} else "unclear"


def _plain(text: str) -> str:
    """Return the words and known signs of a text in lower case, without accents, one space apart: OUI7K as oui 7k."""
    letters = unicodedata.normalize("NFD", text.casefold())
    bare = "".join(letter for letter in letters if unicodedata.category(letter) not in {"Mn", "Me", "Cf"})
    words = " ".join(re.findall(rf"\w+|[{re.escape(_SIGNS)}]", bare))
    return re.sub(r"\b([a-z]+)(?=\d)", r"\1 ", words)


def _either(phrases: str) -> str:
    return "|".join(re.escape(phrase) for phrase in sorted(phrases.split(", "), key=len, reverse=True))


def _token() -> re.Pattern[str]:
    """Build one pattern whose groups are the kinds."""
    patterns = {kind: _either(phrases) for kind, phrases in _PHRASES.items()}
    patterns["eta"] = r"(?:dans |in |d ici )?\d{1,2} ?(?:mn|min|mins|minutes?)"
    patterns["code"] = rf"[{CODE_DIGITS}][{CODE_LETTERS}](?:[{CODE_DIGITS}][{CODE_LETTERS}]?)?".casefold()
    patterns["other"] = r"\S+"
    return re.compile("|".join(rf"(?P<{kind}>(?:{pattern})(?!\S))" for kind, pattern in patterns.items()))


_TOKEN = _token()
