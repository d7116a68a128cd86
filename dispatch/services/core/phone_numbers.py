"""Phone numbers in one spelling."""

import phonenumbers

from dispatch.services.core.errors import InvalidError

HOME = "FR"
"""The country of a number without a country code."""


def e164(text: str, *, field: str = "phone") -> str:
    """Return a number as +33612345678. Raises InvalidError; numbers reserved for fiction are valid: drills use them."""
    try:
        number = phonenumbers.parse(text, HOME)
    except phonenumbers.NumberParseException:
        raise InvalidError(field, "not a phone number: write it as +33 6 12 34 56 78") from None
    if not phonenumbers.is_possible_number(number):
        raise InvalidError(field, "no phone number has this length in its country")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
