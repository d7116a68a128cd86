import os
import runpy
from datetime import datetime, timedelta
from importlib.resources import files
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from dispatch.cli.demo.emergency_calls import DATA, Call, Calls, CallsUnreadableError, busiest, load
from dispatch.cli.demo.replay import reference_of
from schemas.reports import Professional

ROOT = Path(__file__).parents[2]
WEEK = "incidents/sf_fire_calls_2016-12-31_2017-01-07.csv"
SEATTLE = "incidents/seattle_fire911_1000.csv"
PACIFIC = ZoneInfo("America/Los_Angeles")
EXTRACT = """\
call,received_local,call_type,final_priority,lat,lon,units,first_on_scene_local
2,2017-01-01T00:09:00,Alarms,3,37.7,-122.4,2,2017-01-01T00:14:30
1,2016-12-31T23:58:00,Medical Incident,3,37.8,-122.5,,
"""
DATASF = """\
Call Number,Unit ID,Call Type,Received DtTm,On Scene DtTm,Final Priority,Location
7,E1,Outside Fire,12/31/2016 11:57:56 PM,01/01/2017 12:04:18 AM,3,"(37.7458, -122.4566)"
7,E2,Outside Fire,12/31/2016 11:57:56 PM,,3,"(37.7458, -122.4566)"
7,E3,Outside Fire,12/31/2016 11:57:56 PM,01/01/2017 12:01:56 AM,3,"(37.7458, -122.4566)"
8,E3,Citizen Assist / Service Call,12/31/2016 11:50:00 PM,12/31/2016 11:50:00 PM,2,"(37.7, -122.4)"
"""
SHIPPED = Path(str(DATA))


def written(folder: Path, text: str) -> Path:
    path = folder / "calls.csv"
    path.write_text(text, encoding="utf-8")
    return path


def extract(folder: Path, text: str = EXTRACT, *, skip_bad: bool = False) -> Calls:
    return load(written(folder, text), SHIPPED / "sf_calls.yaml", skip_bad=skip_bad)


def real(name: str) -> Path:
    folder = os.environ.get("DISPATCH_REAL_DATA")
    if not folder:
        pytest.skip("DISPATCH_REAL_DATA names no folder of real samples")
    return Path(folder) / name


@pytest.fixture
def week() -> Path:
    return real(WEEK)


def test_the_packaged_extract_holds_121_calls_of_three_hours_in_order() -> None:
    found = load()
    times = [call.received_at for call in found.calls]
    assert len({call.id for call in found.calls}) == 121
    assert times == sorted(times)
    assert times[0].isoformat() == "2017-01-01T00:02:04-08:00"
    assert times[-1] - times[0] < timedelta(hours=3)
    assert (found.name, found.zone, found.left_out) == ("San Francisco (demo)", "America/Los_Angeles", ())


def test_the_packaged_calls_lie_in_san_francisco() -> None:
    assert all(37.70 < call.lat < 37.84 and -122.52 < call.lon < -122.35 for call in load().calls)


def test_the_packaged_extract_contains_no_address() -> None:
    header = (files("dispatch.cli.demo") / "data" / "sf_calls.csv").read_text("utf-8").splitlines()[0]
    assert header == (
        "call,received_local,call_type,final_priority,lat,lon,units,"
        "first_dispatch_local,first_en_route_local,first_on_scene_local"
    )


def test_the_packaged_calls_come_under_every_shipped_plan() -> None:
    kinds = [call.kind for call in load().calls]
    assert kinds.count("medical.cardiac_arrest") == 54
    assert sum(kind.startswith("fire.") for kind in kinds) == 12
    assert sum(kind.startswith("watch.") for kind in kinds) == 1
    assert sum(kind in {"other", "medical.other"} for kind in kinds) == 54


def test_calls_are_replayed_in_order_of_time_not_of_lines(tmp_path: Path) -> None:
    found = extract(tmp_path)
    assert [call.id for call in found.calls] == ["1", "2"]
    assert found.units == 3


def test_a_file_needs_no_column_of_units(tmp_path: Path) -> None:
    bare = "id,kind,severity,lat,lon,occurred_at\n1,fire.car,urgent,37.7,-122.4,2017-01-01T00:09:00-08:00\n"
    found = load(written(tmp_path, bare))
    assert (len(found.calls), found.units, found.zone, found.name) == (1, 1, "UTC", "calls")


def test_the_lines_of_one_call_in_datasf_become_one_call(tmp_path: Path) -> None:
    found = load(written(tmp_path, DATASF), SHIPPED / "datasf.yaml")
    at = datetime(2016, 12, 31, 23, 57, 56, tzinfo=PACIFIC)
    assert found.calls[1] == Call("7", at, "fire.outside", "urgent", 37.7458, -122.4566)
    assert found.units == 4


