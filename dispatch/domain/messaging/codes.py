"""The short codes by which a text names its offer, or the page that it answers."""

from uuid import UUID

from schemas.ids import derived

# A digit first and no vowel: never a word. No M, N or H: never a time. No two characters that look alike.
CODE_DIGITS = "23456789"
CODE_LETTERS = "CDFJKPQRTVWX"

VALUES = len(CODE_DIGITS) * len(CODE_LETTERS)
OFFER_LENGTH, PAGE_LENGTH = 2, 4
"""Codes of pages are longer than those of offers, so that on one phone neither can be taken for the other."""


def code(offer_id: UUID) -> str:
    """Return the two-character code of an offer; the few recent offers of one phone hardly ever share one."""
    return code_for(offer_id.int % VALUES, OFFER_LENGTH)


def page_code(escalation_id: UUID, contact_id: UUID) -> str:
    """Return the four-character code of the pages of one duty contact about one escalation."""
    return code_for(derived(escalation_id, "page", contact_id).int % VALUES**2, PAGE_LENGTH)


def code_for(number: int, length: int = 3) -> str:
    """Spell a number as a code of 2 to 4 characters, which has 96, 768 or 9216 values."""
    characters = []
    for position in range(length):
        alphabet = CODE_LETTERS if position % 2 else CODE_DIGITS
        number, index = divmod(number, len(alphabet))
        characters.append(alphabet[index])
    return "".join(characters)
