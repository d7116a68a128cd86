"""Coordinates are read in every notation that people type; what is ambiguous or impossible is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatch.domain.places.coordinates import Axis, CoordinatesError, read_coordinate, read_position

STRASBOURG = [
    "48.58, 7.75",
    "48.58,7.75",
    "48.58 7.75",
    "48.58;7.75",
    "48.58/7.75",
    "48.58\t7.75",
    "48,58 7,75",
    "48,58; 7,75",
    "48,58, 7,75",
    "48,58,7,75",
    "+48.58 +7.75",
    "(48.58, 7.75)",
    "[48.58 ; 7.75]",
    "geo:48.58,7.75",
    "geo:48.58,7.75,142;u=35",
    "GEO:48.58,7.75?z=17",
    "48.58 N 7.75 E",
    "48.58N, 7.75E",
    "48.58N7.75E",
    "48,58 N; 7,75 E",
    "N 48.58 E 7.75",
    "N48,58 E7,75",
    "7.75 E, 48.58 N",
    "7,75E 48,58N",
    "E 7.75, N 48.58",
    "48.58° N, 7.75° E",
    "48.58°, 7.75°",
    "48.58 nord, 7.75 est",
    "Nord 48,58 Est 7,75",
    "lat 48.58 lon 7.75",
    "Lat.: 48,58 Long.: 7,75",
    "lon=7.75, lat=48.58",
    "latitude 48.58 N, longitude 7.75 E",
    "48°34'48\"N 7°45'E",
    "48° 34' 48\" N, 7° 45' 0\" E",
    "48°34,8'N 7°45'E",
    "48º34′48″ N ; 7º45′ E",
    "48°34’48” N 7°45’ E",
    "48°34'48''N, 7°45'00''E",
    "48 34 48 7 45 0",
    "48 34 48 N 7 45 0 E",
    "48:34:48 N 7:45:00 E",
    "48 34m 48s N 7 45m 0s E",
    "  48.58, 7.75. ",
]


@pytest.mark.parametrize("text", STRASBOURG)
def test_a_position_is_read_as_people_type_it(text: str) -> None:
    place = read_position(text)
    assert (place.lat, place.lon) == pytest.approx((48.58, 7.75))


@pytest.mark.parametrize(
    ("text", "lat", "lon"),
    [
        ("-21.1, 55.5", -21.1, 55.5),
        ("-21,1 55,5", -21.1, 55.5),
        ("-21,1,55,5", -21.1, 55.5),
        ("−17,5; −179,9", -17.5, -179.9),
        ("17.5 S 178.2 W", -17.5, -178.2),
        ("48°23'N 4°29'O", 48.383333, -4.483333),
        ("48°23' Nord, 4°29' Ouest", 48.383333, -4.483333),
        ("-0°30', 51", -0.5, 51),
        ("0°30'S 51 E", -0.5, 51),
        ("S 17 E 178", -17, 178),
        ("48; 7", 48, 7),
        ("48, 7", 48, 7),
        ("0,0", 0, 0),
        ("0.0, 0.0", 0, 0),
        ("90 180", 90, 180),
        ("-33.9-18.4", -33.9, -18.4),
    ],
)
def test_signs_letters_and_whole_degrees_are_read(text: str, lat: float, lon: float) -> None:
    place = read_position(text)
    assert (place.lat, place.lon) == pytest.approx((lat, lon))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "no coordinates"),
        ("  ,", "no coordinates"),
        ("47.11", "two coordinates"),
        ("47,11", "two coordinates"),
        ("48.58 N", "two coordinates"),
        ("12 rue 48.58 7.75", "coordinates"),
        ("place de la gare", "two coordinates"),
        ("48.58.7.75", "no coordinates"),
        ("48,583.7,75", "no coordinates"),
        ("1e3, 4", "no coordinates"),
        ("95, 7", "swapped"),
        ("148.58 N, 7.75 E", "swapped"),
        ("48.58, 190", "180 degrees"),
        ("7.75 E, 8 E", "two longitudes"),
        ("-17.5 S, 178 E", "not both"),
        ("N 48.58 N, 7.75 E", "one letter"),
        ("48°61'N 7°45'E", "less than 60"),
        ("48°30'75\"N 7°45'E", "less than 60"),
        ("48.5°30'N 7°45'E", "whole degrees"),
        ("nan, inf", "coordinates"),
    ],
)
def test_what_names_no_place_is_refused_with_a_reason_that_does_not_repeat_it(text: str, why: str) -> None:
    with pytest.raises(CoordinatesError, match=why) as refused:
        read_position(text)
    assert not text.strip(" ,") or text not in str(refused.value)


@pytest.mark.parametrize(
    ("text", "axis", "degrees"),
    [
        ("48.58", "lat", 48.58),
        ("48,58", "lat", 48.58),
        ("7,75E", "lon", 7.75),
        ("E 7.75", "lon", 7.75),
        ("4°29'O", "lon", -4.483333),
        ("-4,5", "lon", -4.5),
        ("7 45", "lon", 7.75),
        ("(48.58)", "lat", 48.58),
        ("0", "lat", 0),
        ("-180", "lon", -180),
    ],
)
def test_a_single_coordinate_is_read_in_the_same_notations(text: str, axis: Axis, degrees: float) -> None:
    assert read_coordinate(text, axis) == pytest.approx(degrees)


@pytest.mark.parametrize(
    ("text", "axis"),
    [
        ("7.75 E", "lat"),
        ("48.58 N", "lon"),
        ("48.58, 7.75", "lat"),
        ("91", "lat"),
        ("181", "lon"),
        ("x", "lat"),
        ("", "lon"),
    ],
)
def test_a_cell_that_is_no_such_coordinate_is_refused(text: str, axis: Axis) -> None:
    with pytest.raises(CoordinatesError):
        read_coordinate(text, axis)


@given(st.floats(-90, 90), st.floats(-180, 180), st.sampled_from([", ", ";", " ", " ; "]))
def test_decimal_degrees_are_read_exactly(lat: float, lon: float, separator: str) -> None:
    place = read_position(f"{lat:.6f}{separator}{lon:.6f}")
    assert (place.lat, place.lon) == (float(f"{lat:.6f}"), float(f"{lon:.6f}"))
    comma = read_position(f"{lat:.6f} {lon:.6f}".replace(".", ","))
    assert comma == place


@given(st.text(max_size=30))
def test_any_text_is_a_place_or_refused(text: str) -> None:
    try:
        place = read_position(text)
    except CoordinatesError:
        return
    assert abs(place.lat) <= 90
    assert abs(place.lon) <= 180
