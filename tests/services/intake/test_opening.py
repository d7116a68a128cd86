"""Reports become incidents, once, whatever is wrong with them."""

from dataclasses import replace
from datetime import timedelta

import asyncpg
import pytest

from dispatch.clock import MovableClock
from dispatch.domain.commands import Act
from dispatch.domain.incident import Incident
from dispatch.services.incidents import execution
from dispatch.services.operations import rebuilding
from schemas.base import Position, Window
from schemas.decoding import Received
from schemas.ids import NAMESPACE, derived, new_id
from schemas.reports import ReportReceived
from tests.domain.builders import PLACE
from tests.support.world import World


@pytest.fixture
async def world(pool: asyncpg.Pool, clock: MovableClock) -> World:
    return await World(pool, clock).create(area=(48, 2, 49, 3))


def reasons(incident: Incident) -> set[str]:
    return {e.reason for e in incident.open_escalations()}


def from_topic(world: World, source_id: str, **changes: object) -> Received:
    fields: dict[str, object] = {
        "at": world.now, "source": "control-room", "source_id": source_id, "kind": "medical.fall",
        "position": PLACE, "professional": {"requested": True, "reference": "SAMU 75-1"},
    }  # fmt: skip
    data = ReportReceived.model_validate(fields | changes)
    return Received(
        new_id(), data.type, data, world.organisation, data.mode, 0, world.now, world.now, "sensor",
        ours=False, key=b"control-room/1",
    )  # fmt: skip


async def test_a_report_becomes_an_incident_under_its_plan(world: World) -> None:
    incident = await world.read(await world.open())
    assert (incident.plan.name, incident.status, incident.position) == ("test", "open", PLACE)
    assert [seat.role for seat in incident.seats] == ["helper", "helper"]
    assert not reasons(incident)


async def test_a_report_delivered_twice_opens_one_incident(world: World) -> None:
    before = await world.read(await world.open())
    await world.pool.execute("DELETE FROM inbox")
    await world.consume("incident.reports", again=True)
    assert await world.pool.fetchval("SELECT count(*) FROM incidents") == 1
    assert await world.read(before.id) == before


async def test_a_report_sent_twice_to_the_topic_in_one_batch_opens_one_incident(world: World) -> None:
    await world.deliver("incident.reports", [from_topic(world, "7"), from_topic(world, "7")])
    assert await world.pool.fetchval("SELECT count(*) FROM incidents") == 1
    assert await world.pool.fetchval("SELECT count(*) FROM parking") == 0


async def test_two_publishers_whose_names_and_ids_join_alike_open_two_incidents(world: World) -> None:
    """The second was once taken for the first, and lost."""
    reports = [from_topic(world, "b:c", source="a"), from_topic(world, "c", source="a:b")]
    for one in reports:
        await world.deliver("incident.reports", [one])
    assert await world.pool.fetchval("SELECT count(*) FROM incidents") == 2
    assert await world.pool.fetchval("SELECT count(*) FROM parking") == 0


async def test_a_report_that_an_earlier_release_stored_opens_nothing_again(world: World) -> None:
    report = from_topic(world, "c", source="a:b")
    await world.deliver("incident.reports", [report])
    joined = derived(NAMESPACE, world.organisation, "topic:a:b", "c")
    await world.pool.execute("UPDATE reports SET id = $1", joined)
    await world.deliver("incident.reports", [replace(report, event_id=new_id())])
    await world.deliver("incident.reports", [from_topic(world, "d", source="a:b", updates="c")])
    assert await world.pool.fetchval("SELECT count(*) FROM incidents") == 1
    assert await world.pool.fetchval("SELECT count(*) FROM parking") == 0


async def test_a_report_straight_from_the_topic_is_untrusted_whatever_source_it_names(world: World) -> None:
    await world.deliver("incident.reports", [from_topic(world, "7")])
    incident = await world.read(await world.pool.fetchval("SELECT id FROM incidents"))
    assert incident.awaiting == ("source_untrusted",)
    assert reasons(incident) == {"awaiting_confirmation"}


