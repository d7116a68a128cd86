"""Codes of offers in a text, also where a phone has put a space into one: "7 K" is 7K."""

import re

from dispatch.domain.messaging.codes import CODE_DIGITS, CODE_LETTERS

CODE = "code:"

_DIGIT, _LETTER = f"[{CODE_DIGITS}]", f"[{CODE_LETTERS.lower()}]"
_ALONE = r" (?=\S(?!\S))"
# A space inside a code stands only before a single character: "7k 8k" are two codes.
_WRITTEN = re.compile(
    rf"(?<!\S){_DIGIT}(?:{_ALONE})?{_LETTER}(?:(?:{_ALONE})?{_DIGIT}(?:(?:{_ALONE})?{_LETTER})?)?(?!\S)"
)


def mark_codes(words: str) -> str:
    """Replace each code by `code:` with its characters."""
    return _WRITTEN.sub(lambda found: CODE + found.group().replace(" ", ""), words)
