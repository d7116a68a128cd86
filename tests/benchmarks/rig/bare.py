"""The bound: the rate of this machine without any logic. Run as a process, once for each hop.

A hop consumes a batch, writes a row for each record it will send, sends them, and commits its place after: the
same guarantees as the product's, with none of its work.
`python -m tests.benchmarks.rig.bare KAFKA DSN FAN FROM TO [TO …]`
"""

import asyncio
import sys
from itertools import pairwise
from uuid import uuid4

import asyncpg
import uvloop
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from tests.benchmarks.rig.wire import producer

AT_ONCE = 500
ROWS = "CREATE TABLE IF NOT EXISTS bare (id uuid PRIMARY KEY, body bytea NOT NULL)"
INSERT = "INSERT INTO bare SELECT * FROM unnest($1::uuid[], $2::bytea[])"


async def main(bootstrap: str, dsn: str, fan: int, *topics: str) -> None:
    """Run a chain of hops in this process, each from one topic to the next."""
    connection = await asyncpg.connect(dsn)
    await connection.execute(ROWS)
    await connection.close()
    async with producer(bootstrap) as sender, asyncio.TaskGroup() as group:
        for source, target in pairwise(topics):
            group.create_task(_hop(bootstrap, dsn, sender, source, target, fan))


async def _hop(
    bootstrap: str, dsn: str, sender: AIOKafkaProducer, source: str, target: str, fan: int
) -> None:
    consumer = AIOKafkaConsumer(
        source, bootstrap_servers=bootstrap, group_id=f"bare.{source}", enable_auto_commit=False,
        auto_offset_reset="earliest",
    )  # fmt: skip
    connection = await asyncpg.connect(dsn)
    await consumer.start()
    while True:
        batch = await consumer.getmany(timeout_ms=1000, max_records=AT_ONCE)
        records = [record for found in batch.values() for record in found for _ in range(fan)]
        if not records:
            continue
        await connection.execute(INSERT, [uuid4() for _ in records], [record.value for record in records])
        futures = [await sender.send(target, r.value, key=r.key, headers=list(r.headers)) for r in records]
        await asyncio.gather(*futures)
        await consumer.commit()


if __name__ == "__main__":
    kafka, database, copies, *names = sys.argv[1:]
    uvloop.run(main(kafka, database, int(copies), *names))
