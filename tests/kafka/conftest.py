"""A real Kafka node for all tests of this folder, where Java and Maven exist, and an embedded broker for one test."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer

from consumers import broker as groups
from consumers.broker import EMBEDDED, Broker
from dispatch.embedded import EmbeddedBroker
from producers.kafka.topics import administration, ensure
from schemas.topics import BY_NAME
from tests.kafka.support.cluster import KafkaCluster, skip_without_java
from tests.kafka.support.workers import Station
from tests.support.site import until

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test of this folder `alone`, since all of them use brokers that some of them stop."""
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.alone)


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaCluster]:
    """Run one node for the session; a test that stops, freezes or replaces it leaves it running."""
    skip_without_java()
    cluster = KafkaCluster(tmp_path_factory.mktemp("kafka"))
    cluster.start()
    yield cluster
    cluster.stop()


@pytest.fixture
def three(tmp_path: Path) -> Iterator[KafkaCluster]:
    """Run three nodes for one test."""
    skip_without_java()
    cluster = KafkaCluster(tmp_path / "three", nodes=3)
    cluster.start()
    yield cluster
    cluster.stop()


@pytest.fixture
async def blank(kafka: KafkaCluster) -> KafkaCluster:
    """Delete all Renfort topics from the node, and with them the committed offsets of their groups."""
    async with administration(kafka.bootstrap) as admin:

        async def ours() -> list[str]:
            return [name for name in await admin.list_topics() if name in BY_NAME]

        async def none() -> bool:
            return not await ours()

        if found := await ours():
            await admin.delete_topics(found)
        await until(none)
    return kafka


@pytest.fixture
async def station(blank: KafkaCluster, database: str, tmp_path: Path) -> AsyncIterator[Station]:
    """Create an organisation; the test starts the processes."""
    async with Station.open(database, blank.bootstrap, tmp_path) as station:
        yield station


@pytest.fixture
async def embedded(tmp_path: Path) -> AsyncIterator[EmbeddedBroker]:
    async with EmbeddedBroker(tmp_path / "broker") as broker:
        await ensure(broker.address)
        yield broker


@pytest.fixture
async def producer(embedded: EmbeddedBroker) -> AsyncIterator[AIOKafkaProducer]:
    async with AIOKafkaProducer(bootstrap_servers=embedded.address) as producer:
        yield producer


@pytest.fixture
def trusted_commits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let readers of the embedded broker go on at what is committed, as those of a broker with accounts do."""
    monkeypatch.setattr("consumers.broker.EMBEDDED", replace(EMBEDDED, authenticates=True))


@pytest.fixture
async def broker(embedded: EmbeddedBroker) -> AsyncIterator[Broker]:
    broker = groups.build(embedded.address, embedded=True)
    yield broker
    await groups.stop(broker)
