"""Answers to pages on a real database: what a duty contact may do by text, and what each text is answered with."""

import re
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import orjson
import pytest

from dispatch.clock import MovableClock
from dispatch.domain.actors import duty_actor
from dispatch.domain.incident import Escalation
from dispatch.domain.messaging.codes import code
from dispatch.domain.supervising.escalation import Cause
from dispatch.services.access import organisations
from dispatch.services.access.organisations import DutyContact
from dispatch.services.console import history, situation
from dispatch.services.incidents import escalations
from dispatch.services.messaging.gateway import InboundText
from dispatch.services.replies import inbound_texts
from dispatch.storage.pool import transaction
from tests.domain.builders import plan
from tests.support.post import Post
from tests.support.scene import phone

ANNE, PAUL = 9100, 9200
PATIENT = plan(
    steps=({"after_s": 86_400, "level": 1, "do": "page"},),
    offers={"open": 2, "per_seat": 1, "window_s": 86_400, "surplus": 0},
)
"""A plan that escalates nothing by itself."""
PAGE_CODE = re.compile(r"OK ([2-9][A-Z][2-9][A-Z])")


class Duty:
    """Anne and Paul on duty, and what they write and read."""

    def __init__(self, post: Post) -> None:
        self.post = post

    @classmethod
    async def open(cls, post: Post, *contacts: DutyContact) -> "Duty":
        duty = contacts or (
            DutyContact("Anne Weber", phone(ANNE)),
            DutyContact("Paul Klein", phone(PAUL), "en"),
        )
        await organisations.set_duty(post.uow, post.scene.organisation, duty)
        return cls(post)

    async def page(self) -> UUID:
        """Open an incident, escalate it by hand and send the page, a minute after any other; return the incident."""
        self.post.clock.advance(60)
        incident = await self.post.scene.incident(PATIENT)
        await self.post.scene.act(incident.id, "escalate")
        await self.post.deliver()
        return incident.id

    async def passes_on(self, incident: UUID, seconds: float = 60) -> None:
        """Let a minute pass, so that the next contact is paged."""
        self.post.clock.advance(seconds)
        await self.post.tick(incident)
        await self.post.deliver()

    async def lapses(self, incident: UUID) -> None:
        """Let the acknowledgement lapse."""
        lapses_at = (await self.escalation(incident)).lapses_at
        assert lapses_at is not None
        await self.passes_on(incident, (lapses_at - self.post.clock.now()).total_seconds())

    async def writes(self, words: str, number: int = ANNE) -> str:
        """Receive a text and send what it is answered with; return the outcome."""
        inbound = InboundText(str(uuid4()), "sms", phone(number), words)
        found = await inbound_texts.receive_text(self.post.uow, "simulated", inbound, self.post.clock.now())
        await self.post.deliver()
        return found

    def reads(self, number: int = ANNE) -> str:
        """Return the last text on a phone."""
        return self.post.texts(number)[-1]

    def code(self, number: int = ANNE) -> str:
        """Return the code of the last page on a phone."""
        return next(m[1] for text in reversed(self.post.texts(number)) if (m := PAGE_CODE.search(text)))

    async def escalation(self, incident: UUID, reason: str = "by_hand") -> Escalation:
        found = await self.post.scene.read(incident)
        return next(one for one in found.escalations.values() if one.reason == reason)

    async def contact(self, name: str) -> UUID:
        found: UUID = await self.post.uow.pool.fetchval("SELECT id FROM duty_contacts WHERE name = $1", name)
        return found


@pytest.fixture
async def post(pool: asyncpg.Pool, clock: MovableClock) -> Post:
    return await Post.open(pool, clock, people=8)


@pytest.fixture
async def duty(post: Post) -> Duty:
    return await Duty.open(post)


async def journalled(duty: Duty, type_: str) -> list[dict[str, Any]]:
    rows = await duty.post.uow.pool.fetch("SELECT body FROM journal WHERE type = $1 ORDER BY id", type_)
    return [orjson.loads(row["body"]) for row in rows]


async def test_ok_acknowledges_the_only_open_page_in_the_contacts_name(duty: Duty) -> None:
    incident = await duty.page()
    assert await duty.writes("OK") == "page acknowledged"
    anne = duty_actor(await duty.contact("Anne Weber"))
    found = await duty.escalation(incident)
    assert (found.status, found.acknowledged_by) == ("acknowledged", anne)
    (event,) = await journalled(duty, "escalation.acknowledged.v2")
    assert (event["by"], event["channel"]) == (anne, "sms")
    assert "C'est noté" in duty.reads()


