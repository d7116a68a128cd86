"""The load generator: sends reports at a steady rate and records the results. Run as a process of its own.

`python -m tests.benchmarks.rig.load ORDER.json HEARD.json`. Reports leave on time, whether or not earlier ones were
answered. One report goes ahead alone, and the rest when all that comes of it was heard.
"""

import asyncio
import random
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid4

import orjson
import uvloop
from aiohttp import ClientSession, TCPConnector, web
from aiokafka import AIOKafkaConsumer, TopicPartition

from schemas.ids import derived
from tests.benchmarks.rig import wire
from tests.benchmarks.rig.city import Box, report

AHEAD_S = 60.0
PATIENCE_S = 60.0
REFUSED = {429, 503}
AGAIN_AFTER_S = 1.0
BEGUN = "begun"
TAKEN = "0: Accepted for delivery"


@dataclass(frozen=True, slots=True)
class Order:
    """What to send, at which rate, and which records to expect for each report."""

    bootstrap: str
    rate: float
    count: int
    topic: str
    type: str
    each: int
    url: str = ""
    key: str = ""
    people: int = 0
    into: str = ""
    """The topic to send to if there is no URL."""
    phones: int = 0
    """The port of the fake SMS gateway; 0 for none."""


@dataclass(slots=True)
class Heard:
    """Seconds on one clock: when each report was accepted, each record received, each phone texted."""

    accepted: dict[str, float] = field(default_factory=dict)
    came: dict[str, list[float]] = field(default_factory=dict)
    texted: dict[str, float] = field(default_factory=dict)
    refused: int = 0
    """How often the API rejected a report because it was busy."""
    cpu_s: float = 0.0
    wall_s: float = 0.0
    """Seconds from the first report at the rate to the last resulting record."""

    def whole(self, count: int, each: int) -> bool:
        """Return whether all results of so many reports have arrived."""
        return len(self.came) >= count and all(len(times) >= each for times in self.came.values())


Send = Callable[[int], Awaitable[str]]


async def main(order: Order) -> Heard:
    """Send everything and wait for the results."""
    heard = Heard()
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(_listen(order, heard))]
        if order.phones:
            tasks.append(group.create_task(_be_gateway(order.phones, heard)))
        await (_post if order.url else _produce)(order, heard)
        for task in tasks:
            task.cancel()
    heard.cpu_s = time.process_time()
    return heard


async def _post(order: Order, heard: Heard) -> None:
    box, chance = Box.of(order.people), random.Random(11)
    pairs = {"Authorization": f"Bearer {order.key}", "Content-Type": "application/json"}
    async with ClientSession(connector=TCPConnector(limit=50), headers=pairs) as session:

        async def send(number: int) -> str:
            body = report(box, number, datetime.now(UTC), chance).model_dump_json()
            while True:
                async with session.post(f"{order.url}/v1/reports", data=body) as answer:
                    if answer.status == 202:
                        return str(derived(UUID((await answer.json())["report_id"]), "incident"))
                    if answer.status not in REFUSED:
                        answer.raise_for_status()
                heard.refused += 1
                await asyncio.sleep(AGAIN_AFTER_S)

        await _until_ready(session, order.url)
        await _pace(order, heard, send)


async def _produce(order: Order, heard: Heard) -> None:
    box, chance = Box.of(100_000), random.Random(11)
    async with wire.producer(order.bootstrap) as sender:

        async def send(number: int) -> str:
            name = str(uuid4())
            body = report(box, number, datetime.now(UTC), chance).model_dump_json().encode()
            await sender.send_and_wait(order.into, body, key=name.encode())
            return name

        await _pace(order, heard, send)


async def _pace(order: Order, heard: Heard, send: Send) -> None:
    async def one(number: int) -> None:
        name = await send(number)
        heard.accepted[name] = time.monotonic()

    await one(0)
    await _until(lambda: heard.whole(1, order.each), AHEAD_S)
    heard.accepted.clear()
    sys.stdout.write(f"{BEGUN}\n")
    sys.stdout.flush()
    start = time.monotonic()
    async with asyncio.TaskGroup() as group:
        for number in range(1, order.count + 1):
            await asyncio.sleep(start + number / order.rate - time.monotonic())
            group.create_task(one(number))
    texts = (order.count + 1) * order.each if order.phones else 0
    await _until(lambda: heard.whole(order.count + 1, order.each) and len(heard.texted) >= texts, PATIENCE_S)
    heard.wall_s = time.monotonic() - start


async def _listen(order: Order, heard: Heard) -> None:
    consumer = AIOKafkaConsumer(bootstrap_servers=order.bootstrap)
    consumer.assign([TopicPartition(order.topic, number) for number in range(wire.PARTITIONS)])
    await consumer.start()
    await consumer.seek_to_end()
    try:
        while True:
            batch = await consumer.getmany(timeout_ms=1000)
            now, wanted = time.monotonic(), ("ce_type", order.type.encode())
            for record in (record for found in batch.values() for record in found):
                if not order.type or wanted in record.headers:
                    heard.came.setdefault(record.key.decode(), []).append(now)
    finally:
        await consumer.stop()


async def _be_gateway(port: int, heard: Heard) -> None:
    async def take(request: web.Request) -> web.Response:
        heard.texted.setdefault(request.query["to"], time.monotonic())
        return web.Response(text=TAKEN)

    app = web.Application()
    app.router.add_get("/cgi-bin/sendsms", take)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        await asyncio.Event().wait()
    finally:
        await runner.cleanup()


async def _until_ready(session: ClientSession, url: str) -> None:
    async with asyncio.timeout(AHEAD_S):
        while True:
            try:
                async with session.get(f"{url}/readyz") as answer:
                    if answer.status == 200:
                        return
            except OSError:
                pass
            await asyncio.sleep(0.1)


async def _until(true: Callable[[], bool], seconds: float) -> None:
    end = time.monotonic() + seconds
    while not true() and time.monotonic() < end:
        await asyncio.sleep(0.02)


if __name__ == "__main__":
    what, where = map(Path, sys.argv[1:])
    ordered = Order(**orjson.loads(what.read_bytes()))
    where.write_bytes(orjson.dumps(uvloop.run(main(ordered))))
