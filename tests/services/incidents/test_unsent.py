"""An offer that was never sent asked nobody, and while nothing can be sent nobody is asked."""

from datetime import timedelta
from uuid import UUID

import asyncpg
import pytest

from dispatch.clock import MovableClock
from dispatch.domain.asking.offers import UNSENDABLE_RETRY
from dispatch.domain.incident import Incident
from dispatch.domain.matching.selection import Gate
from dispatch.services.incidents.agenda import AgendaRunner
from dispatch.services.messaging.gateway import GatewaySilentError, GatewayUnavailableError
from dispatch.services.messaging.sending import Sender
from dispatch.services.operations import rebuilding
from dispatch.services.operations.heartbeats import Heartbeat
from dispatch.storage import outages, write_generation
from dispatch.storage.outages import EVERY
from dispatch.storage.packed_reasons import reasons_of
from schemas.generations import OLDEST
from tests.domain.builders import plan
from tests.services.messaging.doubles import StubbornGateway
from tests.support.post import LINKS, SECRET, Post
from tests.support.scene import Scene

SMALL = plan(offers={"open": 4, "per_seat": 2, "most": 8})
AWAY = StubbornGateway(GatewayUnavailableError("Kannel cannot be reached"))


@pytest.fixture
async def post(pool: asyncpg.Pool, clock: MovableClock) -> Post:
    """Twenty volunteers with phones."""
    return await Post.open(pool, clock, people=20)


async def run(post: Post, seconds: float) -> None:
    """Advance the clock, and execute what is due."""
    post.clock.advance(seconds)
    agenda = AgendaRunner(post.uow)
    for _ in range(20):
        if not await agenda.run_round():
            return
    raise AssertionError("the agenda always finds something due")


async def asked(post: Post, incident: Incident) -> list[UUID]:
    """Return everybody who holds an offer of an incident."""
    return sorted(o.volunteer_id for o in (await post.scene.read(incident.id)).live_offers())


async def channels(post: Post) -> list[str]:
    return [
        row["channel"] for row in await post.uow.pool.fetch("SELECT channel FROM outages ORDER BY channel")
    ]


async def send(post: Post, gateway: StubbornGateway) -> None:
    await post.sender(gateway).round()


async def test_an_offer_that_was_never_sent_is_withdrawn_and_counts_for_nothing(post: Post) -> None:
    incident = await post.scene.incident(SMALL)
    await run(post, 61)
    after = await post.scene.read(incident.id)
    assert {(o.status, o.missed) for o in after.settled.values()} == {("withdrawn", "unsent")}
    assert (len(after.settled), after.offers_made, list(after.live)) == (4, 0, [])
    rows = await post.uow.pool.fetch("SELECT urgent_asked FROM candidates WHERE urgent_asked <> '{}'")
    assert rows == [], "nobody counts as asked"
    assert await rebuilding.compare(post.uow) == []


async def test_a_standstill_of_everything_is_no_outage_and_the_same_people_are_asked_again_at_once(
    post: Post,
) -> None:
    incident = await post.scene.incident(SMALL)
    first = await asked(post, incident)
    post.clock.advance(61)
    await Heartbeat(post.uow, ("agenda", "notifications")).beat()
    await run(post, 1)
    after = await post.scene.read(incident.id)
    assert (sorted(o.volunteer_id for o in after.live_offers()), after.offers_made) == (first, 4)
    assert "unsendable" not in {e.reason for e in after.open_escalations()}
    await run(post, 61)
    assert await asked(post, incident) == [], "a sender that runs and sends nothing for a minute is an outage"
    assert "unsendable" in {e.reason for e in (await post.scene.read(incident.id)).open_escalations()}


async def test_while_nothing_is_sent_nobody_is_asked_and_the_incident_says_so(post: Post) -> None:
    incident = await post.scene.incident(SMALL)
    await run(post, 61)
    for _ in range(14):
        await run(post, 60)
    after = await post.scene.read(incident.id)
    assert (len(after.offers), after.offers_made) == (4, 0)
    assert "unsendable" in {e.reason for e in after.open_escalations()}
    assert after.retry_at is not None
    assert after.retry_at - after.last_at == UNSENDABLE_RETRY
    bodies = await post.uow.pool.fetch("SELECT body FROM journal WHERE type = 'incident.shortfall.v1'")
    assert all(b'"shut":{"unsendable":4}' in row["body"] for row in bodies), bodies[0]["body"]
    assert await rebuilding.compare(post.uow) == []


