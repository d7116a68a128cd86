"""An offer that no channel delivers frees its place at once, the contact is marked, and a later yes still counts."""

import asyncio
from uuid import UUID

import asyncpg
import pytest

from dispatch.clock import MovableClock
from dispatch.domain.incident import Incident, Offer
from dispatch.services.incidents import execution, handlers
from dispatch.services.messaging.gateway import GatewayRefusedError, Receipt, ReceiptStatus
from dispatch.services.messaging.receipts import Reported, record_receipts
from dispatch.services.operations import rebuilding
from dispatch.services.people import volunteers
from dispatch.services.people.members import people_of
from dispatch.storage import write_generation
from schemas.generations import OLDEST
from tests.domain.builders import plan
from tests.services.messaging.doubles import SlowGateway, StubbornGateway, wait_until
from tests.support.post import Post

SEVEN = plan(offers={"open": 7, "per_seat": 4})


@pytest.fixture
async def post(pool: asyncpg.Pool, clock: MovableClock) -> Post:
    """Twenty volunteers with phones."""
    return await Post.open(pool, clock, people=20)


async def receipts(post: Post, status: ReceiptStatus, *offers: Offer) -> None:
    """Let the gateway report on the messages about offers, and the consumer handle the reports."""
    wanted = {offer.id for offer in offers}
    for row in await post.messages("offer"):
        if row["offer_id"] in wanted:
            await record_receipts(post.uow, [Reported(Receipt(row["id"], status))])
    await post.replace_unreached()


async def asked(post: Post) -> Incident:
    """Open an incident whose first offers are sent."""
    incident = await post.scene.incident()
    await post.deliver()
    return incident


def live(incident: Incident) -> set[UUID]:
    return {offer.volunteer_id for offer in incident.live_offers()}


async def failing(post: Post) -> list[UUID]:
    rows = await volunteers.list_volunteers(post.uow, post.scene.organisation)
    members = [UUID(str(row["volunteer_id"])) for row in rows if row["failing_since"] is not None]
    return list((await people_of(post.uow.pool, post.scene.organisation, members)).values())


async def test_a_failed_receipt_frees_the_place_and_the_next_is_asked_at_the_same_moment(post: Post) -> None:
    before = await asked(post)
    first = next(iter(before.live_offers()))
    await receipts(post, "failed", first)
    after = await post.scene.read(before.id)
    ended = after.settled[first.id]
    assert (ended.status, ended.missed, ended.settled_at) == ("withdrawn", "unreached", post.clock.now())
    assert len(live(after)) == 4
    assert first.volunteer_id not in live(after)
    assert after.offers_made == 4, "who got nothing does not count"
    assert await rebuilding.compare(post.uow) == []


async def test_seven_failed_receipts_within_a_moment_ask_seven_others(post: Post) -> None:
    before = await post.scene.incident(SEVEN)
    await post.deliver()
    await receipts(post, "failed", *before.live_offers())
    after = await post.scene.read(before.id)
    assert len(live(after)) == 7
    assert live(after).isdisjoint(live(before))


async def test_somebody_who_is_not_reached_is_not_asked_again_for_the_same_incident(post: Post) -> None:
    incident = await asked(post)
    await receipts(post, "failed", *incident.live_offers())
    await post.deliver()
    await post.expire(incident)
    assert live(await post.scene.read(incident.id)).isdisjoint(live(incident))


async def test_a_contact_that_fails_is_marked_and_shown_until_a_message_is_delivered(post: Post) -> None:
    incident = await asked(post)
    first = next(iter(incident.live_offers()))
    await receipts(post, "failed", first)
    assert await failing(post) == [first.volunteer_id]
    await receipts(post, "delivered", first)
    assert await failing(post) == []


