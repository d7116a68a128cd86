"""The short code by which a text names its offer."""

from uuid import UUID

from dispatch.domain.messaging.grammar import CODE_DIGITS, CODE_LETTERS, code_for

VALUES = len(CODE_DIGITS) * len(CODE_LETTERS)


def code(offer_id: UUID) -> str:
    """Spell an offer as two characters; one phone's few recent offers hardly ever share one."""
    return code_for(offer_id.int % VALUES, 2)