async def test_after_an_outage_the_same_people_are_asked_and_the_ceiling_is_free(post: Post) -> None:
    incident = await post.scene.incident(SMALL)
    first = await asked(post, incident)
    for _ in range(15):
        await run(post, 60)
    await post.deliver()
    assert await channels(post) == [], "a sender that only skips what is over shows that events arrive"
    await run(post, 5)
    assert await asked(post, incident) == first
    await post.deliver()
    assert [len(post.texts(number)) for number in range(4)] == [1] * 4
    assert "unsendable" not in {e.reason for e in (await post.scene.read(incident.id)).open_escalations()}
    await run(post, 61)
    assert (await post.scene.read(incident.id)).offers_made == 8, "the whole ceiling is used now"


async def test_a_gateway_that_accepts_nothing_holds_offers_back_before_the_first_window_ends(
    post: Post,
) -> None:
    await post.scene.incident(SMALL)
    await post.notify()
    for _ in range(4):
        await send(post, AWAY)
        post.clock.advance(4)
    assert await channels(post) == ["sms"]
    later = await post.scene.incident(SMALL)
    assert list(later.offers) == []
    assert [e.reason for e in later.open_escalations()] == ["unsendable"]
    post.clock.advance(8)
    await post.deliver()
    assert await channels(post) == []
    await run(post, 5)
    assert len(await asked(post, later)) == 4


async def test_a_short_failure_of_the_gateway_holds_nothing_back(post: Post) -> None:
    await post.scene.incident(SMALL)
    await post.notify()
    await send(post, AWAY)
    post.clock.advance(9)
    assert len((await post.scene.incident(SMALL)).live) == 4


async def test_the_outage_of_one_organisation_leaves_another_alone(post: Post) -> None:
    other = await Scene.open(post.uow, 12, "SDIS 67")
    await post.scene.incident(SMALL)
    await post.notify()
    await send(post, AWAY)
    post.clock.advance(20)
    elsewhere = await other.incident(SMALL, report_id=post.scene.people[0])
    assert len(elsewhere.live) == 4
    assert (await post.scene.incident(SMALL)).offers == {}


async def test_who_can_be_reached_on_a_channel_that_works_is_asked_and_the_others_have_their_reason(
    post: Post,
) -> None:
    await post.scene.incident(SMALL)
    await post.notify()
    await send(post, AWAY)
    by_mail = post.scene.people[9]
    await post.uow.pool.execute("INSERT INTO addresses VALUES ($1, 'email', 'ada@example.org')", by_mail)
    await post.uow.pool.execute(
        "UPDATE memberships SET consent = '{sms,email}' WHERE volunteer_id = $1", by_mail
    )
    post.clock.advance(11)
    incident = await post.scene.incident(SMALL)
    assert [offer.volunteer_id for offer in incident.live_offers()] == [by_mail]
    (row,) = await post.uow.pool.fetch(
        "SELECT passed, passed_over FROM rounds WHERE incident_id = $1", incident.id
    )
    assert Gate.UNSENDABLE in {gates for _, _, gates in reasons_of(row)}
    assert incident.ring == 0, "a wider search would find nobody who can be reached"


async def test_offers_that_a_phone_may_have_got_count_as_made(post: Post) -> None:
    incident = await post.scene.incident(SMALL)
    await post.notify()
    await send(post, StubbornGateway(GatewaySilentError("Kannel does not answer")))
    await run(post, 61)
    after = await post.scene.read(incident.id)
    assert [offer.status for offer in after.settled.values()] == ["expired"] * 4
    assert after.offers_made == 4


