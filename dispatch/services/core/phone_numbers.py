"""Phone numbers in one spelling."""

from collections.abc import Iterable

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


OVERSEAS = {"FR": ("GP", "MQ", "GF", "RE", "YT", "PM")}
"""The countries whose national numbers may be written as those of another."""


def readings(sender: str, countries: Iterable[str] = (HOME,)) -> list[str]:
    """Return each number that a sender may be, without repetition; what is no phone number has no reading.

    With "+" or "00" a number has one. Without, it may be national in one of the countries, or lack its "+".
    """
    if sender.startswith(("+", "00")):
        return _possible(f"+{sender.lstrip('+0')}", None)
    nations = dict.fromkeys(one for country in countries for one in (country, *OVERSEAS.get(country, ())))
    national = [found for country in nations for found in _possible(sender, country)]
    return list(dict.fromkeys([*national, *_possible(f"+{sender}", None)]))


def _possible(text: str, country: str | None) -> list[str]:
    try:
        number = phonenumbers.parse(text, country)
    except phonenumbers.NumberParseException:
        return []
    possible = phonenumbers.is_possible_number(number)
    return [phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)] if possible else []
