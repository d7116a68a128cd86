"""Parked messages are retried once, when their cause is fixed, or discarded in a person's name."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from uuid import UUID, uuid4

import asyncpg
import pytest

from dispatch.clock import MovableClock
from dispatch.services.incidents.parking_alerts import MOST_SOURCES, resolve_parking_alerts
from dispatch.services.intake.opening import Intake
from dispatch.services.operations.parking_actions import ParkingResult, discard, retry
from dispatch.services.subscriptions import handlers_of
from dispatch.storage.parking import LARGEST_PARKED
from dispatch.storage.pool import RetryableError
from schemas.decoding import decode
from tests.kafka.support.outside import Message, report_message
from tests.support.world import World

REPORTS = "incident.reports"


@pytest.fixture
async def world(pool: asyncpg.Pool, clock: MovableClock) -> World:
    return await World(pool, clock).create()


async def deliver(world: World, message: Message) -> None:
    """Deliver a message from outside."""
    record = decode(REPORTS, message.key, message.headers, message.body)
    assert record is not None
    await world.deliver(REPORTS, [record])


def sent_anew(message: Message) -> Message:
    """Return the message with another id, as sent again by its source."""
    others = [pair for pair in message.headers if pair[0] != "ce_id"]
    return replace(message, headers=[("ce_id", b"anew"), *others])


async def park(world: World, source_id: str = "1", **changes: object) -> tuple[UUID, UUID]:
    """Park a report of an organisation that does not exist yet; return the ids of both."""
    organisation = uuid4()
    await deliver(world, report_message(organisation, source_id, at=world.now.isoformat(), **changes))
    return (await world.pool.fetchval("SELECT id FROM parking ORDER BY id DESC LIMIT 1")), organisation


async def create_organisation(world: World, organisation: UUID) -> None:
    await world.pool.execute(
        "INSERT INTO organisations (id, name, created_at) VALUES ($1, $2, $3)",
        organisation,
        str(organisation),
        world.now,
    )


async def retry_parked(world: World, name: UUID, *, even_stale: bool = False) -> ParkingResult:
    return await retry(world.uow, handlers_of(Intake(world.book)), name, "Ada", even_stale=even_stale)


async def row(world: World, name: UUID) -> asyncpg.Record:
    found = await world.pool.fetchrow("SELECT * FROM parking WHERE id = $1", name)
    assert found is not None
    return found


async def opened(world: World) -> int:
    count: int = await world.pool.fetchval("SELECT count(*) FROM incidents")
    return count


async def open_alerts(world: World) -> list[str]:
    """Return the reasons of the open escalations about parked messages."""
    query = (
        "SELECT reason FROM escalations WHERE reason LIKE 'parked:%' AND status IN ('raised', 'acknowledged')"
    )
    return [row["reason"] for row in await world.pool.fetch(query)]


async def test_when_its_organisation_is_made_a_parked_report_opens_its_incident(world: World) -> None:
    name, organisation = await park(world)
    await create_organisation(world, organisation)
    outcome = await retry_parked(world, name)
    incident = await world.pool.fetchval("SELECT id FROM incidents WHERE organisation = $1", organisation)
    assert (outcome.what, outcome.resolved) == ("retried", True)
    assert outcome.detail == f"incident.opened {incident}, escalation.raised {incident}"
    kept = await row(world, name)
    assert (kept["outcome"], kept["settled_by"], kept["settled_at"]) == ("retried", "Ada", world.now)
    assert (kept["key"], kept["headers"], kept["body"]) == (None, b"[]", None)


async def test_what_is_refused_again_stays_with_the_new_reason_and_without_any_effect(world: World) -> None:
    name, _ = await park(world)
    before = await row(world, name)
    await world.pool.execute("UPDATE parking SET reason = 'an old reason'")
    outcome = await retry_parked(world, name)
    assert (outcome.what, outcome.detail, outcome.resolved) == ("refused", before["reason"], False)
    assert await row(world, name) == before
    assert await opened(world) == 0


async def test_what_is_refused_again_takes_no_events_name(world: World) -> None:
    name, _ = await park(world)
    await world.pool.execute("DELETE FROM inbox")
    assert (await retry_parked(world, name)).what == "refused"
    assert await world.pool.fetchval("SELECT count(*) FROM inbox") == 0


async def test_what_no_version_can_read_stays_parked(world: World) -> None:
    await deliver(world, Message(b"{not JSON", report_message(world.organisation, "1").headers))
    name = await world.pool.fetchval("SELECT id FROM parking")
    assert ((await retry_parked(world, name)).detail, (await row(world, name))["body"]) == (
        "the body: json invalid",
        b"{not JSON",
    )


async def test_a_defect_that_is_not_fixed_leaves_the_message_parked_and_is_located(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object) -> None:
        await world.pool.execute("SELECT 1")
        raise KeyError("a caller's name")

    name, organisation = await park(world)
    await create_organisation(world, organisation)
    with monkeypatch.context() as patch:
        patch.setattr(Intake, "open_incidents", broken)
        outcome = await retry_parked(world, name)
    assert outcome.what == "refused"
    assert outcome.detail.startswith("KeyError at test_parking_actions.py:")
    assert (await retry_parked(world, name)).what == "retried"


async def test_a_difficulty_of_the_moment_changes_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def difficult(*_: object) -> None:
        raise RetryableError

    name, _ = await park(world)
    before = await row(world, name)
    monkeypatch.setattr(Intake, "open_incidents", difficult)
    with pytest.raises(RetryableError):
        await retry_parked(world, name)
    assert await row(world, name) == before


async def test_of_two_simultaneous_retries_one_is_executed_and_both_report_success(world: World) -> None:
    name, organisation = await park(world)
    await create_organisation(world, organisation)
    outcomes = await asyncio.gather(*(retry_parked(world, name) for _ in range(4)))
    assert sorted(outcome.what for outcome in outcomes) == ["retried", "settled", "settled", "settled"]
    assert all(outcome.resolved for outcome in outcomes)
    assert await opened(world) == 1


async def test_what_was_retried_and_is_delivered_again_is_done_once_and_not_parked_again(
    world: World,
) -> None:
    organisation = uuid4()
    message = report_message(organisation, "1", at=world.now.isoformat())
    await deliver(world, message)
    name = await world.pool.fetchval("SELECT id FROM parking")
    await create_organisation(world, organisation)
    await retry_parked(world, name)
    await deliver(world, message)
    assert (await opened(world), await world.pool.fetchval("SELECT count(*) FROM parking")) == (1, 1)


async def test_a_report_that_its_source_corrected_and_sent_again_opens_no_second_incident(
    world: World,
) -> None:
    organisation = uuid4()
    await deliver(world, report_message(organisation, "1", at=world.now.isoformat()))
    name = await world.pool.fetchval("SELECT id FROM parking")
    await create_organisation(world, organisation)
    await deliver(world, sent_anew(report_message(organisation, "1", at=world.now.isoformat())))
    assert (await retry_parked(world, name)).detail == "nothing had to change"
    assert await opened(world) == 1


async def test_an_actual_report_of_hours_ago_calls_no_volunteer_unless_a_human_insists(world: World) -> None:
    name, organisation = await park(world)
    await create_organisation(world, organisation)
    world.clock.advance(4 * 3600)
    outcome = await retry_parked(world, name)
    assert (outcome.what, outcome.age) == ("stale", timedelta(hours=4))
    assert (await opened(world), (await row(world, name))["settled_at"]) == (0, None)
    assert (await retry_parked(world, name, even_stale=True)).what == "retried"
    assert await opened(world) == 1


async def test_a_drill_may_be_old(world: World) -> None:
    name, organisation = await park(world, mode="exercise")
    await create_organisation(world, organisation)
    world.clock.advance(4 * 3600)
    assert (await retry_parked(world, name)).what == "retried"


async def test_discarding_erases_the_bytes_and_retains_author_time_and_reason(world: World) -> None:
    name, _ = await park(world)
    world.clock.advance(60)
    outcome = await discard(world.uow, name, "Ada", "reported by phone")
    assert (outcome.what, outcome.resolved) == ("discarded", True)
    kept = await row(world, name)
    assert (kept["key"], kept["headers"], kept["body"]) == (None, b"[]", None)
    assert (kept["outcome"], kept["settled_by"], kept["because"], kept["settled_at"]) == (
        "discarded", "Ada", "reported by phone", world.now,
    )  # fmt: skip
    second = await discard(world.uow, name, "Paul", "again")
    assert (second.what, second.detail) == (
        "settled",
        f"discarded by Ada at {world.now:%Y-%m-%d %H:%M:%S} UTC",
    )
    assert (await row(world, name)) == kept
    assert (await retry_parked(world, name)).what == "settled"


async def test_a_discarded_message_that_is_delivered_again_is_not_escalated_again(world: World) -> None:
    garbage = Message(b"{not JSON", report_message(world.organisation, "1").headers)
    await deliver(world, garbage)
    await deliver(world, Message(b"{nor this", garbage.headers))
    for item in await world.pool.fetch("SELECT id FROM parking"):
        await discard(world.uow, item["id"], "Ada", "of no use")
    await resolve_parking_alerts(world.uow, "Ada")
    await deliver(world, garbage)
    assert await world.pool.fetchval("SELECT count(*) FROM parking") == 2
    assert await open_alerts(world) == []


async def test_the_escalation_of_a_source_is_resolved_with_its_last_parked_message(world: World) -> None:
    (first, organisation), (second, _) = await park(world, "1"), await park(world, "2")
    assert await open_alerts(world) == ["parked:incident.reports:neighbour"]
    await create_organisation(world, organisation)
    await retry_parked(world, first)
    assert (await resolve_parking_alerts(world.uow, "Ada"), len(await open_alerts(world))) == (0, 1)
    await discard(world.uow, second, "Ada", "of no use")
    assert (await resolve_parking_alerts(world.uow, "Ada"), await open_alerts(world)) == (1, [])
    resolved = (
        "SELECT convert_from(body, 'UTF8')::jsonb ->> 'reason' FROM journal WHERE type LIKE '%resolved.v1'"
    )
    assert await world.pool.fetchval(resolved) == "resolved by Ada"


async def test_many_sources_of_one_topic_share_an_escalation_which_ends_with_their_last_message(
    world: World,
) -> None:
    good = report_message(world.organisation, "1").headers
    for number in range(MOST_SOURCES + 20):
        named = [(n, b"sender-%d" % number if n == "ce_source" else v) for n, v in good]
        await deliver(world, Message(b"{not JSON", named))
    alerts = await open_alerts(world)
    assert (len(alerts), sum(one.endswith(":*") for one in alerts)) == (MOST_SOURCES + 1, 1)
    *earlier, last = await world.pool.fetch("SELECT id FROM parking ORDER BY id")
    for item in earlier:
        await discard(world.uow, item["id"], "Ada", "of no use")
    await resolve_parking_alerts(world.uow, "Ada")
    assert await open_alerts(world) == ["parked:incident.reports:*"]
    await discard(world.uow, last["id"], "Ada", "of no use")
    await resolve_parking_alerts(world.uow, "Ada")
    assert await open_alerts(world) == []


async def test_of_a_body_that_only_compression_let_through_the_beginning_is_stored(world: World) -> None:
    await deliver(
        world, Message(b"x" * (LARGEST_PARKED + 1), report_message(world.organisation, "1").headers)
    )
    assert await world.pool.fetchval("SELECT length(body) FROM parking") == LARGEST_PARKED


async def test_messages_of_another_organisation_do_not_prolong_our_escalation(world: World) -> None:
    other = uuid4()
    await create_organisation(world, other)
    garbage = b"{not JSON"
    await deliver(world, Message(garbage, report_message(world.organisation, "1").headers))
    await deliver(world, Message(garbage, report_message(other, "1").headers))
    ours = await world.pool.fetchval("SELECT id FROM parking WHERE organisation = $1", world.organisation)
    assert len(await open_alerts(world)) == 2
    await discard(world.uow, ours, "Ada", "of no use")
    assert (await resolve_parking_alerts(world.uow, "Ada"), len(await open_alerts(world))) == (1, 1)


async def test_what_is_parked_while_its_escalation_is_being_settled_is_told_all_the_same(
    world: World,
) -> None:
    name, _ = await park(world, "0")
    await discard(world.uow, name, "Ada", "of no use")
    await asyncio.gather(
        *(resolve_parking_alerts(world.uow, "Ada") for _ in range(3)),
        *(park(world, str(n)) for n in range(1, 6)),
    )
    assert await open_alerts(world) == ["parked:incident.reports:neighbour"]


async def test_an_id_that_is_not_there_is_told_as_such(world: World) -> None:
    outcomes = [await retry_parked(world, uuid4()), await discard(world.uow, uuid4(), "Ada", "x")]
    assert [(outcome.what, outcome.resolved) for outcome in outcomes] == [("unknown", False)] * 2


async def test_a_gateways_call_is_not_retried(world: World) -> None:
    name, _ = await park(world)
    await world.pool.execute("UPDATE parking SET consumer = 'webhooks', source_topic = 'gateways/inbound'")
    assert ((await retry_parked(world, name)).what, (await row(world, name))["settled_at"]) == (
        "refused",
        None,
    )


async def test_a_record_whose_bytes_are_elsewhere_is_no_tombstone(world: World) -> None:
    name, _ = await park(world)
    await world.pool.execute(
        "UPDATE parking SET consumer = 'positions', source_topic = 'volunteer.positions', body = NULL"
    )
    assert (await retry_parked(world, name)).what == "refused"