async def test_an_unknown_kind_opens_under_the_default_plan_and_is_escalated(world: World) -> None:
    await world.add_people(3)
    incident = await world.read(await world.ask(kind="never.heard.of"))
    assert (incident.plan.name, incident.seats, incident.offers) == ("default", (), {})
    assert reasons(incident) == {"no_plan"}


async def test_a_report_without_a_position_is_opened_and_escalated_at_once(world: World) -> None:
    await world.add_people(3)
    name = await world.ask(position=None)
    incident = await world.read(name)
    assert (incident.position, reasons(incident), incident.offers) == (None, {"unplaced"}, {})


async def test_an_old_report_asks_nobody_until_a_supervisor_confirms_it(world: World) -> None:
    people = await world.add_people(3)
    name = await world.ask(occurred_at=world.now - timedelta(minutes=16))
    incident = await world.read(name)
    assert (incident.awaiting, reasons(incident)) == (("stale_report",), {"stale_report"})
    await world.advance(300)
    assert not (await world.read(name)).offers
    await execution.execute_command(world.uow, world.organisation, name, Act("confirm", "Ada"))
    await world.advance(3)
    assert await world.asked(name) == people


async def test_a_report_that_was_accepted_in_time_calls_however_late_it_is_processed(world: World) -> None:
    people = await world.add_people(3)
    report = await world.send("1", occurred_at=world.now - timedelta(minutes=14))
    world.clock.advance(3600)
    await world.consume("incident.reports", "incident.events")
    name = await world.incident_of(report)
    assert await world.asked(name) == people
    assert reasons(await world.read(name)) == {"opened_late"}


async def test_a_report_straight_from_the_topic_is_as_old_as_when_it_is_read(world: World) -> None:
    old = from_topic(world, "7", at=world.now - timedelta(minutes=16))
    await world.deliver("incident.reports", [replace(old, received_at=old.occurred_at)])
    incident = await world.read(await world.pool.fetchval("SELECT id FROM incidents"))
    assert incident.awaiting == ("source_untrusted", "stale_report")


async def test_an_exercise_may_replay_old_calls(world: World) -> None:
    incident = await world.read(
        await world.open(mode="exercise", occurred_at=world.now - timedelta(days=900))
    )
    assert (incident.awaiting, reasons(incident)) == ((), set())


async def test_an_update_that_places_an_incident_lets_people_be_asked(world: World) -> None:
    people = await world.add_people(3)
    name = await world.ask("1", position=None)
    assert await world.open("2", updates="1") == name
    await world.advance(3)
    assert await world.asked(name) == people
    assert not reasons(await world.read(name))


async def test_a_report_outside_the_area_is_opened_and_escalated(world: World) -> None:
    incident = await world.read(await world.open(position=Position(lat=43.3, lon=5.4)))
    assert reasons(incident) == {"outside_area"}


async def test_a_swapped_position_is_exchanged_by_any_way_in(world: World) -> None:
    people, swapped = await world.add_people(2), Position(lat=PLACE.lon, lon=PLACE.lat)
    name = await world.ask("1", position=swapped)
    assert (await world.read(name)).position == PLACE
    assert await world.asked(name) == people
    await world.deliver(
        "incident.reports", [from_topic(world, "2", position=swapped, severity="life_threatening")]
    )
    await world.open("3", position=None)
    updated = await world.open("4", updates="3", position=swapped)
    for row in await world.pool.fetch("SELECT id FROM incidents"):
        incident = await world.read(row["id"])
        assert incident.position == PLACE
        assert "doubtful_position" in reasons(incident)
    assert "unplaced" not in reasons(await world.read(updated))


async def test_zeros_in_an_update_leave_the_earlier_position(world: World) -> None:
    name = await world.open("1")
    await world.open("2", updates="1", position=Position(lat=0, lon=0))
    incident = await world.read(name)
    assert incident.position == PLACE
    assert reasons(incident) >= {"doubtful_position"}


