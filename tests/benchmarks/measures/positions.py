"""Positions of a million volunteers: the rate over Kafka, beside the rate of direct writes."""

import asyncio
import random
import time
from collections.abc import Iterator, Sequence
from datetime import datetime

import asyncpg
import orjson
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import GroupCoordinatorNotAvailableError, NotCoordinatorForGroupError

from dispatch.clock import Clock
from dispatch.services.people.position_handler import CONSUMER, TOPIC
from dispatch.services.people.positions import PositionFix, write_positions
from dispatch.storage.pool import open_pool, transaction
from producers.kafka.topics import administration
from schemas.base import Position
from schemas.ids import new_id
from tests.benchmarks.figures import Sample, rate
from tests.benchmarks.rig.population import LOAD_S, ORGANISATION, Square, settle, volunteer
from tests.benchmarks.rig.site import Site
from tests.benchmarks.rig.wire import Message, publish
from tests.benchmarks.row import Row

NAME = "positions"
PEOPLE, MOVES = 1_000_000, 200_000
AT_ONCE = 1_000
"""Positions in one transaction, as the consumer handles them."""
GOAL = 20_000
EVERY_S = 0.2


async def measure(site: Site) -> list[Row]:
    """Write positions directly, each of another volunteer who has moved; then let the consumer do it."""
    people, moves = (20_000, 20_000) if site.quick else (PEOPLE, MOVES)
    site.say(f"settling {people:,} volunteers")
    square, dsn = Square.of(people), await site.database()
    pool = await open_pool(dsn, application="benchmark", size=1)
    async with pool.acquire() as connection:
        await settle(connection, square, Clock().now())  # type: ignore[arg-type]
        await connection.execute("VACUUM ANALYZE", timeout=LOAD_S)
    bound = await _written(site, pool, list(_moves(square, moves, Clock().now(), random.Random(1))))
    await pool.close()
    value, limit = await _heard(site, dsn, list(_moves(square, moves, Clock().now(), random.Random(2))))
    what = f"positions over Kafka, {people:,} volunteers, each move to elsewhere, one process"
    return [
        Row(
            what, value, "/s", "higher", bound, f"the same written straight, {AT_ONCE:,} in a transaction",
            f"≥ {GOAL:,}/s", value >= GOAL, limit,
        )
    ]  # fmt: skip


def _moves(square: Square, count: int, now: datetime, chance: random.Random) -> Iterator[PositionFix]:
    for _ in range(count):
        place: Position = square.at(chance.random(), chance.random())
        yield PositionFix(volunteer(chance.randint(1, square.people)), place.lat, place.lon, now)


async def _written(site: Site, pool: asyncpg.Pool, moves: Sequence[PositionFix]) -> float:
    site.say(f"writing {len(moves):,} moves")
    began = time.perf_counter()
    for start in range(0, len(moves), AT_ONCE):
        async with transaction(pool) as connection:
            await write_positions(connection, moves[start : start + AT_ONCE], Clock().now(), ORGANISATION)
    return len(moves) / (time.perf_counter() - began)


async def _heard(site: Site, dsn: str, moves: Sequence[PositionFix]) -> tuple[float, str]:
    await site.broker()
    await site.introduce(dsn)
    site.say(f"publishing {len(moves):,} positions")
    await publish(site.bootstrap, TOPIC, [_record(move) for move in moves])
    site.say(f"hearing {len(moves):,} positions")
    program = site.work("positions", dsn=dsn, DISPATCH_GUARDED_POSITIONS="true")
    before, began = site.cpu(program), time.perf_counter()
    samples = await _committed(site, len(moves))
    spent = (site.cpu(program) - before).told(time.perf_counter() - began, len(moves), "position")
    await program.stop()
    return rate(samples, len(moves)), spent


async def _committed(site: Site, total: int) -> list[Sample]:
    """Poll the consumer's group until it has committed everything."""
    samples: list[Sample] = []
    async with administration(site.bootstrap) as admin:
        while not samples or samples[-1][1] < total:
            samples.append((time.monotonic(), await _offsets(admin)))
            await asyncio.sleep(EVERY_S)
    return samples


async def _offsets(admin: AIOKafkaAdminClient) -> int:
    try:
        places = await admin.list_consumer_group_offsets(f"renfort.{CONSUMER}")
    except (GroupCoordinatorNotAvailableError, NotCoordinatorForGroupError):
        return 0  # the group does not exist yet
    return sum(max(0, place.offset) for place in places.values())


def _record(move: PositionFix) -> Message:
    """Write a position as a tracker publishes it."""
    attributes = {
        "ce_specversion": "1.0", "ce_id": str(new_id()), "ce_source": "tracker",
        "ce_type": "volunteer.moved.v1", "ce_organisation": str(ORGANISATION),
        "ce_time": move.recorded_at.isoformat(), "content-type": "application/json",
    }  # fmt: skip
    body = {
        "at": move.recorded_at, "volunteer_id": move.volunteer_id, "lat": move.lat, "lon": move.lon,
        "recorded_at": move.recorded_at,
    }  # fmt: skip
    headers = [(name, value.encode()) for name, value in attributes.items()]
    return str(move.volunteer_id).encode(), headers, orjson.dumps(body)
