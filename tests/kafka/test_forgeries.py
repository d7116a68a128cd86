"""A stranger who reads and writes every topic of a real cluster changes nothing, and stops nobody."""

from collections.abc import Sequence

import pytest
from aiokafka import AIOKafkaProducer

from dispatch.services.ingest.parking_limit import LIMITS
from dispatch.services.subscriptions import READERS
from schemas.topics import BY_NAME
from tests.kafka.support.cluster import KafkaCluster
from tests.kafka.support.outside import behind
from tests.kafka.support.workers import LISTENERS, Station
from tests.kafka.test_recovery import COVERED, EVERYBODY, MESSENGERS
from tests.support.forgery import Raw, forgeries, real_records, state
from tests.support.site import until

pytestmark = [pytest.mark.timeout(180)]

WORK = (*(role for role in EVERYBODY if role != "agenda"), "positions")
UNSENT = "SELECT count(*) FROM messages WHERE status IN ('queued', 'leased')"
PER_CONSUMER = "SELECT consumer, reason, count(*) FROM parking GROUP BY consumer, reason"
NOT_OURS = "SELECT FROM inbox WHERE NOT EXISTS (SELECT FROM journal WHERE journal.event_id = inbox.event_id)"
TOLD = "SELECT count(*) FROM escalations WHERE reason = 'forged' AND status = 'raised'"


async def quiet(station: Station) -> None:
    """Wait until every report is covered, every event is consumed, and every message is sent."""

    async def sent() -> bool:
        return not await station.pool.fetchval(UNSENT)

    await station.complete(*LISTENERS, *MESSENGERS, "unreached")
    await until(sent)
    await station.complete(*LISTENERS, *MESSENGERS, "unreached")


async def publish(kafka: KafkaCluster, records: Sequence[Raw]) -> None:
    async with AIOKafkaProducer(bootstrap_servers=kafka.bootstrap) as producer:
        for one in records:
            await producer.send(one.topic, one.body, key=one.key, headers=one.pairs)
        await producer.flush()


async def test_forged_records_of_every_type_on_every_topic_do_nothing_and_the_work_goes_on(
    station: Station, kafka: KafkaCluster
) -> None:
    async def read() -> bool:
        return not any([await behind(kafka.bootstrap, consumer, topic) for topic, consumer in READERS])

    station.work(*WORK)
    await station.report("before")
    await quiet(station)
    written = await real_records(station.pool, BY_NAME)
    before = await state(station.pool)
    for topic in BY_NAME:
        real = next((one for one in written if one.topic == topic), written[0])
        elsewhere = [one for one in written if one.topic != topic][:50]
        await publish(kafka, [*forgeries(topic, real, elsewhere)])
    await until(read)
    # The alerts are events of ours, which are consumed too.
    assert await state(station.pool) | {"inbox": before["inbox"]} == before
    assert await station.pool.fetch(NOT_OURS) == []
    parked = await station.pool.fetch(PER_CONSUMER)
    assert {row["consumer"] for row in parked} == {consumer for _, consumer in READERS}
    assert [tuple(row) for row in parked if row["count"] > LIMITS[row["reason"]]] == []
    assert await station.pool.fetchval(TOLD) == 1
    await station.report("after")
    await quiet(station)
    assert await station.pool.fetchval(COVERED) == 2
    await station.is_sound()
