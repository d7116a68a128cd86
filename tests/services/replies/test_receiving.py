"""Answers on a real database: bound to the offer that they name, asked back where they name none."""

import asyncio
from uuid import UUID, uuid4

import asyncpg
import pytest

from dispatch.clock import MovableClock
from dispatch.domain.errors import RefusedError
from dispatch.domain.messaging.binding import Candidate, bind
from dispatch.domain.messaging.codes import code
from dispatch.domain.messaging.grammar import parse
from dispatch.services.core.errors import ConflictError, ForbiddenError, NotFoundError
from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.services.messaging.gateway import InboundText
from dispatch.services.people import opt_out, volunteers
from dispatch.services.replies import inbound_texts, receiving
from schemas.offers import Channel
from schemas.replies import Answer
from tests.domain.builders import watch_plan
from tests.support.scene import Scene, a_volunteer, phone


@pytest.fixture
async def scene(pool: asyncpg.Pool, clock: MovableClock) -> Scene:
    return await Scene.open(UnitOfWork(pool, clock))


async def answer(scene: Scene, offer_id: UUID, given: Answer, channel: Channel = "page") -> UUID:
    return await receiving.receive(
        scene.uow, offer_id=offer_id, answer=given, channel=channel, received_at=scene.now
    )


async def text(scene: Scene, words: str, number: int = 0, provider_id: str | None = None) -> str:
    inbound = InboundText(provider_id or str(uuid4()), "sms", phone(number), words)
    return await inbound_texts.receive_text(scene.uow, "simulated", inbound, scene.now)


async def messages(scene: Scene, purpose: str) -> int:
    return int(await scene.uow.pool.fetchval("SELECT count(*) FROM messages WHERE purpose = $1", purpose))


async def test_a_yes_fills_a_seat(scene: Scene) -> None:
    incident = await scene.incident()
    offer = await scene.offer(0, incident)
    await answer(scene, offer.id, "accepted")
    await scene.process_replies()
    (assignment,) = (await scene.read(incident.id)).assignments.values()
    assert assignment.offer_id == offer.id


async def test_an_answer_to_no_offer_is_refused(scene: Scene) -> None:
    with pytest.raises(NotFoundError):
        await answer(scene, uuid4(), "accepted")


async def test_nobody_answers_for_somebody_else(scene: Scene) -> None:
    offer = await scene.offer(0)
    with pytest.raises(ForbiddenError):
        await receiving.receive(
            scene.uow,
            offer_id=offer.id,
            answer="accepted",
            channel="api",
            received_at=scene.now,
            volunteer_id=scene.people[1],
        )
    with pytest.raises(NotFoundError):
        await receiving.receive(
            scene.uow,
            offer_id=offer.id,
            answer="accepted",
            channel="api",
            received_at=scene.now,
            organisation=uuid4(),
        )
    assert await scene.uow.pool.fetchval("SELECT count(*) FROM replies") == 0


@pytest.mark.parametrize("given", ["en_route", "on_scene"])
async def test_nobody_goes_to_a_watch_notice(scene: Scene, given: Answer) -> None:
    offer = await scene.offer(0, await scene.incident(watch_plan()))
    with pytest.raises(RefusedError):
        await answer(scene, offer.id, given)


async def test_answers_of_one_person_go_out_in_their_order(scene: Scene) -> None:
    offer = await scene.offer(0)
    await asyncio.gather(*(answer(scene, offer.id, "accepted") for _ in range(8)))
    rows = await scene.uow.pool.fetch(
        "SELECT o.id, j.xid::text::bigint AS xid FROM outbox o JOIN journal j ON j.id = o.position "
        "WHERE j.topic = 'volunteer.replies' ORDER BY o.id"
    )
    assert len(rows) == 8
    assert [row["xid"] for row in rows] == sorted(row["xid"] for row in rows)


@pytest.mark.parametrize(("words", "given"), [("OUI", "accepted"), ("non merci", "declined")])
async def test_a_text_answers_the_only_offer(scene: Scene, words: str, given: str) -> None:
    incident = await scene.incident()
    offer = await scene.offer(0, incident)
    assert await text(scene, words) == given
    row = await scene.uow.pool.fetchrow("SELECT offer_id, channel FROM replies")
    assert row is not None
    assert tuple(row.values()) == (offer.id, "sms")