async def test_where_nothing_else_waits_to_be_sent_one_offer_a_minute_finds_out_that_messages_leave_again(
    post: Post,
) -> None:
    incident = await post.scene.incident(SMALL)
    other = await post.scene.incident(SMALL)
    await post.notify()
    await send(post, AWAY)
    await run(post, 61)
    await send(post, AWAY)
    waiting = [row["purpose"] for row in await post.messages() if row["status"] == "queued"]
    assert waiting == [], "what is over is not sent"
    before = len(await asked(post, incident)) + len(await asked(post, other))
    await run(post, 5)
    await run(post, 5)
    assert before == 0
    assert len(await asked(post, incident)) + len(await asked(post, other)) == 1
    await post.deliver()
    await run(post, 5)
    assert len(await asked(post, incident)) == len(await asked(post, other)) == 4


async def test_no_offer_is_made_to_find_out_while_events_wait_for_kafka_or_no_sender_lives(
    post: Post,
) -> None:
    incident = await post.scene.incident(SMALL)
    await run(post, 61)
    await run(post, 300)
    assert await asked(post, incident) == []
    await post.uow.pool.execute("DELETE FROM outbox")
    await run(post, 5)
    assert await asked(post, incident) == []
    await post.uow.pool.execute(
        "INSERT INTO processes VALUES (gen_random_uuid(), 'here', 1, '{notifications}', '2', 2, $1, $1)",
        post.clock.now(),
    )
    await post.uow.pool.execute("DELETE FROM outbox")
    await run(post, 5)
    assert len(await asked(post, incident)) == 1


async def test_a_volunteer_whose_messages_never_leave_is_asked_three_times_at_most(post: Post) -> None:
    incident = await post.scene.incident(plan(offers={"open": 1, "per_seat": 1}))
    (first,) = await asked(post, incident)
    for _ in range(3):
        assert await asked(post, incident) == [first]
        await post.notify()
        await post.uow.pool.execute("UPDATE messages SET attempts = 1 WHERE status = 'queued'")
        await run(post, 61)
    assert first not in await asked(post, incident)


async def test_a_supervisors_acts_and_recalls_go_on_during_an_outage(post: Post) -> None:
    incident = await post.scene.incident(SMALL)
    await post.notify()
    first, *_ = incident.live_offers()
    await post.answer(first)
    await send(post, AWAY)
    await run(post, 61)
    await post.scene.act(incident.id, "abort")
    await post.deliver()
    recalls = [row for row in await post.messages("aborted") if row["recipient_id"] == first.volunteer_id]
    assert [row["status"] for row in recalls] == ["sent"]


async def test_a_page_is_tried_again_within_seconds(post: Post) -> None:
    await post.duty(1)
    incident = await post.scene.incident(SMALL)
    await post.scene.act(incident.id, "escalate")
    await post.notify()
    sender = Sender(post.uow, {"sms": AWAY}, secret=SECRET, public_url=LINKS)
    for _ in range(6):
        await sender.round()
        post.clock.advance(5)
    (page,) = await post.messages("escalation")
    assert page["attempts"] == 6
    assert page["due_at"] - post.clock.now() <= timedelta(seconds=5)


async def test_while_an_older_release_runs_unsent_offers_expire(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    incident = await post.scene.incident(SMALL)
    monkeypatch.setattr(write_generation, "current", OLDEST)
    await run(post, 61)
    after = await post.scene.read(incident.id)
    assert {offer.status for offer in after.settled.values()} == {"expired"}
    assert len(after.live) == 4


async def test_the_doctor_is_told_which_organisation_cannot_send_since_when_and_why(post: Post) -> None:
    await post.scene.incident(SMALL)
    began = post.clock.now()
    assert await outages.listed(post.uow.pool, post.clock.now()) == []
    await run(post, 61)
    (one,) = await outages.listed(post.uow.pool, post.clock.now())
    assert one == ("SDIS 75", EVERY, began, "offers were passed to no gateway")


async def test_one_number_that_a_gateway_cannot_serve_now_stops_nobody_else(post: Post) -> None:
    incident = await post.scene.incident(plan(offers={"open": 1, "per_seat": 1}))
    await post.notify()
    for _ in range(4):
        await send(post, AWAY)
        post.clock.advance(5)
    assert len((await post.scene.incident(SMALL)).live) == 4
    assert await outages.listed(post.uow.pool, post.clock.now()) == []
    assert len(await asked(post, incident)) == 1
