"""Rosters as CSV files: what their columns and cells say, and the mistakes in them."""

from datetime import date
from pathlib import Path

import pytest

from dispatch.domain.places.service_area import Area
from dispatch.services.core.csv_tables import decode
from dispatch.services.core.errors import InvalidError
from dispatch.services.people.roster_cells import GivenSkill
from dispatch.services.people.roster_entry import RosterEntry
from dispatch.services.people.roster_files import Reading, RosterFile, read_roster
from tests.conftest import START

EXAMPLES = Path(__file__).parents[3] / "docs" / "examples"
TODAY = START.date()
READING = Reading(TODAY)
ALSACE = Reading(TODAY, area=Area(48.1, 6.9, 49.1, 8.3))
HEADER = "name,phone,language,skills,lat,lon,birth_date,consent,availability\n"
SHEET = (
    HEADER
    + "Ada,+33639980001,fr,first_aid;aed,48.58,7.75,1990-01-31,sms;drills,available\n"
    + "Bob,06 39 98 00 02,en,pump|driver,48.59,7.76,1985-12-01,sms,on_call\n"
)


def entries(text: str, reading: Reading = READING) -> list[RosterEntry]:
    file = read_roster(text, reading)
    assert file.problems.listed() == []
    return [line.entry for line in file.lines]


def mistakes(file: RosterFile) -> list[tuple[str, str]]:
    return [(problem.lines, problem.field) for problem in file.problems.listed()]


def line(**changes: str) -> str:
    """Return a line of a file with all columns."""
    cells = {
        "name": "Ada", "phone": "+33639980009", "language": "fr", "skills": "first_aid", "lat": "48.58", "lon": "7.75",
        "birth_date": "1990-01-31", "consent": "sms", "availability": "available",
    }  # fmt: skip
    return ",".join((cells | changes).values()) + "\n"


def test_a_sheet_is_read_into_what_it_says() -> None:
    ada, bob = entries(SHEET)
    assert (ada.name, ada.phone, ada.consent) == ("Ada", "+33639980001", ("sms", "drills"))
    assert (bob.phone, bob.skills) == ("+33639980002", (GivenSkill("pump"), GivenSkill("driver")))
    assert bob.birth_date == date(1985, 12, 1)


def test_a_french_spreadsheet_with_french_headings_is_read_too() -> None:
    sheet = (
        "\ufeffNOM;Prénom;Téléphone portable;Langue;Compétences;Latitude;Longitude;Date de naissance;"
        "Consentement;Disponibilité (code)\r\n"
        "Müller;Zoé;0639980001;français;first_aid aed;48,58;7,75;31/01/1990;SMS et exercices;Indisponible\r\n"
    )
    (zoe,) = entries(sheet)
    assert zoe == RosterEntry(
        phone="+33639980001", name="Zoé Müller", birth_date=date(1990, 1, 31), home=zoe.home, language="fr",
        skills=(GivenSkill("first_aid"), GivenSkill("aed")), consent=("sms", "drills"), availability="unavailable",
    )  # fmt: skip
    assert zoe.home is not None
    assert (zoe.home.lat, zoe.home.lon) == (48.58, 7.75)


def test_a_column_that_is_not_there_says_nothing() -> None:
    (entry,) = entries("phone\tnom\n0639980001\tAda\n")
    assert entry == RosterEntry(phone="+33639980001", name="Ada")


