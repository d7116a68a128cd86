import os
import runpy
from bisect import bisect_left
from datetime import datetime, timedelta, timezone
from importlib.resources import files
from pathlib import Path
from zoneinfo import ZoneInfoNotFoundError

import pytest
from pydantic import TypeAdapter

from dispatch.cli.demo import emergency_calls
from dispatch.cli.demo.emergency_calls import Call, CallsUnreadableError, classify_call, load, read
from schemas.reports import Kind

ROOT = Path(__file__).parents[2]
WEEK = "incidents/sf_fire_calls_2016-12-31_2017-01-07.csv"
EXTRACT = """\
call,received_local,call_type,final_priority,lat,lon,units,first_on_scene_local
2,2017-01-01T00:09:00,Alarms,3,37.7,-122.4,2,2017-01-01T00:14:30
1,2016-12-31T23:58:00,Medical Incident,3,37.8,-122.5,1,
"""
DATASF = """\
Call Number,Unit ID,Call Type,Received DtTm,On Scene DtTm,Final Priority,Location
7,E1,Outside Fire,12/31/2016 11:57:56 PM,01/01/2017 12:04:18 AM,3,"(37.7458, -122.4566)"
7,E2,Outside Fire,12/31/2016 11:57:56 PM,,3,"(37.7458, -122.4566)"
7,E3,Outside Fire,12/31/2016 11:57:56 PM,01/01/2017 12:01:56 AM,3,"(37.7458, -122.4566)"
8,E3,Citizen Assist / Service Call,12/31/2016 11:50:00 PM,12/31/2016 11:50:00 PM,2,"(37.7, -122.4)"
"""


def write_file(folder: Path, text: str) -> Path:
    path = folder / "emergency_calls.csv"
    path.write_text(text, encoding="utf-8")
    return path


def problems_of(folder: Path, old: str, new: str) -> list[str]:
    path = write_file(folder, EXTRACT.replace(old, new))
    with pytest.raises(CallsUnreadableError) as caught:
        load(path)
    return [problem.removeprefix(str(path)) for problem in caught.value.problems]


@pytest.fixture
def week() -> Path:
    folder = os.environ.get("DISPATCH_REAL_DATA")
    if not folder:
        pytest.skip("DISPATCH_REAL_DATA names no folder of real samples")
    return Path(folder) / WEEK


def test_the_packaged_extract_holds_121_calls_of_three_hours_in_order() -> None:
    found = load()
    times = [call.received_at for call in found]
    assert len({call.id for call in found}) == 121
    assert times == sorted(times)
    assert times[0].isoformat() == "2017-01-01T00:02:04-08:00"
    assert times[-1] - times[0] < timedelta(hours=3)


def test_the_packaged_calls_lie_in_san_francisco() -> None:
    assert all(37.70 < call.lat < 37.84 and -122.52 < call.lon < -122.35 for call in load())


def test_the_packaged_extract_contains_no_address() -> None:
    header = (files("dispatch.cli.demo") / "data" / "sf_calls.csv").read_text("utf-8").splitlines()[0]
    assert header == (
        "call,received_local,call_type,final_priority,lat,lon,units,"
        "first_dispatch_local,first_en_route_local,first_on_scene_local"
    )


def test_the_packaged_calls_come_under_every_shipped_plan() -> None:
    kinds = [call.kind for call in load()]
    assert kinds.count("medical.cardiac_arrest") == 54
    assert sum(kind.startswith("fire.") for kind in kinds) == 12
    assert sum(kind.startswith("watch.") for kind in kinds) == 1
    assert sum(kind.startswith(("other.", "medical.other")) for kind in kinds) == 54


def test_a_call_without_an_arrival_has_none() -> None:
    assert sum(call.first_on_scene_s is None for call in load()) == 6


def test_an_extract_is_read_in_order_of_time_not_of_lines(tmp_path: Path) -> None:
    first, second = load(write_file(tmp_path, EXTRACT))
    assert (first.id, first.first_on_scene_s, second.id, second.first_on_scene_s) == ("1", None, "2", 330.0)
    assert second.units == 2


def test_the_rows_of_one_call_in_datasf_become_one_call_across_midnight(tmp_path: Path) -> None:
    _, fire = load(write_file(tmp_path, DATASF))
    assert fire == Call(
        id="7",
        received_at=datetime(2016, 12, 31, 23, 57, 56, tzinfo=emergency_calls.ZONE),
        kind="fire.outside",
        call_type="Outside Fire",
        severity="urgent",
        lat=37.7458,
        lon=-122.4566,
        units=3,
        first_on_scene_s=240.0,
    )


def test_a_unit_that_is_on_scene_at_once_arrives_after_zero_seconds(tmp_path: Path) -> None:
    assist, _ = load(write_file(tmp_path, DATASF))
    assert assist.first_on_scene_s == 0.0