async def test_an_acknowledged_page_goes_to_nobody_else_until_it_lapses(duty: Duty) -> None:
    incident = await duty.page()
    await duty.writes("vu")
    await duty.passes_on(incident, 120)
    assert duty.post.texts(PAUL) == []
    await duty.lapses(incident)
    assert "request from a supervisor" in duty.reads(PAUL)
    assert await duty.writes("ok", PAUL) == "page acknowledged"


async def test_je_prends_takes_the_incident_over_in_the_contacts_name(duty: Duty) -> None:
    incident = await duty.page()
    assert await duty.writes("Je prends") == "page taken over"
    anne = duty_actor(await duty.contact("Anne Weber"))
    found = await duty.post.scene.read(incident)
    assert (found.status, found.taken_by) == ("taken_over", anne)
    assert not found.live_offers()
    (event,) = await journalled(duty, "incident.taken_over.v2")
    assert (event["by"], event["channel"]) == (anne, "sms")
    assert "Vous avez la main" in duty.reads()


async def test_supervisors_read_the_name_of_who_acted_by_text_and_the_journal_does_not_have_it(
    duty: Duty,
) -> None:
    incident = await duty.page()
    await duty.writes("OK")
    await duty.writes("je prends")
    uow, organisation = duty.post.uow, duty.post.scene.organisation
    detail = await situation.incident(uow, organisation, incident)
    assert detail.taken_by == "Anne Weber"
    assert {one.acknowledged_by for one in detail.escalations} >= {"Anne Weber"}
    summaries = await situation.incidents(uow, organisation)
    assert [one.taken_by for one in summaries if one.id == incident] == ["Anne Weber"]
    listed = await situation.escalations(uow, organisation, only_open=False)
    assert "Anne Weber" in {one.acknowledged_by for one in listed}
    moments = (await history.timeline(uow, organisation, incident)).moments
    acts = {
        moment.what: moment.detail
        for moment in moments
        if "by" in moment.detail and "channel" in moment.detail
    }
    for what in ("escalation.acknowledged", "incident.taken_over"):
        assert (acts[what]["by"], acts[what]["channel"]) == ("Anne Weber", "sms")
    bodies = await uow.pool.fetch("SELECT body FROM journal")
    assert not [row for row in bodies if b"Weber" in row["body"]]


async def test_the_name_of_who_acted_outlives_the_duty_order(duty: Duty) -> None:
    incident = await duty.page()
    await duty.writes("je prends")
    await Duty.open(duty.post, DutyContact("Nora", phone(9300)))
    uow, organisation = duty.post.uow, duty.post.scene.organisation
    assert (await situation.incident(uow, organisation, incident)).taken_by == "Anne Weber"
    await uow.pool.execute("DELETE FROM acting_contacts")
    assert (await situation.incident(uow, organisation, incident)).taken_by == "a former duty contact"


async def test_ok_to_a_text_about_several_incidents_acknowledges_the_one_that_it_names(duty: Duty) -> None:
    opened = [
        await duty.post.scene.incident(PATIENT, severity=how) for how in ("routine", "life_threatening")
    ]
    for incident in opened:
        await duty.post.scene.act(incident.id, "escalate")
    await duty.post.deliver()
    assert "2 interventions vous attendent" in duty.reads()
    assert "ne répond qu'à celle-ci" in duty.reads()
    assert await duty.writes("OK") == "page acknowledged"
    mild, grave = [(await duty.escalation(incident.id)).status for incident in opened]
    assert (mild, grave) == ("raised", "acknowledged")
    assert await duty.writes("OK") == "page answered", "the other one was only counted"
    assert (await duty.escalation(opened[0].id)).status == "raised"


async def test_ok_to_a_text_with_two_reasons_of_one_incident_acknowledges_both(duty: Duty) -> None:
    incident = await duty.post.scene.incident(PATIENT, position=None)
    await duty.post.scene.act(incident.id, "escalate")
    await duty.post.deliver()
    assert await duty.writes(f"OK {duty.code()}") == "page acknowledged"
    for reason in ("by_hand", "unplaced"):
        assert (await duty.escalation(incident.id, reason)).status == "acknowledged"


async def test_two_open_pages_are_asked_back_by_their_codes_and_a_code_names_one(duty: Duty) -> None:
    first = await duty.page()
    first_code = duty.code()
    second = await duty.page()
    second_code = duty.code()
    assert await duty.writes("OK") == "page asked back"
    assert first_code in duty.reads()
    assert second_code in duty.reads()
    assert (await duty.escalation(first)).status == "raised"
    assert await duty.writes(f"je prends {second_code.lower()}") == "page taken over"
    assert (await duty.post.scene.read(second)).status == "taken_over"
    assert (await duty.post.scene.read(first)).status == "open"
    assert await duty.writes("OK") == "page acknowledged", "one is left"
    assert (await duty.escalation(first)).status == "acknowledged"