def test_an_empty_cell_says_nothing_but_of_skills_and_consent_that_there_are_none() -> None:
    (entry,) = entries(HEADER + ",0639980001,,,,,,,\n")
    assert entry == RosterEntry(phone="+33639980001", skills=(), consent=())


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ("name,telefone", "`telefone`: did you mean `phone`?"),
        ("name,phone,skils", "`skils`: did you mean `skills`?"),
        ("nom,téléphone,compétance", "`compétance`: did you mean `skills`?"),
        ("nom,prenon,portable", "`prenon`: did you mean `prénom`?"),
        ("name,phone,Remarques", "`Remarques`: no such column"),
        ("name,phone,birth_dat,latitud", "`latitud`: did you mean `lat`?"),
        ("name,lat,lon", "no column `phone` (téléphone)"),
        ("name,téléphone,portable", "`téléphone` and `portable` both mean phone: ignore one of them"),
        ("nom complet,prénom,phone", "both give the name"),
        ("nom,téléphone,lat,lon,lat", "`lat` appears twice: remove one"),
        (
            "nom,telephonne,lat,lat",
            "did you mean `phone`?; correct the names, or leave columns out: --ignore telephonne; `lat` appears",
        ),
        (
            "phone,skills,Valable jusqu'au",
            "`Valable jusqu'au`: the last day of a skill is written after it, as first_",
        ),
        ("phone,skills,Expiry date", "`Expiry date`: the last day of a skill"),
        (
            "téléphone,Tél. fixe,Adresse",
            "`Tél. fixe`, `Adresse`: no such columns; correct the names, or leave columns out: --ignore 'Tél. fi",
        ),
    ],
)
def test_a_header_that_nothing_reads_stops_the_file_and_says_what_is_meant(header: str, said: str) -> None:
    with pytest.raises(InvalidError) as stopped:
        read_roster(f"{header}\nAda,0639980001\n", READING)
    assert said in str(stopped.value)
    assert "Nothing was imported" in str(stopped.value)


def test_titles_above_the_names_of_the_columns_are_named_by_the_line_below_them() -> None:
    sheet = "Centre de secours;;\r\nau 03/04/2026;;\r\n;;\r\nNOM Prénom;Tél. portable;Équipe\r\nAda;0639980001;A\r\n"
    with pytest.raises(InvalidError, match="line 4 seems to: remove the lines above it"):
        read_roster(sheet, READING)


def test_a_file_without_a_line_below_its_columns_is_stopped() -> None:
    with pytest.raises(InvalidError, match="no line below the names of the columns"):
        read_roster(HEADER, READING)


def test_a_column_that_is_ignored_may_appear_twice() -> None:
    (entry,) = entries("phone;Note;Note\n0639980001;a;b\n", Reading(TODAY, ignored=["note"]))
    assert entry.phone == "+33639980001"


def test_a_column_that_is_ignored_does_not_stop_the_file() -> None:
    reading = Reading(TODAY, ignored=["remarques"])
    (entry,) = entries("phone;Remarques\n0639980001;à rappeler\n", reading)
    assert entry.phone == "+33639980001"


@pytest.mark.parametrize("text", ["Ada,0639980001,fr\nBob,0639980002,en\n", "nonsense", "a;b\n" * 3])
def test_a_file_without_a_header_is_stopped_without_repeating_its_content(text: str) -> None:
    with pytest.raises(InvalidError, match="the first line must name the columns") as stopped:
        read_roster(text, READING)
    assert "Ada" not in str(stopped.value)
    assert "birth_date" in str(stopped.value)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"phone": "12"}, "phone"),
        ({"phone": ""}, "phone"),
        ({"phone": "6.3998E+8"}, "phone"),
        ({"language": "de"}, "language"),
        ({"lat": "98"}, "lat"),
        ({"lon": ""}, "lon"),
        ({"lat": "0", "lon": "0"}, "lat"),
        ({"birth_date": "2090-01-31"}, "birth_date"),
        ({"birth_date": "31/02/1990"}, "birth_date"),
        ({"birth_date": "12/31/1990"}, "birth_date"),
        ({"birth_date": "0"}, "birth_date"),
        ({"birth_date": "32874"}, "birth_date"),
        ({"birth_date": "00/01/1900"}, "birth_date"),
        ({"birth_date": "1900-01-01"}, "birth_date"),
        ({"consent": "fax"}, "consent"),
        ({"consent": "oui"}, "consent"),
        ({"availability": "parfois"}, "availability"),
        ({"skills": "First Aid!"}, "skills"),
        ({"skills": "first_aid:bientôt"}, "skills"),
        ({"skills": "first_aid (31/12/2026)"}, "skills"),
        ({"skills": "first_aid 2027-06-30 / driver 2028-01-15"}, "skills"),
        ({"skills": "Premiers secours 2027"}, "skills"),
        ({"phone": "+33639980001"}, "phone"),
        ({"name": "#N/A"}, "name"),
    ],
)
def test_an_invalid_line_is_reported_and_the_others_are_read(changes: dict[str, str], field: str) -> None:
    file = read_roster(SHEET + line(**changes), READING)
    assert [one.entry.name for one in file.lines] == ["Ada", "Bob"]
    assert mistakes(file) == [("4", field)]