@pytest.mark.parametrize(
    ("call_type", "priority", "meaning"),
    [
        ("Medical Incident", 3, ("medical.cardiac_arrest", "life_threatening")),
        ("Medical Incident", 2, ("medical.other", "routine")),
        ("Structure Fire", 3, ("fire.structure", "life_threatening")),
        ("Alarms", 3, ("fire.alarm", "urgent")),
        ("Citizen Assist / Service Call", 3, ("watch.service_call", "routine")),
        ("Elevator / Escalator Rescue", 3, ("other.elevator_escalator_rescue", "urgent")),
        ("Marine Fire?", 2, ("other.marine_fire", "routine")),
        ("???", 2, ("other.unknown", "routine")),
    ],
)
def test_a_call_type_stands_for_a_kind_by_priority(
    call_type: str, priority: int, meaning: tuple[str, str]
) -> None:
    assert classify_call(call_type, priority) == meaning


@pytest.mark.parametrize("call_type", ["Medical Incident", "Élan / 9", "Very " * 30 + "Long"])
def test_every_call_type_gives_a_kind_that_a_report_may_carry(call_type: str) -> None:
    kind, _ = classify_call(call_type, 3)
    assert TypeAdapter(Kind).validate_python(kind) == kind


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("2017-01-01T00:09:00", "noon", ":2: received: 'noon' is not a time"),
        (
            "2017-01-01T00:14:30",
            "2016-12-31T00:00:00",
            ":2: on scene: '2016-12-31T00:00:00' is before the call was received",
        ),
        ("37.7,", "north,", ":2: position: 'north,-122.4' is not a latitude and a longitude"),
        ("37.7,", "nan,", ":2: position: 'nan,-122.4' is out of range (the latitude comes first)"),
        (
            "37.7,-122.4",
            "-122.4,37.7",
            ":2: position: '-122.4,37.7' is out of range (the latitude comes first)",
        ),
        ("Alarms,3", "Alarms,9", ":2: priority: '9' is neither 2 nor 3"),
        ("Alarms", " ", ":2: call type: empty"),
        ("\n2,", "\n,", ":2: call: empty"),
        ("-122.4,2,", "-122.4,-2,", ":2: units: '-2' is not a number of units"),
        ("first_on_scene_local", "arrived", ":1: columns missing: first_on_scene_local"),
    ],
)
def test_an_invalid_row_is_named_by_file_line_and_field(
    tmp_path: Path, old: str, new: str, problem: str
) -> None:
    assert problems_of(tmp_path, old, new) == [problem]


def test_a_truncated_row_is_reported(tmp_path: Path) -> None:
    assert problems_of(tmp_path, ",Alarms,3,37.7,-122.4,2,2017-01-01T00:14:30", "") == [
        ":2: call type: empty"
    ]


def test_valid_rows_beside_an_invalid_one_are_read_and_the_problem_is_reported(tmp_path: Path) -> None:
    found, problems = read(write_file(tmp_path, EXTRACT.replace("37.7,", ",")))
    assert [call.id for call in found] == ["1"]
    assert len(problems) == 1


def test_a_file_without_calls_is_rejected(tmp_path: Path) -> None:
    assert problems_of(tmp_path, EXTRACT.partition("\n")[2], "") == [": holds no calls"]


def test_a_file_that_is_not_text_is_rejected(tmp_path: Path) -> None:
    path = tmp_path / "emergency_calls.csv"
    path.write_bytes(EXTRACT.encode() + b"3,\xff\xfe")
    with pytest.raises(CallsUnreadableError, match="not a CSV file in UTF-8"):
        load(path)


def test_many_problems_are_truncated_and_counted() -> None:
    assert str(CallsUnreadableError([f"p{n}" for n in range(25)])).splitlines()[9:] == ["p9", "… and 15 more"]


def test_a_system_without_a_zone_database_falls_back_to_winter_time(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(key: str) -> None:
        raise ZoneInfoNotFoundError(key)

    monkeypatch.setattr(emergency_calls, "ZoneInfo", absent)
    assert emergency_calls.zone() == timezone(timedelta(hours=-8), "PST")


def test_the_full_week_of_datasf_is_read_and_agrees_with_the_extract(week: Path) -> None:
    by_id = {call.id: call for call in load(week)}
    assert len(by_id) == 3560
    assert sum(call.units for call in by_id.values()) == 7704
    assert all(by_id[call.id] == call for call in load())


def test_the_extract_can_be_reproduced_byte_for_byte(week: Path, tmp_path: Path) -> None:
    again = tmp_path / "again.csv"
    runpy.run_path(str(ROOT / "deploy" / "extract_demo_calls.py"))["main"](week, again)
    assert again.read_bytes() == (files("dispatch.cli.demo") / "data" / "sf_calls.csv").read_bytes()


def test_the_extract_is_the_busiest_three_hours_of_the_week(week: Path) -> None:
    times = [call.received_at for call in load(week)]
    loads = [bisect_left(times, start + timedelta(hours=3)) - index for index, start in enumerate(times)]
    assert max(loads) == 121
    assert times[loads.index(121)] == load()[0].received_at
