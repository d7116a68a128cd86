"""The agenda: what is due is done, the most severe first, and one failure stops nothing else."""

import asyncio
from typing import NoReturn
from uuid import UUID

import asyncpg
import pytest

from dispatch.clock import MovableClock
from dispatch.domain.commands import Tick
from dispatch.domain.supervising.escalation import Cause
from dispatch.services.incidents import agenda, escalations, execution
from dispatch.services.incidents.agenda import AgendaRunner
from dispatch.services.incidents.execution import CommandResult, Commands
from dispatch.storage.pool import ConnectionLostError, transaction
from tests.support.site import until
from tests.support.world import World, failing_searches


@pytest.fixture
async def world(pool: asyncpg.Pool, clock: MovableClock) -> World:
    return await World(pool, clock).create()


async def kinds(world: World, name: UUID) -> dict[str, float]:
    rows = await world.pool.fetch("SELECT kind, due_at FROM agenda WHERE subject = $1", name)
    return {row["kind"]: (row["due_at"] - world.now).total_seconds() for row in rows}


async def test_the_agenda_considers_incidents_that_the_consumer_has_not(world: World) -> None:
    people = await world.add_people(4)
    name = await world.open_unasked()
    await world.advance(1.9)
    assert await world.asked(name) == []
    await world.advance(0.1)
    assert await world.asked(name) == people


async def test_the_agenda_pauses_no_longer_than_until_the_next_due_entry(world: World) -> None:
    assert await world.agenda.pause_after(0) == agenda.IDLE_S
    await world.open_unasked()
    assert await world.agenda.pause_after(0) == agenda.IDLE_S
    world.clock.advance(1.99)
    assert await world.agenda.pause_after(0) == pytest.approx(0.01)
    world.clock.advance(0.01)
    assert await world.agenda.pause_after(0) == agenda.IDLE_S, "what is due and left was left on purpose"


async def test_an_agenda_that_may_pause_for_long_does_so_until_the_next_due_entry_or_a_commit(
    world: World,
) -> None:
    runner = AgendaRunner(world.uow, lambda: 600.0)
    assert await runner.pause_after(0) == 600
    people = await world.add_people(2)
    name = await world.open_unasked()
    assert await runner.pause_after(0) == 2

    async def asked() -> bool:
        return await world.asked(name) == people

    world.clock.advance(1)
    running = asyncio.create_task(runner.run())
    await asyncio.sleep(0.2)
    world.clock.advance(1)
    await asyncio.sleep(0.2)
    assert not await asked(), "nothing woke it"
    runner.wake()
    await until(asked)
    running.cancel()


async def test_the_agenda_does_not_pause_after_a_full_round(world: World) -> None:
    assert await world.agenda.pause_after(agenda.SEVERE_PER_ROUND) == 0
    assert await world.agenda.pause_after(1) == agenda.BUSY_S


