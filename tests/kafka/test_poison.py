"""Invalid records on `incident.reports` stop nothing, are never lost, and their content is not logged."""

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID, uuid4

import orjson
import pytest
from aiokafka import AIOKafkaProducer

from producers.kafka.topics import ensure
from schemas.decoding import LARGEST_BODY
from schemas.topics import TOPICS
from tests.kafka.support.cluster import KafkaCluster
from tests.kafka.support.outside import REPORTS, Message, publish, read_all, report_message, send_illegible
from tests.kafka.support.workers import Station
from tests.support.site import until

pytestmark = [pytest.mark.timeout(90)]

WORDS = "Mme Dupont, 06 12 34 56 78, on the third floor"
GOOD = 20
THROUGH = """
    SELECT (SELECT count(*) FROM incidents) >= $1 AND (SELECT count(*) FROM parking) >= $2
"""


def with_header(good: Message, name: str, value: bytes | None) -> Message:
    return replace(good, headers=[*(pair for pair in good.headers if pair[0] != name), (name, value)])


def on_its_own(message: Message, name: str) -> Message:
    """Replace the id of a message by a unique one, where it has one."""
    return replace(message, headers=[(n, name.encode() if v == b"bad" else v) for n, v in message.headers])


def poisons(organisation: UUID) -> dict[str, Message]:
    """Return invalid messages by their defect; each contains words that must not be logged."""
    good = report_message(organisation, "bad")
    words = WORDS.encode()
    bad = {
        "no JSON": replace(good, body=b'{"at": ' + words),
        "no text": replace(good, body=b"\xff\xfe" + words),
        "no object": replace(good, body=orjson.dumps([WORDS])),
        "no body": replace(good, body=None),
        "too large": report_message(organisation, "bad", kind="x" * LARGEST_BODY + WORDS),
        "a bomb of brackets": replace(good, body=b"[" * (LARGEST_BODY - 1)),
        "a bomb of digits": replace(good, body=b'{"position": {"lat": ' + b"9" * 60_000 + b'}, "at": 1}'),
        "no headers": replace(good, headers=[]),
        "an attribute that is no text": with_header(good, "ce_id", b"\xff" + words),
        "an attribute that is null": with_header(good, "ce_type", None),
        "an attribute that is a bomb": with_header(good, "ce_source", words * 1000),
        "free text": report_message(organisation, "bad", description=WORDS),
        "free text as the kind": report_message(organisation, "bad", kind=WORDS),
        "free text as the name of a field": report_message(organisation, "bad", **{WORDS: 1}),
        "free text as the name of a header": replace(good, headers=[(WORDS, b""), *good.headers[1:]]),
        "another organisation": with_header(good, "ce_organisation", str(uuid4()).encode()),
        "an organisation that is none": with_header(good, "ce_organisation", words),
        "a future": report_message(organisation, "bad", at="2999-01-01T00:00:00Z"),
        "no zone": report_message(organisation, "bad", at="2026-11-22T19:00:00"),
        "off the globe": report_message(organisation, "bad", position={"lat": 91, "lon": 2.35}),
        "a message of ours that we never sent": with_header(good, "ce_source", b"renfort"),
        "a future version": with_header(good, "ce_type", b"report.received.v99"),
        "free text as the source, and no such organisation": with_header(
            with_header(good, "ce_source", words), "ce_organisation", str(uuid4()).encode()
        ),
    }
    return {name: on_its_own(message, name) for name, message in bad.items()}


async def publish_beside_good_ones(kafka: KafkaCluster, organisation: UUID, bad: Sequence[Message]) -> None:
    """Publish valid reports before, among and after invalid ones, one without a key, all in one partition."""
    good = [report_message(organisation, str(n)) for n in range(GOOD)]
    await publish(kafka.bootstrap, *good[:3], replace(good[3], key=None), *bad[:9], partition=0)
    async with AIOKafkaProducer(bootstrap_servers=kafka.bootstrap) as producer:
        await send_illegible(producer, partition=0)
    await publish(kafka.bootstrap, *good[4:6], *bad[9:], *good[6:], partition=0)


async def repeated(station: Station, kafka: KafkaCluster) -> list[str]:
    """Return the topics and logs that contain the words."""
    texts = {"logs": [station.logs()]}
    for topic in TOPICS:
        if topic.name != REPORTS:
            records = await read_all(kafka.bootstrap, topic.name)
            texts[topic.name] = [repr((record.headers, record.value)).encode() for record in records]
    return [name for name, said in texts.items() if any(b"Dupont" in text for text in said)]


async def test_valid_reports_become_incidents_and_invalid_ones_are_parked_whole_and_reported(
    station: Station, kafka: KafkaCluster
) -> None:
    async def through() -> object:
        return await station.pool.fetchval(THROUGH, GOOD, len(bad) + 1) and not await station.unprocessed()

    await ensure(kafka.bootstrap)
    station.work("relay", "reports")
    bad = poisons(station.scene.organisation)
    await publish_beside_good_ones(kafka, station.scene.organisation, list(bad.values()))
    await until(through)
    parked = await station.pool.fetch("SELECT body, headers, reason FROM parking")
    bodies = [row["body"] for row in parked]
    assert [name for name, message in bad.items() if message.body not in bodies] == []
    assert [row for row in parked if not row["reason"]] == []
    assert b"partition 0, offset 13" in b"".join(row["headers"] for row in parked)
    escalations = await station.pool.fetch("SELECT page FROM escalations WHERE reason LIKE 'parked:%'")
    assert {row["page"] for row in escalations} == {True}
    assert await repeated(station, kafka) == []
    await station.is_sound()