async def test_a_code_that_no_page_has_is_asked_back(duty: Duty) -> None:
    incident = await duty.page()
    wrong = "2C2C" if duty.code() != "2C2C" else "3D3D"
    assert await duty.writes(f"OK {wrong}") == "page asked back"
    assert (await duty.escalation(incident)).status == "raised"
    assert duty.code() in duty.reads()


@pytest.mark.parametrize(
    "words", ["oui", "non", "je ne prends pas", "fermez l'incident", "abort", "annule", "?"]
)
async def test_what_a_text_cannot_order_is_asked_back_with_the_instruction(duty: Duty, words: str) -> None:
    incident = await duty.page()
    assert await duty.writes(words) == "page asked back"
    assert f"OK {duty.code()}" in duty.reads()
    assert "JE PRENDS" in duty.reads()
    found = await duty.post.scene.read(incident)
    assert found.status == "open"
    assert (await duty.escalation(incident)).status == "raised"


async def test_a_contact_whom_nothing_waits_for_is_never_an_unknown_phone(duty: Duty) -> None:
    assert await duty.writes("bonjour") == "page asked back"
    assert "Aucune alerte" in duty.reads()


async def test_a_contact_is_asked_back_three_times_in_ten_minutes_at_most(duty: Duty) -> None:
    for _ in range(5):
        assert await duty.writes("absent jusqu'à lundi") == "page asked back"
    assert len(duty.post.texts(ANNE)) == 3


async def test_whoever_comes_second_is_told_who_has_acknowledged(duty: Duty) -> None:
    incident = await duty.page()
    await duty.passes_on(incident)
    assert await duty.writes("seen", PAUL) == "page acknowledged"
    assert await duty.writes("OK") == "page answered"
    assert "Paul Klein a déjà vu" in duty.reads()
    paul = duty_actor(await duty.contact("Paul Klein"))
    assert (await duty.escalation(incident)).acknowledged_by == paul


async def test_whoever_comes_second_is_told_who_has_taken_over(duty: Duty) -> None:
    incident = await duty.page()
    await duty.passes_on(incident)
    await duty.writes("je prends")
    assert await duty.writes("taking it", PAUL) == "page answered"
    assert "Already taken over by Anne Weber" in duty.reads(PAUL)
    anne = duty_actor(await duty.contact("Anne Weber"))
    assert (await duty.post.scene.read(incident)).taken_by == anne


async def test_the_holder_of_a_key_who_took_over_is_named(duty: Duty) -> None:
    incident = await duty.page()
    await duty.post.scene.act(incident, "takeover")
    assert await duty.writes("je prends") == "page answered"
    assert "Déjà pris par Ada" in duty.reads()


async def test_whoever_had_acknowledged_learns_that_another_has_taken_over(duty: Duty) -> None:
    incident = await duty.page()
    await duty.passes_on(incident)
    await duty.writes("OK")
    assert await duty.writes("taking over", PAUL) == "page taken over"
    assert "Déjà pris par Paul Klein" in duty.reads(ANNE)
    assert "You have taken over" in duty.reads(PAUL)


@pytest.mark.parametrize(
    ("act", "words"), [("close", "terminée"), ("cancel", "terminée"), ("abort", "terminée")]
)
async def test_an_answer_after_the_end_changes_nothing_and_says_so(duty: Duty, act: str, words: str) -> None:
    incident = await duty.page()
    await duty.post.scene.act(incident, act)
    assert await duty.writes("je prends") == "page answered"
    assert words in duty.reads()
    assert (await duty.post.scene.read(incident)).taken_by is None


async def test_an_answer_to_a_page_that_is_resolved_changes_nothing_and_says_so(duty: Duty) -> None:
    incident = await duty.page()
    page_code = duty.code()
    await duty.post.scene.act(incident, "takeover")
    await duty.post.scene.act(incident, "give-back")
    assert await duty.writes(f"je prends {page_code}") == "page answered"
    assert "C'est réglé" in duty.reads()
    assert (await duty.post.scene.read(incident)).status == "open"


async def test_an_answer_after_the_acknowledgement_lapsed_acknowledges_again(duty: Duty) -> None:
    incident = await duty.page()
    await duty.writes("OK")
    await duty.lapses(incident)
    assert (await duty.escalation(incident)).status == "raised"
    assert await duty.writes("OK") == "page acknowledged"


