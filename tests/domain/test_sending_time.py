"""The sending time orders what one person said; a clock that is wrong proves nothing."""

from datetime import timedelta

import pytest

from dispatch.domain.messaging.sending_time import plausible, said_at
from tests.domain.builders import START, at


@pytest.mark.parametrize("ahead", [timedelta(minutes=2), timedelta(hours=1), timedelta(days=400)])
def test_a_sending_time_in_the_future_is_ignored(ahead: timedelta) -> None:
    assert plausible(START + ahead, START) is None


@pytest.mark.parametrize("age", [timedelta(days=2), timedelta(days=365), timedelta(days=20_000)])
def test_an_absurdly_old_sending_time_is_ignored(age: timedelta) -> None:
    assert plausible(START - age, START) is None


@pytest.mark.parametrize("age", [timedelta(0), timedelta(minutes=10), timedelta(hours=3)])
def test_a_delayed_text_keeps_its_sending_time(age: timedelta) -> None:
    assert plausible(START - age, START) == START - age


def test_a_gateway_that_reports_no_sending_time_is_no_error() -> None:
    assert plausible(None, START) is None
    assert said_at(None, START) == START


def test_what_was_said_is_dated_by_the_sending_time_unless_that_is_an_hour_off() -> None:
    assert said_at(at(-600), START) == at(-600)
    assert said_at(at(-3600), START) == START
    assert said_at(at(5), START) == START
