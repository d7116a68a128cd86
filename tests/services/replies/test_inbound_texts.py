"""Texts are told apart by gateway, id, sender and words; they count in the order in which they were sent."""

import asyncio
from datetime import timedelta
from uuid import UUID, uuid4

import asyncpg
import pytest

from dispatch.clock import MovableClock
from dispatch.domain.incident import Incident
from dispatch.domain.messaging.codes import code
from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.services.messaging.gateway import InboundText
from dispatch.services.people import opt_out, volunteers
from dispatch.services.replies import inbound_texts, receiving
from dispatch.storage import write_generation
from schemas.generations import GENERATION, OLDEST
from tests.domain.builders import watch_plan
from tests.support.scene import Scene, a_volunteer, phone


@pytest.fixture
async def scene(pool: asyncpg.Pool, clock: MovableClock) -> Scene:
    return await Scene.open(UnitOfWork(pool, clock))


async def text(
    scene: Scene, words: str, number: int = 0, *, id_: str | None = None, sent: float | None = None
) -> str:
    """Deliver a text, sent so many seconds ago, and return its outcome."""
    sent_at = None if sent is None else scene.now - timedelta(seconds=sent)
    return await deliver(scene, InboundText(id_ or str(uuid4()), "sms", phone(number), words, sent_at))


async def deliver(scene: Scene, inbound: InboundText, gateway: str = "simulated") -> str:
    return await inbound_texts.receive_text(scene.uow, gateway, inbound, scene.now)


async def from_(scene: Scene, sender: str, words: str = "oui") -> str:
    return await deliver(scene, InboundText(str(uuid4()), "sms", sender, words))


async def count(scene: Scene, table: str) -> int:
    return int(await scene.uow.pool.fetchval(f"SELECT count(*) FROM {table}"))


async def messages(scene: Scene, purpose: str) -> int:
    return int(await scene.uow.pool.fetchval("SELECT count(*) FROM messages WHERE purpose = $1", purpose))


async def reasons(scene: Scene) -> list[str]:
    rows = await scene.uow.pool.fetch("SELECT reason FROM escalations ORDER BY raised_at")
    return [row["reason"].partition(":")[0] for row in rows]


async def seated(scene: Scene, incident: Incident) -> list[UUID]:
    await scene.process_replies()
    return [one.volunteer_id for one in (await scene.read(incident.id)).active()]


async def test_a_restarted_modem_sends_new_texts_under_old_ids(scene: Scene) -> None:
    incident = await scene.incident()
    assert await text(scene, "oui", id_="1") == "accepted"
    assert await text(scene, "non", id_="1") == "declined", "other words"
    assert await text(scene, "oui", 1, id_="1") == "accepted", "another phone"
    assert await seated(scene, incident) == [scene.people[1]]
    assert await count(scene, "inbound_texts") == 3


async def test_the_same_again_within_an_hour_is_one_text_and_later_a_new_one(
    scene: Scene, clock: MovableClock
) -> None:
    await scene.incident()
    for _ in range(2):
        await text(scene, "oui", id_="1")
        clock.advance(59 * 60)
    assert await count(scene, "replies") == 1
    clock.advance(2 * 60)
    await text(scene, "peut-être", id_="2")
    await text(scene, "oui", id_="1")
    assert await count(scene, "inbound_texts") == 3


async def test_the_same_id_from_another_gateway_is_another_text(scene: Scene) -> None:
    await scene.incident()
    inbound = InboundText("1", "sms", phone(0), "oui")
    await deliver(scene, inbound)
    await deliver(scene, inbound, "other")
    assert await count(scene, "inbound_texts") == 2


async def test_a_gateway_without_ids_delivers_a_new_text_each_time(scene: Scene) -> None:
    incident = await scene.incident()
    for words in ("non", "oui", "non"):
        await deliver(scene, InboundText("", "sms", phone(0), words))
    assert await seated(scene, incident) == []
    assert await count(scene, "replies") == 3


async def test_a_text_that_the_previous_release_stored_is_recognised(scene: Scene) -> None:
    await scene.incident()
    await text(scene, "oui", id_="1")
    await scene.uow.pool.execute("UPDATE inbound_texts SET provider_id = NULL")
    assert await text(scene, "oui", id_="1") == "accepted"
    assert await count(scene, "replies") == 1


async def test_texts_under_one_id_that_arrive_at_once_are_all_stored(scene: Scene) -> None:
    await scene.incident()
    await asyncio.gather(*(text(scene, "oui", number, id_="1") for number in (0, 1, 2, 0, 1, 2)))
    assert await count(scene, "inbound_texts") == 3


async def test_a_delayed_yes_sent_before_a_no_that_came_first_changes_nothing(scene: Scene) -> None:
    incident = await scene.incident()
    offer = await scene.offer(0, incident)
    assert await text(scene, "non", sent=1) == "declined"
    await scene.process_replies()
    await text(scene, f"oui {code(offer.id)}", sent=20)
    assert await seated(scene, incident) == []
    assert (await scene.read(incident.id)).offers[offer.id].status == "declined"


