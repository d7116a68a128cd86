"""The doctor on a real cluster: replicas, settings, and the lag of each consumer."""

from uuid import uuid4

import pytest
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from dispatch.cli.doctor.kafka import (
    POSITIONS,
    consumers,
    copies,
    measure_lag,
    topic_settings,
    unread_positions,
)
from dispatch.config import Settings
from producers.kafka.topics import administration, ensure
from tests.kafka.support.cluster import KafkaCluster
from tests.kafka.support.outside import REPORTS, publish, report_message
from tests.support.site import until

pytestmark = [pytest.mark.timeout(90)]


async def test_the_doctor_reports_the_state_of_the_cluster(blank: KafkaCluster) -> None:
    await ensure(blank.bootstrap)
    async with administration(blank.bootstrap) as admin:
        assert copies(await admin.describe_topics(), Settings()).state == "ok"
        assert copies(await admin.describe_topics(), Settings(replication=3)).state == "warn"
        assert (await topic_settings(admin, Settings())).state == "ok"
        await admin.alter_configs(
            [ConfigResource(ConfigResourceType.TOPIC, REPORTS, {"retention.ms": "60000"})]
        )

        async def noticed() -> bool:
            detail = (await topic_settings(admin, Settings())).detail
            return f"{REPORTS} retention.ms=60000, not 604800000" in detail

        await until(noticed)
        await publish(blank.bootstrap, *(report_message(uuid4(), str(number)) for number in range(3)))
        found = await measure_lag(admin, blank.bootstrap)
        assert {name: count for name, count in found.items() if count} == {("reports", REPORTS): 3}
        assert consumers(found).detail == "10 groups, at most 3 messages behind"
        assert unread_positions(found).state == "ok"
        assert "2 on volunteer.positions are not read" in unread_positions({**found, POSITIONS: 2}).detail
