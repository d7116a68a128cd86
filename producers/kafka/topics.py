"""Create the declared topics and check their partitions."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import (
    KafkaConnectionError,
    NoError,
    TopicAlreadyExistsError,
    TopicAuthorizationFailedError,
    for_code,
)

from dispatch.domain.counting import counted
from dispatch.kafka_security import UNSECURED, Security
from producers.kafka.diagnosis import diagnose
from producers.kafka.errors import TopicsError
from schemas.topics import BY_NAME, TOPICS, Topic

TIMEOUT_S = 15.0
REQUEST_TIMEOUT_MS = 5_000
SEGMENTS = 4
TOPIC_HIDDEN = (
    "topic {} is either hidden from this user or absent, and this user may not create it: grant Describe on it, "
    "or run `dispatch topics ensure` as a user who may Create"
)


@asynccontextmanager
async def administration(
    bootstrap: str, security: Security = UNSECURED
) -> AsyncIterator[AIOKafkaAdminClient]:
    """Connect an administration client, whose requests never create a topic by accident.

    Raises KafkaAccessError.
    """
    admin = AIOKafkaAdminClient(
        bootstrap_servers=bootstrap, request_timeout_ms=REQUEST_TIMEOUT_MS, **security.arguments
    )
    try:
        await _start(admin, bootstrap, security)
        yield admin
    finally:
        await admin.close()


async def _start(admin: AIOKafkaAdminClient, bootstrap: str, security: Security) -> None:
    try:
        await admin.start()
    except KafkaConnectionError:
        raise await diagnose(bootstrap, security) from None


async def cluster_id(admin: AIOKafkaAdminClient) -> str:
    """Return the id of the cluster; an empty cluster that replaced it has another."""
    async with asyncio.timeout(REQUEST_TIMEOUT_MS / 1000):
        return str((await admin.describe_cluster())["cluster_id"])


async def ensure(
    bootstrap: str,
    *,
    replication: int = 1,
    min_insync: int = 1,
    embedded: bool = False,
    security: Security = UNSECURED,
) -> list[str]:
    """Create the declared topics that are missing and return their names; safe in several processes at once.

    An empty topic with another number of partitions (created by a metadata request for it) is deleted and created
    again. One that holds messages is left alone and raises TopicsError: another number would move its keys to other
    partitions than their earlier messages. The embedded broker's topics are always created again: it stores nothing.
    """
    async with administration(bootstrap, security) as admin:
        have = await _partitions(admin)
        wrong = [topic for topic in TOPICS if have.get(topic.name, 0) not in {0, topic.partitions}]
        if not embedded:
            await _require_empty(bootstrap, security, wrong, have)
        await _delete(admin, wrong)
        missing = [topic for topic in TOPICS if topic.name not in have or topic in wrong]
        await _create(admin, missing, replication, min_insync)
        await _until_visible(admin)
    return [topic.name for topic in missing]


async def lost_topics(admin: AIOKafkaAdminClient) -> list[str]:
    """Return the declared topics that somebody has deleted, or created again otherwise."""
    have = await _partitions(admin)
    return [topic.name for topic in TOPICS if have.get(topic.name) != topic.partitions]


async def _partitions(admin: AIOKafkaAdminClient, *, led: bool = False) -> dict[str, int]:
    # Always of all topics: some brokers create a topic that is requested by name. A new one may show no partitions.
    return {
        topic["topic"]: sum(not led or partition["leader"] >= 0 for partition in topic["partitions"])
        for topic in await admin.describe_topics()
        if topic["topic"] in BY_NAME
    }


async def _require_empty(
    bootstrap: str, security: Security, wrong: Sequence[Topic], have: dict[str, int]
) -> None:
    for topic in wrong:
        if await _holds_messages(bootstrap, security, topic.name, have[topic.name]):
            raise TopicsError(
                f"topic {topic.name} has {counted(have[topic.name], 'partition')} and holds messages; it should have "
                f"{topic.partitions}: let readers finish, delete it, run `dispatch topics ensure` again"
            )


async def _holds_messages(bootstrap: str, security: Security, name: str, partitions: int) -> bool:
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap, request_timeout_ms=REQUEST_TIMEOUT_MS, **security.arguments
    )
    try:
        await consumer.start()
        where = [TopicPartition(name, number) for number in range(partitions)]
        return bool(await consumer.beginning_offsets(where) != await consumer.end_offsets(where))
    finally:
        await consumer.stop()


async def _delete(admin: AIOKafkaAdminClient, topics: Sequence[Topic]) -> None:
    if not topics:
        return
    names = {topic.name for topic in topics}
    await admin.delete_topics(sorted(names))
    async with asyncio.timeout(TIMEOUT_S):
        while names & (await _partitions(admin)).keys():
            await asyncio.sleep(0.05)


async def _create(
    admin: AIOKafkaAdminClient, topics: Sequence[Topic], replication: int, min_insync: int
) -> None:
    if not topics:
        return
    wanted = [
        NewTopic(topic.name, topic.partitions, replication, topic_configs=declared(topic, min_insync))
        for topic in topics
    ]
    for name, code, *text in (await admin.create_topics(wanted)).topic_errors:
        if for_code(code) is TopicAuthorizationFailedError:
            raise TopicsError(TOPIC_HIDDEN.format(name))
        if for_code(code) not in {NoError, TopicAlreadyExistsError}:
            raise TopicsError(f"topic {name} could not be created: {for_code(code).__name__} {text or ''}")


def declared(topic: Topic, min_insync: int) -> dict[str, str]:
    """Return a topic's settings under the names that Kafka gives them."""
    return {
        "cleanup.policy": "compact,delete" if topic.compact else "delete",
        "retention.ms": str(topic.retention_ms),
        # Kafka deletes whole segments, once their newest message has expired: small ones keep closer to the limit.
        "segment.ms": str(topic.retention_ms // SEGMENTS),
        "min.insync.replicas": str(min_insync),
    }


async def _until_visible(admin: AIOKafkaAdminClient) -> None:
    have: dict[str, int] = {}
    try:
        async with asyncio.timeout(TIMEOUT_S):
            while have != {topic.name: topic.partitions for topic in TOPICS}:
                await asyncio.sleep(0.02 if have else 0)
                have = await _partitions(admin, led=True)
    except TimeoutError:
        lacking = [f"{t.name} {have.get(t.name, 0)} of {t.partitions}" for t in TOPICS]
        raise TopicsError(f"partitions with a leader after {TIMEOUT_S:.0f} s: {', '.join(lacking)}") from None
