"""An escalation pages the duty contacts in turn, and in drills only those who opted in."""

from uuid import UUID

from dispatch.domain.actors import duty_actor
from dispatch.domain.places.service_area import Area
from dispatch.services.access import organisations
from dispatch.services.access.organisations import Changes
from dispatch.services.incidents.agenda import AgendaRunner
from dispatch.services.messaging.gateway import GatewayUnavailableError, InboundText
from dispatch.services.plans.plan_files import load
from dispatch.services.replies import inbound_texts
from schemas.base import Severity
from schemas.ids import short
from tests.domain.builders import PLACE
from tests.services.messaging.doubles import SlowGateway
from tests.support.post import Post


async def test_a_page_goes_to_the_duty_contact_whose_turn_it_is_and_then_to_the_next(post: Post) -> None:
    first, second = await post.duty(1), await post.duty(2)
    incident = await post.scene.incident()
    await post.scene.act(incident.id, "escalate")
    for _ in range(3):
        await post.deliver()
        await post.expire(incident, 60)
    pages = [[message.text for message in post.gateway.phone(number).inbox] for number in (first, second)]
    by_hand = [sum("demande d'un superviseur" in text for text in texts) for texts in pages]
    assert by_hand == [2, 1]
    assert {row["recipient_kind"] for row in await post.messages("escalation")} == {"duty"}


async def test_an_escalation_that_was_acknowledged_meanwhile_pages_no_contact(post: Post) -> None:
    number = await post.duty(1)
    incident = await post.scene.incident()
    await post.scene.act(incident.id, "escalate")
    await post.notify()
    await post.uow.pool.execute("UPDATE escalations SET status = 'acknowledged'")
    await post.deliver()
    assert post.gateway.phone(number).inbox == []
    assert [row["reason"] for row in await post.messages("escalation")] == ["escalation acknowledged"]


async def test_a_drill_pages_only_the_duty_contacts_who_opted_in(post: Post) -> None:
    away, willing = await post.duty(1), await post.duty(2, drills=True)
    incident = await post.scene.incident(mode="exercise")
    await post.scene.act(incident.id, "escalate")
    await post.deliver()
    assert post.gateway.phone(away).inbox == []
    assert post.gateway.phone(willing).inbox[0].text.startswith("[EXERCICE]")


async def test_a_page_that_kafka_does_not_carry_is_sent_once_without_it(post: Post) -> None:
    number = await post.duty(1)
    incident = await post.scene.incident()
    await post.scene.act(incident.id, "escalate")
    await post.sender().round()
    assert post.gateway.phone(number).inbox == [], "Kafka has ten seconds"
    post.clock.advance(10)
    for _ in range(3):
        await post.sender().round()
    assert _by_hand(post, number) == 1
    await post.deliver()
    assert _by_hand(post, number) == 1, "nor again when Kafka delivers the event"
    post.clock.advance(60)
    await post.tick(incident.id)
    await post.sender().round()
    assert _by_hand(post, number) == 1
    post.clock.advance(10)
    for _ in range(3):
        await post.sender().round()
    assert _by_hand(post, number) == 2, "the next turn too"


def _by_hand(post: Post, number: str) -> int:
    return sum("demande d'un superviseur" in message.text for message in post.gateway.phone(number).inbox)


async def test_while_kafka_carries_events_pages_are_left_to_their_consumer(post: Post) -> None:
    number = await post.duty(1)
    incident = await post.scene.incident()
    await post.scene.act(incident.id, "escalate")
    await post.uow.pool.execute("DELETE FROM outbox")
    post.clock.advance(10)
    await post.sender().round()
    assert post.gateway.phone(number).inbox == []


async def test_a_page_that_no_duty_contact_may_get_creates_no_message(post: Post) -> None:
    await post.duty(1, drills=False)
    incident = await post.scene.incident(mode="exercise")
    await post.scene.act(incident.id, "escalate")
    await post.notify()
    assert await post.messages("escalation") == []


async def test_while_nobody_is_on_duty_the_alarm_phone_is_paged_and_can_acknowledge(post: Post) -> None:
    organisation, alarm = post.scene.organisation, "+33388000000"
    await organisations.change(post.uow, organisation, Changes(alarm_phone=alarm))
    incident = await post.scene.incident()
    await post.scene.act(incident.id, "escalate")
    await post.deliver()
    (page,) = post.gateway.phone(alarm).inbox
    assert "demande d'un superviseur" in page.text
    await inbound_texts.receive_text(
        post.uow, "simulated", InboundText("1", "sms", alarm, "ok"), post.clock.now()
    )
    await post.deliver()
    assert "C'est noté" in post.gateway.phone(alarm).inbox[-1].text
    seen = next(iter((await post.scene.read(incident.id)).escalations.values()))
    assert (seen.status, seen.acknowledged_by) == ("acknowledged", duty_actor(organisation))


async def test_the_alarm_phone_is_paged_too_where_messages_to_everybody_on_duty_fail(post: Post) -> None:
    await organisations.change(post.uow, post.scene.organisation, Changes(alarm_phone="+33388000000"))
    await post.duty(1)
    await post.uow.pool.execute("UPDATE duty_contacts SET failing_since = $1", post.clock.now())
    incident = await post.scene.incident()
    await post.scene.act(incident.id, "escalate")
    await post.deliver()
    assert post.gateway.phone("+33388000000").inbox == [], "the contact's turn comes first"
    await post.expire(incident, 60)
    await post.deliver()
    assert len(post.gateway.phone("+33388000000").inbox) == 1


