"""Positions that arrive one by one, on a real database."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from dispatch.clock import MovableClock
from dispatch.domain.places.service_area import Area
from dispatch.services.access import organisations
from dispatch.services.core.errors import InvalidError, NotFoundError
from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.services.people import volunteers
from dispatch.services.people.position_writer import PositionWriter
from dispatch.services.people.positions import PositionFix
from schemas.volunteers import VolunteerBody

Volunteer = Callable[..., VolunteerBody]
STRASBOURG = {"lat": 48.5846, "lon": 7.7507}


def a_volunteer(phone: str = "+33639980001", **changes: object) -> VolunteerBody:
    body: dict[str, object] = {
        "name": "Ada",
        "phone": phone,
        "skills": ["first_aid"],
        "position": STRASBOURG,
        "birth_date": "1990-01-31",
        "consent": ["sms"],
    }
    return VolunteerBody.model_validate(body | changes)


@pytest.fixture
async def organisation(uow: UnitOfWork) -> UUID:
    return await organisations.create(uow, "SDIS 67", "Europe/Paris", Area(48, 7, 49, 8.5))


async def test_the_newest_position_counts_whatever_the_order(
    uow: UnitOfWork, organisation: UUID, clock: MovableClock
) -> None:
    id_, _ = await volunteers.enrol(uow, organisation, a_volunteer())
    now = clock.now()
    await PositionWriter(uow).write(organisation, PositionFix(id_, 48.50, 7.70, now))
    await PositionWriter(uow).write(organisation, PositionFix(id_, 48.60, 7.80, now - timedelta(minutes=1)))
    row = await uow.pool.fetchrow("SELECT lat, recorded_at FROM member_positions WHERE kind = 'live'")
    assert row is not None
    assert (row["lat"], row["recorded_at"]) == (48.50, now)


async def test_a_small_move_updates_the_time_and_keeps_the_place(
    uow: UnitOfWork, organisation: UUID, clock: MovableClock
) -> None:
    id_, _ = await volunteers.enrol(uow, organisation, a_volunteer())
    await PositionWriter(uow).write(organisation, PositionFix(id_, 48.5, 7.7, clock.now()))
    clock.advance(60)
    # 22 m north on the ground, 33 m in the frame.
    await PositionWriter(uow).write(organisation, PositionFix(id_, 48.5002, 7.7, clock.now()))
    row = await uow.pool.fetchrow("SELECT lat, recorded_at FROM member_positions WHERE kind = 'live'")
    assert row is not None
    assert (row["lat"], row["recorded_at"]) == (48.5, clock.now())
    clock.advance(60)
    await PositionWriter(uow).write(organisation, PositionFix(id_, 48.5003, 7.7, clock.now()))
    assert await uow.pool.fetchval("SELECT lat FROM member_positions WHERE kind = 'live'") == 48.5003


async def test_a_position_from_a_fast_clock_does_not_block_later_ones(
    uow: UnitOfWork, organisation: UUID, clock: MovableClock
) -> None:
    id_, _ = await volunteers.enrol(uow, organisation, a_volunteer())
    await PositionWriter(uow).write(
        organisation, PositionFix(id_, 48.5, 7.7, clock.now() + timedelta(hours=2))
    )
    clock.advance(10)
    await PositionWriter(uow).write(organisation, PositionFix(id_, 48.6, 7.7, clock.now()))
    assert await uow.pool.fetchval("SELECT lat FROM member_positions WHERE kind = 'live'") == 48.6


async def test_concurrent_positions_are_written_in_one_transaction(
    uow: UnitOfWork, organisation: UUID
) -> None:
    bodies = [a_volunteer(f"+3363998000{n}") for n in range(3)]
    ids = [(await volunteers.enrol(uow, organisation, body)).id for body in bodies]
    writer, now = PositionWriter(uow), uow.clock.now()
    told = [writer.write(organisation, PositionFix(id_, 48.5, 7.7, now)) for id_ in (*ids, uuid4())]
    outcomes = await asyncio.gather(*told, return_exceptions=True)
    assert outcomes[:3] == [None, None, None]
    assert isinstance(outcomes[3], NotFoundError)
    assert (
        await uow.pool.fetchval("SELECT count(DISTINCT xmin::text) FROM member_positions WHERE kind = 'live'")
        == 1
    )


async def test_a_position_older_than_a_day_is_rejected(
    uow: UnitOfWork, organisation: UUID, clock: MovableClock
) -> None:
    id_, _ = await volunteers.enrol(uow, organisation, a_volunteer())
    with pytest.raises(InvalidError):
        await PositionWriter(uow).write(
            organisation, PositionFix(id_, 48.5, 7.7, clock.now() - timedelta(days=2))
        )
