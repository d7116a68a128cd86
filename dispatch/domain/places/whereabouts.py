"""Where an incident is, as one who knows the area says it: how far from its middle, and in which direction."""

from math import atan2, cos, degrees, radians
from typing import Literal, get_args

from msgspec import Struct

from dispatch.domain.matching.geo import distance_m
from dispatch.domain.places.service_area import Area, wrapped
from schemas.base import Position
from schemas.volunteers import Language

Direction = Literal["N", "NE", "E", "SE", "S", "SW", "W", "NW"]

DIRECTIONS: tuple[Direction, ...] = get_args(Direction)
NEAR_M = 100
"""So near, a direction says nothing."""
KILOMETRE = 1000
WORDS: dict[str, dict[Language, str]] = {
    "from": {"fr": "{distance} {direction} du centre", "en": "{distance} {direction} of centre"},
    "at": {"fr": "au centre", "en": "in the centre"},
    "unplaced": {"fr": "lieu inconnu", "en": "place unknown"},
}


class Whereabouts(Struct, frozen=True):
    """A distance in metres and a direction from the middle of a service area."""

    metres: int
    direction: Direction


def whereabouts(position: Position, area: Area) -> Whereabouts:
    """Return how far from the middle of an area a position lies, and in which direction."""
    middle = area.middle
    east = wrapped(position.lon - middle.lon) * cos(radians(middle.lat))
    bearing = degrees(atan2(east, position.lat - middle.lat)) % 360
    sector = round(bearing / 360 * len(DIRECTIONS)) % len(DIRECTIONS)
    return Whereabouts(round(distance_m(middle, position)), DIRECTIONS[sector])


def place_in_words(position: Position | None, area: Area | None, language: Language) -> str:
    """Return a place from the middle of the area in a few words; its coordinates where there is no area."""
    if position is None:
        return WORDS["unplaced"][language]
    if area is None:
        return f"{position.lat:.4f}, {position.lon:.4f}"
    found = whereabouts(position, area)
    if found.metres < NEAR_M:
        return WORDS["at"][language]
    return _from_the_middle(distance_in_words(found.metres, language), found.direction, language)


def rough_place(position: Position | None, area: Area | None, language: Language) -> str:
    """Return a place as a text may carry it: whole kilometres from the middle of the area; empty without an area."""
    if position is None or area is None:
        return ""
    found = whereabouts(position, area)
    kilometres = round(found.metres / KILOMETRE)
    if kilometres == 0:
        return WORDS["at"][language]
    return _from_the_middle(f"{kilometres} km", found.direction, language)


def _from_the_middle(distance: str, direction: Direction, language: Language) -> str:
    named = direction.replace("W", "O") if language == "fr" else direction
    return WORDS["from"][language].format(distance=distance, direction=named)


def distance_in_words(metres: int, language: Language) -> str:
    """Return a distance in metres, from a kilometre on in kilometres."""
    if metres < KILOMETRE:
        return f"{metres} m"
    text = f"{metres / KILOMETRE:.1f}".removesuffix(".0")
    return f"{text.replace('.', ',') if language == 'fr' else text} km"