@pytest.mark.parametrize("status", ["queued", "leased", "sent", "delivered"])
async def test_an_offer_lives_while_a_message_on_another_channel_may_arrive(post: Post, status: str) -> None:
    incident = await asked(post)
    first = next(iter(incident.live_offers()))
    await post.uow.pool.execute(
        "INSERT INTO messages (id, organisation, mode, recipient_kind, recipient_id, incident_id, offer_id, purpose,"
        " channel, severity, status, due_at, created_at)"
        " SELECT gen_random_uuid(), organisation, mode, recipient_kind, gen_random_uuid(), incident_id, offer_id,"
        " purpose, 'email', severity, $2, due_at, created_at FROM messages WHERE offer_id = $1",
        first.id, status,
    )  # fmt: skip
    await receipts(post, "failed", first)
    assert first.id in (await post.scene.read(incident.id)).live
    await post.uow.pool.execute("UPDATE messages SET status = 'failed' WHERE channel = 'email'")
    await post.notify()
    post.read["notification.events"] = 0
    await post.uow.pool.execute("DELETE FROM inbox WHERE consumer = 'unreached'")
    await post.replace_unreached()
    assert first.id not in (await post.scene.read(incident.id)).live


async def test_a_later_yes_to_an_offer_that_was_thought_unreached_is_seated(post: Post) -> None:
    incident = await asked(post)
    first = next(iter(incident.live_offers()))
    await receipts(post, "failed", first)
    post.clock.advance(5)
    await post.answer(first)
    after = await post.scene.read(incident.id)
    assert [one.volunteer_id for one in after.active()] == [first.volunteer_id]
    assert (after.settled[first.id].status, after.settled[first.id].missed) == ("accepted", None)
    assert after.offers_made == 5, "who answered was asked"
    assert await rebuilding.compare(post.uow) == []


async def test_failed_then_delivered_asks_another_and_counts_a_yes_of_the_first(post: Post) -> None:
    incident = await asked(post)
    first = next(iter(incident.live_offers()))
    await receipts(post, "failed", first)
    await receipts(post, "delivered", first)
    await receipts(post, "failed", first)
    assert [row["status"] for row in await post.messages("offer") if row["offer_id"] == first.id] == [
        "delivered"
    ]
    assert (await post.scene.read(incident.id)).settled[first.id].status == "withdrawn"
    await post.answer(first)
    assert [one.offer_id for one in (await post.scene.read(incident.id)).active()] == [first.id]


async def test_a_repeated_receipt_frees_one_place_once(post: Post) -> None:
    incident = await asked(post)
    first = next(iter(incident.live_offers()))
    await receipts(post, "failed", first)
    seq = (await post.scene.read(incident.id)).seq
    await receipts(post, "failed", first)
    assert (await post.scene.read(incident.id)).seq == seq


async def test_a_receipt_for_a_message_that_was_never_sent_changes_nothing(post: Post) -> None:
    incident = await post.scene.incident()
    await post.notify()
    await receipts(post, "failed", *incident.live_offers())
    await receipts(post, "delivered", *incident.live_offers())
    assert {row["status"] for row in await post.messages("offer")} == {"queued"}
    assert live(await post.scene.read(incident.id)) == live(incident)


async def test_a_receipt_that_arrives_before_its_sending_returned_frees_the_place(post: Post) -> None:
    slow = SlowGateway()
    incident = await post.scene.incident()
    await post.notify()
    sending = asyncio.create_task(post.sender(slow).round())
    await wait_until(lambda: len(slow.asked) == 4)
    first = next(iter(incident.live_offers()))
    await receipts(post, "failed", first)
    slow.let_go.set()
    await sending
    assert first.id not in (await post.scene.read(incident.id)).live
    assert [row["status"] for row in await post.messages("offer") if row["offer_id"] == first.id] == [
        "failed"
    ]


async def test_a_receipt_after_the_end_of_its_offer_changes_nothing(post: Post) -> None:
    incident = await asked(post)
    first, second, *_ = incident.live_offers()
    await post.answer(first)
    await post.answer(second, "declined")
    before = await post.scene.read(incident.id)
    await receipts(post, "failed", first, second)
    assert (await post.scene.read(incident.id)).seq == before.seq


async def test_an_offer_whose_answer_is_being_processed_is_not_withdrawn(post: Post) -> None:
    incident = await asked(post)
    first = next(iter(incident.live_offers()))
    await post.receive(first, "accepted")
    await receipts(post, "failed", first)
    assert first.id in (await post.scene.read(incident.id)).live
    await post.scene.process_replies()
    assert [one.offer_id for one in (await post.scene.read(incident.id)).active()] == [first.id]


