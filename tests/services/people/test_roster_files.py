"""Rosters as CSV files."""

import pytest

from dispatch.services.people import roster_files
from tests.conftest import START

TODAY = START.date()
SHEET = """\
name,phone,language,skills,lat,lon,birth_date,consent,availability
Ada,+33639980001,fr,first_aid;aed,48.58,7.75,1990-01-31,sms;drills,available
Bob,06 39 98 00 02,en,pump|driver,48.59,7.76,1985-12-01,sms,on_call
"""


def test_a_sheet_is_read_into_volunteers() -> None:
    bodies, problems = roster_files.read_csv(SHEET, TODAY)
    assert problems == []
    assert [body.name for body in bodies] == ["Ada", "Bob"]
    assert bodies[0].consent == ("sms", "drills")
    assert bodies[1].skills == ("pump", "driver")


def test_a_french_spreadsheet_is_read_too() -> None:
    sheet = (
        "\ufeffname;phone;language;skills;lat;lon;birth_date;consent;availability\r\n"
        "Ada;0639980001;fr;first_aid aed;48,58;7,75;1990-01-31;sms;available\r\n"
    )
    bodies, problems = roster_files.read_csv(sheet, TODAY)
    assert problems == []
    assert (bodies[0].skills, bodies[0].position.lat) == (("first_aid", "aed"), 48.58)


@pytest.mark.parametrize(
    ("line", "field"),
    [
        ("Ada,12,fr,,48,7,1990-01-31,sms,available", "phone"),
        ("Ada,+33639980009,de,,48,7,1990-01-31,sms,available", "language"),
        ("Ada,+33639980009,fr,,98,7,1990-01-31,sms,available", "lat"),
        ("Ada,+33639980009,fr,,48,,1990-01-31,sms,available", "lon"),
        ("Ada,+33639980009,fr,,48,7,31/01/1990,sms,available", "birth_date"),
        ("Ada,+33639980009,fr,,48,7,2090-01-31,sms,available", "birth_date"),
        ("Ada,+33639980009,fr,,48,7,1990-01-31,fax,available", "consent"),
        ("Ada,+33639980009,fr,First Aid!,48,7,1990-01-31,sms,available", "skills"),
        (",+33639980009,fr,,48,7,1990-01-31,sms,available", "name"),
        ("Ada,+33639980001,fr,,48,7,1990-01-31,sms,available", "phone"),
    ],
)
def test_an_invalid_line_is_reported_and_the_others_are_read(line: str, field: str) -> None:
    bodies, problems = roster_files.read_csv(SHEET + line, TODAY)
    assert len(bodies) == 2
    assert {(problem.line, problem.field) for problem in problems} == {(4, field)}


def test_a_problem_does_not_repeat_the_content_of_the_line() -> None:
    _, problems = roster_files.read_csv(SHEET + "Secret Name,nine,fr,,48,7,1990-01-31,sms,available", TODAY)
    assert problems
    assert "Secret" not in repr(problems)
    assert "nine" not in repr(problems)


@pytest.mark.parametrize("text", ["", "name,phone\nAda,06", "\x00", "name\n" * 3, '"' * 9])
def test_a_sheet_without_the_required_columns_is_rejected_with_their_names(text: str) -> None:
    bodies, problems = roster_files.read_csv(text, TODAY)
    assert bodies == []
    assert problems[0].line == 1
    assert "birth_date" in problems[0].message