@pytest.mark.parametrize(
    ("call_type", "priority", "meaning"),
    [
        ("Medical Incident", 3, ("medical.cardiac_arrest", "life_threatening")),
        ("Medical Incident", 2, ("medical.other", "routine")),
        ("Structure Fire", 3, ("fire.structure", "life_threatening")),
        ("Alarms", 3, ("fire.alarm", "urgent")),
        ("Citizen Assist / Service Call", 3, ("watch.service_call", "routine")),
        ("Elevator / Escalator Rescue", 3, ("other", "urgent")),
        ("Marine Fire?", 2, ("other", "routine")),
    ],
)
@pytest.mark.parametrize("name", ["sf_calls", "datasf"])
def test_a_call_type_stands_for_a_kind_by_priority(
    tmp_path: Path, name: str, call_type: str, priority: int, meaning: tuple[str, str]
) -> None:
    text = EXTRACT.replace("Alarms,3", f"{call_type},{priority}")
    if name == "datasf":
        text = DATASF.replace("Citizen Assist / Service Call", call_type).replace("PM,2", f"PM,{priority}")
    calls = load(written(tmp_path, text), SHIPPED / f"{name}.yaml").calls
    found = next(call for call in calls if call.id in {"2", "8"})
    assert (found.kind, found.severity) == meaning


def test_a_bad_line_stops_the_demo_and_is_left_out_where_that_is_asked(tmp_path: Path) -> None:
    text = EXTRACT.replace("2017-01-01T00:09:00", "noon")
    with pytest.raises(CallsUnreadableError, match=r"calls\.csv:2: occurred_at: .*(?s:.*)--skip-bad"):
        extract(tmp_path, text)
    found = extract(tmp_path, text, skip_bad=True)
    assert ([call.id for call in found.calls], len(found.left_out)) == (["1"], 1)


def test_calls_without_a_place_or_at_zero_are_left_out_and_said(tmp_path: Path) -> None:
    found = extract(
        tmp_path, EXTRACT + "3,2017-01-01T00:09:00,Alarms,3,,,,\n4,2017-01-01T00:09:00,Alarms,3,0,0,,\n"
    )
    assert len(found.calls) == 2
    assert [text.rpartition(".csv:")[2] for text in found.left_out] == ["4-5: without a time or a place"]


@pytest.mark.parametrize("text", [EXTRACT.partition("\n")[0] + "\n", "", EXTRACT.replace("37.", "abc")])
def test_a_file_without_any_usable_call_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(CallsUnreadableError):
        extract(tmp_path, text, skip_bad=True)


def test_of_a_file_the_busiest_hours_are_replayed() -> None:
    start = datetime(2026, 1, 1, tzinfo=PACIFIC)
    minutes = [0, 100, 2000, 2010, 2020, 2300]
    assert busiest([start + timedelta(minutes=n) for n in minutes], timedelta(hours=3)) == (2, 5)
    assert busiest([start + timedelta(minutes=n) for n in minutes[:2]], timedelta(hours=3)) == (0, 2)
    assert busiest([start + timedelta(minutes=n) for n in minutes], timedelta(minutes=15)) == (2, 4)


def test_of_the_packaged_extract_one_hour_is_replayed_with_its_own_units() -> None:
    found = load(hours=1)
    times = [call.received_at for call in found.calls]
    assert times[-1] - times[0] < timedelta(hours=1)
    assert 40 <= len(times) < 121
    assert len(times) <= found.units < load().units
    assert found.left_out == ()


def test_every_reference_is_one_that_a_report_may_have() -> None:
    call = load().calls[0]
    for name in (call.id, "n°12 #4", "x" * 200):
        renamed = Call(name, call.received_at, call.kind, call.severity, call.lat, call.lon)
        assert Professional(requested=True, reference=reference_of(renamed)).reference


def test_the_week_of_datasf_is_read_and_its_busiest_hours_are_the_extract(week: Path) -> None:
    assert load(week, SHIPPED / "datasf.yaml", hours=3).calls == load().calls


def test_a_second_city_is_replayed_with_ten_lines_of_map() -> None:
    lines = (SHIPPED / "seattle.yaml").read_text().splitlines()
    found = load(real(SEATTLE), SHIPPED / "seattle.yaml")
    assert len(lines) == 10
    assert len(found.calls) > 10
    assert found.zone == "America/Los_Angeles"
    assert found.left_out[0].endswith(":706-710: without a time or a place")


def test_the_extract_can_be_reproduced_byte_for_byte(week: Path, tmp_path: Path) -> None:
    again = tmp_path / "again.csv"
    runpy.run_path(str(ROOT / "deploy" / "extract_demo_calls.py"))["main"](week, again)
    assert again.read_bytes() == (files("dispatch.cli.demo") / "data" / "sf_calls.csv").read_bytes()
