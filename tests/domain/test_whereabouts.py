"""Places as one who knows the area says them: a distance and a direction from its middle."""

import pytest

from dispatch.domain.places.service_area import Area
from dispatch.domain.places.whereabouts import distance_in_words, place_in_words, whereabouts
from schemas.base import Position

AREA = Area(48.6, 2.1, 49.1, 2.6)
MIDDLE = Position(lat=48.85, lon=2.35)


@pytest.mark.parametrize(
    ("north", "east", "direction"),
    [(1, 0, "N"), (1, 1.5, "NE"), (0, 1, "E"), (-1, 1.5, "SE"), (-1, 0, "S"), (-1, -1.5, "SW"), (0, -1, "W")],
)
def test_a_direction_is_one_of_eight(north: float, east: float, direction: str) -> None:
    place = Position(lat=MIDDLE.lat + north / 100, lon=MIDDLE.lon + east / 100)
    assert whereabouts(place, AREA).direction == direction


def test_a_place_is_said_in_both_languages() -> None:
    place = Position(lat=48.85, lon=2.25)
    assert place_in_words(place, AREA, "en") == "7.3 km W of centre"
    assert place_in_words(place, AREA, "fr") == "7,3 km O du centre"
    assert place_in_words(MIDDLE, AREA, "en") == "in the centre"
    assert place_in_words(place, None, "en") == "48.8500, 2.2500"
    assert place_in_words(None, AREA, "fr") == "lieu inconnu"


def test_the_middle_of_an_area_across_the_180th_meridian_lies_on_it() -> None:
    fiji = Area(-19, 177, -16, -179)
    assert fiji.middle == Position(lat=-17.5, lon=179)
    assert whereabouts(Position(lat=-17.5, lon=-179.5), fiji).direction == "E"


def test_the_middle_of_an_area_all_around_the_earth_lies_between_its_corners() -> None:
    assert Area(-90, -180, 90, 180).middle == Position(lat=0, lon=0)


@pytest.mark.parametrize(
    ("metres", "words"), [(80, "80 m"), (1000, "1 km"), (1849, "1.8 km"), (12000, "12 km")]
)
def test_a_distance_is_said_in_kilometres_from_one_on(metres: int, words: str) -> None:
    assert distance_in_words(metres, "en") == words