async def test_an_update_outside_the_area_is_escalated(world: World) -> None:
    name = await world.open("1")
    await world.open("2", updates="1", position=Position(lat=43.3, lon=5.4))
    assert reasons(await world.read(name)) >= {"outside_area"}


async def test_an_update_that_adds_a_hazard_aborts_and_recalls_everybody(world: World) -> None:
    people = await world.add_people(3)
    name = await world.ask("1")
    await world.answer(name, people[0], "accepted")
    await world.open("2", updates="1", hazards=["weapon"])
    incident = await world.read(name)
    assert (incident.status, set(incident.recalls)) == ("aborted", set(people))
    assert not [*incident.active(), *incident.live_offers()]
    assert "hazard" in reasons(incident)
    assert await world.pool.fetchval("SELECT count(*) FROM incidents") == 1


async def test_an_update_undoes_nothing_that_it_leaves_out(world: World) -> None:
    name = await world.open("1", severity="life_threatening", hazards=["traffic"])
    before = await world.read(name)
    await world.open("2", updates="1", position=None, professional={})
    after = await world.read(name)
    assert (after.severity, after.position, after.hazards, after.professional) == (
        before.severity,
        before.position,
        before.hazards,
        before.professional,
    )


async def test_an_update_in_the_batch_of_its_report_adds_to_that_incident(world: World) -> None:
    await world.send("1")
    await world.send("2", updates="1", severity="life_threatening")
    await world.consume("incident.reports")
    rows = await world.pool.fetch("SELECT severity FROM incidents")
    assert [row["severity"] for row in rows] == ["life_threatening"]


async def test_an_update_of_an_update_adds_to_the_first_report_whichever_comes_first(world: World) -> None:
    await world.send("1")
    names = [await world.send("3", updates="2"), await world.send("2", updates="1")]
    rows = await world.pool.fetch("SELECT * FROM journal WHERE stream = ANY ($1)", names)
    late_first = sorted(rows, key=lambda row: names.index(row["stream"]))
    await world.deliver("incident.reports", [world.record_of(row) for row in late_first])
    assert await world.pool.fetchval("SELECT count(*) FROM incidents") == 1


async def test_reports_that_add_to_each_other_are_one_incident(world: World) -> None:
    first = await world.send("1", updates="2")
    second = await world.send("2", updates="1")
    rows = await world.pool.fetch("SELECT * FROM journal WHERE stream = $1", second)
    await world.deliver("incident.reports", [world.record_of(row) for row in rows])
    assert await world.incident_of(first) == await world.incident_of(second) is not None
    assert not await world.pool.fetchval("SELECT count(*) FROM parking")


async def test_an_update_that_overtakes_its_report_adds_to_the_same_incident(world: World) -> None:
    first, second = await world.send("1"), await world.send("2", updates="1", severity="life_threatening")
    third = await world.send("3", updates="2", hazards=["weapon"])
    rows = await world.pool.fetch("SELECT * FROM journal WHERE stream = $1", third)
    await world.deliver("incident.reports", [world.record_of(row) for row in rows])
    name = await world.incident_of(third)
    assert [await world.incident_of(report) for report in (first, second)] == [name, name]
    await world.consume("incident.reports")
    incident = await world.read(name)
    assert (incident.report_id, incident.hazards, incident.severity) == (
        first,
        ("weapon",),
        "life_threatening",
    )
    assert await world.pool.fetchval("SELECT count(*) FROM incidents") == 1


async def test_an_update_before_its_report_in_one_batch_adds_to_the_same_incident(world: World) -> None:
    first = await world.send("1")
    await world.send("2", updates="1")
    rows = await world.pool.fetch("SELECT * FROM journal WHERE topic = 'incident.reports' ORDER BY id DESC")
    await world.deliver("incident.reports", [world.record_of(row) for row in rows])
    incidents = await world.pool.fetch("SELECT report_id FROM incidents")
    assert [row["report_id"] for row in incidents] == [first]


