"""Kafka is unavailable when the first reports arrive."""

from pathlib import Path

from dispatch.clock import MovableClock
from dispatch.embedded import EmbeddedBroker
from dispatch.runtime.embedded_services import Embedded
from tests.stories.city import PLACE, City
from tests.stories.conftest import NIGHT
from tests.stories.waiting import PATIENCE_S


async def test_a_report_is_accepted_while_kafka_is_unavailable_and_published_later(
    database: str, tmp_path: Path
) -> None:
    broker = EmbeddedBroker(tmp_path)
    absent = Embedded(None, None)
    async with City.open(database, absent, MovableClock(NIGHT), later=broker.address) as city:
        await city.enrol(2)
        body = {
            "id": "early-1",
            "kind": "medical.cardiac_arrest",
            "occurred_at": NIGHT.isoformat(),
            "position": PLACE.model_dump(),
            "professional": {"requested": True, "reference": "15/1"},
        }
        answer = await city.send(body)
        assert not city.node.ready()["kafka"]
        async with city.http.get("/readyz") as response:
            assert response.status == 503
        async with broker:
            await city.opened(answer, "early-1")
            await city.expect_sms_on(2, "Venez-vous")
            assert await city.node.until_ready(PATIENCE_S)