def test_a_mistake_on_forty_lines_is_named_once_with_its_lines_and_its_cure() -> None:
    sheet = HEADER + "".join(line(phone=f"063998{n:04d}", birth_date="0") for n in range(40))
    (problem,) = read_roster(sheet + line(phone="12"), READING).problems.listed()[:1]
    assert (problem.lines, problem.count, problem.field) == ("2-41", 40, "birth_date")
    assert "write 31/12/1980" in problem.message


def test_two_people_on_one_number_are_named_and_the_first_stays() -> None:
    file = read_roster(SHEET + line(name="Carl", phone="0639980002"), READING)
    (problem,) = file.problems.listed()
    assert (problem.line, problem.message) == (4, "the same number as on line 3: one number is one person")
    assert [one.entry.name for one in file.lines] == ["Ada", "Bob"]


def test_lines_that_say_the_same_of_one_number_are_read_once_and_are_no_mistake() -> None:
    file = read_roster(SHEET + line() + line(phone="0639980009") + line(phone="0033639980009"), READING)
    assert ([one.line for one in file.lines], mistakes(file)) == ([2, 3, 4], [])
    assert [(one.lines, one.message) for one in file.warnings.listed()] == [
        ("5-6", "says the same as line 4: read once")
    ]


def test_a_line_that_says_other_things_of_one_number_is_a_mistake() -> None:
    file = read_roster(SHEET + line() + line(skills="driver") + line(language="xx"), READING)
    assert mistakes(file) == [("5-6", "phone"), ("6", "language")]


@pytest.mark.parametrize(
    ("born", "lines"), [("2024-04-03", ["4"]), ("2010-11-23", ["4"]), ("2010-11-22", [])]
)
def test_a_birth_date_of_a_child_is_a_warning(born: str, lines: list[str]) -> None:
    file = read_roster(SHEET + line(birth_date=born), READING)
    assert (mistakes(file), [one.lines for one in file.warnings.listed()]) == ([], lines)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"birth_date": "1985"}, "a year alone"),
        ({"birth_date": "0"}, "leave it empty for people who are on the roster already"),
        ({"lat": "1050352.7", "lon": "6840899.3"}, "metres (such as Lambert-93)"),
        ({"skills": "first_aid (31/12/2026)"}, "after a colon, as first_aid:2027-05-31"),
    ],
)
def test_a_mistake_names_its_own_cure(changes: dict[str, str], said: str) -> None:
    (problem,) = read_roster(SHEET + line(**changes), READING).problems.listed()
    assert said in problem.message


def test_a_problem_does_not_repeat_the_content_of_the_line() -> None:
    file = read_roster(SHEET + line(name="Secret Name", phone="nine", language="xx", lat="x"), READING)
    assert len(file.problems.listed()) == 3
    assert "Secret" not in repr(file.problems.listed())
    assert "nine" not in repr(file.problems.listed())


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        ("Eve,0639980003,fr,48.58,7.75,1990-01-31,sms,available\n", "1 cell fewer"),
        ("Eve,0639980003,fr,,48,58,7,75,1990-01-31,sms,available\n", "11 cells, but 9 columns"),
        ('"Eve,0639980003,fr,,48.58,7.75,1990-01-31,sms,available\n', "quote that opens in this line"),
    ],
)
def test_a_line_whose_cells_are_shifted_is_left_out_and_named(bad: str, said: str) -> None:
    file = read_roster(SHEET + bad + line(), READING)
    (problem,) = file.problems.listed()
    assert (problem.line, file.unknown_people, len(file.lines)) == (4, 1, 3)
    assert said in problem.message