async def test_an_update_after_the_end_is_escalated_if_it_reports_something_new(world: World) -> None:
    name = await world.open("1", hazards=["weapon"])
    await execution.execute_command(world.uow, world.organisation, name, Act("close", "Ada"))
    assert await world.open("2", updates="1") == name
    assert reasons(await world.read(name)) == set()
    assert await world.open("3", updates="1", severity="life_threatening") == name
    incident = await world.read(name)
    assert (incident.status, reasons(incident)) == ("closed", {"updated_after_end"})


async def test_a_report_accepted_at_the_edge_is_opened_though_our_clock_is_behind(world: World) -> None:
    report = await world.send("1", occurred_at="2026-11-22T20:05:00Z")
    world.clock.advance(-1)
    await world.consume("incident.reports")
    assert await world.incident_of(report) is not None


async def test_an_update_of_an_unknown_report_opens_an_incident(world: World) -> None:
    assert (await world.read(await world.open("2", updates="never"))).status == "open"


async def test_a_report_of_an_unknown_organisation_is_parked_and_escalated_in_all_of_them(
    world: World,
) -> None:
    stranger = from_topic(world, "7")
    object.__setattr__(stranger, "organisation", new_id())
    await world.deliver("incident.reports", [stranger, from_topic(world, "8")])
    assert await world.pool.fetchval("SELECT count(*) FROM incidents") == 1
    assert await world.pool.fetchval("SELECT count(*) FROM parking") == 1
    told = await world.pool.fetch(
        "SELECT organisation, reason FROM escalations WHERE subject_kind = 'system'"
    )
    assert [tuple(row) for row in told] == [(world.organisation, "parked:incident.reports:sensor")]


async def test_a_report_from_the_future_on_the_topic_is_parked(world: World) -> None:
    late = from_topic(world, "7", at="2026-11-22T20:06:00Z")
    await world.deliver("incident.reports", [late])
    assert (
        await world.pool.fetchval("SELECT reason FROM parking")
        == "at: 2026-11-22T20:06:00+00:00 lies in the future"
    )


async def test_an_exercise_runs_in_the_lane_of_drills(world: World) -> None:
    incident = await world.read(await world.open(mode="exercise"))
    assert (incident.mode, incident.lane) == ("exercise", "drill")


async def test_a_trusted_source_without_a_professional_reference_waits_for_a_confirmation(
    world: World,
) -> None:
    people = await world.add_people(2)
    name = await world.ask("1", professional={"requested": True})
    assert reasons(await world.read(name)) == {"awaiting_confirmation"}
    await world.open("2", updates="1")
    await world.advance(3)
    assert await world.asked(name) == people


async def test_what_waits_of_an_incident_that_became_severe_leaves_with_what_follows(world: World) -> None:
    name = await world.open("1", severity="routine")
    await world.open("2", severity="routine")
    await world.open("3", updates="1", severity="life_threatening")
    rows = await world.pool.fetch(
        "SELECT j.stream = $1 AS became, o.rank FROM outbox o JOIN journal j ON j.id = o.position "
        "WHERE j.topic = 'incident.events'",
        name,
    )
    assert {row["rank"] for row in rows if row["became"]} == {0}
    assert {row["rank"] for row in rows if not row["became"]} == {2}


async def test_an_incident_has_the_window_of_its_report_and_follows_its_source(world: World) -> None:
    first, other = (
        {"from": world.now + timedelta(days=days), "to": world.now + timedelta(days=days, hours=2)}
        for days in (1, 2)
    )
    name = await world.open("1", window=first)
    assert (await world.read(name)).window == Window(starts_at=first["from"], ends_at=first["to"])
    await world.send("2", updates="1", window=other)
    await world.consume("incident.reports")
    found = await world.read(name)
    assert found.window == Window(starts_at=other["from"], ends_at=other["to"])
    assert await rebuilding.compare(world.uow) == []
