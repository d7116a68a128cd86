"""Which pages are one text, which the text names, and when the next text may follow."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from dispatch.domain.messaging.page_groups import BURST, SUSTAINED, WINDOW, Pace, Waiting, next_text_at, worst

NOW = datetime(2026, 11, 30, 3, 0, tzinfo=UTC)


def page(severity: str | None = "urgent", reason: str = "uncovered", **changes: object) -> Waiting:
    fields = {"status": "raised", "level": 2, "raised_at": NOW, "told": False} | changes
    return Waiting(message_id=uuid4(), subject_id=uuid4(), reason=reason, severity=severity, **fields)  # type: ignore[arg-type]


def test_the_worst_is_danger_then_a_life_then_the_higher_level_then_the_older() -> None:
    danger = page("routine", "danger")
    life = page("life_threatening", level=1)
    high, older, newer = page(level=3), page(raised_at=NOW - timedelta(minutes=9)), page()
    routine = page("routine", level=5)
    found = [routine, newer, older, high, life, danger]
    for wanted in (danger, life, high, older, newer, routine):
        assert worst(found) == wanted
        found.remove(wanted)
    assert worst([]) is None


def test_what_is_acknowledged_or_resolved_is_never_the_worst() -> None:
    assert worst([page("life_threatening", status="acknowledged"), page("routine")]).severity == "routine"  # type: ignore[union-attr]
    assert worst([page(status="resolved")]) is None


def test_the_first_page_goes_at_once() -> None:
    assert next_text_at(Pace(None, 0), [page("routine")]) is None


@pytest.mark.parametrize("texts", [1, BURST - 1])
def test_pages_within_a_minute_of_a_text_are_the_next_text(texts: int) -> None:
    assert next_text_at(Pace(NOW, texts), [page()]) == NOW + timedelta(minutes=1)


@pytest.mark.parametrize(
    "calm", [page("routine"), page("life_threatening", "no_plan"), page("urgent", "outside_area")]
)
def test_what_is_calm_keeps_ten_minutes_from_the_last_text(calm: Waiting) -> None:
    assert next_text_at(Pace(NOW, 1), [calm]) == NOW + timedelta(minutes=10)
    assert next_text_at(Pace(NOW, 1), [calm, page()]) == NOW + timedelta(minutes=1)
    assert next_text_at(Pace(NOW, 1), [page("routine", "by_hand")]) == NOW + timedelta(minutes=1)


def test_after_ten_texts_there_is_one_in_ten_minutes() -> None:
    assert next_text_at(Pace(NOW, BURST), [page(), page("routine")]) == NOW + timedelta(minutes=10)


@pytest.mark.parametrize("grave", [page("life_threatening"), page("routine", "danger")])
def test_what_is_grave_and_new_never_waits_for_longer_than_a_minute(grave: Waiting) -> None:
    assert next_text_at(Pace(NOW, 30), [page(), grave]) == NOW + timedelta(minutes=1)


@pytest.mark.parametrize(
    "grave",
    [
        page("life_threatening", told=True),
        page("life_threatening", status="acknowledged"),
        page("life_threatening", "no_plan"),
    ],
)
def test_what_the_contact_knows_nobody_has_to_see_or_lacks_nobody_presses_not(grave: Waiting) -> None:
    assert next_text_at(Pace(NOW, BURST), [grave]) == NOW + timedelta(minutes=10)


def test_texts_about_what_is_known_are_one_in_ten_minutes_on_average_and_ten_in_the_first_ten() -> None:
    sent: list[datetime] = []
    now = NOW
    while now < NOW + timedelta(hours=24):
        pace = Pace(sent[-1] if sent else None, sum(at > now - WINDOW for at in sent))
        due = next_text_at(pace, [page("life_threatening", told=True)])
        if due is None or due <= now:
            sent.append(now)
        now += timedelta(seconds=10)
    first = [at for at in sent if at < NOW + SUSTAINED]
    assert len(first) == 10
    assert len(sent) <= 24 * 6 + BURST
