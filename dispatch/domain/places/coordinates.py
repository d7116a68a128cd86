"""Coordinates as people type them: decimal commas, degrees and minutes, letters on either side, a `geo:` URI."""

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

from geopy.point import Point

from schemas.base import Position

Axis = Literal["lat", "lon"]

SIGNS = str.maketrans(
    dict.fromkeys("º˚∘", "°")
    | dict.fromkeys("′’‘´`ʹʼ", "'")
    | dict.fromkeys("″“”„ʺ〃", '"')
    | dict.fromkeys("−–—‒‐", "-")
    | dict.fromkeys("()[]{}=\u00a0\u2007\u202f", " ")
    | dict.fromkeys("|/；", ";")
    | {"，": ","}
)
WORDS = {
    **dict.fromkeys(("lat", "latitude"), "φ"), **dict.fromkeys(("lon", "long", "lng", "longitude"), "λ"),
    **dict.fromkeys(("n", "north", "nord"), "N"), **dict.fromkeys(("s", "south", "sud", "süd"), "S"),
    **dict.fromkeys(("e", "east", "est", "ost"), "E"), **dict.fromkeys(("w", "west", "o", "ouest"), "W"),
    **dict.fromkeys(("d", "deg", "degrees", "degrés"), "°"), **dict.fromkeys(("m", "min"), "'"), "sec": '"',
}  # fmt: skip
"""What a word stands for; φ and λ are labels. O is west as in French, though it is east in German."""
AXES: dict[str, Axis] = {"φ": "lat", "N": "lat", "S": "lat", "λ": "lon", "E": "lon", "W": "lon"}
HEMISPHERES = {"lat": "NS", "lon": "EW"}
NAMES = {"lat": "latitude", "lon": "longitude"}
LIMITS = {"lat": 90, "lon": 180}
PAIR, SIXTY = 2, 60

AMOUNT = r"\d+(?:[.,]\d+)?"
TOKEN = re.compile(rf"{AMOUNT}|[^\W\d_]+\.?|\S")
COORDINATE = re.compile(
    rf"(?P<label>[φλ]?):?(?P<front>[NSEW]?)(?P<sign>[+-]?)(?P<degrees>{AMOUNT})"
    rf"(?:[°: ](?P<minutes>{AMOUNT})(?:[': ](?P<seconds>{AMOUNT}))?)?[°'\"]?(?P<back>[NSEW]?)"
)
HOW = "write degrees, such as 48.58, 7.75 or 48,58; 7,75 or 48°34'N 7°45'E"


class CoordinatesError(ValueError):
    """A text that names no place; the message states the remedy, and never repeats the text."""


def read_position(text: str) -> Position:
    """Return the place that a text names, latitude first where nothing tells; raises CoordinatesError."""
    one, other = (_coordinate(half) for half in _halves(_tokens(_separated(text))))
    axis = _axis(one) or ("lat" if _axis(other) != "lat" else "lon")
    if _axis(other) == axis:
        raise CoordinatesError(f"two {NAMES[axis]}s: mark one number with N or S, the other with E or W")
    lat, lon = (one, other) if axis == "lat" else (other, one)
    return Position(lat=_degrees(lat, "lat"), lon=_degrees(lon, "lon"))


def read_coordinate(text: str, axis: Axis) -> float:
    """Return the degrees of a text that names one latitude or longitude; raises CoordinatesError."""
    return _degrees(_coordinate(_tokens(text)), axis)


def _separated(text: str) -> str:
    """Replace the commas that separate numbers by semicolons; the others are decimal commas."""
    if uri := re.match(r"\s*geo:([^,;?]+),([^,;?]+)", text, re.IGNORECASE):
        return ";".join(uri.groups())
    if re.search(r"\d\.\d", text) or text.strip() == "0,0":
        return text.replace(",", ";")
    return re.sub(r"(?<=\d,\d),(?=\d+,\d)|,(?!\d)|(?<!\d),", ";", re.sub(r"(,\d+),(?=\d+,\d)", r"\1;", text))


def _tokens(text: str) -> list[str]:
    """Return numbers, signs and one character for each word."""
    plain = re.sub(
        r"('\s*\d+(?:[.,]\d+)?)\s*s\b", r'\1"', re.sub(r"(?<=\d)\s*m\b", "'", text.translate(SIGNS))
    )
    found = [WORDS.get(token.lower().rstrip("."), token) for token in TOKEN.findall(plain.replace("''", '"'))]
    while found and found[-1] in {";", ",", "."}:
        found.pop()
    if not found:
        raise CoordinatesError(f"there are no coordinates: {HOW}")
    return found


def _halves(tokens: Sequence[str]) -> tuple[Sequence[str], Sequence[str]]:
    """Divide the tokens at a separator, a label, a letter or a degree sign, else in the middle of the numbers."""
    if ";" in tokens:
        at = tokens.index(";")
        return tokens[:at], tokens[at + 1 :]
    at = _boundary(tokens)
    return tokens[:at], tokens[at:]


def _boundary(tokens: Sequence[str]) -> int:
    labels, letters = ([at for at, one in enumerate(tokens) if one in marks] for marks in ("φλ", "NSEW"))
    marks = labels or letters
    if len(marks) == PAIR:
        return marks[0] + 1 if marks[0] else marks[1]
    numbers = [at for at, token in enumerate(tokens) if token[0].isdigit()]
    whole = [at for at in numbers if tokens[at + 1 : at + 2] == ["°"]]
    if len(whole) != PAIR and (not numbers or len(numbers) % PAIR):
        raise CoordinatesError(f"there must be two coordinates: {HOW}")
    at = whole[1] if len(whole) == PAIR else numbers[len(numbers) // PAIR]
    return at - (tokens[at - 1] in "+-")


def _coordinate(tokens: Sequence[str]) -> re.Match[str]:
    """Match one coordinate; raises CoordinatesError where there is anything else."""
    # A space stays where two numbers meet: "48 34" are degrees and minutes.
    found = COORDINATE.fullmatch(re.sub(r"(?<=\d) (?!\d)|(?<!\d) ", "", " ".join(tokens)))
    if found is None:
        raise CoordinatesError(f"these are no coordinates: {HOW}")
    return found


def _axis(found: re.Match[str]) -> Axis | None:
    marks = found["label"] + found["front"] + found["back"]
    return AXES[marks[0]] if marks else None


def _degrees(found: re.Match[str], axis: Axis) -> float:
    """Return the degrees of a coordinate on its axis; raises CoordinatesError where it cannot be one."""
    letters = found["front"] + found["back"]
    if any(AXES[mark] != axis for mark in found["label"] + letters):
        raise CoordinatesError(f"marked as another coordinate than the {NAMES[axis]}")
    if len(letters) > 1 or (letters and found["sign"] == "-"):
        raise CoordinatesError(f"{NAMES[axis]}: give a minus or one letter, not both")
    amounts = [float((found[name] or "0").replace(",", ".")) for name in ("degrees", "minutes", "seconds")]
    if max(amounts[1:]) >= SIXTY or any(amount % 1 for amount, finer in pairwise(amounts) if finer):
        raise CoordinatesError(f"{NAMES[axis]}: whole degrees, then minutes and seconds less than 60")
    towards = letters or HEMISPHERES[axis][found["sign"] == "-"]
    degrees = float(Point.parse_degrees(*amounts, towards))
    if abs(degrees) > LIMITS[axis]:
        hint = "; are latitude and longitude swapped?" if axis == "lat" else ""
        raise CoordinatesError(f"the {NAMES[axis]} exceeds {LIMITS[axis]} degrees{hint}")
    return degrees