async def test_a_delayed_yes_changes_nothing_where_both_are_processed_together(scene: Scene) -> None:
    incident = await scene.incident()
    await text(scene, "non", sent=1)
    scene.uow.clock.advance(1)  # type: ignore[attr-defined]
    await text(scene, "oui", sent=20)
    assert await seated(scene, incident) == []
    types = await scene.uow.pool.fetch("SELECT type FROM journal WHERE type LIKE 'assignment.%'")
    assert types == []


async def test_a_delayed_no_sent_before_a_yes_that_came_first_changes_nothing(scene: Scene) -> None:
    incident = await scene.incident()
    await text(scene, "oui", sent=1)
    await scene.process_replies()
    await text(scene, "non", sent=20)
    assert await seated(scene, incident) == [scene.people[0]]


async def test_a_delayed_yes_changes_nothing_after_a_no_on_the_page(
    scene: Scene, clock: MovableClock
) -> None:
    incident = await scene.incident()
    offer = await scene.offer(0, incident)
    await inbound_no_on_page(scene, offer.id)
    clock.advance(30)
    await text(scene, "oui", sent=40)
    assert await seated(scene, incident) == []
    await text(scene, "oui", sent=1)
    assert await seated(scene, incident) == [scene.people[0]]


async def inbound_no_on_page(scene: Scene, offer_id: UUID) -> None:
    await receiving.receive(
        scene.uow, offer_id=offer_id, answer="declined", channel="page", received_at=scene.now
    )
    await scene.process_replies()


@pytest.mark.parametrize("sent", [-3600.0, 40 * 365 * 86400.0])
async def test_a_sending_time_in_the_future_or_absurdly_old_is_ignored(scene: Scene, sent: float) -> None:
    incident = await scene.incident()
    await text(scene, "non", sent=sent)
    await scene.process_replies()
    await text(scene, "oui", sent=sent)
    assert await seated(scene, incident) == [scene.people[0]]
    assert await scene.uow.pool.fetchval("SELECT count(*) FROM replies WHERE sent_at IS NOT NULL") == 0


async def test_a_sending_time_never_makes_an_answer_in_time(scene: Scene, clock: MovableClock) -> None:
    incident = await scene.incident()
    clock.advance(61)
    await text(scene, "oui", sent=30)
    await scene.process_replies()
    late = "SELECT count(*) FROM journal WHERE type LIKE 'offer.answered_late%'"
    assert await scene.uow.pool.fetchval(late) == 1
    assert incident.offers


async def test_a_text_sent_before_an_offer_was_made_is_no_answer_to_it(scene: Scene) -> None:
    incident = await scene.incident()
    assert await text(scene, "oui", sent=300) == "asked back"
    assert await seated(scene, incident) == []
    offer = await scene.offer(0, incident)
    assert await text(scene, f"oui {code(offer.id)}", sent=300) == "accepted", "a code is proof"


async def test_a_gateway_whose_clock_is_an_hour_off_still_answers(scene: Scene) -> None:
    await scene.incident()
    assert await text(scene, "oui", sent=3600) == "accepted"


async def test_a_text_sent_before_a_recall_does_not_acknowledge_it(scene: Scene, clock: MovableClock) -> None:
    incident = await scene.incident()
    await scene.act(incident.id, "hold")
    clock.advance(5)
    await text(scene, "ok", sent=10)
    await scene.process_replies()
    recall = (await scene.read(incident.id)).recalls[scene.people[0]]
    assert recall.acknowledged_at is None
    await text(scene, "ok", sent=1)
    await scene.process_replies()
    assert (await scene.read(incident.id)).recalls[scene.people[0]].acknowledged_at == scene.now


async def test_start_is_confirmed(scene: Scene) -> None:
    assert await text(scene, "STOP") == "stop"
    assert await text(scene, "START") == "start"
    assert await messages(scene, "started") == 1
    assert await scene.uow.pool.fetchval("SELECT count(*) FROM memberships WHERE stopped_at IS NOT NULL") == 0


