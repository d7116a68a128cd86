"""What the doctor reads of a real cluster: copies, settings, and how far behind each consumer is."""

from uuid import uuid4

import pytest
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from dispatch.cli.doctor.kafka import consumers, copies, measure_lag, topic_settings
from dispatch.config import Settings
from producers.kafka.topics import administration, ensure
from tests.kafka.cluster import KafkaCluster
from tests.kafka.outside import REPORTS, a_report, publish
from tests.support.site import until

pytestmark = [pytest.mark.timeout(90)]


async def test_a_cluster_is_found_as_it_is(blank: KafkaCluster) -> None:
    await ensure(blank.bootstrap)
    async with administration(blank.bootstrap) as admin:
        assert copies(await admin.describe_topics(), Settings()).state == "ok"
        assert copies(await admin.describe_topics(), Settings(replication=3)).state == "warn"
        assert (await topic_settings(admin, Settings())).state == "ok"
        await admin.alter_configs(
            [ConfigResource(ConfigResourceType.TOPIC, REPORTS, {"retention.ms": "60000"})]
        )

        async def noticed() -> bool:
            told = (await topic_settings(admin, Settings())).detail
            return f"{REPORTS} retention.ms=60000, not 604800000" in told

        await until(noticed)
        await publish(blank.bootstrap, *(a_report(uuid4(), str(number)) for number in range(3)))
        found = await measure_lag(admin, blank.bootstrap)
        assert {name: count for name, count in found.items() if count} == {("reports", REPORTS): 3}
        assert consumers(found).detail == "9 groups, at most 3 messages behind"
