"""Phone numbers: one spelling, valid for their country."""

import pytest

from dispatch.services.core.errors import InvalidError
from dispatch.services.core.phone_numbers import e164, readings, takes_no_texts


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("06 12 34 56 78", "+33612345678"),
        ("06.12.34.56.78", "+33612345678"),
        ("+33 (0)6 12 34 56 78", "+33612345678"),
        ("0033 6 12 34 56 78", "+33612345678"),
        ("33612345678", "+33612345678"),
        ("612345678", "+33612345678"),
        ("'0612345678", "+33612345678"),
        ('="0612345678"', "+33612345678"),
        ("tel:+33612345678", "+33612345678"),
        ("Tél. 06 12 34 56 78", "+33612345678"),
        ("0687751234", "+33687751234"),
        ("+687751234", "+687751234"),
        ("612345678.0", "+33612345678"),
        ("06\u00a012\u202f34 56 78", "+33612345678"),
        ("06 39 98 00 01", "+33639980001"),
        ("01 99 00 00 01", "+33199000001"),
        ("0692 12 34 56", "+262692123456"),
        ("0639 69 12 34", "+262639691234"),
        ("0690 35 12 34", "+590690351234"),
        ("0694 20 12 34", "+594694201234"),
        ("0696 25 12 34", "+596696251234"),
        ("0262 20 12 34", "+262262201234"),
        ("0590 82 12 34", "+590590821234"),
        ("+687 76 12 34", "+687761234"),
        ("+689 87 12 34 56", "+68987123456"),
        ("+508 55 12 34", "+508551234"),
        ("+44 7700 900123", "+447700900123"),
        ("+1 202 555 0123", "+12025550123"),
        ("+32 470 12 34 56", "+32470123456"),
    ],
)
def test_a_number_is_read_as_people_write_it(text: str, number: str) -> None:
    assert e164(text) == number


@pytest.mark.parametrize(
    ("text", "region", "number"),
    [
        ("0692 12 34 56", "RE", "+262692123456"),
        ("06 12 34 56 78", "RE", "+33612345678"),
        ("76 12 34", "NC", "+687761234"),
        ("0470 12 34 56", "BE", "+32470123456"),
        ("07700 900123", "GB", "+447700900123"),
    ],
)
def test_a_number_without_a_country_code_is_one_of_the_organisations_country(
    text: str, region: str, number: str
) -> None:
    assert e164(text, region=region) == number


@pytest.mark.parametrize(
    "text",
    ["12", "", "00 00 00 00 00", "06 12 34 56 7", "06 12 34 56 789", "0012345678", "6,12E+08", "6.12345678E+8",
     "06 12 34 56 78 / 03 88 11 22 33", "portable", "0812345678901", "+33 0 00 00 00 00", "+999 123456"],
)  # fmt: skip
def test_a_number_that_no_phone_can_have_is_invalid(text: str) -> None:
    with pytest.raises(InvalidError):
        e164(text)


def test_a_number_without_its_zero_that_is_complete_in_another_country_is_not_guessed() -> None:
    with pytest.raises(InvalidError, match="a number of two countries: write it with \\+"):
        e164("687751234")
    assert e164("687751234", region="NC") == "+687751234"
    assert e164("2025550143", region="US") == "+12025550143"


def test_a_number_that_a_spreadsheet_shortened_names_the_cure() -> None:
    with pytest.raises(InvalidError, match="format the column as text"):
        e164("6,39980001E+08")


@pytest.mark.parametrize(
    ("number", "landline"),
    [
        ("+33388112233", True), ("+33199000001", True), ("+33612345678", False), ("+33639980001", False),
        ("+262262201234", True), ("+262692123456", False), ("+12025550123", False), ("+447700900123", False),
    ],
)  # fmt: skip
def test_a_landline_receives_no_texts(number: str, *, landline: bool) -> None:
    assert takes_no_texts(number) is landline


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
