"""A text names a time as the phone shows it, in summer, in winter, and in the hour that comes twice."""

from datetime import UTC, datetime, timedelta

import pytest

from dispatch.domain.messaging.texts import until
from dispatch.domain.scheduling.local_time import local, written
from schemas.volunteers import Language

CLOCKS_GO_BACK = datetime(2026, 10, 25, 1, 0, tzinfo=UTC)
"""At this moment 3:00 becomes 2:00 in France."""


@pytest.mark.parametrize(
    ("day", "shown"),
    [(datetime(2026, 7, 14, 12, tzinfo=UTC), "14:00"), (datetime(2026, 1, 14, 12, tzinfo=UTC), "13:00")],
)
def test_a_time_is_that_of_the_season(day: datetime, shown: str) -> None:
    assert until(day, "Europe/Paris", day - timedelta(minutes=30)) == shown


@pytest.mark.parametrize(
    ("minutes", "language", "shown"),
    [
        (-45, "fr", "02:15 (heure d'été)"),
        (15, "fr", "02:15 (heure d'hiver)"),
        (-45, "en", "02:15 (summer time)"),
        (15, "en", "02:15 (winter time)"),
        (-60, "fr", "02:00 (heure d'été)"),
        (-61, "fr", "01:59"),
        (60, "fr", "03:00"),
    ],
)
def test_the_hour_that_comes_twice_is_named(minutes: int, language: Language, shown: str) -> None:
    moment = CLOCKS_GO_BACK + timedelta(minutes=minutes)
    assert until(moment, "Europe/Paris", moment - timedelta(minutes=30), language) == shown


def test_a_window_across_the_change_ends_after_it_begins() -> None:
    now = CLOCKS_GO_BACK - timedelta(minutes=2)
    assert until(now, "Europe/Paris", now) == "02:58:00 (heure d'été)"
    assert until(now + timedelta(minutes=3), "Europe/Paris", now) == "02:01:00 (heure d'hiver)"


def test_the_hour_that_is_left_out_in_spring_is_never_named() -> None:
    gap = datetime(2026, 3, 29, 1, 0, tzinfo=UTC)
    assert until(gap, "Europe/Paris", gap - timedelta(minutes=30)) == "03:00"


def test_south_of_the_equator_the_hour_comes_twice_in_april() -> None:
    first = datetime(2026, 4, 4, 15, 15, tzinfo=UTC)
    here = [written(local(first + timedelta(hours=n), "Australia/Sydney"), "%H:%M", "en") for n in range(2)]
    assert here == ["02:15 (summer time)", "02:15 (winter time)"]