async def test_a_page_about_the_system_is_acknowledged_by_text_and_cannot_be_taken_over(duty: Duty) -> None:
    organisation = duty.post.scene.organisation
    async with transaction(duty.post.uow.pool) as connection:
        subject = escalations.system_subject(organisation)
        cause = Cause("parked:x", 2, page=True)
        await escalations.escalate(connection, organisation, "system", subject, cause, duty.post.clock.now())
    await duty.post.deliver()
    assert "JE PRENDS" not in duty.reads()
    assert await duty.writes("je prends") == "page acknowledged"
    row = await duty.post.uow.pool.fetchrow("SELECT status, acknowledged_by FROM escalations")
    assert row is not None
    assert tuple(row) == ("acknowledged", duty_actor(await duty.contact("Anne Weber")))
    assert await duty.writes("OK") == "page answered"


async def test_a_page_that_was_never_sent_is_not_what_a_text_is_about(duty: Duty) -> None:
    incident = await duty.page()
    second = await duty.post.scene.incident(PATIENT)
    await duty.post.scene.act(second.id, "escalate")
    await duty.post.notify()
    assert await duty.writes("OK") == "page acknowledged"
    assert (await duty.escalation(incident)).status == "acknowledged"
    assert (await duty.escalation(second.id)).status == "raised"


async def test_a_text_delivered_twice_acts_once(duty: Duty) -> None:
    await duty.page()
    inbound = InboundText("same", "sms", phone(ANNE), "OK")
    for _ in range(2):
        now = duty.post.clock.now()
        assert (
            await inbound_texts.receive_text(duty.post.uow, "simulated", inbound, now) == "page acknowledged"
        )
    assert len(await journalled(duty, "escalation.acknowledged.v2")) == 1


async def test_one_phone_on_duty_for_two_organisations_answers_each_by_its_code(duty: Duty) -> None:
    other = await organisations.create(duty.post.uow, "Croix-Rouge")
    await organisations.set_duty(duty.post.uow, other, [DutyContact("A. Weber", phone(ANNE))])
    first = await duty.page()
    first_code = duty.code()
    async with transaction(duty.post.uow.pool) as connection:
        subject = escalations.system_subject(other)
        cause = Cause("parked:x", 2, page=True)
        await escalations.escalate(connection, other, "system", subject, cause, duty.post.clock.now())
    await duty.post.deliver()
    second_code = duty.code()
    assert first_code != second_code
    assert await duty.writes("OK") == "page asked back"
    assert first_code in duty.reads()
    assert second_code in duty.reads()
    assert await duty.writes(f"OK {second_code}") == "page acknowledged"
    assert (await duty.escalation(first)).status == "raised"
    status = await duty.post.uow.pool.fetchval(
        "SELECT status FROM escalations WHERE organisation = $1", other
    )
    assert status == "acknowledged"
    assert await duty.writes("je prends") == "page asked back", "both are open, and may be taken"
    assert await duty.writes(f"je prends {first_code}") == "page taken over"


async def test_stop_does_not_stop_pages_and_another_supervisor_is_told(duty: Duty) -> None:
    assert await duty.writes("STOP") == "duty stop"
    assert "n'arrete pas" in duty.reads(ANNE)
    assert "STOP" in duty.reads(PAUL)
    assert len(duty.post.texts(ANNE)) == 1
    incident = await duty.page()
    assert "demande d'un superviseur" in duty.reads(ANNE)
    assert (await duty.escalation(incident)).status == "raised"


async def test_stop_of_the_only_contact_is_an_escalation_that_the_console_shows(post: Post) -> None:
    duty = await Duty.open(post, DutyContact("Anne Weber", phone(ANNE)))
    assert await duty.writes("STOP") == "duty stop"
    assert len(duty.post.texts(ANNE)) == 1
    (found,) = await situation.escalations(post.uow, post.scene.organisation)
    assert (found.reason.partition(":")[0], found.page) == ("duty_stop", False)


async def test_start_after_stop_resolves_the_escalation(duty: Duty) -> None:
    await duty.writes("STOP")
    assert await duty.writes("START") == "duty start"
    assert await situation.escalations(duty.post.uow, duty.post.scene.organisation) == []


@pytest.fixture
async def both(post: Post) -> Duty:
    """Put on duty Anne, who is the first volunteer, and Paul."""
    contacts = DutyContact("Anne Weber", phone(0)), DutyContact("Paul Klein", phone(PAUL), "en")
    return await Duty.open(post, *contacts)


