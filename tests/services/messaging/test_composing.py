"""Which messages are queued for whom, and which are not."""

from datetime import datetime, timedelta
from uuid import UUID

import asyncpg

from dispatch.clock import MovableClock
from dispatch.domain.messaging.codes import code
from dispatch.services.messaging import answers_to_texts
from dispatch.services.messaging.answers_to_texts import AnswerToText
from dispatch.storage.pool import transaction
from schemas.ids import named
from schemas.notifications import Purpose
from tests.domain.builders import plan, watch_plan
from tests.support.post import LINKS, Post
from tests.support.scene import phone


async def test_an_offer_is_one_message_however_often_the_event_is_delivered(post: Post) -> None:
    incident = await post.scene.incident()
    await post.notify()
    await post.notify(again=True)
    await post.deliver()
    assert [row["status"] for row in await post.messages()] == ["sent"] * len(incident.offers)
    assert [len(post.texts(n)) for n in range(3)] == [1, 1, 1]


async def test_an_offer_names_its_kind_its_code_and_a_link_of_its_own(post: Post) -> None:
    incident = await post.scene.incident()
    await post.deliver()
    (text,) = post.texts(0)
    offer = await post.scene.offer(0, incident)
    assert "Essai" in text
    assert f"OUI {code(offer.id)}" in text
    assert f"{LINKS}/a/" in text
    assert text != post.texts(1)[0]


async def test_nothing_is_sent_inside_a_handler(post: Post) -> None:
    await post.scene.incident()
    await post.notify()
    assert post.texts(0) == []
    assert {row["status"] for row in await post.messages()} == {"queued"}


async def test_every_message_is_journalled_when_queued_and_when_sent(post: Post) -> None:
    await post.scene.incident()
    await post.deliver()
    for row in await post.messages():
        assert await post.journalled(row["id"]) == ["queued", "sent"]


async def test_a_volunteer_who_accepts_is_notified_that_they_are_expected(post: Post) -> None:
    offer = await post.scene.offer(0)
    await post.deliver()
    await post.answer(offer)
    await post.deliver()
    assert "on vous attend" in post.texts(0)[1]
    assert len(post.texts(1)) == 1


async def test_a_volunteer_who_accepts_during_a_hold_is_instructed_to_wait(post: Post) -> None:
    incident = await post.scene.incident()
    await post.scene.act(incident.id, "hold")
    await post.answer(await post.scene.offer(0, incident))
    await post.deliver()
    assert any("Merci. ATTENDEZ" in text for text in post.texts(0))


async def test_a_volunteer_who_was_asked_and_is_no_longer_needed_is_notified(post: Post) -> None:
    incident = await post.scene.incident()
    await post.deliver()
    for number in (0, 1):
        await post.answer(await post.scene.offer(number, incident))
    await post.deliver()
    assert "plus besoin de vous" in post.texts(2)[1]


async def test_a_volunteer_who_was_not_notified_of_an_offer_is_not_notified_of_its_end(post: Post) -> None:
    incident = await post.scene.incident()
    await post.notify()
    for number in (0, 1):
        await post.answer(await post.scene.offer(number, incident))
    await post.deliver()
    assert post.texts(2) == []
    assert await post.messages("stand_down") == []
    (skipped,) = [row for row in await post.messages("offer") if row["recipient_id"] == post.scene.people[2]]
    assert (skipped["status"], skipped["reason"]) == ("skipped", "offer withdrawn")
    assert await post.journalled(skipped["id"]) == ["queued", "skipped"]


async def test_an_offer_that_expires_ends_in_silence(post: Post) -> None:
    incident = await post.scene.incident()
    await post.deliver()
    await post.expire(incident)
    await post.deliver()
    assert [len(post.texts(n)) for n in range(3)] == [1, 1, 1]


