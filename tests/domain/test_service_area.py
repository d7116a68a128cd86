"""A service area shows which positions are mistaken, across the 180th meridian as elsewhere."""

import pytest

from dispatch.domain.places.coordinates import CoordinatesError
from dispatch.domain.places.placing import mended
from dispatch.domain.places.service_area import Area, Mistake, implausible, read_area
from schemas.base import Position

BAS_RHIN = Area(48.1, 6.9, 49.1, 8.3)
FIJI = Area(-21, 176, -12, -178)


@pytest.mark.parametrize(
    ("lat", "lon", "area", "mistake"),
    [
        (48.58, 7.75, BAS_RHIN, None),
        (7.75, 48.58, BAS_RHIN, "swapped"),
        (43.3, 5.4, BAS_RHIN, "outside"),
        (0, 0, BAS_RHIN, "zero"),
        (0, 0, None, "zero"),
        (0, 0, Area(-5, -5, 5, 5), None),
        (0, 7.75, BAS_RHIN, "outside"),
        (7.75, 48.58, None, None),
        (-17.5, 177.4, FIJI, None),
        (-17.5, -179.5, FIJI, None),
        (-17.5, 180, FIJI, None),
        (-17.5, 0, FIJI, "outside"),
        (48, 48.5, Area(48.1, 47, 49.1, 49), "swapped"),
    ],
)
def test_a_mistake_is_recognised_by_the_area(
    lat: float, lon: float, area: Area | None, mistake: Mistake | None
) -> None:
    assert implausible(Position(lat=lat, lon=lon), area) == mistake


@pytest.mark.parametrize(("area", "lon"), [(Area(-20, 170, -10, 180), -180), (Area(60, -180, 70, -170), 180)])
def test_the_180th_meridian_belongs_to_the_areas_on_both_its_sides(area: Area, lon: float) -> None:
    assert area.contains(Position(lat=(area.south + area.north) / 2, lon=lon))


@pytest.mark.parametrize(
    ("sent", "meant", "mistake"),
    [
        ((7.75, 48.58), (48.58, 7.75), "swapped"),
        ((43.3, 5.4), (43.3, 5.4), "outside"),
        ((0, 0), None, "zero"),
        (None, None, None),
    ],
)
def test_swapped_coordinates_are_exchanged_and_zeros_left_out(
    sent: tuple[float, float] | None, meant: tuple[float, float] | None, mistake: Mistake | None
) -> None:
    place = None if sent is None else Position(lat=sent[0], lon=sent[1])
    expected = None if meant is None else Position(lat=meant[0], lon=meant[1])
    assert mended(place, BAS_RHIN) == (expected, mistake)


@pytest.mark.parametrize(
    "text",
    [
        "48.1,6.9,49.1,8.3",
        "48.1, 6.9, 49.1, 8.3",
        "48,1;6,9;49,1;8,3",
        "48,1 6,9 49,1 8,3",
        "48,1, 6,9, 49,1, 8,3",
        "48,1,6,9,49,1,8,3",
        "48.1N 6.9E 49.1N 8.3E",
        "48°06'N; 6°54'E; 49°06'N; 8°18'E",
    ],
)
def test_an_area_is_read_as_people_type_it(text: str) -> None:
    area = read_area(text)
    assert (area.south, area.west, area.north, area.east) == pytest.approx((48.1, 6.9, 49.1, 8.3))


@pytest.mark.parametrize(
    "text", ["", "48.1,6.9,49.1", "48.1,6.9,49.1,east", "148,6,49,8", "6.9E 48.1N 8.3E 49.1N"]
)
def test_what_is_no_area_is_refused(text: str) -> None:
    with pytest.raises(CoordinatesError):
        read_area(text)


@pytest.mark.parametrize(
    ("area", "possible"),
    [
        (BAS_RHIN, True),
        (FIJI, True),
        (Area(49, 7, 48, 8), False),
        (Area(48, 7, 49, 7), False),
        (Area(48, 7, 49, 181), False),
        (Area(-91, 7, 49, 8), False),
    ],
)
def test_an_area_lies_on_the_earth(area: Area, *, possible: bool) -> None:
    assert area.is_possible == possible
