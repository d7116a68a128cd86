"""`dispatch watch`: from one screen one can say of each incident what lacks, where, and what comes next."""

import asyncio
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta

import asyncpg
import orjson
import pytest

from dispatch.cli.watch import command
from dispatch.cli.watch.changes import Lines
from dispatch.cli.watch.screen import Size, live_picture, picture
from dispatch.clock import MovableClock
from dispatch.domain.messaging.wording import REASONS
from dispatch.services.access import organisations
from dispatch.services.console.overview import Overview, overview
from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.storage.pool import ConnectionLostError
from schemas.volunteers import Language
from tests.cli.invocations import Dispatch
from tests.cli.night import Night, prepare
from tests.domain.builders import PLACE
from tests.support.world import World

TERMINAL = Size(80, 24)


@pytest.fixture
async def night(pool: asyncpg.Pool, clock: MovableClock) -> Night:
    return await prepare(pool, clock)


def drawn(
    seen: Overview, size: Size = TERMINAL, language: Language = "en", *, lost: bool = False
) -> list[str]:
    """Return the screen as text, which fits."""
    lines = picture(seen, size, language, lost=lost)
    assert len(lines) <= size.height
    assert all(line.cell_len <= size.width for line in lines)
    return [line.plain for line in lines]


def why(reason: str) -> str:
    """Return a reason as pages word it."""
    return REASONS[reason]["en"]


def of(lines: Sequence[str], code: str) -> list[str]:
    """Return the lines of one incident."""
    start = next(number for number, line in enumerate(lines) if code in line)
    rest = [number for number, line in enumerate(lines) if number > start and not line.startswith("  ")]
    return [line.strip() for line in lines[start : min(rest, default=len(lines))]]


async def test_one_screen_says_of_each_incident_what_lacks_where_and_what_is_next(night: Night) -> None:
    lines = drawn(await night.seen())
    assert lines[0] == "21:00:15 SDIS 67 · 6 running · 2 to handle · 3 short of people"
    assert of(lines, night.code("unconfirmed")) == [
        f"! {night.code('unconfirmed')} Fall · urgent · 3 km E of centre · for 15 s",
        "CONFIRM OR CLOSE, nobody is asked · LACKS 2 helpers (of 2)",
        f"level 3, NOT SEEN: {why('awaiting_confirmation')}",
        "next in 45 s: pages the next contact",
    ]
    assert of(lines, night.code("shortfall")) == [
        f"! {night.code('shortfall')} Fall · urgent · 12.8 km SW of centre · for 15 s",
        f"LACKS 2 helpers (of 2) · level 3, NOT SEEN: {why('uncovered')}",
        "next in 15 s: looks again for 4, nobody else can be asked before",
    ]
    assert of(lines, night.code("held")) == [
        f"> {night.code('held')} Cardiac arrest · life at risk · 7.5 km N of centre · for 15 s",
        "HELD: resume or abort · recall not acknowledged: Gaëlle, Inès, Hugo",
        "LACKS 1 helper (of 2) · told to wait: Gaëlle accepted · 2 asked",
        f"next in 45 s: pages level 3 ({why('recall_unacknowledged')})",
    ]
    assert of(lines, night.code("asking")) == [
        f"> {night.code('asking')} Cardiac arrest · life at risk · 10 km N of centre · for 15 s",
        "LACKS 2 helpers (of 2) · 3 asked",
        "next in 15 s: looks again for 1, nobody else can be asked before",
    ]
    assert of(lines, night.code("partly")) == [
        f"> {night.code('partly')} Cardiac arrest · life at risk · 2.5 km N of centre · for 15 s",
        "LACKS 1 helper (of 2) · coming: Alice 7 min · 2 asked",
        f"next in 45 s: asks 2 more; shows level 1 ({why('uncovered')})",
    ]
    start = next(number for number, line in enumerate(lines) if night.code("all coming") in line)
    assert lines[start + 1 :] == [
        "  all 2 found · coming: Emma 4 min, David 4 min",
        f"  next at 21:05: shows level 1 ({why('not_en_route')})",
        "Drills and drafts: 2",
        f"  drill {night.code('drill')} Fall · LACKS 2 helpers (of 2)",
        f"  draft {night.code('draft')} Fall · LACKS 2 helpers (of 2)",
    ]


async def test_the_gravest_come_first(night: Night) -> None:
    shown = [one.id for one in (await night.seen()).actual.incidents]
    names = ("unconfirmed", "shortfall", "held", "asking", "partly", "all coming")
    assert set(shown[:2]) == {night.incidents["unconfirmed"], night.incidents["shortfall"]}
    assert shown[2] == night.incidents["held"]
    assert set(shown[3:5]) == {night.incidents["asking"], night.incidents["partly"]}
    assert shown[5:] == [night.incidents["all coming"]]
    assert len(shown) == len(names)


