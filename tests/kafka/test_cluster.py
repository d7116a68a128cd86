"""The cluster of the Kafka tests behaves as they assume."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError

from tests.kafka.support.cluster import KafkaCluster

pytestmark = [pytest.mark.timeout(60)]
WORDS = [f"word {n}".encode() for n in range(100)]


@asynccontextmanager
async def admin_of(cluster: KafkaCluster) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(bootstrap_servers=cluster.bootstrap)
    await admin.start()
    try:
        yield admin
    finally:
        await admin.close()


async def make_topic(cluster: KafkaCluster, copies: int = 1) -> str:
    topic = f"words-{uuid4()}"
    async with admin_of(cluster) as admin:
        await admin.create_topics([NewTopic(topic, num_partitions=1, replication_factor=copies)])
    return topic


async def say(cluster: KafkaCluster, topic: str, words: list[bytes]) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=cluster.bootstrap, enable_idempotence=True)
    await producer.start()
    try:
        for sent in [await producer.send(topic, word) for word in words]:
            await sent
    finally:
        await producer.stop()


async def consume(cluster: KafkaCluster, topic: str, count: int) -> list[bytes]:
    consumer = AIOKafkaConsumer(
        topic, bootstrap_servers=cluster.bootstrap, group_id=f"group-{uuid4()}", auto_offset_reset="earliest"
    )
    await consumer.start()
    try:
        async with asyncio.timeout(20):
            return [(await consumer.getone()).value for _ in range(count)]
    finally:
        await consumer.stop()


async def answers(cluster: KafkaCluster) -> bool:
    try:
        async with asyncio.timeout(2), admin_of(cluster) as admin:
            await admin.list_topics()
    except (KafkaError, TimeoutError):
        return False
    return True


async def test_a_consumer_group_receives_what_an_idempotent_producer_sent(kafka: KafkaCluster) -> None:
    topic = await make_topic(kafka)
    await say(kafka, topic, WORDS)
    assert await consume(kafka, topic, len(WORDS)) == WORDS


async def test_a_request_for_an_unknown_topic_does_not_create_it(kafka: KafkaCluster) -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(2):
            await say(kafka, "nobody-made-me", WORDS[:1])
    async with admin_of(kafka) as admin:
        assert "nobody-made-me" not in await admin.list_topics()


async def test_a_killed_node_retains_its_messages_over_a_restart(kafka: KafkaCluster) -> None:
    topic, before = await make_topic(kafka), kafka.cluster_id
    await say(kafka, topic, WORDS)
    kafka.kill()
    assert not await answers(kafka)
    kafka.restart()
    assert await consume(kafka, topic, len(WORDS)) == WORDS
    async with admin_of(kafka) as admin:
        assert (await admin.describe_cluster())["cluster_id"] == before == kafka.cluster_id


async def test_a_frozen_node_answers_again_once_it_is_resumed(kafka: KafkaCluster) -> None:
    topic = await make_topic(kafka)
    kafka.pause()
    try:
        assert not await answers(kafka)
    finally:
        kafka.resume()
    await say(kafka, topic, WORDS)
    assert await consume(kafka, topic, len(WORDS)) == WORDS


async def test_a_replaced_cluster_is_empty_and_has_another_id(kafka: KafkaCluster) -> None:
    topic, before, address = await make_topic(kafka), kafka.cluster_id, kafka.bootstrap
    kafka.replace()
    async with admin_of(kafka) as admin:
        assert topic not in await admin.list_topics()
        assert (await admin.describe_cluster())["cluster_id"] == kafka.cluster_id != before
    assert kafka.bootstrap == address


async def test_three_nodes_lose_nothing_and_continue_after_one_is_killed(three: KafkaCluster) -> None:
    topic = await make_topic(three, copies=3)
    await say(three, topic, WORDS)
    three.kill(1)
    await say(three, topic, WORDS)
    assert await consume(three, topic, 2 * len(WORDS)) == WORDS + WORDS
