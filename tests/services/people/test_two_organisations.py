"""A person on the rosters of two organisations: each knows its own, and neither changes nor learns of the other's."""

from uuid import UUID

import pytest

from dispatch.services.access import organisations
from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.services.operations.candidate_rows import differing
from dispatch.services.people import opt_out, roster_import, volunteers
from dispatch.services.people.position_writer import PositionWriter
from dispatch.services.people.positions import PositionFix
from dispatch.storage.pool import transaction
from tests.domain.builders import PLACE
from tests.support.scene import a_volunteer, phone

HEADER = "name,phone,language,skills,lat,lon,birth_date,consent,availability\n"
FAR = {"lat": 43.3, "lon": 5.4}
BORN_ELSEWHERE = "1971-02-03"
KNOWN = """
    SELECT m.name, m.birth_date::text, h.lat, m.language, array_agg(s.skill ORDER BY s.skill) AS skills
    FROM memberships m
    LEFT JOIN member_positions h USING (volunteer_id, organisation)
    LEFT JOIN skills s USING (volunteer_id, organisation)
    WHERE m.organisation = $1 AND coalesce(h.kind, 'home') = 'home'
    GROUP BY m.name, m.birth_date, h.lat, m.language
"""


@pytest.fixture
async def first(uow: UnitOfWork) -> UUID:
    return await organisations.create(uow, "SDIS 75")


@pytest.fixture
async def second(uow: UnitOfWork) -> UUID:
    return await organisations.create(uow, "Mairie")


async def enrol(uow: UnitOfWork, organisation: UUID, **changes: object) -> UUID:
    (who,) = await volunteers.register_all(uow, organisation, [a_volunteer(**changes)])  # type: ignore[arg-type]
    return who


async def known(uow: UnitOfWork, organisation: UUID) -> list[tuple[object, ...]]:
    return [tuple(row) for row in await uow.pool.fetch(KNOWN, organisation)]


async def differences(uow: UnitOfWork, who: UUID) -> list[str]:
    async with transaction(uow.pool) as connection:
        return list(map(str, await differing(connection, [who])))


async def test_another_organisation_neither_renames_nor_moves_a_person_nor_changes_their_age(
    uow: UnitOfWork, first: UUID, second: UUID
) -> None:
    who = await enrol(uow, first)
    before = await known(uow, first)
    there = {
        "name": "Bea",
        "birth_date": BORN_ELSEWHERE,
        "position": FAR,
        "language": "en",
        "skills": ["pump"],
    }
    assert await enrol(uow, second, **there) == who
    assert (
        await known(uow, first)
        == before
        == [("Ada 0", "1990-01-31", PLACE.lat, "fr", ["first_aid", "watch"])]
    )
    assert await known(uow, second) == [("Bea", BORN_ELSEWHERE, FAR["lat"], "en", ["pump"])]
    assert await differences(uow, who) == []


async def test_a_roster_file_names_a_person_for_its_own_organisation_alone(
    uow: UnitOfWork, first: UUID, second: UUID
) -> None:
    await enrol(uow, first)
    before = await known(uow, first)
    line = f"Bea,{phone(0)},en,pump,43.3,5.4,{BORN_ELSEWHERE},sms,on_call\n"
    prepared = await roster_import.examine(uow, second, HEADER + line)
    assert (len(prepared.changes.added), prepared.changes.changed, prepared.warnings) == (1, [], [])
    await roster_import.apply(uow, prepared, confirmed=True)
    assert await known(uow, first) == before
    assert await known(uow, second) == [("Bea", BORN_ELSEWHERE, 43.3, "en", ["pump"])]


async def test_a_file_that_lacks_what_only_another_organisation_knows_is_refused_as_for_an_unknown_person(
    uow: UnitOfWork, first: UUID, second: UUID
) -> None:
    await enrol(uow, first)
    refused = [
        (await roster_import.examine(uow, second, f"name,phone\nBea,{number}\n")).problems
        for number in (phone(0), phone(1))
    ]
    assert refused[0] == refused[1] != []


async def test_a_live_position_counts_for_the_organisation_that_sent_it(
    uow: UnitOfWork, first: UUID, second: UUID
) -> None:
    who = await enrol(uow, first)
    await enrol(uow, second)
    await PositionWriter(uow).write(second, PositionFix(who, FAR["lat"], FAR["lon"], uow.clock.now()))
    rows = await uow.pool.fetch("SELECT organisation FROM member_positions WHERE kind = 'live'")
    assert [row["organisation"] for row in rows] == [second]
    tracked = await uow.pool.fetch("SELECT organisation FROM candidates WHERE tracked")
    assert [row["organisation"] for row in tracked] == [second]


async def test_who_leaves_one_roster_stays_on_the_other_and_the_last_erases_the_number(
    uow: UnitOfWork, first: UUID, second: UUID
) -> None:
    who = await enrol(uow, first)
    await enrol(uow, second, name="Bea", position=FAR)
    await opt_out.erase(uow, first, who)
    assert await known(uow, first) == []
    assert [row[0] for row in await known(uow, second)] == ["Bea"]
    assert await uow.pool.fetchval("SELECT count(*) FROM addresses") == 1
    assert await uow.pool.fetchval("SELECT count(*) FROM people WHERE name LIKE 'Ada%'") == 0
    assert await uow.pool.fetchval("SELECT count(*) FROM positions WHERE lat = $1", PLACE.lat) == 0
    assert await differences(uow, who) == []
    await opt_out.erase(uow, second, who)
    for table in (
        "memberships",
        "member_positions",
        "skills",
        "candidates",
        "addresses",
        "people",
        "positions",
    ):
        assert await uow.pool.fetchval(f"SELECT count(*) FROM {table}") == 0, table


async def stopped(uow: UnitOfWork) -> dict[UUID, bool]:
    rows = await uow.pool.fetch("SELECT organisation, stopped_at IS NOT NULL FROM candidates")
    return {row[0]: row[1] for row in rows}


async def test_stop_to_one_organisation_leaves_the_offers_of_the_other(
    uow: UnitOfWork, first: UUID, second: UUID
) -> None:
    who = await enrol(uow, first)
    await enrol(uow, second)
    async with transaction(uow.pool) as connection:
        await opt_out.stop(connection, who, uow.clock.now(), first)
    assert await stopped(uow) == {first: True, second: False}
    left = await uow.pool.fetch("SELECT organisation FROM journal WHERE type LIKE 'volunteer.left.%'")
    assert [row["organisation"] for row in left] == [first]
    async with transaction(uow.pool) as connection:
        await opt_out.restart(connection, who, second)
    assert await stopped(uow) == {first: True, second: False}
    async with transaction(uow.pool) as connection:
        await opt_out.restart(connection, who, first)
    assert await stopped(uow) == {first: False, second: False}


async def test_stop_everywhere_also_counts_for_the_next_organisation_which_does_not_learn_of_it(
    uow: UnitOfWork, first: UUID, second: UUID
) -> None:
    who = await enrol(uow, first)
    async with transaction(uow.pool) as connection:
        await opt_out.stop(connection, who, uow.clock.now())
    uow.clock.advance(1)  # type: ignore[attr-defined]
    await enrol(uow, second)
    assert await stopped(uow) == {first: True, second: True}
    (here,), (there,) = [await volunteers.list_volunteers(uow, one) for one in (first, second)]
    assert (here["stopped_at"] is None, there["stopped_at"]) == (False, None)
    async with transaction(uow.pool) as connection:
        await opt_out.restart(connection, who)
    assert await stopped(uow) == {first: False, second: False}