async def test_a_late_yes_that_gets_a_seat_is_confirmed(post: Post) -> None:
    incident = await post.scene.incident()
    await post.deliver()
    await post.expire(incident)
    await post.answer(await post.scene.offer(0, incident))
    await post.deliver()
    (told,) = post.texts(0)[1:]
    assert told.startswith("Réponse tardive")
    assert "on vous attend" in told


async def test_a_late_yes_that_gets_a_reserve_seat_is_confirmed(post: Post) -> None:
    incident = await post.scene.incident(
        plan(offers={"open": 5, "per_seat": 2, "window_s": 60, "surplus": 1})
    )
    await post.deliver()
    await post.expire(incident)
    for number in range(3):
        await post.answer(await post.scene.offer(number, incident))
    await post.deliver()
    assert "venez aussi, en réserve" in post.texts(2)[1]


async def test_a_late_yes_that_finds_no_seat_is_thanked(post: Post) -> None:
    incident = await post.scene.incident()
    await post.deliver()
    await post.expire(incident)
    for number in range(3):
        await post.answer(await post.scene.offer(number, incident))
    await post.deliver()
    assert "assez de monde" in post.texts(2)[1]
    assert len(post.texts(2)) == 2


async def test_a_volunteer_still_on_the_way_when_all_others_have_arrived_is_stood_down(post: Post) -> None:
    incident = await post.scene.incident(
        plan(offers={"open": 5, "per_seat": 2, "window_s": 60, "surplus": 1})
    )
    for number in range(3):
        await post.answer(await post.scene.offer(number, incident))
    for number in (0, 1):
        await post.answer(await post.scene.offer(number, incident), "on_scene")
    await post.deliver()
    assert any("demi-tour" in text for text in post.texts(2))
    assert not any("demi-tour" in text for text in post.texts(0))


async def test_a_volunteer_who_reports_the_work_done_gets_no_stand_down(post: Post) -> None:
    offer = await post.scene.offer(0)
    for answer in ("accepted", "on_scene", "released"):
        await post.answer(offer, answer)
    await post.deliver()
    assert not any("demi-tour" in text for text in post.texts(0))


async def test_a_recall_goes_to_all_who_come_or_are_asked_on_every_channel_past_stop(post: Post) -> None:
    incident = await post.scene.incident()
    await post.answer(await post.scene.offer(0, incident))
    await post.uow.pool.execute("UPDATE memberships SET stopped_at = now()")
    await post.uow.pool.execute("UPDATE memberships SET consent = '{}'")
    await post.uow.pool.execute(
        "INSERT INTO addresses SELECT volunteer_id, 'email', address || '@example.org' FROM addresses"
    )
    await post.scene.act(incident.id, "abort")
    await post.deliver()
    rows = await post.messages("aborted")
    assert {(row["recipient_id"], row["channel"]) for row in rows} == {
        (person, channel) for person in post.scene.people for channel in ("sms", "email")
    }
    assert {row["status"] for row in rows if row["channel"] == "sms"} == {"sent"}
    assert {row["reason"] for row in rows if row["channel"] == "email"} == {"no gateway"}
    assert all(row["recall"] and row["severity"] == 0 for row in rows)
    assert all(any("N'APPROCHEZ PAS" in text for text in post.texts(n)) for n in range(3))


async def test_an_abort_is_notified_once_and_without_a_stand_down(post: Post) -> None:
    incident = await post.scene.incident()
    await post.deliver()
    await post.answer(await post.scene.offer(0, incident))
    await post.deliver()
    await post.scene.act(incident.id, "abort")
    await post.deliver()
    assert await post.messages("stand_down") == []
    assert len(post.texts(0)) == 3
    assert post.texts(0)[2].startswith("N'APPROCHEZ PAS")


async def test_every_hold_and_its_end_are_notified(post: Post) -> None:
    incident = await post.scene.incident()
    await post.answer(await post.scene.offer(0, incident))
    for act in ("hold", "resume", "hold"):
        await post.scene.act(incident.id, act)
        await post.deliver()
    told = [text.split(" :")[0] for text in post.texts(0) if not text.startswith("Merci")]
    assert told == ["ATTENDEZ", "Fin de l'attente", "ATTENDEZ"]