@pytest.mark.parametrize("words", ["OK", "je prends", "oui", "vu"])
async def test_who_is_paged_and_asked_is_asked_which_is_meant(both: Duty, words: str) -> None:
    incident = await both.page()
    offer = await both.post.scene.offer(0, await both.post.scene.read(incident))
    assert await both.writes(words, 0) == "page asked back"
    for part in ("OK ou JE PRENDS", "OUI ou NON", both.code(0), code(offer.id)):
        assert part in both.reads(0)
    found = await both.post.scene.read(incident)
    assert found.status == "open"
    assert (await both.escalation(incident)).status == "raised"
    assert await both.post.uow.pool.fetchval("SELECT count(*) FROM replies") == 0


async def test_a_code_says_which_is_meant(both: Duty) -> None:
    incident = await both.page()
    offer = await both.post.scene.offer(0, await both.post.scene.read(incident))
    assert await both.writes(f"oui {code(offer.id)}", 0) == "accepted"
    assert await both.writes(f"OK {both.code(0)}", 0) == "page acknowledged"
    assert await both.post.uow.pool.fetchval("SELECT count(*) FROM replies") == 1


async def test_an_unseen_recall_and_a_page_are_told_apart(both: Duty) -> None:
    incident = await both.page()
    await both.post.scene.act(incident, "hold")
    await both.post.deliver()
    assert await both.writes("VU", 0) == "page asked back"
    assert "VU :" in both.reads(0)
    found = await both.post.scene.read(incident)
    assert [recall.acknowledged_at for recall in found.recalls.values()].count(None) == len(found.recalls)
    assert (await both.escalation(incident)).status == "raised"


async def test_a_volunteer_on_duty_who_was_not_paged_answers_the_offer_as_ever(both: Duty) -> None:
    await both.post.scene.incident()
    assert await both.writes("oui", 0) == "accepted"


async def test_stop_of_a_volunteer_on_duty_ends_the_offers_and_not_the_pages(both: Duty) -> None:
    assert await both.writes("STOP", 0) == "stop"
    assert (
        await both.post.uow.pool.fetchval("SELECT count(*) FROM memberships WHERE stopped_at IS NOT NULL")
        == 1
    )
    texts = " ".join(both.post.texts(0))
    assert "Vous ne recevrez plus de demandes" in texts
    assert "n'arrete pas" in texts
    assert "STOP" in both.reads(PAUL)


async def test_a_text_that_was_sent_before_the_page_is_no_answer_to_it(duty: Duty) -> None:
    incident = await duty.page()
    now = duty.post.clock.now()
    inbound = InboundText("1", "sms", phone(ANNE), "je prends", sent_at=now - timedelta(minutes=10))
    assert await inbound_texts.receive_text(duty.post.uow, "simulated", inbound, now) == "page asked back"
    assert (await duty.post.scene.read(incident)).status == "open"


@pytest.mark.parametrize("spelling", ["{}", "+{}", "00{}"])
async def test_a_duty_contact_is_known_however_the_gateway_spells_the_number(
    duty: Duty, spelling: str
) -> None:
    incident = await duty.page()
    inbound = InboundText("1", "sms", spelling.format(phone(ANNE).removeprefix("+")), "OK")
    now = duty.post.clock.now()
    assert await inbound_texts.receive_text(duty.post.uow, "simulated", inbound, now) == "page acknowledged"
    assert (await duty.escalation(incident)).status == "acknowledged"


async def test_a_number_that_a_contact_or_a_volunteer_may_have_does_nothing(duty: Duty) -> None:
    """687751234 may be New Caledonia's or a French mobile's."""
    incident = await duty.page()
    contacts = [DutyContact("Anne Weber", "+687751234"), DutyContact("Paul Klein", "+33687751234")]
    await organisations.set_duty(duty.post.uow, duty.post.scene.organisation, contacts)
    inbound = InboundText("1", "sms", "687751234", "je prends")
    now = duty.post.clock.now()
    assert await inbound_texts.receive_text(duty.post.uow, "simulated", inbound, now) == "ambiguous phone"
    assert (await duty.post.scene.read(incident)).status == "open"


async def test_a_page_older_than_a_day_is_not_answered_any_more(duty: Duty) -> None:
    incident = await duty.page()
    await duty.post.scene.act(incident, "close")
    duty.post.clock.advance(timedelta(days=1, minutes=1).total_seconds())
    assert await duty.writes("je prends") == "page asked back"
    assert "Aucune alerte" in duty.reads()
