"""A sender without "+" has as many readings as there are countries in which it is a number."""

import pytest

from dispatch.services.core.phone_numbers import readings


@pytest.mark.parametrize("sender", ["+33639980001", "0033639980001", "+33 6 39 98 00 01"])
def test_an_international_number_has_one_reading(sender: str) -> None:
    assert readings(sender) == ["+33639980001"]


@pytest.mark.parametrize("sender", ["0639980001", "33639980001", "639980001", "06 39 98 00 01"])
def test_a_number_without_its_country_may_be_french(sender: str) -> None:
    assert "+33639980001" in readings(sender)


def test_a_number_may_be_one_of_two_countries() -> None:
    assert {"+33687751234", "+687751234"} <= set(readings("687751234"))


def test_a_french_number_may_be_one_overseas() -> None:
    assert {"+33692123456", "+262692123456"} <= set(readings("0692123456"))


def test_a_national_number_is_read_in_the_country_of_the_organisation() -> None:
    assert "+32470123456" in readings("0470123456", ["BE"])
    assert "+32470123456" not in readings("0470123456")


@pytest.mark.parametrize("sender", ["RENFORT", "+", "é", "", "+0"])
def test_what_is_no_number_has_no_reading(sender: str) -> None:
    assert readings(sender) == []
