"""`dispatch doctor` on Kafka: whether it answers, its topics with their copies and settings, the consumers' lag."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import GroupCoordinatorNotAvailableError, KafkaError

from dispatch.cli.doctor.finding import Finding
from dispatch.config import Settings
from dispatch.domain.counting import counted
from dispatch.kafka_security import NO_TLS_WARNING, UNSECURED, Security, SecurityError
from dispatch.services.subscriptions import SUBSCRIPTIONS
from dispatch.storage.pool import describe
from producers.kafka.errors import KafkaAccessError
from producers.kafka.topics import REQUEST_TIMEOUT_MS, administration, declared
from schemas.topics import BY_NAME, TOPICS

PATIENCE_S = 8.0
POSITIONS = ("positions", "volunteer.positions")
FAR_BEHIND = 1000
"""Messages by which a consumer may lag before that is a warning."""

Described = Sequence[Mapping[str, Any]]
Lag = Mapping[tuple[str, str], int]


async def examine(settings: Settings, *, embedded: bool) -> list[Finding]:
    """Check Kafka, and, where it answers and has the topics, the cluster's copies, settings and consumer groups."""
    try:
        security = Security.of(settings)
    except SecurityError as error:
        return [Finding("Kafka", "fail", str(error))]
    answer = await _answers(settings.kafka, security)
    if answer.state == "fail":
        return [answer]
    if embedded:
        unknown = "not checked: the embedded broker does not report their offsets"
        return [answer, Finding("consumers", "ok", unknown)]
    return [answer, *[found async for found in _cluster(settings, security)]]


async def _answers(bootstrap: str, security: Security) -> Finding:
    if not bootstrap:
        return Finding("Kafka", "fail", "no address is known: set DISPATCH_KAFKA, or start `dispatch up`")
    try:
        async with asyncio.timeout(PATIENCE_S), administration(bootstrap, security) as admin:
            found = {topic["topic"]: len(topic["partitions"]) for topic in await admin.describe_topics()}
    except KafkaAccessError as error:
        return Finding("Kafka", "fail", str(error))
    except (KafkaError, OSError, TimeoutError) as error:
        return Finding("Kafka", "fail", f"{bootstrap} does not answer: {describe(error)}")
    return _partitions(bootstrap, found, security)


def _partitions(bootstrap: str, found: Mapping[str, int], security: Security) -> Finding:
    wrong = [
        f"{topic.name} has {counted(found.get(topic.name, 0), 'partition')}, not {topic.partitions}"
        for topic in TOPICS
        if found.get(topic.name) != topic.partitions
    ]
    if wrong:
        return Finding("Kafka", "fail", f"{'; '.join(wrong)}: dispatch topics ensure")
    answers = f"{bootstrap} answers, {len(TOPICS)} topics as declared"
    if security.password_in_clear:
        return Finding("Kafka", "warn", f"{answers}; a password without TLS: {NO_TLS_WARNING}")
    return Finding("Kafka", "ok", answers)


async def _cluster(settings: Settings, security: Security) -> AsyncIterator[Finding]:
    try:
        async with asyncio.timeout(PATIENCE_S), administration(settings.kafka, security) as admin:
            yield copies(await admin.describe_topics(), settings)
            yield await topic_settings(admin, settings)
            lag = await measure_lag(admin, settings.kafka, security)
            if not settings.guarded_positions:
                yield unread_positions(lag)
                lag = {name: count for name, count in lag.items() if name != POSITIONS}
            yield consumers(lag)
    except (KafkaError, OSError, TimeoutError) as error:
        yield Finding("consumers", "warn", f"the cluster does not report their lag: {describe(error)}")


