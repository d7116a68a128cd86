"""One real Kafka node for all tests of this folder, where Java and Maven exist."""

from collections.abc import Iterator

import pytest

from tests.kafka.cluster import KafkaCluster, skip_without_java


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaCluster]:
    """Run one node for the session; a test that stops, freezes or replaces it leaves it running."""
    skip_without_java()
    cluster = KafkaCluster(tmp_path_factory.mktemp("kafka"))
    cluster.start()
    yield cluster
    cluster.stop()
