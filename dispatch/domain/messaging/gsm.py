"""The seven-bit alphabet of SMS: which texts fit it, and how to make a text fit."""

import unicodedata

LETTERS = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡"
    "ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
EXTENDED = frozenset("^{}\\[~]|€\f")
"""Letters that fit, and count twice."""
_ALL = LETTERS | EXTENDED

ONE_PART, EACH_OF_SEVERAL = 160, 153
ONE_WIDE_PART, EACH_WIDE_OF_SEVERAL = 70, 67

_PLAIN = {
    "’": "'", "‘": "'", "“": '"', "”": '"', "«": '"', "»": '"', "–": "-", "—": "-", "…": "...",
    "œ": "oe", "Œ": "OE", "\u00a0": " ", "\u202f": " ",
}  # fmt: skip


def fold(text: str) -> str:
    """Replace accents and typography that do not fit; letters of other scripts stay."""
    return text if fits(text) else "".join(letter if letter in _ALL else _plain(letter) for letter in text)


def fits(text: str) -> bool:
    """Return whether a text fits the alphabet, and so 160 letters a part rather than 70."""
    return _ALL.issuperset(text)


def parts(text: str) -> int:
    """Return the number of SMS that a text is sent as."""
    if fits(text):
        length = sum(2 if letter in EXTENDED else 1 for letter in text)
        return 1 if length <= ONE_PART else -(-length // EACH_OF_SEVERAL)
    length = len(text.encode("utf-16-be")) // 2
    return 1 if length <= ONE_WIDE_PART else -(-length // EACH_WIDE_OF_SEVERAL)


def _plain(letter: str) -> str:
    bare = _PLAIN.get(letter) or unicodedata.normalize("NFD", letter)[0]
    return bare if fits(bare) else letter