def copies(described: Described, settings: Settings) -> Finding:
    """Check that every partition can be written and has its copies, all of them in sync."""
    ours = [(t["topic"], p) for t in described if t["topic"] in BY_NAME for p in t["partitions"]]
    stuck = {name for name, p in ours if len(p["isr"]) < settings.min_insync or p["leader"] < 0}
    if stuck:
        least = f"fewer than {settings.min_insync} brokers are in sync"
        return Finding(
            "copies", "fail", f"{', '.join(sorted(stuck))} cannot be written: {least}: start the brokers"
        )
    few = {name for name, p in ours if len(p["replicas"]) < settings.replication}
    if few:
        lacking = f"{', '.join(sorted(few))}: fewer than {settings.replication} copies"
        return Finding("copies", "warn", f"{lacking}: kafka-reassign-partitions, or set DISPATCH_REPLICATION")
    lagging = {name for name, p in ours if len(p["isr"]) < len(p["replicas"])}
    if lagging:
        late = f"{', '.join(sorted(lagging))}: a copy is not in sync"
        return Finding("copies", "warn", f"{late}: is a broker down?")
    return Finding("copies", "ok", f"{settings.replication} of each partition, all in sync")


async def topic_settings(admin: AIOKafkaAdminClient, settings: Settings) -> Finding:
    """Compare the settings of each topic with its declaration."""
    asked = [ConfigResource(ConfigResourceType.TOPIC, topic.name) for topic in TOPICS]
    found: dict[str, dict[str, str]] = {}
    for response in await admin.describe_configs(asked):
        for _, _, _, name, entries in response.resources:
            found[name] = {key: value for key, value, *_ in entries}
    return compared(found, settings)


def compared(found: Mapping[str, Mapping[str, str]], settings: Settings) -> Finding:
    """Report each setting of a topic that differs from its declaration."""
    wrong = [
        f"{topic.name} {key}={found.get(topic.name, {}).get(key)}, not {value}"
        for topic in TOPICS
        for key, value in declared(topic, settings.min_insync).items()
        if found.get(topic.name, {}).get(key) != value
    ]
    if wrong:
        return Finding("topic settings", "warn", f"{'; '.join(wrong)}: kafka-configs --alter --add-config")
    return Finding("topic settings", "ok", "as declared")


async def measure_lag(admin: AIOKafkaAdminClient, bootstrap: str, security: Security = UNSECURED) -> Lag:
    """Count, for each consumer and topic, the messages after the offset that the consumer's group has committed."""
    partitions = {
        one.topic: [TopicPartition(one.topic, number) for number in range(BY_NAME[one.topic].partitions)]
        for one in SUBSCRIPTIONS
    }
    wanted = [partition for some in partitions.values() for partition in some]
    async with AIOKafkaConsumer(
        bootstrap_servers=bootstrap, request_timeout_ms=REQUEST_TIMEOUT_MS, **security.arguments
    ) as reader:
        first, last = await reader.beginning_offsets(wanted), await reader.end_offsets(wanted)
    found = {}
    for one in SUBSCRIPTIONS:
        committed = await _committed(admin, one.group)
        found[one.consumer, one.topic] = sum(
            last[partition]
            - max(committed[partition].offset if partition in committed else 0, first[partition])
            for partition in partitions[one.topic]
        )
    return found


async def _committed(admin: AIOKafkaAdminClient, group: str) -> Mapping[TopicPartition, Any]:
    while True:
        try:
            return dict(await admin.list_consumer_group_offsets(group))
        except GroupCoordinatorNotAvailableError:
            # The first such request to a cluster makes it create the topic of the offsets.
            await asyncio.sleep(0.2)


def unread_positions(found: Lag) -> Finding:
    """Report the positions on their topic, which nothing reads unless the topic is declared guarded."""
    if not found[POSITIONS]:
        return Finding("positions", "ok", "taken by HTTP alone")
    cure = "send them by HTTP, or restrict Write on the topic and set DISPATCH_GUARDED_POSITIONS=true"
    return Finding("positions", "warn", f"{found[POSITIONS]} on volunteer.positions are not read: {cure}")


def consumers(found: Lag) -> Finding:
    """Report the consumers that lag far behind."""
    far = [f"{name} is {counted(count, 'message')} behind on {topic}" for (name, topic), count in found.items()
           if count > FAR_BEHIND]  # fmt: skip
    if far:
        return Finding("consumers", "warn", f"{'; '.join(far)}: run more processes of its role")
    return Finding(
        "consumers",
        "ok",
        f"{counted(len(found), 'group')}, at most {counted(max(found.values()), 'message')} behind",
    )
