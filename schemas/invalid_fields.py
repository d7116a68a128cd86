"""Invalid fields in words: what is allowed, what is there, and an example, instead of the words of pydantic."""

import re
from collections.abc import Mapping
from typing import Any

LONGEST = 60
"""Characters of a value that are repeated."""
ID = "must be an identifier such as 0197a0b2-0000-7000-8000-000000000000"
TIME = "must be a time with its zone, such as 2026-11-22T20:00:00Z"
WORDS: dict[str, str] = {
    "missing": "is missing",
    "extra_forbidden": "is no field that is known here",
    "string_type": "must be text",
    "string_too_short": "must have {min_length} characters at least",
    "string_too_long": "must have {max_length} characters at most",
    "too_short": "must have {min_length} entries at least",
    "too_long": "must have {max_length} entries at most",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_parsing_size": "must be a smaller number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "finite_number": "must be a finite number",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "greater_than": "must be more than {gt}",
    "greater_than_equal": "must be {ge} or more",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be {le} or less",
    "literal_error": "must be {expected}",
    "enum": "must be {expected}",
    "dict_type": "must be fields with their values",
    "model_type": "must be fields with their values",
    "model_attributes_type": "must be fields with their values",
    "list_type": "must be a list",
    "tuple_type": "must be a list",
    "set_type": "must be a list",
    "frozen_set_type": "must be a list",
    "uuid_type": ID,
    "uuid_parsing": ID,
    "timezone_aware": TIME,
    "path_type": "must be the path of a file or folder",
    "json_invalid": "is not JSON",
}
FAMILIES: dict[str, str] = {
    "datetime_": TIME,
    "date_": "must be a date, such as 1990-01-31",
    "url_": "must be an address, such as https://renfort.example.org",
}
"""The words of errors whose kinds begin alike."""
PATTERNS: dict[str, str] = {
    r"^[a-z0-9][a-z0-9_.-]{0,63}$": (
        "must be up to 64 lower-case letters, digits, `_`, `.` or `-`, such as medical.fall or crew_leader"
    ),
    r"^[a-z][a-z0-9_]{0,31}$": "must be up to 32 lower-case letters, digits or `_`, such as first_aid",
    r"^[\x21-\x7e][\x20-\x7e]*$": "must be letters without accents, digits and signs, such as C-2026-117",
    r"^[A-Za-z0-9][A-Za-z0-9 ./:_-]*$": (
        "must be letters without accents, digits, spaces and . / : _ -, such as SAMU 67/1234"
    ),
    r"^[0-9][0-9AB][0-9]{3}$": "must be the INSEE code of a commune, such as 67482",
    r"^[^\x00-\x1f\x7f,;]+$": "must be a name without , and ;, such as CIS Barr",
    r"^[^\x00]+$": "must be printable text, such as Anne Weber",
    r"^([01][0-9]|2[0-3]):[0-5][0-9]$": "must be a time of day, such as 21:00",
    r"^[a-z0-9_-]{1,32}$": "must be up to 32 lower-case letters, digits, `_` or `-`, such as my-gateway",
}
"""What the patterns of fields allow, with an example: no reader is shown a regular expression."""
_NOT_SHOWN = frozenset({"missing", "extra_forbidden", "too_short", "too_long", "json_invalid"})
_QUOTED = re.compile(r"'([^']*)'")


def sentence(detail: Mapping[str, Any], *, example: str = "", shown: bool = False) -> str:
    """Return what is wrong with a field, as it follows the field's name.

    `detail` is one of pydantic's errors; the value is repeated only where it is `shown` to whom it comes from.
    """
    words = _allowed(detail)
    value = _value(detail) if shown else ""
    there = f"; there is {value}" if value else ""
    given = f"; for example {example}" if example and "such as" not in words else ""
    return f"{words}{there}{given}"


def _allowed(detail: Mapping[str, Any]) -> str:
    kind, context = str(detail["type"]), detail.get("ctx", {})
    if kind in ("value_error", "assertion_error"):
        return str(context.get("error", "is not valid"))
    if kind == "string_pattern_mismatch":
        return PATTERNS.get(context["pattern"], "has letters or signs that are not allowed here")
    family = next((words for start, words in FAMILIES.items() if kind.startswith(start)), "is not valid")
    plain = {name: _QUOTED.sub(r"\1", str(value)) for name, value in context.items()}
    return WORDS.get(kind, family).format_map(plain)


def _value(detail: Mapping[str, Any]) -> str:
    """Return the value that is there, empty where it says nothing or may hold a password."""
    value = detail.get("input")
    if detail["type"] in _NOT_SHOWN or not isinstance(value, str | int | float) or "@" in str(value):
        return ""
    text = repr(value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