async def test_what_does_not_fit_is_counted_and_the_worst_of_it_named(night: Night) -> None:
    seen = await night.seen()
    lines = drawn(seen, Size(80, 11))
    worst = seen.actual.incidents[2]
    assert "and 4 more · 3 short of people" in lines
    assert any(line.startswith(f"  the worst: {worst.code} Cardiac arrest · HELD") for line in lines)
    assert lines[-1] == "Drills and drafts: 2"


async def test_a_danger_in_a_drill_is_named_even_where_drills_are_only_counted(night: Night) -> None:
    drill = night.incidents["drill"]
    await night.world.pool.execute("UPDATE escalations SET reason = 'danger' WHERE subject_id = $1", drill)
    assert drawn(await night.seen(), Size(80, 11))[-1] == (
        f"Drills and drafts: 2 · !! drill {night.code('drill')} Fall"
    )


async def test_no_limit_hides_what_is_grave(night: Night) -> None:
    seen = await night.seen(most=1)
    assert seen.actual.incidents[0].attention == "page"
    assert (seen.actual.total, seen.actual.waiting, seen.actual.lacking) == (6, 2, 3)
    lines = drawn(seen)
    assert "and 5 more · 1 to handle · 3 short of people" in lines


async def test_where_there_is_room_a_drill_is_shown_as_an_incident_is(night: Night) -> None:
    lines = drawn(await night.seen(), Size(80, 60))
    drill = night.code("drill")
    assert of(lines, drill) == [
        f"! drill {drill} Fall · urgent · in the centre · for 15 s",
        f"LACKS 2 helpers (of 2) · level 3, NOT SEEN: {why('uncovered')}",
        "next in 15 s: looks again for 4, nobody else can be asked before",
    ]


async def test_drills_that_are_not_named_are_counted(night: Night) -> None:
    for number in range(3):
        await night.world.ask(f"drill-{number}", position=PLACE, mode="exercise")
    await night.world.consume_all()
    lines = drawn(await night.seen(), Size(200, 22))
    assert "Drills and drafts: 5" in lines
    assert lines[-1] == "  and 2 more"


@pytest.mark.parametrize(("language", "expected"), [("en", "(medical.fall)"), ("fr", "(medical.fall)")])
async def test_an_incident_that_no_plan_is_for_names_its_kind(
    night: Night, language: Language, expected: str
) -> None:
    one = (await night.seen()).actual.incidents[0]
    seen = await night.seen()
    unplanned = replace(one, needed=0, lacking={}, kind="medical.fall")
    alone = replace(seen, actual=replace(seen.actual, incidents=(unplanned,), total=1))
    assert expected in of(drawn(alone, language=language), one.code)[0]


async def test_roles_are_told_in_the_readers_language(night: Night) -> None:
    seen = await night.seen()
    roles = {"first_responder": 2, "crew_leader": 1, "equipier": 3}
    one = replace(seen.actual.incidents[0], needed=6, lacking=roles)
    alone = replace(seen, actual=replace(seen.actual, incidents=(one,), total=1))
    assert "IL MANQUE 2 premiers répondants, 1 chef d'agrès, 3 equipiers (sur 6)" in "\n".join(
        drawn(alone, Size(160, 24), "fr")
    )
    assert "LACKS 2 first responders, 1 crew leader, 3 equipiers (of 6)" in "\n".join(
        drawn(alone, Size(160, 24))
    )


async def test_a_live_screen_with_room_ends_with_how_to_act(night: Night) -> None:
    seen = await night.seen()
    roomy = live_picture(seen, Size(80, 60), "fr", lost=False)
    assert roomy[:-1] == picture(seen, Size(80, 60), "fr")
    assert roomy[-1].plain == "Agir : dispatch incident ack|confirm|takeover|hold|resume|abort|close ID"
    for height in range(12, 30):
        assert len(live_picture(seen, Size(80, height), "fr", lost=False)) <= height


@pytest.mark.parametrize("language", ["en", "fr"])
@pytest.mark.parametrize("size", [Size(40, 24), Size(80, 24), Size(300, 60), Size(40, 12)])
async def test_every_screen_fits(night: Night, size: Size, language: Language) -> None:
    seen = await night.seen()
    lines = drawn(seen, size, language)
    assert "{" not in "".join(lines)
    assert any(seen.actual.incidents[0].code in line for line in lines)


async def test_an_empty_duty_order_and_a_pause_stand_on_top_in_red(world: World) -> None:
    await organisations.pause(world.uow, world.organisation, "Anne")
    seen = await overview(world.uow, world.organisation, most=5)
    lines = picture(seen, TERMINAL, "en")
    assert lines[1].plain == "NOBODY IS ON DUTY: no supervisor can be paged (dispatch duty set)"
    assert lines[2].plain.startswith("OFFERS PAUSED since")
    assert {str(line.spans[0].style) for line in lines[1:3]} == {"bold red"}
    assert "level 2, NOT SEEN: new offers are paused: new offers stopped by Anne" in lines[3].plain


