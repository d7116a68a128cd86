"""Phone numbers in one spelling, valid for their country."""

import re
from collections.abc import Iterable, Iterator

import phonenumbers
from phonenumbers import PhoneNumber, PhoneNumberFormat, PhoneNumberType

from dispatch.services.core.errors import InvalidError

HOME = "FR"
"""The country of a number without a country code, unless the organisation has another one."""
COUNTRIES = frozenset(phonenumbers.SUPPORTED_REGIONS)
FRENCH = ("FR", "RE", "GP", "GF", "MQ", "PM")
"""The countries that share the French national form, 06… or 0692…; RE includes Mayotte, GP Saint-Barthélemy."""
NO_TEXTS = "a landline or another number that receives no texts, though the consent names sms"
TEXTED = frozenset({PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE})

# Reserved for works of fiction, by the regulators ARCEP, Ofcom, NANPA and ACMA: valid, since drills use them.
FICTION = re.compile(
    r"\+33(?:19900|26191|35301|46571|53649|63998)\d{4}"
    r"|\+44(?:7700900|1632960|2079460|11[3-8]4960|1[2-6]14960|1914980|2896496|2920180|3069990|8081570|9098790)\d{3}"
    r"|\+1\d{3}55501\d\d"
    r"|\+61(?:[2378](?:5550|7010)\d{4}|491570\d{3})"
)
FICTITIOUS_MOBILE = re.compile(r"\+33639|\+447|\+1|\+614")
MARKED = re.compile(r"""^(?:['’]|=)?"?(?:t[ée]l[.:\s]+)?(.*?)"?$""", re.IGNORECASE)
"""A number that a spreadsheet marks as text, as '06… or ="06…", or that a link marks, as tel:+33…."""
SHORTENED = re.compile(r"\d(?:[.,]\d*)?e\+?\d{1,2}", re.IGNORECASE)
WHOLE = re.compile(r"(\d+)[.,]0")
LETTER = re.compile(r"[^\W\d_]")


def e164(text: str, *, field: str = "phone", region: str = HOME) -> str:
    """Return a number as +33612345678; `region` is the country of one without a country code.

    Raises InvalidError; numbers reserved for fiction are valid.
    """
    spelt = MARKED.sub(r"\1", re.sub(r"\s+", " ", text).strip())
    if SHORTENED.fullmatch(spelt):
        cure = "format the column as text and enter the numbers again"
        raise InvalidError(field, f"a spreadsheet has shortened this number: {cure}")
    if whole := WHOLE.fullmatch(spelt):
        spelt = whole[1]
    own = _parsed(spelt, region)
    if _may_lack_its_plus(spelt, own, region):
        raise InvalidError(
            field, "a number of two countries: write it with + and the country code, or with its 0"
        )
    if own is not None and _exists(own):
        return _spelt(own)
    # The overseas countries share the French national form, so that 0692… is a number of one of them.
    others = {_spelt(number) for number in _elsewhere(spelt, region) if _exists(number)}
    if len(others) > 1:
        raise InvalidError(field, "a number of several countries: write it with the country code")
    if not others:
        raise InvalidError(field, _why(own))
    return others.pop()


def takes_no_texts(number: str) -> bool:
    """Return whether a number, as `e164` returns it, is known to be a landline or another that receives no SMS."""
    if FICTION.fullmatch(number):
        return not FICTITIOUS_MOBILE.match(number)
    kind = phonenumbers.number_type(phonenumbers.parse(number))
    return kind not in TEXTED and kind != PhoneNumberType.UNKNOWN


def readings(sender: str, countries: Iterable[str] = (HOME,)) -> list[str]:
    """Return each number that a sender may be, without repetition; what is no phone number has no reading.

    With "+" or "00" a number has one. Without, it may be national in one of the countries, or lack its "+".
    """
    if sender.startswith(("+", "00")):
        return _possible(f"+{sender.lstrip('+0')}", None)
    nations = dict.fromkeys(one for country in countries for one in (country, *_sharing(country)))
    national = [found for country in nations for found in _possible(sender, country)]
    return list(dict.fromkeys([*national, *_possible(f"+{sender}", None)]))


def _possible(text: str, country: str | None) -> list[str]:
    try:
        number = phonenumbers.parse(text, country)
    except phonenumbers.NumberParseException:
        return []
    return [_spelt(number)] if phonenumbers.is_possible_number(number) else []


def _sharing(country: str) -> tuple[str, ...]:
    """Return the countries that share the national form of this one."""
    return FRENCH if country in FRENCH else ()


def _parsed(spelt: str, region: str) -> PhoneNumber | None:
    try:
        return None if LETTER.search(spelt) else phonenumbers.parse(spelt, region)
    except phonenumbers.NumberParseException:
        return None


def _may_lack_its_plus(spelt: str, own: PhoneNumber | None, region: str) -> bool:
    """Return whether a number without its 0 is another, complete one abroad: 687751234 is one of New Caledonia."""
    digits = re.sub(r"\D", "", spelt)
    if own is None or "+" in spelt or digits.startswith("0"):
        return False
    if phonenumbers.ndd_prefix_for_region(region, strip_non_digits=True) != "0":
        return False
    abroad = _parsed(f"+{digits}", region)
    return abroad is not None and phonenumbers.is_valid_number(abroad) and _exists(own) and abroad != own


def _elsewhere(spelt: str, region: str) -> Iterator[PhoneNumber]:
    """Yield the readings of a number in the other countries that share the national form of this one."""
    for country in _sharing(region):
        number = _parsed(spelt, country)
        if number is not None:
            yield number


def _exists(number: PhoneNumber) -> bool:
    return phonenumbers.is_valid_number(number) or bool(FICTION.fullmatch(_spelt(number)))


def _spelt(number: PhoneNumber) -> str:
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)


def _why(number: PhoneNumber | None) -> str:
    """Say what is wrong with a number that does not exist."""
    if number is None:
        return "not a phone number: write one, as +33 6 12 34 56 78"
    if not phonenumbers.is_possible_number(number):
        return "no phone number has this length in its country: compare the digits"
    return "no such number exists in its country: compare the digits"