async def test_the_answers_to_one_incident_have_one_key(scene: Scene) -> None:
    incident = await scene.incident()
    for offer in incident.offers.values():
        await answer(scene, offer.id, "accepted")
    keys = await scene.uow.pool.fetch("SELECT key FROM journal WHERE topic = 'volunteer.replies'")
    assert [row["key"] for row in keys] == [str(incident.id).encode()] * len(incident.offers)


async def test_a_text_that_the_gateway_tells_twice_counts_once(scene: Scene) -> None:
    await scene.offer(0)
    first = await text(scene, "oui", provider_id="p1")
    second = await text(scene, "oui", provider_id="p1")
    assert first == second == "accepted"
    assert await scene.uow.pool.fetchval("SELECT count(*) FROM replies") == 1


async def test_an_unknown_phone_is_kept_and_nothing_else_is_done(scene: Scene) -> None:
    await scene.offer(0)
    assert await text(scene, "oui", number=99) == "unknown phone"
    assert await scene.uow.pool.fetchval("SELECT outcome FROM inbound_texts") == "unknown phone"
    assert await scene.uow.pool.fetchval("SELECT count(*) FROM replies") == 0
    assert await messages(scene, "ask_back") == 0


@pytest.mark.parametrize("sender", ["33639980000", "0639980000", "+33 6 39 98 00 00"])
async def test_a_phone_is_known_however_the_gateway_spells_it(scene: Scene, sender: str) -> None:
    await scene.offer(0)
    inbound = InboundText("p1", "sms", sender, "oui")
    assert await inbound_texts.receive_text(scene.uow, "simulated", inbound, scene.now) == "accepted"


@pytest.mark.parametrize("sender", ["RENFORT", "38000", "+", "é"])
async def test_a_sender_that_is_no_phone_is_unknown(scene: Scene, sender: str) -> None:
    inbound = InboundText("p1", "sms", sender, "oui")
    assert await inbound_texts.receive_text(scene.uow, "simulated", inbound, scene.now) == "unknown phone"


async def test_an_unclear_text_is_asked_back(scene: Scene) -> None:
    await scene.offer(0)
    assert await text(scene, "peut-être demain") == "asked back"
    assert await text(scene, "ok") == "asked back"
    assert await scene.uow.pool.fetchval("SELECT count(*) FROM replies") == 0
    assert await messages(scene, "ask_back") == 2


async def test_a_yes_that_could_mean_two_offers_is_asked_back_unless_it_names_one(scene: Scene) -> None:
    urgent = await scene.offer(0)
    planned = await scene.offer(0, await scene.incident(watch_plan(lane="planned", quiet="off")))
    assert await text(scene, "oui") == "asked back"
    assert code(urgent.id) != code(planned.id)
    assert await text(scene, f"oui {code(planned.id)}") == "accepted"
    assert await scene.uow.pool.fetchval("SELECT offer_id FROM replies") == planned.id


async def test_a_code_of_no_offer_is_asked_back(scene: Scene) -> None:
    offer = await scene.offer(0)
    other = "2C" if code(offer.id) != "2C" else "3C"
    assert await text(scene, f"oui {other}") == "asked back"


async def test_a_yes_after_the_window_still_finds_its_offer_for_half_an_hour(
    scene: Scene, clock: MovableClock
) -> None:
    await scene.offer(0)
    clock.advance(60 + 29 * 60)
    assert await text(scene, "oui") == "accepted"


async def test_a_yes_long_after_the_window_is_asked_back(scene: Scene, clock: MovableClock) -> None:
    offer = await scene.offer(0)
    await scene.uow.pool.execute("UPDATE offers SET status = 'expired' WHERE id = $1", offer.id)
    clock.advance(60 + 31 * 60)
    assert await text(scene, "oui") == "asked back"


async def test_ok_acknowledges_a_recall(scene: Scene, clock: MovableClock) -> None:
    incident = await scene.incident()
    await scene.offer(0, incident)
    await scene.act(incident.id, "hold")
    clock.advance(1)
    assert await text(scene, "OK") == "acknowledged"
    await scene.process_replies()
    assert (await scene.read(incident.id)).recalls[scene.people[0]].acknowledged_at == scene.now