async def test_a_page_that_nobody_can_get_is_not_announced(night: Night) -> None:
    await organisations.set_duty(night.world.uow, night.world.organisation, [])
    assert not any("pages the next contact" in line for line in drawn(await night.seen()))


async def test_without_a_connection_nothing_is_shown_as_current(night: Night) -> None:
    seen = await night.seen()
    lines = picture(seen, TERMINAL, "en", lost=True)
    assert lines[0].plain.startswith("NO CONNECTION SINCE 21:00:15: the situation may have changed")
    assert "red" in str(lines[0].spans[0].style)
    assert {str(line.style) for line in lines[2:]} == {"dim"}
    assert not any(" in 45 s" in line.plain for line in lines)


async def test_what_is_overdue_says_so(night: Night) -> None:
    night.world.clock.advance(120)
    lines = of(drawn(await night.seen()), night.code("partly"))
    assert any(line.startswith("OVERDUE by 1 min: asks 2 more") for line in lines)


async def test_names_cannot_control_the_terminal(night: Night) -> None:
    await night.world.pool.execute("UPDATE people SET name = E'Al\\x1b[2J\\u202e\\nice' WHERE name = 'Alice'")
    text = "\n".join(drawn(await night.seen()))
    assert r"Al\x1b[2J\u202e\nice" in text


async def test_a_pipe_gets_a_line_for_each_change_and_no_more(
    night: Night, capsys: pytest.CaptureFixture[str]
) -> None:
    lines, seen = Lines("en"), await night.seen()
    lines.show(seen, lost=False)
    first = capsys.readouterr().out.splitlines()
    assert len(first) == 8
    assert all(re.match(r"21:00:15 ", line) for line in first)
    partly = next(line for line in first if night.code("partly") in line)
    assert partly.endswith(
        "LACKS 1 helper (of 2) · coming: Alice at 21:07 · 2 asked · next at 21:01: asks 2 more; "
        f"shows level 1 ({why('uncovered')})"
    )
    later = replace(seen, at=seen.at + timedelta(seconds=10))
    lines.show(later, lost=False)
    assert capsys.readouterr().out == ""
    lines.show(later, lost=True)
    lines.show(later, lost=True)
    assert capsys.readouterr().out == "21:00:25 NO CONNECTION SINCE 21:00:25\n"
    less_grave = replace(later, actual=replace(later.actual, incidents=later.actual.incidents[1:]))
    gone = replace(less_grave, actual=replace(less_grave.actual, total=5))
    lines.show(less_grave, lost=True)
    lines.show(gone, lost=False)
    out = capsys.readouterr().out.splitlines()
    assert out == ["21:00:25 connected again", f"21:00:25 ended: {seen.actual.incidents[0].code}"]


@pytest.mark.usefixtures("dispatch")
async def test_the_watch_outlives_the_connection_and_says_while_it_is_lost(
    night: Night, monkeypatch: pytest.MonkeyPatch
) -> None:
    class EnoughError(Exception):
        """The watch has connected again."""

    shown: list[bool] = []
    outcomes: Iterator[type[Exception] | None] = iter(
        [None, ConnectionLostError, ConnectionRefusedError, None]
    )

    async def read(uow: UnitOfWork, _organisation: str | None, most: int) -> Overview:
        if error := next(outcomes):
            raise error
        return await overview(uow, night.world.organisation, most=most)

    def show(seen: Overview, *, lost: bool) -> None:
        assert seen.actual.total == 6
        shown.append(lost)
        if shown == [False, True, True, False]:
            raise EnoughError

    monkeypatch.setattr(command, "read", read)
    monkeypatch.setattr(command, "RETRY_S", 0)
    with pytest.raises(EnoughError):
        await command.follow(None, show)


async def test_one_picture_is_printed_or_written_as_json(dispatch: Dispatch, night: Night) -> None:
    done = await dispatch("watch", "--once", "--language", "fr")
    assert done.code == 0
    assert "IL MANQUE 1 aide (sur 2)" in done.out
    found = (await dispatch("watch", "--once", "--json")).json()
    partly = next(one for one in found["actual"]["incidents"] if one["id"] == str(night.incidents["partly"]))
    assert partly["lacking"] == {"helper": 1}
    assert [one["step"] for one in partly["next"]["consequences"]] == ["asks", "tells"]


@pytest.mark.usefixtures("dispatch")
async def test_json_is_one_document_for_each_change(night: Night) -> None:
    typed = [sys.executable, "-c", "from dispatch.cli.main import main; main()", "watch", "--json"]
    watching = await asyncio.create_subprocess_exec(*typed, stdout=subprocess.PIPE, limit=1 << 20)
    assert watching.stdout is not None
    try:
        async with asyncio.timeout(60):
            first = orjson.loads(await watching.stdout.readline())
            await night.world.ask("another")
            second = orjson.loads(await watching.stdout.readline())
    finally:
        watching.terminate()
        await watching.wait()
    assert (first["connected"], first["actual"]["total"], second["actual"]["total"]) == (True, 6, 7)