async def test_messages_that_arrive_lock_no_incident(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    incident = await asked(post)

    async def forbidden(*_: object) -> None:
        raise AssertionError("an incident was locked")

    monkeypatch.setattr(execution, "lock_and_execute", forbidden)
    await receipts(post, "delivered", *incident.live_offers())


async def test_a_provider_that_refuses_a_number_frees_the_place_as_well(post: Post) -> None:
    incident = await post.scene.incident()
    await post.notify()
    await post.sender(StubbornGateway(GatewayRefusedError("no such number"))).round()
    await post.replace_unreached()
    after = await post.scene.read(incident.id)
    assert len(live(after)) == 4
    assert live(after).isdisjoint(live(incident))
    assert set(await failing(post)) == live(incident)


async def test_a_volunteer_without_any_address_is_replaced_as_soon_as_the_offer_is_composed(
    post: Post,
) -> None:
    incident = await post.scene.incident()
    first = next(iter(incident.live_offers()))
    await post.uow.pool.execute("DELETE FROM addresses WHERE volunteer_id = $1", first.volunteer_id)
    await post.notify()
    after = await post.scene.read(incident.id)
    assert after.settled[first.id].missed == "unreached"
    assert len(live(after)) == 4


async def test_a_volunteer_whose_consent_ended_before_the_message_was_sent_is_replaced(post: Post) -> None:
    incident = await post.scene.incident()
    await post.notify()
    first = next(iter(incident.live_offers()))
    await post.uow.pool.execute(
        "UPDATE memberships SET consent = '{drills}' WHERE volunteer_id = $1", first.volunteer_id
    )
    await post.sender().round()
    await post.replace_unreached()
    after = await post.scene.read(incident.id)
    assert after.settled[first.id].missed == "unreached"
    assert len(live(after)) == 4


async def test_offers_that_a_pause_kept_back_ended_unsent_and_are_made_again_after_it(post: Post) -> None:
    incident = await post.scene.incident()
    await post.notify()
    await post.uow.pool.execute("UPDATE organisations SET paused_at = $1", post.clock.now())
    await post.sender().round()
    await post.replace_unreached()
    during = await post.scene.read(incident.id)
    assert {offer.missed for offer in during.settled.values()} == {"unsent"}
    assert (live(during), during.offers_made) == (set(), 0)
    await post.uow.pool.execute("UPDATE organisations SET paused_at = NULL")
    await post.tick(incident.id)
    assert live(await post.scene.read(incident.id)) == live(incident)


async def test_a_gateway_that_fails_every_message_does_not_use_up_the_roster(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handlers, "MANY", 4)
    incident = await asked(post)
    await receipts(post, "failed", *incident.live_offers())
    second = await post.scene.read(incident.id)
    await post.deliver()
    await receipts(post, "failed", *second.live_offers())
    third = await post.scene.read(incident.id)
    assert live(third) == live(second)
    assert [e.reason for e in third.open_escalations()] == ["unreached"]
    await post.expire(incident)
    ended = [o.missed for o in (await post.scene.read(incident.id)).settled.values()]
    assert ended == ["unreached"] * 8, "they asked nobody, whenever they ended"


async def test_while_an_older_release_runs_an_undeliverable_offer_expires(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    incident = await asked(post)
    monkeypatch.setattr(write_generation, "current", OLDEST)
    await receipts(post, "failed", *incident.live_offers())
    assert live(await post.scene.read(incident.id)) == live(incident)
    await post.expire(incident)
    after = await post.scene.read(incident.id)
    assert {after.settled[offer.id].status for offer in incident.live_offers()} == {"expired"}


async def test_a_supervisor_whose_page_is_not_delivered_is_shown(post: Post) -> None:
    await post.duty(1)
    incident = await post.scene.incident()
    await post.scene.act(incident.id, "escalate")
    await post.deliver()
    (page,) = await post.messages("escalation")
    await record_receipts(post.uow, [Reported(Receipt(page["id"], "failed"))])
    assert await post.uow.pool.fetchval("SELECT failing_since FROM duty_contacts") == post.clock.now()
