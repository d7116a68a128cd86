"""The declared topics are created as declared, on the embedded broker and on Apache Kafka alike."""

from collections.abc import AsyncIterator

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from producers.kafka.errors import TopicsError
from producers.kafka.topics import administration, ensure
from schemas.topics import BY_NAME, TOPICS
from tests.kafka.support.cluster import KafkaCluster
from tests.support.site import until

pytestmark = [pytest.mark.timeout(60)]

WRONG = "incident.reports"


@pytest.fixture(params=["embedded", "kafka"])
def bootstrap(request: pytest.FixtureRequest) -> str:
    if request.param == "embedded":
        return str(request.getfixturevalue("broker_address"))
    cluster: KafkaCluster = request.getfixturevalue("kafka")
    return cluster.bootstrap


@pytest.fixture
async def admin(bootstrap: str) -> AsyncIterator[AIOKafkaAdminClient]:
    async with administration(bootstrap) as admin:
        yield admin
    await make(bootstrap, WRONG, partitions=BY_NAME[WRONG].partitions)


async def partitions(admin: AIOKafkaAdminClient) -> dict[str, int]:
    topics = await admin.describe_topics()
    return {topic["topic"]: len(topic["partitions"]) for topic in topics if topic["topic"] in BY_NAME}


async def make(bootstrap: str, name: str, *, partitions: int) -> None:
    """Replace a topic by an empty one with so many partitions."""
    async with administration(bootstrap) as admin:

        async def gone() -> bool:
            return name not in await admin.list_topics()

        if not await gone():
            await admin.delete_topics([name])
        await until(gone)
        await admin.create_topics([NewTopic(name, partitions, 1)])

        async def made() -> bool:
            return {len(topic["partitions"]) for topic in await admin.describe_topics([name])} == {partitions}

        await until(made)


async def test_missing_topics_are_created_once_and_as_declared(
    bootstrap: str, admin: AIOKafkaAdminClient
) -> None:
    await admin.delete_topics([topic.name for topic in TOPICS])

    async def gone() -> bool:
        return not await partitions(admin)

    await until(gone)
    assert await ensure(bootstrap) == [topic.name for topic in TOPICS]
    assert await partitions(admin) == {topic.name: topic.partitions for topic in TOPICS}
    assert await ensure(bootstrap) == []


async def test_an_empty_topic_with_another_number_of_partitions_is_created_again(
    bootstrap: str, admin: AIOKafkaAdminClient
) -> None:
    await ensure(bootstrap)
    await make(bootstrap, WRONG, partitions=4)
    assert await ensure(bootstrap) == [WRONG]
    assert (await partitions(admin))[WRONG] == BY_NAME[WRONG].partitions


async def test_a_topic_that_holds_messages_is_left_alone_and_named(
    bootstrap: str, admin: AIOKafkaAdminClient
) -> None:
    await make(bootstrap, WRONG, partitions=4)
    async with AIOKafkaProducer(bootstrap_servers=bootstrap) as producer:
        await producer.send_and_wait(WRONG, b"somebody's report")
    with pytest.raises(TopicsError, match=r"incident\.reports has 4 partitions and holds messages.* 12"):
        await ensure(bootstrap)
    assert (await partitions(admin))[WRONG] == 4


async def test_more_replicas_than_nodes_is_a_clear_error(kafka: KafkaCluster) -> None:
    await make(kafka.bootstrap, WRONG, partitions=4)
    with pytest.raises(TopicsError, match=r"incident\.reports could not be created.*[Rr]eplication"):
        await ensure(kafka.bootstrap, replication=3, min_insync=2)
    await ensure(kafka.bootstrap)
