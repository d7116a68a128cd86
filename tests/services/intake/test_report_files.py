"""Files of reports: maps of other cities, local times, lines that are no report."""

import os
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from dispatch.cli.demo.emergency_calls import DATA
from dispatch.services.core.csv_tables import parse_table, read_table
from dispatch.services.core.errors import InvalidError
from dispatch.services.intake.file_problems import FileProblem, by_message
from dispatch.services.intake.report_files import ReadFile, read_file
from dispatch.services.intake.report_maps import read_map
from schemas.base import Position

NOW = datetime(2026, 11, 22, 20, 0, tzinfo=UTC)
STANDARD = "id,kind,severity,occurred_at,lat,lon\n"
CITY = """\
columns: {id: No, kind: Type, severity: Prio, occurred_at: [Day, Time], lat: Y, lon: X}
time_zone: Europe/Paris
time_format: "%d/%m/%Y %H:%M"
kinds:
  Incendie: fire.building
  "incendie *": fire.other
  "*cardiaque*": medical.cardiac_arrest life_threatening
priorities: {P1: life_threatening, P2: urgent, "*": routine}
"""
LINES = "No;Type;Prio;Day;Time;X;Y;Officer\n"


@pytest.fixture
def city(tmp_path: Path) -> Path:
    path = tmp_path / "city.yaml"
    path.write_text(CITY, encoding="utf-8")
    return path


def read(text: str, map_file: Path | None = None) -> ReadFile:
    return read_file(parse_table(text), read_map(map_file) if map_file else None, "actual", NOW)


def problems(found: ReadFile) -> list[tuple[int, str]]:
    return [(one.line, one.field) for one in found.problems]


def test_a_map_says_what_the_columns_and_words_of_a_city_mean(city: Path) -> None:
    found = read(LINES + "7;INCENDIE Usine;P2;31/12/2025;23:58;7,75;48,58;Muller\n", city)
    (report,) = found.reports
    body = report.read.body
    assert (body.id, body.kind, body.severity, body.position) == (
        "7", "fire.other", "urgent", Position(lat=48.58, lon=7.75),
    )  # fmt: skip
    assert body.occurred_at.isoformat() == "2025-12-31T23:58:00+01:00"


@pytest.mark.parametrize(
    ("words", "priority", "meaning"),
    [
        ("incendie", "P2", ("fire.building", "urgent")),
        ("Arrêt cardiaque", "P9", ("medical.cardiac_arrest", "life_threatening")),
        ("Incendie", "", ("fire.building", "urgent")),
        ("Incendie", "p1", ("fire.building", "life_threatening")),
        ("Incendie", "P7", ("fire.building", "routine")),
    ],
)
def test_an_exact_word_counts_before_a_pattern_and_the_kinds_own_severity_before_the_priority(
    city: Path, words: str, priority: str, meaning: tuple[str, str]
) -> None:
    (report,) = read(LINES + f"7;{words};{priority};31/12/2025;23:58;7.75;48.58;\n", city).reports
    assert (report.read.body.kind, report.read.body.severity) == meaning


@pytest.mark.parametrize(
    ("old", "new", "line", "word"),
    [
        ("No,", "No, id: Nr,", 1, "twice"),
        ("X}", "Y}", 1, "'Y' is named twice: for `lat` and for `lon`"),
        ("kind: Type", "knid: Type", 1, "did you mean 'kind'?"),
        ("id: No, ", "", 1, "no `id`"),
        ("kind: Type, ", "", 1, "no `kind`"),
        (", lon: X", "", 1, "`lat` and `lon` go together"),
        ("Europe/Paris", "Europe/Pari", 2, "did you mean 'Europe/Paris'?"),
        ("fire.building", "Fire!", 5, "write a kind as"),
        (" life_threatening\n", " life_treatening\n", 7, "did you mean 'life_threatening'?"),
        ("P2: urgent", "P2: urgnt", 8, "did you mean 'urgent'?"),
        ("priorities:", "priority:", 8, "did you mean 'priorities'?"),
        ("time_zone:", "\ttime_zone:", 2, "indent with spaces"),
    ],
)
def test_a_mistake_in_a_map_is_named_by_its_line_with_the_cure(
    city: Path, old: str, new: str, line: int, word: str
) -> None:
    city.write_text(CITY.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(InvalidError) as refused:
        read_map(city)
    assert f"city.yaml:{line}:" in str(refused.value)
    assert word in str(refused.value)


def test_a_map_that_is_absent_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidError, match=r"gone\.yaml: No such file"):
        read_map(tmp_path / "gone.yaml")