def test_swapped_coordinates_are_recognised_by_the_area() -> None:
    file = read_roster(SHEET + line(lat="7.75", lon="48.58"), ALSACE)
    (problem,) = file.problems.listed()
    assert (problem.line, problem.message) == (
        4, "lat and lon are exchanged: exchange the two columns, or these two cells",
    )  # fmt: skip


def test_without_an_area_swapped_coordinates_are_recognised_by_the_country() -> None:
    assert mistakes(read_roster(SHEET + line(lat="7.75", lon="48.58"), READING)) == [("4", "lat")]


def test_a_home_outside_the_area_is_a_warning() -> None:
    file = read_roster(SHEET + line(lat="43.3", lon="5.4"), ALSACE)
    assert (len(file.lines), mistakes(file)) == (3, [])
    assert [(one.lines, one.field) for one in file.warnings.listed()] == [("4", "lat")]


@pytest.mark.parametrize(
    ("text", "born"),
    [
        ("31/12/1980", date(1980, 12, 31)), ("31-12-1980", date(1980, 12, 31)), ("1.2.1980", date(1980, 2, 1)),
        ("1980-12-31", date(1980, 12, 31)), ("1980-12-31 00:00:00", date(1980, 12, 31)),
        ("1er février 1980", date(1980, 2, 1)), ("31 déc. 1980", date(1980, 12, 31)), ("5/6/85", date(1985, 6, 5)),
        ("05/06/03", date(2003, 6, 5)), ("'31/12/1980", date(1980, 12, 31)),
    ],
)  # fmt: skip
def test_a_date_is_read_in_the_french_form_and_in_the_international_one(text: str, born: date) -> None:
    (_, _, entry) = entries(SHEET + line(birth_date=text))
    assert entry.birth_date == born


@pytest.mark.parametrize(
    ("text", "skills"),
    [
        ("first_aid:2027-05-31", (GivenSkill("first_aid", date(2027, 5, 31), limited=True),)),
        ("first_aid : 31/05/2027; driver", (
            GivenSkill("first_aid", date(2027, 5, 31), limited=True), GivenSkill("driver"),
        )),
        ("first_aid:never", (GivenSkill("first_aid", None, limited=True),)),
        ("Permis bateau / Chef d'équipe", (GivenSkill("permis_bateau"), GivenSkill("chef_d_equipe"))),
        ("PSE1 et PSE2".lower(), (GivenSkill("pse1"), GivenSkill("pse2"))),
        ("First Aid; PSE1", (GivenSkill("first_aid"), GivenSkill("pse1"))),
        ("aucune", ()),
    ],
)  # fmt: skip
def test_a_skill_may_name_its_last_day(text: str, skills: tuple[GivenSkill, ...]) -> None:
    (_, _, entry) = entries(SHEET + line(skills=text), Reading(TODAY, skills=["first_aid"]))
    assert entry.skills == skills


def test_a_file_of_a_hundred_thousand_lines_with_one_mistake_on_each_names_it_once() -> None:
    sheet = "phone\n" + "12\n" * 20_000
    (problem,) = read_roster(sheet, READING).problems.listed()
    assert (problem.lines, problem.count) == ("2-20001", 20_000)


def test_letters_that_were_read_in_the_wrong_encoding_are_a_warning() -> None:
    file = read_roster(HEADER + line(name="ZoÃ©"), READING)
    assert [(one.line, one.field) for one in file.warnings.listed()] == [(2, "name")]


@pytest.mark.parametrize("name", ["roster.csv", "benevoles.csv"])
def test_the_example_rosters_are_read_without_a_mistake_or_a_warning(name: str) -> None:
    file = read_roster(decode((EXAMPLES / name).read_bytes()), ALSACE)
    assert (len(file.lines), file.problems.listed(), file.warnings.listed()) == (2, [], [])
