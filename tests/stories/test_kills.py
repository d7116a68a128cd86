"""The embedded services are killed under load, with a backlog, while people report and answer."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from dispatch.cli.demo import checks
from dispatch.clock import MovableClock
from dispatch.embedded import EmbeddedBroker, EmbeddedPostgres
from dispatch.runtime.embedded_services import Embedded
from dispatch.storage.migrate import migrate
from tests.stories.city import City
from tests.stories.conftest import NIGHT
from tests.stories.crowd import RECOVERY_PATIENCE_S, Crowd
from tests.stories.waiting import eventually

REPORTS, PEOPLE = 36, 180
BACKLOGS = ("reports", "unread", "replies")
UNCOVERED_S = 46
KEPT = """
SELECT (SELECT count(*) FROM replies) + (SELECT count(*) FROM inbound_texts WHERE reply_id IS NULL)
"""
UNWORKED = """
SELECT r.id FROM replies r JOIN offers o ON o.id = r.offer_id
WHERE r.processed_at IS NULL OR o.status = 'extended'
   OR r.answer = 'accepted' AND o.status <> 'accepted' AND o.late IS NULL
"""

# Beside the tests on real Kafka the machine would be too busy to tell slowness from a loss.
pytestmark = [pytest.mark.timeout(400), pytest.mark.alone]


@pytest.fixture
async def crowd(tmp_path: Path) -> AsyncIterator[Crowd]:
    """Fill a city that has a database server of its own, which a test can kill."""
    async with (
        # Without fsync, data survives a killed process, though not a power failure.
        EmbeddedPostgres(tmp_path / "postgres", fsync=False) as postgres,
        EmbeddedBroker(tmp_path / "broker") as broker,
    ):
        await migrate(postgres.url())
        services = Embedded(postgres, broker)
        async with City.open(postgres.url(), services, MovableClock(NIGHT)) as city:
            await city.enrol(PEOPLE)
            crowd = Crowd(city)
            city.gateway.on_message = crowd.on_message
            yield crowd


async def test_a_broker_killed_repeatedly_costs_no_report_no_reply_and_no_seat(crowd: Crowd) -> None:
    broker = crowd.city.services.broker
    assert broker is not None
    for backlog in BACKLOGS:
        await crowd.report(REPORTS // len(BACKLOGS))
        await crowd.until_backlog(backlog)
        dead = broker.cluster_id
        broker.kill()
        await _reconnect(crowd.city, dead)
    await _check_outcome(crowd)
    assert crowd.city.gateway.repeats == 0, "and no message came twice"


@pytest.mark.slow
async def test_a_database_killed_under_load_costs_no_report_no_reply_and_no_seat(crowd: Crowd) -> None:
    postgres = crowd.city.services.postgres
    assert postgres is not None
    await crowd.report(REPORTS // 2)
    await crowd.until_backlog("replies")
    postgres.kill()
    await crowd.report(REPORTS // 2)
    await _check_outcome(crowd)


async def _reconnect(city: City, dead: str) -> None:
    async def connected() -> bool:
        broker = city.services.broker
        return broker is not None and broker.cluster_id != dead and city.node.kafka.ready

    await eventually(connected, "a new broker and a line to it", RECOVERY_PATIENCE_S)


async def _check_outcome(crowd: Crowd) -> None:
    """Continue until every incident is covered or taken over, and check the demo's rules."""
    city = crowd.city
    await crowd.quiet()
    city.clock.advance(UNCOVERED_S)
    await crowd.quiet()
    for escalation in await city.call("GET", "/v1/escalations?limit=500", "Ada"):
        if escalation["reason"] == "uncovered":
            await city.call("POST", f"/v1/incidents/{escalation['subject_id']}/takeover", "Ada")
    await crowd.quiet()
    for check in await checks.run(city.node.uow, crowd.accepted):
        assert not check.violations, check.rule
    pool = city.node.pool
    assert await pool.fetch("SELECT id FROM incidents WHERE covered_at IS NULL AND taken_by IS NULL") == []
    assert await pool.fetchval("SELECT count(*) FROM reports") == len(crowd.accepted)
    # A code that two of a phone's recent offers share is asked back: kept too, as a text.
    assert await pool.fetchval(KEPT) >= crowd.answers.total() > 0
    assert await pool.fetch(UNWORKED) == []
    assert await pool.fetch("SELECT reason FROM parking") == []
    assert await pool.fetchval("SELECT count(*) FROM assignments") > 0
