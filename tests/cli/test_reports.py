"""The report command: one report with its options, and sheets of reports."""

import re
from pathlib import Path

import asyncpg
import orjson
import pytest

from dispatch.services.core.errors import OverloadedError
from dispatch.services.intake.admission import Admission
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


@pytest.mark.usefixtures("organisation")
async def test_a_sheet_of_reports_is_taken_but_for_its_bad_lines(
    dispatch: Dispatch, tmp_path: Path, pool: asyncpg.Pool
) -> None:
    file = sheet(
        tmp_path,
        CALLS
        + 'A,medical.fall,urgent,48.58,7.75,2026-11-22T10:00:00+01:00,S-1,"on the stairs, left"\n'
        + "B,medical.fall,urgent,48.58,7.75,2026-11-22T10:00:00,,\n"
        + "C,medical.fall,urgent,98.58,7.75,,,\n"
        + "D,medical.fall,dire,48.58,7.75,,,\n"
        + "E,medical.fall,urgent,48.58,7.75,2026-11-22T10:00:00Z,,cut, short\n"
        + "F,medical.fall,urgent,,,2026-11-22T10:00:00Z,,\n",
    )
    done = await dispatch("report", "--csv", file, "--source", "sdis")
    assert done.code == 1
    fields = re.findall(r"sheet\.csv:(\d): (\w+): ", done.err)
    assert fields == [("3", "occurred_at"), ("4", "lat"), ("5", "severity"), ("6", "description")]
    assert [r[0] for r in await pool.fetch("SELECT source_id FROM reports ORDER BY 1")] == ["A", "F"]
    assert await pool.fetchval("SELECT description FROM report_texts") == "on the stairs, left"
    again = await dispatch("report", "--csv", file, "--source", "sdis", "--json")
    assert (again.json()["accepted"], again.json()["repeated"], len(again.json()["problems"])) == (0, 2, 4)
