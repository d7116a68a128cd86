"""A person on the rosters of two organisations: each knows its own, and neither changes nor learns of the other's."""

from itertools import count
from uuid import UUID

import pytest

from dispatch.domain.matching.selection import Gate, readable
from dispatch.services.access import organisations
from dispatch.services.console.history import timeline
from dispatch.services.console.own_reasons import own_reasons, reasons_for_supervisors
from dispatch.services.core.errors import ConflictError
from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.services.operations.candidate_rows import differing
from dispatch.services.people import opt_out, roster_import, volunteers
from dispatch.services.people.position_writer import PositionWriter
from dispatch.services.people.positions import PositionFix
from dispatch.storage.pool import transaction
from tests.domain.builders import PLACE
from tests.support.scene import Scene, a_volunteer, phone

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
    await enrol(uow, first)
    await enrol(uow, second)
    member = (await volunteers.enrol(uow, second, a_volunteer())).id
    await PositionWriter(uow).write(second, PositionFix(member, FAR["lat"], FAR["lon"], uow.clock.now()))
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


async def both(uow: UnitOfWork) -> tuple[Scene, Scene]:
    """Return two organisations that have the same person."""
    here, there = await Scene.open(uow, 1), await Scene.open(uow, 1, "Mairie")
    there.numbers = count(100)
    assert here.people == there.people
    return here, there


async def why(scene: Scene, who: UUID) -> list[list[str]]:
    """Search for an incident; return what its timeline and the reasons of a person say of them."""
    scene.uow.clock.advance(1)  # type: ignore[attr-defined]
    incident = await scene.incident()
    moments = (await timeline(scene.uow, scene.organisation, incident.id)).moments
    (round_,) = [one.detail for one in moments if one.what == "search.round"]
    member = str(await scene.member(who))
    (listed,) = [one["why"] for one in round_["passed_over"] if one["volunteer_id"] == member]
    latest, *_ = await reasons_for_supervisors(scene.uow, scene.organisation, who)
    return [listed, readable(latest.gates)]


async def test_an_organisation_reads_that_another_ones_busy_person_is_not_available(uow: UnitOfWork) -> None:
    here, there = await both(uow)
    await there.offer(0)
    assert await why(here, here.people[0]) == [["availability"]] * 2
    (own,) = await own_reasons(uow, here.organisation, here.people[0])
    assert own.gates == Gate.OFFER
    assert await why(there, here.people[0]) == [["offer"]] * 2


ENGAGE = """
    INSERT INTO assignments (id, incident_id, offer_id, volunteer_id, lane, seat, status, assigned_at)
    SELECT o.id, o.incident_id, o.id, o.volunteer_id, o.lane, 1, 'assigned', o.extended_at FROM offers o
"""


async def test_an_organisation_reads_its_own_engagement_of_a_person_and_not_another_ones(
    uow: UnitOfWork,
) -> None:
    here, there = await both(uow)
    await there.offer(0)
    await uow.pool.execute("UPDATE offers SET status = 'accepted', settled_at = $1", uow.clock.now())
    await uow.pool.execute(ENGAGE)
    assert await why(here, here.people[0]) == [["availability"]] * 2
    assert await why(there, here.people[0]) == [["engaged"]] * 2


async def test_somebody_assigned_for_one_organisation_leaves_the_other_and_not_that_one(
    uow: UnitOfWork,
) -> None:
    here, there = await both(uow)
    await there.offer(0)
    await uow.pool.execute("UPDATE offers SET status = 'accepted', settled_at = $1", uow.clock.now())
    await uow.pool.execute(ENGAGE)
    with pytest.raises(ConflictError, match="assigned to a running incident"):
        await opt_out.erase(uow, there.organisation, there.people[0])
    await opt_out.erase(uow, here.organisation, here.people[0])


FAILED = """
    INSERT INTO messages (id, organisation, mode, recipient_kind, recipient_id, purpose, channel, severity, status,
                          attempts, due_at, created_at)
    VALUES (gen_random_uuid(), $1, 'actual', 'volunteer', $2, 'offer', 'sms', 1, 'failed', 1, $3, $3)
"""


async def test_a_phone_that_fails_for_one_organisation_is_no_news_to_the_other(
    uow: UnitOfWork, first: UUID, second: UUID
) -> None:
    who, now = await enrol(uow, first), uow.clock.now()
    await enrol(uow, second)
    await uow.pool.execute(FAILED, first, who, now)
    await uow.pool.execute("UPDATE addresses SET failing_since = $1", now)
    told = [(await volunteers.list_volunteers(uow, one))[0]["failing_since"] for one in (first, second)]
    assert told == [now, None]


TEXT = """
    INSERT INTO inbound_texts
        (id, gateway, sender, text, outcome, received_at, volunteer_id, incident_ids, organisation)
    VALUES (gen_random_uuid(), 'sms', $1, $2, 'reply', $3, $4, $5, $6)
"""


async def test_who_leaves_one_roster_takes_the_texts_to_that_organisation_along(uow: UnitOfWork) -> None:
    here, there = await both(uow)
    own, foreign = (await here.incident()).id, (await there.incident()).id
    for words, about, gateway in (
        ("about ours", [own], None), ("about theirs", [foreign], None), ("about both", [own, foreign], None),
        ("to us", None, here.organisation), ("to them", None, there.organisation), ("to all", None, None),
    ):  # fmt: skip
        await uow.pool.execute(TEXT, phone(0), words, uow.clock.now(), here.people[0], about, gateway)
    await opt_out.erase(uow, here.organisation, here.people[0])
    left = {row["text"] for row in await uow.pool.fetch("SELECT text FROM inbound_texts")}
    assert left == {"about theirs", "about both", "to them", "to all"}
    await opt_out.erase(uow, there.organisation, here.people[0])
    assert await uow.pool.fetchval("SELECT count(*) FROM inbound_texts") == 0