def test_columns_of_a_map_that_the_file_does_not_have_stop_it(city: Path) -> None:
    with pytest.raises(InvalidError, match=r"'Type' \(did you mean 'Typ'\?\), 'Prio'"):
        read("No;Typ;Day;Time;X;Y\n", city)


def test_without_a_map_unknown_columns_stop_the_file() -> None:
    with pytest.raises(InvalidError, match=r"'latitude' \(did you mean 'lat'\?\)"):
        read("id,kind,latitude,lon\n1,fire.car,48,7\n")


def test_the_columns_may_be_written_in_any_case() -> None:
    (report,) = read("ID,Kind,Occurred At\n1,fire.car,2026-11-22T10:00:00Z\n").reports
    assert (report.read.body.kind, report.timed) == ("fire.car", True)


@pytest.mark.parametrize(
    ("local", "result"),
    [
        ("2026-03-29T01:59", "2026-03-29T01:59:00+01:00"),
        ("2026-03-29T02:30", None),
        ("2026-10-25T02:30", "2026-10-25T02:30:00+02:00"),
        ("2026-10-25T02:30+01:00", "2026-10-25T02:30:00+01:00"),
    ],
)
def test_a_local_time_that_the_clocks_skip_is_none_and_of_one_that_comes_twice_the_first_is_meant(
    tmp_path: Path, local: str, result: str | None
) -> None:
    path = tmp_path / "map.yaml"
    path.write_text("columns: {id: id, kind: kind, occurred_at: at}\ntime_zone: Europe/Paris\n")
    found = read(f"id,kind,at\n1,fire.car,{local}\n", path)
    assert [one.read.body.occurred_at.isoformat() for one in found.reports] == [result] * (result is not None)
    assert found.ambiguous == (result == "2026-10-25T02:30:00+02:00")
    assert problems(found) == ([] if result else [(2, "occurred_at")])


@pytest.mark.parametrize(
    ("line", "field"),
    [
        (",fire.car,urgent,,,", "id"),
        ("1,,urgent,,,", "kind"),
        ("1,Feu!,urgent,,,", "kind"),
        ("1,fire.car,urgnt,,,", "severity"),
        ("1,fire.car,urgent,yesterday,,", "occurred_at"),
        ("1,fire.car,urgent,2026-11-22T10:00:00,,", "occurred_at"),
        ("1,fire.car,urgent,2026-11-23T10:00:00Z,,", "occurred_at"),
        ("1,fire.car,life_threatening,2026-11-23T10:00:00Z,,", "occurred_at"),
        ("1,fire.car,urgent,1999-11-23T10:00:00Z,,", "occurred_at"),
        ("1,fire.car,urgent,,98.5,7", "lat"),
        ("1,fire.car,urgent,,48.5,north", "lon"),
        ("1,fire.car,urgent,,48.5,", "position"),
    ],
)
def test_a_line_that_is_no_report_is_named_and_the_others_are_read(line: str, field: str) -> None:
    found = read(STANDARD + "0,fire.car,urgent,,48.5,7.7\n" + line + "\n2,fire.car,urgent,,48.5,7.7\n")
    assert [one.read.body.id for one in found.reports] == ["0", "2"]
    assert problems(found) == [(3, field)]
    assert found.lines == 3


def test_a_life_threatening_line_is_taken_without_what_cannot_be_read() -> None:
    text = "id,kind,severity,hazards,professional_reference\n1,fire.car,life_threatening,bees fire,n°7\n"
    (report,) = read(text).reports
    assert report.read.salvaged is not None
    assert report.read.salvaged.dropped == ("hazards", "professional")
    assert report.read.body.hazards == ("fire",)