async def test_a_hold_that_ended_before_its_notification_is_not_sent(post: Post) -> None:
    incident = await post.scene.incident()
    await post.scene.act(incident.id, "hold")
    await post.notify()
    await post.scene.act(incident.id, "resume")
    await post.deliver()
    assert {row["reason"] for row in await post.messages("held")} == {"incident open"}
    assert not any("ATTENDEZ" in text for text in post.texts(0))


async def test_closing_notifies_assigned_volunteers(post: Post) -> None:
    incident = await post.scene.incident()
    await post.answer(await post.scene.offer(0, incident))
    await post.deliver()
    await post.scene.act(incident.id, "close")
    await post.deliver()
    assert "plus besoin de vous" in post.texts(0)[-1]


async def test_a_watch_notice_sends_no_volunteer(post: Post) -> None:
    incident = await post.scene.incident(watch_plan(seats=[{"role": "w", "skills": ("watch",), "count": 3}]))
    await post.deliver()
    await post.answer(await post.scene.offer(0, incident))
    await post.deliver()
    for text in post.texts(0):
        assert "Restez chez vous" in text
        assert " m." not in text


async def test_a_drill_reaches_only_volunteers_who_still_opt_in(post: Post) -> None:
    await post.scene.incident(mode="exercise")
    await post.notify()
    who = post.scene.people[0]
    await post.uow.pool.execute("UPDATE memberships SET consent = '{sms}' WHERE volunteer_id = $1", who)
    await post.deliver()
    assert post.texts(0) == []
    assert post.texts(1)[0].startswith("[EXERCICE]")
    reasons = [row["reason"] for row in await post.messages("offer") if row["recipient_id"] == who]
    assert reasons == ["not opted into drills"]


async def send_back(
    connection: asyncpg.Connection, post: Post, purpose: Purpose, inbound_id: UUID, now: datetime
) -> None:
    answer = AnswerToText(purpose, post.scene.organisation, post.scene.people[0], inbound_id, "sms")
    await answers_to_texts.answer_text(connection, answer, now)


async def test_an_unclear_text_is_asked_back_with_the_code_it_may_have_meant_three_times_at_most(
    post: Post, clock: MovableClock
) -> None:
    incident = await post.scene.incident()
    for number in range(5):
        async with transaction(post.uow.pool) as connection:
            text = named("text", number)
            await send_back(connection, post, "ask_back", text, clock.now())
    await post.deliver()
    asked = [text for text in post.texts(0) if "compris" in text]
    assert len(asked) == 3
    assert code((await post.scene.offer(0, incident)).id) in asked[0]
    clock.advance(timedelta(hours=1).total_seconds())
    async with transaction(post.uow.pool) as connection:
        await send_back(connection, post, "ask_back", named("late"), clock.now())
    await post.deliver()
    assert "Aucune demande" in post.texts(0)[-1]


async def test_stop_is_confirmed_although_it_stops_everything_else(post: Post, clock: MovableClock) -> None:
    await post.uow.pool.execute("UPDATE memberships SET stopped_at = $1", clock.now())
    async with transaction(post.uow.pool) as connection:
        await send_back(connection, post, "stopped", named("text"), clock.now())
    await post.deliver()
    assert "sécurité" in post.texts(0)[0]


async def test_a_person_is_notified_on_the_channels_that_they_consented_to(post: Post) -> None:
    await post.uow.pool.execute(
        "INSERT INTO addresses SELECT volunteer_id, 'email', address || '@example.org' FROM addresses"
    )
    await post.scene.incident()
    await post.notify()
    assert {row["channel"] for row in await post.messages()} == {"sms"}
    assert post.gateway.phone(phone(0)).inbox == []
