"""The short code by which a text names its offer."""

from uuid import UUID

from dispatch.domain.messaging.grammar import CODE_DIGITS, CODE_LETTERS, code_for

VALUES = len(CODE_DIGITS) * len(CODE_LETTERS)


def code(offer_id: UUID) -> str:
    """Return the two-character code of an offer; the few recent offers of one phone hardly ever share one."""
    return code_for(offer_id.int % VALUES, 2)
