"""Windows: which are refused, and how people say them."""

from datetime import UTC, datetime, timedelta

import pytest

from dispatch.domain.decide import decide
from dispatch.domain.scheduling.windows import fault, in_words
from schemas.base import Window
from schemas.volunteers import Language
from tests.domain.builders import START, acted, after, incident, kinds, moved_to

NOON = datetime(2026, 11, 22, 11, 0, tzinfo=UTC)


def window(start: datetime, hours: float) -> Window:
    return Window(starts_at=start, ends_at=start + timedelta(hours=hours))


@pytest.mark.parametrize(
    ("start", "hours", "words"),
    [
        (START - timedelta(hours=3), 3, "the window is over"),
        (START + timedelta(days=366), 1, "more than a year from now"),
        (START - timedelta(hours=3), 3.1, None),
        (START + timedelta(days=364), 1, None),
    ],
)
def test_a_window_that_is_over_or_ends_after_a_year_is_refused_with_the_remedy(
    start: datetime, hours: float, words: str | None
) -> None:
    found = fault(window(start, hours), START)
    assert (found is None) is (words is None)
    assert (words or "") in (found or "")


@pytest.mark.parametrize(
    ("start", "hours", "language", "words"),
    [
        (NOON.replace(hour=13, minute=5), 2, "fr", "aujourd'hui 14 h 05-16 h 05"),
        (NOON + timedelta(hours=19, minutes=30), 4.5, "fr", "demain 7 h 30-12 h"),
        (NOON + timedelta(hours=19, minutes=30), 4.5, "en", "tomorrow 07:30-12:00"),
        (NOON + timedelta(days=3), 48, "fr", "mer. 25/11 12 h - ven. 27/11 12 h"),
        (NOON + timedelta(days=3), 48, "en", "Wed 25 Nov 12:00 - Fri 27 Nov 12:00"),
        (NOON - timedelta(days=2), 72, "fr", "ven. 20/11 12 h - demain 12 h"),
    ],
)
def test_a_window_is_said_as_people_say_it(
    start: datetime, hours: float, language: Language, words: str
) -> None:
    assert in_words(window(start, hours), "Europe/Paris", NOON, language) == words


def test_a_window_across_the_end_of_summer_time_has_both_its_hours() -> None:
    start = datetime(2026, 10, 24, 23, 30, tzinfo=UTC)
    words = in_words(window(start, 2), "Europe/Paris", start - timedelta(days=2), "fr")
    assert words == "dim. 25/10 1 h 30-2 h 30 (heure d'hiver)"


def test_the_window_of_a_report_is_the_incidents() -> None:
    wanted = window(START + timedelta(hours=11), 4)
    assert incident(window=wanted, zone="Europe/Paris").window == wanted


def test_a_window_that_the_source_moves_is_recorded_and_the_same_one_again_is_not() -> None:
    wanted, other = window(START + timedelta(hours=11), 4), window(START + timedelta(hours=12), 4)
    state = incident(window=wanted, zone="Europe/Paris")
    same, moved = moved_to(wanted), moved_to(other)
    assert "incident.rescheduled" not in kinds(decide(state, same, START))
    assert "incident.rescheduled" in kinds(decide(state, moved, START))
    assert after(state, moved).window == other


def test_a_window_that_is_moved_after_the_end_is_told_to_a_supervisor() -> None:
    state = after(acted(incident(), "close"), moved_to(window(START, 4)))
    assert [one.reason for one in state.escalations.values() if one.open] == ["updated_after_end"]
