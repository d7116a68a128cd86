"""The letters of a text as words and marks: lower case, no accents, one apostrophe, one space."""

import re
import unicodedata

STRUCK = "⊘"
"""The mark for a crossed-out letter, a minus before a word and other signs that turn a word round."""
SADLY = "🙁"
SMILE = "🙂"

_APOSTROPHES = dict.fromkeys(map(ord, "’‘ʼ`´′＇‛ˈ"), "'")
_NUMBER_SIGN = re.compile(r"№|\b[nN][°º]")
_PARTICIPLES = (
    (re.compile(r"(?<!j')\barrivée?s?\b"), "arrived"),
    (re.compile(r"\brentrée?s?\b"), "returned"),
    (re.compile(r"\bnotée?s?\b"), "noted"),
)
"""Words that lose their meaning with their accent: "arrivé" is there, "arrive" is coming, "note" may be a "not"."""
_OVERLAYS = frozenset(
    "\u0335\u0336\u0337\u0338\u20d2\u20d3\u20d8\u20d9\u20da\u20dd\u20e0\u20e5\u20e6\u20ea\u20eb"
)
_DROPPED = frozenset({"Mn", "Me", "Cf", "Co", "Cs"})
_NOT_SAID = frozenset("♂♀") | frozenset(map(chr, range(0x1F3FB, 0x1F400)))

_REWRITES = (
    (re.compile(r":'?-?\(|(?<!\w)(?::-?[/|\\](?!/)|:-?[p$](?!\w)|xd\b|-_-)"), f" {SADLY} "),
    (re.compile(r"[:;=]-?\)+|[:=]-?d(?!\w)|\^\^|<3"), f" {SMILE} "),
    (re.compile(rf"\w*{STRUCK}[\w{STRUCK}]*"), f" {STRUCK} "),
    (re.compile(r"(?m)^[^\S\n]*[-–—−]+(?=[a-z])|~~[^~\n]*~~|¬"), f" {STRUCK} "),
    (re.compile(r"\b([a-z])\.(?=[a-z]\b)"), r"\1"),
    (re.compile(r"\b([2-9])[._-]([a-z])\b"), r"\1\2"),
    (re.compile(r"(?<=[a-z])[-‐‑](?=[a-z])"), " "),
    (re.compile(r"\b10-4\b"), "tenfour"),
    (re.compile(r"\b(?:5 ?/ ?5|5 sur 5|five by five)\b"), ""),
    (re.compile(r"\b100 ?%"), " percent "),
    (re.compile(r"(?<=\bstop )(?:sms )?au \d{5}\b"), ""),
    (re.compile(r"\bpoint d'interrogation\b"), " ? "),
    # Who dictates "virgule" says "point" at the end; elsewhere it may be a negation.
    (re.compile(r"(?s)(\bvirgule\b.*)\bpoint\s*$"), r"\1"),
    (re.compile(r"\bvirgule\b"), " , "),
)  # fmt: skip
_TOKEN = re.compile(r"\d+(?:[.,:/-]\d+)+[a-z]*|\d+[a-z0-9]*'?|[^\W\d_]+(?:'[^\W\d_]+)*'?|\n|\S")


def words_and_marks(text: str) -> list[str]:
    """Return the words, signs, commas and line ends of a text."""
    return [_mark(piece) for piece in _TOKEN.findall(_plain(text))]


def _plain(text: str) -> str:
    plain = _NUMBER_SIGN.sub(" numero ", text.translate(_APOSTROPHES))
    plain = unicodedata.normalize("NFC", plain.casefold())
    for participle, word in _PARTICIPLES:
        plain = participle.sub(word, plain)
    # Twice, since a compatibility form may be a capital letter.
    letters = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", plain).casefold())
    plain = "".join(map(_letter, letters))
    for pattern, written in _REWRITES:
        plain = pattern.sub(written, plain)
    return plain


def _letter(letter: str) -> str:
    if letter in _OVERLAYS:
        return STRUCK
    return "" if letter in _NOT_SAID or unicodedata.category(letter) in _DROPPED else letter


def _mark(piece: str) -> str:
    """Write every mark between words as a comma, and keep the signs that may say something."""
    if len(piece) > 1 or piece in "\n?؟" or piece.isalnum():
        return piece
    return "," if unicodedata.category(piece).startswith("P") or piece in "|<>=$€" else piece