async def test_a_round_takes_the_most_severe_first_and_a_share_of_the_oldest(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.add_people(20)
    old = await world.open_unasked("0", severity="routine")
    names = {}
    for number in range(4):
        world.clock.advance(1)
        names[number] = await world.open_unasked(
            str(1 + number), severity="life_threatening" if number > 1 else "urgent"
        )
    monkeypatch.setattr(agenda, "SEVERE_PER_ROUND", 2)
    monkeypatch.setattr(agenda, "LOW_PER_ROUND", 1)
    world.clock.advance(10)
    assert await world.agenda.run_round() == 3
    asked = await world.pool.fetch("SELECT DISTINCT incident_id FROM offers")
    assert {row["incident_id"] for row in asked} == {old, names[2], names[3]}


async def test_the_agenda_considers_life_threatening_incidents_sooner(world: World) -> None:
    people = await world.add_people(4)
    name = await world.open_unasked(severity="life_threatening")
    await world.advance(0.24)
    assert await world.asked(name) == []
    await world.advance(0.01)
    assert await world.asked(name) == people


async def test_each_round_takes_a_share_of_the_less_severe_however_many_severe_ones_are_older(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(12):
        await world.open_unasked(str(number), severity="life_threatening")
    world.clock.advance(1)
    for number in range(3):
        await world.open_unasked(f"low {number}", severity="routine")
    monkeypatch.setattr(agenda, "SEVERE_PER_ROUND", 4)
    monkeypatch.setattr(agenda, "LOW_PER_ROUND", 1)
    world.clock.advance(2)
    for turn in range(1, 4):
        assert await world.agenda.run_round() == 5
        considered = await world.pool.fetch(
            "SELECT severity, count(*) FROM incidents WHERE id IN (SELECT incident_id FROM rounds) GROUP BY 1"
        )
        assert {row[0]: row[1] for row in considered} == {"life_threatening": 4 * turn, "routine": turn}


async def test_expiry_waits_for_an_answer_that_is_not_processed_yet(world: World) -> None:
    people = await world.add_people(4)
    name = await world.ask()
    world.clock.advance(58)
    await world.reply(name, people[0], "accepted")
    await world.advance(4)
    assert await world.asked(name) == [people[0]]
    assert await world.asked(name, "expired") == people[1:]
    await world.consume("volunteer.replies")
    assert [a.volunteer_id for a in (await world.read(name)).active()] == [people[0]]


async def test_expiry_waits_no_longer_than_five_seconds(world: World) -> None:
    people = await world.add_people(4)
    name = await world.ask()
    world.clock.advance(58)
    await world.reply(name, people[0], "accepted")
    await world.advance(5)
    assert await world.asked(name, "expired") == people


async def test_an_update_expires_no_offer_whose_answer_is_not_processed_yet(world: World) -> None:
    people = await world.add_people(4)
    name = await world.ask()
    world.clock.advance(20)
    await world.answer(name, people[3], "declined")
    world.clock.advance(39)
    await world.reply(name, people[0], "accepted")
    world.clock.advance(2)
    await world.send_expiring()
    await world.send("2", updates="1", severity="life_threatening")
    with failing_searches():
        await world.consume("incident.reports")
    await world.consume("incident.events")
    assert await world.asked(name) == [people[0]]
    assert await world.asked(name, "expired") == people[1:3]
    await world.consume("volunteer.replies")
    assert [a.volunteer_id for a in (await world.read(name)).active()] == [people[0]]


async def test_every_tick_knows_which_answers_are_not_processed_yet(world: World) -> None:
    people = await world.add_people(4)
    name = await world.ask()
    world.clock.advance(59)
    await world.reply(name, people[0], "accepted")
    world.clock.advance(2)
    await world.send_expiring()
    async with transaction(world.pool) as connection:
        await execution.lock_and_execute(connection, [(name, Tick())], world.now)
    assert await world.asked(name) == [people[0]]


async def test_an_incident_that_fails_is_deferred_and_reported_while_the_others_are_done(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.add_people(8)
    bad, good = await world.open_unasked("1"), await world.open_unasked("2")
    whole = execution.execute

    async def fail(connection: asyncpg.Connection, commands: Commands, *more: object) -> list[CommandResult]:
        if bad in [name for name, _ in commands]:
            raise ZeroDivisionError
        return await whole(connection, commands, *more)  # type: ignore[arg-type]

    monkeypatch.setattr(execution, "execute", fail)
    await world.advance(2)
    assert len(await world.asked(good)) == 4
    rows = await world.pool.fetch("SELECT reason, page FROM escalations WHERE subject_kind = 'system'")
    assert [tuple(row) for row in rows] == [(f"stuck:{bad}", True)]
    assert await world.agenda.run_round() == 0
    monkeypatch.undo()
    await world.advance(60)
    assert len(await world.asked(bad)) == 4


async def test_an_incident_that_cannot_be_read_is_deferred_and_reported_while_the_others_are_done(
    world: World,
) -> None:
    await world.add_people(8)
    bad, good = await world.open_unasked("1"), await world.open_unasked("2")
    await world.pool.execute(
        "WITH plan AS (INSERT INTO plans SELECT 'stricter', name, '{}', first_used FROM plans LIMIT 1"
        " RETURNING hash)"
        " UPDATE incidents SET plan_hash = plan.hash FROM plan WHERE id = $1", bad,
    )  # fmt: skip
    await world.advance(2)
    assert len(await world.asked(good)) == 4
    rows = await world.pool.fetch("SELECT reason, page FROM escalations WHERE subject_kind = 'system'")
    assert [tuple(row) for row in rows] == [(f"stuck:{bad}", True)]


async def test_a_deferred_incident_takes_no_place_in_a_round(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.add_people(8)
    bad = await world.open_unasked("1", severity="life_threatening")
    good = await world.open_unasked("2", severity="routine")
    whole = execution.execute

    async def fail(connection: asyncpg.Connection, commands: Commands, *more: object) -> list[CommandResult]:
        if bad in [name for name, _ in commands]:
            raise ZeroDivisionError
        return await whole(connection, commands, *more)  # type: ignore[arg-type]

    monkeypatch.setattr(execution, "execute", fail)
    monkeypatch.setattr(agenda, "SEVERE_PER_ROUND", 1)
    monkeypatch.setattr(agenda, "LOW_PER_ROUND", 1)
    await world.advance(2)
    assert len(await world.asked(good)) == 4


async def test_a_lost_connection_defers_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await world.open_unasked()

    async def lose(*_: object) -> NoReturn:
        raise ConnectionLostError("connection is closed")

    monkeypatch.setattr(execution, "execute", lose)
    world.clock.advance(3)
    with pytest.raises(ConnectionLostError):
        await world.agenda.run_round()
    monkeypatch.undo()
    assert await world.agenda.run_round() == 1
    assert await world.pool.fetchval("SELECT count(*) FROM escalations WHERE subject_kind = 'system'") == 0


async def test_an_escalation_of_the_system_that_fails_stops_no_incident(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = await world.add_people(4)
    await raise_system_escalation(world)

    async def fail(*_: object) -> NoReturn:
        raise ZeroDivisionError

    monkeypatch.setattr(escalations, "run_due", fail)
    name = await world.open_unasked()
    await world.advance(61)
    assert await world.asked(name) == people


async def raise_system_escalation(world: World) -> UUID:
    subject = escalations.system_subject(world.organisation)
    async with transaction(world.pool) as connection:
        cause = Cause("disk", 3, page=True)
        await escalations.escalate(connection, world.organisation, "system", subject, cause, world.now)
    return subject


async def test_a_page_about_the_system_goes_to_the_next_in_duty_order_each_minute(world: World) -> None:
    subject = await raise_system_escalation(world)
    assert await kinds(world, subject) == {"page": 60}
    await world.advance(60)
    assert await world.pool.fetchval("SELECT turn FROM escalations") == 1


async def test_an_acknowledgement_about_the_system_lapses(world: World) -> None:
    subject = await raise_system_escalation(world)
    name = await world.pool.fetchval("SELECT id FROM escalations")
    await escalations.acknowledge(world.uow, world.organisation, name, "Ada")
    assert await kinds(world, subject) == {"lapse": 900}
    await world.advance(900)
    rows = await world.pool.fetch("SELECT status, turn, acknowledged_by FROM escalations")
    assert [tuple(row) for row in rows] == [("raised", 1, None)]


async def test_a_page_about_an_incident_is_acknowledged_by_its_escalation(world: World) -> None:
    name = await world.ask(position=None)
    (raised,) = (await world.read(name)).escalations
    await escalations.acknowledge(world.uow, world.organisation, raised, "Ada")
    after = (await world.read(name)).escalations[raised]
    assert (after.status, after.acknowledged_by) == ("acknowledged", "Ada")


async def test_after_an_outage_the_steps_have_their_usual_intervals(world: World) -> None:
    name = await world.ask()
    await world.advance(3600)
    assert (await world.read(name)).steps_done == 1
    assert (await kinds(world, name))["step"] == 60
    await world.advance(60)
    assert (await world.read(name)).steps_done == 2


async def test_steps_escalate_until_somebody_takes_over(world: World) -> None:
    name = await world.ask()
    for seconds in (60, 60, 60):
        await world.advance(seconds)
    (uncovered,) = (await world.read(name)).open_escalations()
    assert (uncovered.reason, uncovered.level, uncovered.page) == ("uncovered", 3, True)