def test_lines_that_repeat_a_report_are_one_and_lines_that_contradict_it_are_named() -> None:
    line = "1,fire.car,urgent,2026-11-22T10:00:00Z,48.5,7.7\n"
    found = read(STANDARD + line + line + line.replace("48.5", "48.6"))
    assert (len(found.reports), found.repeated, found.reports[0].units) == (1, 1, 2)
    assert problems(found) == [(4, "id")]


def test_an_unclosed_quote_costs_one_line() -> None:
    found = read('id,kind,description\n1,fire.car,"open\n2,fire.car,\n3,fire.car,"closed"\n')
    assert [one.read.body.id for one in found.reports] == ["2", "3"]
    assert problems(found) == [(2, "")]


def test_a_mistake_on_many_lines_is_named_once_with_every_line() -> None:
    many = [FileProblem(line, "severity", "not known", "high") for line in (2, 3, 4, 9)]
    assert by_message([*many, FileProblem(5, "", "cut off")]) == [
        "2-4, 9: severity: not known (such as 'high')", "5: cut off",
    ]  # fmt: skip


def test_a_file_whose_every_line_is_bad_has_no_report_and_one_mistake() -> None:
    found = read(STANDARD + "".join(f"{n},fire.car,high,,48.5,7.7\n" for n in range(40)))
    assert (found.reports, found.lines) == ([], 40)
    (text,) = by_message(found.problems)
    assert text.startswith("2-41: severity: not one of life_threatening, urgent, routine")


@pytest.fixture
def incidents() -> Path:
    folder = os.environ.get("DISPATCH_REAL_DATA")
    if not folder:
        pytest.skip("DISPATCH_REAL_DATA names no folder of real samples")
    return Path(folder) / "incidents"


def shipped(name: str) -> Any:  # noqa: ANN401 - a map
    return read_map(Path(str(DATA)) / f"{name}.yaml")


def test_a_week_of_san_francisco_is_3560_reports_of_7704_lines(incidents: Path) -> None:
    table = read_table(next(incidents.glob("sf_*.csv")))
    found = read_file(table, shipped("datasf"), "exercise", NOW)
    assert (len(found.reports), found.repeated, found.problems) == (3560, 7704 - 3560, [])
    assert sum(one.units for one in found.reports) == 7704


def test_a_thousand_calls_of_seattle_are_read_with_ten_lines_of_map(incidents: Path) -> None:
    table = read_table(incidents / "seattle_fire911_1000.csv")
    found = read_file(table, shipped("seattle"), "exercise", NOW)
    assert (len(found.reports), found.problems) == (1000, [])
    assert sum(one.read.body.position is None for one in found.reports) == 5
    kinds = Counter(one.read.body.kind for one in found.reports)
    assert kinds["medical.other"] == 461


WINDOWED = "id,kind,severity,lat,lon,from,to\n"


def test_a_file_says_when_people_are_needed() -> None:
    (report,) = read(
        WINDOWED + "7,event.run,routine,48.5,7.7,2026-11-23T07:30+01:00,2026-11-23T12:00+01:00\n"
    ).reports
    assert report.read.body.window is not None
    assert report.read.body.window.starts_at.isoformat() == "2026-11-23T07:30:00+01:00"


@pytest.mark.parametrize(
    ("start", "end", "field", "words"),
    [
        ("2026-11-23T07:30+01:00", "", "window", "only from"),
        ("2026-11-23T07:30+01:00", "2026-11-23T07:00+01:00", "to", "must end after it starts"),
        ("2026-11-21T07:30+01:00", "2026-11-21T08:30+01:00", "to", "is over"),
        ("2026-11-23T07:30", "2026-11-23T08:30+01:00", "from", "without its zone"),
    ],
)
def test_a_window_that_cannot_be_is_a_bad_line(start: str, end: str, field: str, words: str) -> None:
    (problem,) = read(WINDOWED + f"7,event.run,routine,48.5,7.7,{start},{end}\n").problems
    assert problem.field == field
    assert words in problem.message
