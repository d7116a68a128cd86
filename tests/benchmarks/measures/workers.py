"""Two processes compared with one on the same backlog: the gain, and the order per incident."""

from collections.abc import Sequence
from uuid import UUID

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from tests.benchmarks.measures import drain
from tests.benchmarks.rig import wire
from tests.benchmarks.rig.city import City
from tests.benchmarks.rig.processes import Cpu
from tests.benchmarks.rig.site import Site
from tests.benchmarks.rig.wire import Growth
from tests.benchmarks.row import Row

NAME = "workers"


async def measure(site: Site) -> list[Row]:
    """Drain the same backlog with one process, then with two of the same roles."""
    count = 1_000 if site.quick else 10_000
    one, _ = await _run(site, count, 1)
    two, disordered = await _run(site, count, 2)
    what = f"two processes, backlog of {count:,} reports to their offers"
    value, bound = drain.speed(two), drain.speed(one)
    order = f"{disordered} of {count:,} incidents have offers out of order on the topic"
    return [
        Row(what, value, "incidents/s", "higher", bound, "one process", "order kept", not disordered,
            f"{order}; {drain.spent(two)}"),
        Row(f"{what}: CPU of all", drain.cost_ms(two), "ms/incident", "lower", drain.cost_ms(one), "one process"),
    ]  # fmt: skip


async def _run(site: Site, count: int, processes: int) -> tuple[Growth[Cpu], int]:
    city = await City.build(site, count * drain.PEOPLE_PER_REPORT)
    backlog = await drain.accept(site, city, count)
    growth = await drain.drain(site, city, backlog, [drain.ROLES] * processes)
    site.say("checking the order")
    return growth, await disordered(site.bootstrap, "dispatch.offers", growth.total)


async def disordered(bootstrap: str, topic: str, total: int) -> int:
    """Count the keys of a topic whose records are not in the order of ce_sequence."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, auto_offset_reset="earliest")
    consumer.assign([TopicPartition(topic, number) for number in range(wire.PARTITIONS)])
    await consumer.start()
    records: list[ConsumerRecord] = []
    try:
        while len(records) < total:
            for found in (await consumer.getmany(timeout_ms=1000)).values():
                records += found
    finally:
        await consumer.stop()
    return len(out_of_order([(UUID(r.key.decode()), int(dict(r.headers)["ce_sequence"])) for r in records]))


def out_of_order(places: Sequence[tuple[UUID, int]]) -> set[UUID]:
    """Return the keys that were seen with a lower or equal sequence number after a higher one."""
    highest: dict[UUID, int] = {}
    wrong = set()
    for key, place in places:
        if place <= highest.get(key, 0):
            wrong.add(key)
        highest[key] = max(place, highest.get(key, 0))
    return wrong
