"""The report command: one report with its options, and sheets of reports."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import asyncpg
import orjson
import pytest

from dispatch.services.core.errors import OverloadedError
from dispatch.services.intake.admission import Admission
from dispatch.services.intake.submitting import ADVICE
from tests.cli.invocations import Dispatch, sheet

CALLS = "id,kind,severity,lat,lon,occurred_at,professional_reference,description\n"


@pytest.mark.usefixtures("organisation")
async def test_a_report_is_stored_with_all_its_options(dispatch: Dispatch, pool: asyncpg.Pool) -> None:
    words = [
        "report", "fire.building", "--lat", "-48.58", "--lon", "7.75", "--severity", "urgent", "--id", "C-7",
        "--reference", "SDIS-7", "--hazard", "fire", "--hazard", "traffic", "--mode", "exercise", "--json",
    ]  # fmt: skip
    done = await dispatch(*words)
    row = await pool.fetchrow("SELECT * FROM reports")
    assert row is not None
    assert (done.json()["report_id"], done.json()["repeated"]) == (str(row["id"]), False)
    assert (row["source"], row["source_id"], row["channel"], row["mode"]) == (
        "control-room", "C-7", "cli", "exercise",
    )  # fmt: skip
    data = orjson.loads(await pool.fetchval("SELECT body FROM journal"))
    assert data["professional"] == {"requested": True, "reference": "SDIS-7"}
    assert (data["position"], data["hazards"]) == ({"lat": -48.58, "lon": 7.75}, ["fire", "traffic"])


@pytest.mark.usefixtures("organisation")
async def test_who_has_not_called_the_emergency_services_is_told_what_http_tells(dispatch: Dispatch) -> None:
    place = ("--lat", "48.58", "--lon", "7.75")
    alone = await dispatch("report", "medical.fall", *place)
    assert ADVICE["fr"] in alone.err
    assert ADVICE["en"] in alone.err
    assert (await dispatch("report", "medical.fall", *place, "--json")).json()["advice"] == ADVICE
    called = await dispatch("report", "medical.fall", *place, "--reference", "15/7", "--json")
    assert called.json()["advice"] is None


@pytest.mark.usefixtures("organisation")
async def test_a_report_that_is_rejected_by_overload_is_sent_again_later(
    dispatch: Dispatch, pool: asyncpg.Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    refusals = [OverloadedError(0), OverloadedError(0)]

    async def admit(*_: object) -> None:
        if refusals:
            raise refusals.pop()

    monkeypatch.setattr(Admission, "admit", admit)
    done = await dispatch(
        "report", "medical.fall", "--severity", "routine", "--lat", "48.58", "--lon", "7.75"
    )
    assert (done.code, done.err.count("again in 0 s")) == (0, 2)
    assert await pool.fetchval("SELECT count(*) FROM reports") == 1


@pytest.mark.usefixtures("organisation")
@pytest.mark.parametrize(
    "where",
    [
        ("--at", "48°34'48\"N 7°45'E"),
        ("--at", "48,58; 7,75"),
        ("--at", "7.75 E, 48.58 N"),
        ("--at", "geo:48.58,7.75"),
        ("--lat", "48,58", "--lon", "7,75"),
        ("--lat", "48.58 N", "--lon", "7°45'E"),
    ],
)
async def test_a_place_is_typed_in_any_notation(
    dispatch: Dispatch, pool: asyncpg.Pool, where: tuple[str, ...]
) -> None:
    assert (await dispatch("report", "medical.fall", *where)).code == 0
    body = await pool.fetchval("SELECT body FROM journal WHERE topic = 'incident.reports'")
    place = orjson.loads(body)["position"]
    assert (place["lat"], place["lon"]) == (pytest.approx(48.58), pytest.approx(7.75))


@pytest.mark.parametrize(
    "where",
    [
        ("--at", "place de la gare"),
        ("--at", "48.58"),
        ("--at", "48.58 7.75", "--lat", "48.58"),
        ("--lat", "x"),
    ],
)
async def test_a_place_that_cannot_be_read_is_misuse(dispatch: Dispatch, where: tuple[str, ...]) -> None:
    assert (await dispatch("report", "medical.fall", *where)).code == 2


@pytest.mark.usefixtures("organisation")
async def test_the_error_for_swapped_coordinates_names_the_cause(dispatch: Dispatch) -> None:
    done = await dispatch("report", "fire.building", "--lat", "151.2", "--lon", "-33.8")
    assert (done.code, "swapped" in done.err) == (2, True)


SHEET = (
    CALLS
    + 'A,medical.fall,urgent,48.58,7.75,2026-11-22T10:00:00+01:00,S-1,"on the stairs, left"\n'
    + "B,medical.fall,urgent,48.58,7.75,2026-11-22T10:00:00,,\n"
    + "C,medical.fall,urgent,98.58,7.75,,,\n"
    + "D,medical.fall,dire,48.58,7.75,,,\n"
    + "E,medical.fall,urgent,48.58,7.75,2026-11-22T10:00:00Z,,cut, short\n"
    + "F,medical.fall,urgent,,,2026-11-22T10:00:00Z,,\n"
)
MAP = """\
columns: {id: No, kind: Type, occurred_at: Time, lat: Y, lon: X}
time_zone: Europe/Paris
kinds: {Arrêt cardiaque: medical.cardiac_arrest life_threatening, Chute: medical.fal, "*": other}
"""


@pytest.mark.usefixtures("organisation")
async def test_a_sheet_with_bad_lines_sends_nothing_and_names_each(
    dispatch: Dispatch, tmp_path: Path, pool: asyncpg.Pool
) -> None:
    done = await dispatch("report", "--csv", sheet(tmp_path, SHEET))
    assert (done.code, "--skip-bad" in done.err) == (1, True)
    fields = re.findall(r"sheet\.csv:(\d): (\w+): ", done.err)
    assert fields == [("3", "occurred_at"), ("4", "lat"), ("5", "severity")]
    assert "sheet.csv:6: 9 cells, but 8 columns" in done.err
    assert await pool.fetchval("SELECT count(*) FROM reports") == 0


@pytest.mark.usefixtures("organisation")
async def test_a_sheet_is_sent_without_its_bad_lines_where_that_is_asked(
    dispatch: Dispatch, tmp_path: Path, pool: asyncpg.Pool
) -> None:
    file = sheet(tmp_path, SHEET)
    done = await dispatch("report", "--csv", file, "--source", "sdis", "--skip-bad")
    assert (done.code, "sheet.csv:3: occurred_at" in done.err) == (0, True)
    assert [r[0] for r in await pool.fetch("SELECT source_id FROM reports ORDER BY 1")] == ["A", "F"]
    assert await pool.fetchval("SELECT description FROM report_texts") == "on the stairs, left"
    again = await dispatch("report", "--csv", file, "--source", "sdis", "--skip-bad", "--json")
    assert (again.json()["accepted"], again.json()["repeated"], len(again.json()["problems"])) == (0, 2, 4)


@pytest.mark.usefixtures("organisation")
async def test_a_sheet_whose_every_line_is_bad_fails_even_where_bad_lines_are_left_out(
    dispatch: Dispatch, tmp_path: Path
) -> None:
    file = sheet(tmp_path, CALLS + "A,,,,,,,\nB,,,,,,,\n")
    done = await dispatch("report", "--csv", file, "--skip-bad")
    assert (done.code, "2-3: kind: empty" in done.err) == (1, True)


@pytest.mark.usefixtures("organisation")
@pytest.mark.parametrize(
    ("text", "word"),
    [("id,knid\n1,fire.car\n", "did you mean 'kind'?"), ("", "empty"), ("id,kind,id\n1,2,3\n", "twice")],
)
async def test_a_sheet_that_is_no_table_of_reports_is_a_misuse(
    dispatch: Dispatch, tmp_path: Path, text: str, word: str
) -> None:
    done = await dispatch("report", "--csv", sheet(tmp_path, text))
    assert (done.code, word in done.err) == (2, True)


async def test_a_dry_run_says_how_many_have_a_plan_a_place_and_a_time_and_sends_nothing(
    dispatch: Dispatch, tmp_path: Path, pool: asyncpg.Pool
) -> None:
    (tmp_path / "map.yaml").write_text(MAP)
    file = sheet(
        tmp_path,
        "No;Type;Time;Y;X\n1;Arrêt cardiaque;2022-07-01T10:00;48,58;7,75\n2;Chute;2022-07-01T10:00;0;0\n"
        "3;Chute;;;\n4;Divers;2022-10-30T02:30;48,58;7,75\n",
    )
    words = ("report", "--csv", file, "--map", str(tmp_path / "map.yaml"), "--dry-run")
    shown, found = await dispatch(*words), await dispatch(*words, "--json")
    assert found.json() == {
        "lines": 4, "bad": 0, "repeated": 0, "reports": 4, "planned": 1, "placed": 2, "timed": 3, "stale": 1,
        "ambiguous": 1, "problems": [], "no_plan": [
            {"kind": "medical.fal", "reports": 2, "meant": None}, {"kind": "other", "reports": 1, "meant": None},
        ],
    }  # fmt: skip
    assert (shown.code, "medical.fal" in shown.out) == (0, True)
    assert await pool.fetchval("SELECT count(*) FROM reports") == 0


@pytest.mark.usefixtures("organisation")
async def test_a_kind_that_is_probably_misspelt_is_named_with_the_one_that_is_meant(
    dispatch: Dispatch, tmp_path: Path
) -> None:
    file = sheet(tmp_path, "id,kind\n1,medical.cardiac_arest\n")
    done = await dispatch("report", "--csv", file, "--mode", "exercise")
    assert (done.code, "did you mean 'medical.cardiac_arrest'?" in done.err) == (0, True)


@pytest.mark.parametrize("option", [("--map", "x.yaml"), ("--dry-run",), ("--skip-bad",)])
async def test_the_options_of_a_sheet_need_a_sheet(dispatch: Dispatch, option: tuple[str, ...]) -> None:
    done = await dispatch("report", "medical.fall", *option)
    assert (done.code, "--csv" in done.err) == (2, True)


@pytest.mark.usefixtures("organisation")
async def test_a_life_threatening_report_is_sent_without_what_is_not_valid(
    dispatch: Dispatch, pool: asyncpg.Pool
) -> None:
    words = (
        "report",
        "medical.cardiac_arrest",
        "--hazard",
        "bees",
        "--description",
        "x" * 3000,
        "--reference",
        "?",
    )
    refused = await dispatch(*words)
    done = await dispatch(*words, "--severity", "life_threatening")
    assert (refused.code, done.code) == (2, 0)
    assert "description, hazards, professional" in done.err
    assert await pool.fetchval("SELECT length(description) FROM report_texts") == 2000


@pytest.mark.usefixtures("organisation")
async def test_people_are_needed_from_and_to_a_local_time(dispatch: Dispatch, pool: asyncpg.Pool) -> None:
    day = datetime.now(UTC).date() + timedelta(days=3)
    await dispatch(
        "report", "event.run", "--at", "48.58, 7.75", "--from", f"{day} 07:30", "--to", f"{day} 12:00"
    )
    data = orjson.loads(await pool.fetchval("SELECT body FROM journal"))
    paris = [
        datetime.fromisoformat(at).astimezone(ZoneInfo("Europe/Paris")) for at in data["window"].values()
    ]
    assert [f"{at:%Y-%m-%d %H:%M}" for at in paris] == [f"{day} 07:30", f"{day} 12:00"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--from", "tomorrow", "--to", "2027-01-01 12:00"), "--from: not a time"),
        (("--from", "2027-01-01 12:00"), "both --from and --to"),
        (("--from", "2027-03-28 02:30", "--to", "2027-03-28 06:00"), "--from: no such time"),
        (
            ("--from", "2027-01-01 12:00", "--to", "2027-01-01 11:00"),
            "to: the window must end after it starts",
        ),
        (("--from", "2020-01-01 12:00", "--to", "2020-01-01 13:00"), "the window is over"),
    ],
)
@pytest.mark.usefixtures("organisation")
async def test_a_window_that_cannot_be_is_refused_in_words(
    dispatch: Dispatch, options: tuple[str, ...], words: str
) -> None:
    done = await dispatch("report", "event.run", "--at", "48.58, 7.75", *options)
    assert done.code != 0
    assert words in " ".join(done.err.split())