async def test_stop_ends_offers_everywhere_and_is_confirmed(scene: Scene) -> None:
    incident = await scene.incident()
    offer = await scene.offer(0, incident)
    assert await text(scene, "STOP") == "stop"
    assert (await scene.read(incident.id)).offers[offer.id].status == "withdrawn"
    assert await messages(scene, "stopped") == 1
    again = await scene.incident()
    assert scene.people[0] not in {o.volunteer_id for o in again.offers.values()}


async def test_stop_leaves_a_running_assignment(scene: Scene) -> None:
    incident = await scene.incident()
    offer = await scene.offer(0, incident)
    await answer(scene, offer.id, "accepted")
    await scene.process_replies()
    await text(scene, "STOP")
    (assignment,) = (await scene.read(incident.id)).assignments.values()
    assert assignment.status == "assigned"


async def test_a_roster_sent_again_does_not_undo_a_stop_and_start_does(scene: Scene) -> None:
    await text(scene, "STOP")
    await volunteers.register_all(scene.uow, scene.organisation, [a_volunteer(0)])
    assert scene.people[0] not in {o.volunteer_id for o in (await scene.incident()).offers.values()}
    assert await text(scene, "START") == "start"
    await scene.uow.pool.execute("UPDATE offers SET status = 'declined'")
    assert scene.people[0] in {o.volunteer_id for o in (await scene.incident()).offers.values()}


async def test_erasure_leaves_a_pseudonym_and_nothing_else(scene: Scene) -> None:
    incident = await scene.incident()
    offer = await scene.offer(0, incident)
    await text(scene, "bonjour")
    await opt_out.erase(scene.uow, scene.organisation, scene.people[0])
    for table in ("people", "addresses", "positions", "memberships", "skills"):
        left = await scene.uow.pool.fetchval(
            f"SELECT count(*) FROM {table} WHERE volunteer_id = $1", scene.people[0]
        )
        assert left == 0, table
    assert await scene.uow.pool.fetchval("SELECT count(*) FROM inbound_texts") == 0
    assert await scene.uow.pool.fetchval("SELECT count(*) FROM volunteers") == 3
    assert (await scene.read(incident.id)).offers[offer.id].status == "withdrawn"


async def test_who_is_assigned_is_not_erased(scene: Scene) -> None:
    offer = await scene.offer(0)
    await answer(scene, offer.id, "accepted")
    await scene.process_replies()
    with pytest.raises(ConflictError):
        await opt_out.erase(scene.uow, scene.organisation, scene.people[0])


async def test_what_another_organisation_knows_of_a_person_stays(scene: Scene) -> None:
    other = await Scene.open(scene.uow, 1, name="Mairie")
    await opt_out.erase(scene.uow, scene.organisation, scene.people[0])
    (found,) = await volunteers.list_volunteers(scene.uow, other.organisation)
    assert found["name"] == "Ada 0"


def test_a_change_of_mind_answers_again_when_nothing_else_waits() -> None:
    answered = Candidate(uuid4(), uuid4(), waiting=False, recalled=False)
    waiting = Candidate(uuid4(), uuid4(), waiting=True, recalled=False)
    assert bind(parse("non"), [answered]) == answered
    assert bind(parse("non"), [answered, waiting]) == waiting
    assert bind(parse("non"), [answered, answered]) is None
    assert bind(parse("ok"), [answered, waiting]) is None


async def test_who_was_asked_while_they_left_holds_no_offer(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    incident = await scene.incident()
    who = next(iter(incident.offers.values())).volunteer_id
    seen = [False]

    async def too_early(*args: object) -> None:
        # As when the offer is committed between the read and the lock.
        if seen[0]:
            await withdraw(*args)  # type: ignore[arg-type]
        seen[0] = True

    withdraw = opt_out.withdraw_offers
    monkeypatch.setattr(opt_out, "withdraw_offers", too_early)
    await opt_out.erase(scene.uow, scene.organisation, who)
    left = await scene.uow.pool.fetchval(
        "SELECT count(*) FROM offers WHERE volunteer_id = $1 AND status = 'extended'", who
    )
    assert left == 0
