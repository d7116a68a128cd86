"""The short code by which a text names its offer."""

from uuid import UUID

# A digit first and no vowel: never a word. No M, N or H: never a time. No two characters that look alike.
CODE_DIGITS = "23456789"
CODE_LETTERS = "CDFJKPQRTVWX"

VALUES = len(CODE_DIGITS) * len(CODE_LETTERS)


def code(offer_id: UUID) -> str:
    """Return the two-character code of an offer; the few recent offers of one phone hardly ever share one."""
    return code_for(offer_id.int % VALUES, 2)


def code_for(number: int, length: int = 3) -> str:
    """Spell a number as a code of 2 to 4 characters, which has 96, 768 or 9216 values."""
    characters = []
    for position in range(length):
        alphabet = CODE_LETTERS if position % 2 else CODE_DIGITS
        number, index = divmod(number, len(alphabet))
        characters.append(alphabet[index])
    return "".join(characters)