async def test_the_alarm_phone_is_left_alone_while_somebody_is_on_duty(post: Post) -> None:
    await organisations.change(post.uow, post.scene.organisation, Changes(alarm_phone="+33388000000"))
    number = await post.duty(1)
    incident = await post.scene.incident()
    await post.scene.act(incident.id, "escalate")
    await post.deliver()
    assert post.gateway.phone("+33388000000").inbox == []
    assert len(post.gateway.phone(number).inbox) == 1


async def test_pages_to_one_contact_within_a_minute_are_one_text_that_names_the_worst(post: Post) -> None:
    number = await post.duty(1)
    first = await _escalated(post, "routine")
    await post.deliver()
    mild = [await _escalated(post, "routine") for _ in range(3)]
    grave = await _escalated(post, "life_threatening")
    await post.deliver()
    assert len(post.gateway.phone(number).inbox) == 1, "gathered for a minute"
    post.clock.advance(60)
    await post.deliver()
    texts = [message.text for message in post.gateway.phone(number).inbox]
    assert len(texts) == 2
    assert short(first) in texts[0]
    assert "4 interventions vous attendent" in texts[1]
    assert short(grave) in texts[1]
    rows = [row for row in await post.messages("escalation") if row["incident_id"] in {*mild, grave}]
    told = {row["incident_id"]: (row["status"], row["carried_by"]) for row in rows}
    named = next(row["id"] for row in rows if row["incident_id"] == grave)
    assert told == {grave: ("sent", None)} | dict.fromkeys(mild, ("skipped", named))


async def test_what_is_acknowledged_while_it_waits_is_neither_named_nor_counted(post: Post) -> None:
    number = await post.duty(1)
    await _escalated(post)
    await post.deliver()
    grave, mild = await _escalated(post, "life_threatening"), await _escalated(post)
    await post.deliver()
    await post.uow.pool.execute("UPDATE escalations SET status = 'acknowledged' WHERE subject_id = $1", grave)
    post.clock.advance(60)
    await post.deliver()
    text = post.gateway.phone(number).inbox[-1].text
    assert short(mild) in text
    assert "attendent" not in text


async def test_a_gathered_text_that_the_gateway_did_not_take_is_sent_again_as_a_whole(post: Post) -> None:
    number = await post.duty(1)
    for severity in ("routine", "life_threatening", "urgent"):
        await _escalated(post, severity)
    await post.notify()
    down = SlowGateway(GatewayUnavailableError("down"))
    down.let_go.set()
    await post.sender(down).round()
    post.clock.advance(5)
    await _escalated(post, "urgent")
    await post.deliver()
    (page,) = post.gateway.phone(number).inbox
    assert "4 interventions vous attendent" in page.text


async def test_a_page_that_waits_is_not_queued_again_at_its_next_turn(post: Post) -> None:
    await post.duty(1)
    await _escalated(post)
    await post.deliver()
    later = await _escalated(post)
    await post.deliver()
    await post.uow.pool.execute("UPDATE escalations SET told_at = told_at - interval '1 minute'")
    await post.tick(later)
    await post.notify()
    assert len([row for row in await post.messages("escalation") if row["incident_id"] == later]) == 1


async def test_one_incident_that_escalates_for_two_reasons_is_one_page_with_both(post: Post) -> None:
    number = await post.duty(1)
    incident = await post.scene.incident(position=None)
    await post.scene.act(incident.id, "escalate")
    await post.deliver()
    (page,) = post.gateway.phone(number).inbox
    assert "signalement sans position" in page.text
    assert "demande d'un superviseur" in page.text
    assert "attendent" not in page.text


async def test_a_page_says_which_roles_lack_how_many_people_and_names_the_organisation(post: Post) -> None:
    number = await post.duty(1)
    incident = await post.scene.incident()
    await post.scene.act(incident.id, "escalate")
    await post.deliver()
    text = post.gateway.phone(number).inbox[0].text
    assert "il manque : aide (2)" in text
    assert text.startswith("SDIS 75, niveau")


async def test_a_page_says_roughly_where_and_never_the_exact_place(post: Post) -> None:
    number = await post.duty(1)
    area = Area(48.80, 2.30, 48.84, 2.34)
    await organisations.change(post.uow, post.scene.organisation, Changes(area=area))
    incident = await post.scene.incident(position=PLACE)
    await post.scene.act(incident.id, "escalate")
    await post.deliver()
    text = post.gateway.phone(number).inbox[0].text
    assert "(Essai, 4 km NE du centre)" in text
    assert "48.8" not in text


async def test_a_routine_notice_that_nobody_reads_pages_after_the_hour_that_its_plan_says(post: Post) -> None:
    number, agenda = await post.duty(1), AgendaRunner(post.uow)
    notice = load(None).choose("watch.odour").model_copy(update={"quiet": "off"})
    await post.scene.incident(notice, kind="watch.odour", severity="routine")
    paged: list[int] = []
    for seconds in (0, 3, 1797, 1799, 1):
        post.clock.advance(seconds)
        while await agenda.run_round():
            pass
        await post.deliver()
        paged.append(len(post.gateway.phone(number).inbox))
    assert paged == [0, 0, 0, 0, 1]


async def _escalated(post: Post, severity: Severity = "urgent") -> UUID:
    """Open an incident without a place, for which no volunteer can be asked, and so a supervisor is; return its id."""
    incident = await post.scene.incident(position=None, severity=severity)
    return incident.id