async def test_start_is_not_confirmed_while_a_process_runs_that_could_not_send_it(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(write_generation, "current", OLDEST)
    assert await text(scene, "START") == "start"
    assert await messages(scene, "started") == 0


async def test_a_delayed_start_sent_before_a_stop_changes_nothing(scene: Scene) -> None:
    await text(scene, "STOP", sent=1)
    assert await text(scene, "START", sent=60) == "overtaken"
    assert await scene.uow.pool.fetchval("SELECT count(*) FROM memberships WHERE stopped_at IS NOT NULL") == 1
    assert await messages(scene, "started") == 0


async def test_a_yes_in_two_halves_that_mean_no_is_doubted(scene: Scene, clock: MovableClock) -> None:
    incident = await scene.incident()
    assert await text(scene, "je peux") == "accepted"
    clock.advance(4)
    assert await text(scene, "pas venir") == "doubtful"
    assert await seated(scene, incident) == [scene.people[0]]
    assert "answer_doubtful" in await reasons(scene)
    clock.advance(4)
    assert await text(scene, "venir") == "doubtful"
    assert await seated(scene, incident) == [scene.people[0]]
    assert await text(scene, "oui") == "accepted"
    await scene.process_replies()
    assert (await scene.read(incident.id)).doubted() == []


async def test_a_doubt_is_a_no_while_a_process_runs_that_cannot_read_it(
    scene: Scene, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    incident = await scene.incident()
    await text(scene, "je peux")
    await scene.process_replies()
    monkeypatch.setattr(write_generation, "current", OLDEST)
    clock.advance(4)
    await text(scene, "pas venir")
    assert await seated(scene, incident) == []
    assert await scene.uow.pool.fetchval("SELECT count(*) FROM journal WHERE type LIKE '%doubt%'") == 0
    assert GENERATION > OLDEST


async def test_a_change_of_mind_within_seconds_is_no_doubt(scene: Scene, clock: MovableClock) -> None:
    incident = await scene.incident()
    await text(scene, "oui")
    clock.advance(3)
    assert await text(scene, "non") == "declined"
    assert await seated(scene, incident) == []
    assert "answer_doubtful" not in await reasons(scene)


async def test_a_sender_that_may_be_two_known_phones_seats_nobody_and_is_shown(scene: Scene) -> None:
    bodies = [a_volunteer(7, phone="+33687751234"), a_volunteer(8, phone="+687751234")]
    people = await volunteers.register_all(scene.uow, scene.organisation, bodies)
    incident = await scene.incident()
    assert await from_(scene, "687751234") == "ambiguous phone"
    assert not set(people) & set(await seated(scene, incident))
    stored = await scene.uow.pool.fetchval("SELECT id FROM inbound_texts")
    told = await scene.uow.pool.fetchrow(
        "SELECT reason, detail, page FROM escalations WHERE reason LIKE 'amb%'"
    )
    assert told is not None
    assert (told["reason"], told["page"]) == (f"ambiguous_sender:{stored}", True)
    assert str(stored) in told["detail"]
    assert "687751234" not in told["detail"]
    assert await from_(scene, "687751234", "non") == "ambiguous phone"
    assert (await reasons(scene)).count("ambiguous_sender") == 1
    assert await from_(scene, "+687751234") in ("accepted", "asked back"), "the number in full is known"


async def test_a_sender_of_whose_readings_one_is_known_is_that_person(scene: Scene) -> None:
    await volunteers.register_all(scene.uow, scene.organisation, [a_volunteer(3, phone="+687751234")])
    incident = await scene.incident()
    assert len(incident.offers) == 4
    assert await from_(scene, "687751234") == "accepted"
    assert await scene.uow.pool.fetchval("SELECT sender FROM inbound_texts") == "+687751234"


async def test_the_texts_of_a_sender_who_may_be_somebody_are_erased_with_the_person(scene: Scene) -> None:
    bodies = [a_volunteer(7, phone="+33687751234"), a_volunteer(8, phone="+687751234")]
    people = await volunteers.register_all(scene.uow, scene.organisation, bodies)
    await from_(scene, "687751234")
    await opt_out.erase(scene.uow, scene.organisation, people[0])
    assert await count(scene, "inbound_texts") == 0


async def test_a_flood_of_one_text_says_it_once_and_is_reported(scene: Scene) -> None:
    incident = await scene.incident()
    outcomes = [await text(scene, "oui") for _ in range(60)]
    assert outcomes[0] == "accepted"
    assert outcomes[-1] == "flood"
    assert await count(scene, "inbound_texts") == 20
    assert (await reasons(scene)).count("text_flood") == 1
    assert await text(scene, "non") == "declined", "other words are read"
    assert await seated(scene, incident) == []


@pytest.mark.parametrize("words", ["", "\ufffc", "[image]"])
async def test_an_empty_text_or_a_picture_is_asked_back(scene: Scene, words: str) -> None:
    incident = await scene.incident()
    assert await text(scene, words) == "asked back"
    assert await seated(scene, incident) == []


async def test_a_long_text_is_stored_whole_and_an_endless_one_cut(scene: Scene) -> None:
    await scene.incident()
    long = "je ne sais pas " * 107
    await text(scene, long[:1600])
    assert await scene.uow.pool.fetchval("SELECT length(text) FROM inbound_texts") == 1600
    await text(scene, "x" * 60_000)
    assert (
        await scene.uow.pool.fetchval("SELECT max(length(text)) FROM inbound_texts") == inbound_texts.LONGEST
    )


async def test_a_delayed_yes_is_not_bound_to_the_next_incident(scene: Scene, clock: MovableClock) -> None:
    first = await scene.incident()
    await text(scene, "non")
    await scene.process_replies()
    clock.advance(120)
    second = await scene.incident(watch_plan(lane="planned", quiet="off"))
    clock.advance(5)
    assert await text(scene, "oui", sent=100) == "accepted"
    assert await seated(scene, second) == []
    assert await seated(scene, first) == [scene.people[0]], "the change of mind is about the first"
