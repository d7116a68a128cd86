"""`dispatch doctor` on the Kafka cluster: copies and settings of each topic, and how far behind each consumer is."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import GroupCoordinatorNotAvailableError

from dispatch.cli.doctor.finding import Finding
from dispatch.cli.output import counted
from dispatch.config import Settings
from dispatch.security import UNSECURED, Security
from dispatch.services.subscriptions import SUBSCRIPTIONS
from producers.kafka.topics import REQUEST_TIMEOUT_MS, declared
from schemas.topics import BY_NAME, TOPICS

FAR_BEHIND = 1000
"""Messages by which a consumer may be behind before it is remarkable."""

Described = Sequence[Mapping[str, Any]]
Behind = Mapping[tuple[str, str], int]


def copies(described: Described, settings: Settings) -> Finding:
    """Tell whether every partition has the copies that it should have, and can be written."""
    ours = [(t["topic"], p) for t in described if t["topic"] in BY_NAME for p in t["partitions"]]
    stuck = {name for name, p in ours if len(p["isr"]) < settings.min_insync or p["leader"] < 0}
    if stuck:
        told = f"{', '.join(sorted(stuck))} cannot be written: fewer than {settings.min_insync} brokers have it whole"
        return Finding("copies", "fail", f"{told}: bring the brokers back")
    few = {name for name, p in ours if len(p["replicas"]) < settings.replication}
    if few:
        told = f"{', '.join(sorted(few))}: fewer than {settings.replication} copies"
        return Finding("copies", "warn", f"{told}: kafka-reassign-partitions, or set DISPATCH_REPLICATION")
    lagging = {name for name, p in ours if len(p["isr"]) < len(p["replicas"])}
    if lagging:
        told = f"{', '.join(sorted(lagging))}: a copy is not up to date"
        return Finding("copies", "warn", f"{told}: is a broker down?")
    return Finding("copies", "ok", f"{settings.replication} of each partition, all up to date")


async def topic_settings(admin: AIOKafkaAdminClient, settings: Settings) -> Finding:
    """Compare how long each topic keeps what it holds, and how it is written, with how it was declared."""
    asked = [ConfigResource(ConfigResourceType.TOPIC, topic.name) for topic in TOPICS]
    found: dict[str, dict[str, str]] = {}
    for response in await admin.describe_configs(asked):
        for _, _, _, name, entries in response.resources:
            found[name] = {key: value for key, value, *_ in entries}
    return compared(found, settings)


def compared(found: Mapping[str, Mapping[str, str]], settings: Settings) -> Finding:
    """Name each setting of a topic that is not as it was declared."""
    wrong = [
        f"{topic.name} {key}={found.get(topic.name, {}).get(key)}, not {value}"
        for topic in TOPICS
        for key, value in declared(topic, settings.min_insync).items()
        if found.get(topic.name, {}).get(key) != value
    ]
    if wrong:
        return Finding("topic settings", "warn", f"{'; '.join(wrong)}: kafka-configs --alter --add-config")
    return Finding("topic settings", "ok", "as declared")


async def behind(admin: AIOKafkaAdminClient, bootstrap: str, security: Security = UNSECURED) -> Behind:
    """Count for each consumer and topic what it holds beyond the place that the consumer's group has committed."""
    places = {
        one.topic: [TopicPartition(one.topic, number) for number in range(BY_NAME[one.topic].partitions)]
        for one in SUBSCRIPTIONS
    }
    wanted = [place for some in places.values() for place in some]
    async with AIOKafkaConsumer(
        bootstrap_servers=bootstrap, request_timeout_ms=REQUEST_TIMEOUT_MS, **security.arguments
    ) as reader:
        first, last = await reader.beginning_offsets(wanted), await reader.end_offsets(wanted)
    found = {}
    for one in SUBSCRIPTIONS:
        committed = await _committed(admin, one.group)
        found[one.consumer, one.topic] = sum(
            last[place] - max(committed[place].offset if place in committed else 0, first[place])
            for place in places[one.topic]
        )
    return found


async def _committed(admin: AIOKafkaAdminClient, group: str) -> Mapping[TopicPartition, Any]:
    while True:
        try:
            return dict(await admin.list_consumer_group_offsets(group))
        except GroupCoordinatorNotAvailableError:
            # The first who ever asks a cluster makes it lay out where such places are kept.
            await asyncio.sleep(0.2)


def consumers(found: Behind) -> Finding:
    """Name the consumers that are far behind."""
    far = [f"{name} is {count} messages behind on {topic}" for (name, topic), count in found.items()
           if count > FAR_BEHIND]  # fmt: skip
    if far:
        return Finding("consumers", "warn", f"{'; '.join(far)}: run more processes of its role")
    return Finding(
        "consumers", "ok", f"{counted(len(found), 'group')}, at most {max(found.values())} messages behind"
    )
