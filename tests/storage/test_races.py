"""Unique values that two transactions want at once: the one that loses is retried; a defect is not."""

import asyncio

import asyncpg
import pytest

from dispatch.clock import MovableClock
from dispatch.services.access import organisations
from dispatch.services.access.organisations import DutyContact
from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.storage.pool import RACED, RetryableError, transaction

FENCED = {
    "assignments_offer_id_key": "the place in the incident's stream is taken first",
    "assignments_one_per_seat": "the place in the incident's stream is taken first",
    "escalations_one_open": "the place in the subject's stream is taken first",
    "seats_one_per_assignment": "the place in the incident's stream is taken first",
    "addresses_channel_address_key": "ON CONFLICT",
    "memberships_id": "drawn at random",
    "muster_points_organisation_id_key": "the id alone is unique",
    "muster_points_organisation_name_key": "ON CONFLICT",
    "organisations_name_key": "ON CONFLICT",
    "parking_once": "ON CONFLICT",
    "reports_organisation_source_source_id_key": "ON CONFLICT",
}
"""Unique indexes that are no primary keys and that no transaction can violate because another one was first."""


async def test_of_every_unique_index_it_is_decided_whether_a_violation_is_a_race(
    connection: asyncpg.Connection,
) -> None:
    # Primary keys are ids made at random or derived from what is locked, or their statements say ON CONFLICT.
    indexes = await connection.fetch(
        "SELECT indexrelid::regclass::text FROM pg_index JOIN pg_class ON pg_class.oid = indrelid"
        " WHERE (indisunique OR indisexclusion) AND NOT indisprimary AND relnamespace = 'public'::regnamespace"
    )
    assert {name for (name,) in indexes} == RACED.keys() | FENCED.keys()
    assert not RACED.keys() & FENCED.keys()


async def test_a_value_that_another_transaction_won_is_a_lost_race(pool: asyncpg.Pool) -> None:
    await pool.execute("CREATE TABLE t (n int); CREATE UNIQUE INDEX other ON t (n)")
    await pool.execute(
        "ALTER INDEX offers_one_live RENAME TO was; ALTER INDEX other RENAME TO offers_one_live"
    )
    await pool.execute("INSERT INTO t VALUES (1)")
    with pytest.raises(RetryableError, match="offers_one_live: another transaction"):
        async with transaction(pool) as connection:
            await connection.execute("INSERT INTO t VALUES (1)")


async def test_a_violation_that_is_no_race_is_a_defect(pool: asyncpg.Pool) -> None:
    await pool.execute("CREATE TABLE t (n int PRIMARY KEY); INSERT INTO t VALUES (1)")
    with pytest.raises(asyncpg.UniqueViolationError):
        async with transaction(pool) as connection:
            await connection.execute("INSERT INTO t VALUES (1)")


async def test_of_two_duty_orders_written_at_once_one_is_whole(
    pool: asyncpg.Pool, clock: MovableClock
) -> None:
    uow = UnitOfWork(pool, clock)
    organisation = await organisations.create(uow, "SDIS 67")
    orders = [
        [DutyContact(f"{name} {n}", f"+3363998{start + n:04}") for n in range(3)]
        for name, start in (("Ada", 10), ("Bo", 20), ("Cy", 30), ("Di", 40))
    ]
    await asyncio.gather(*(organisations.set_duty(uow, organisation, order) for order in orders))
    assert list(await organisations.duty(uow, organisation)) in orders
