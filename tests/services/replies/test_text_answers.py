"""Texts of people who are seated or recalled, on a real database: answers, words for supervisors, questions."""

from uuid import UUID, uuid4

import asyncpg
import pytest

from dispatch.clock import MovableClock
from dispatch.domain.incident import Escalation, Incident
from dispatch.domain.messaging.codes import code
from dispatch.services.console import situation
from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.services.incidents import escalations
from dispatch.services.messaging.gateway import InboundText
from dispatch.services.people import opt_out
from dispatch.services.replies import inbound_texts
from dispatch.storage import write_generation
from schemas.generations import OLDEST
from tests.domain.builders import watch_plan
from tests.support.post import Post
from tests.support.scene import Scene, phone


@pytest.fixture
async def scene(pool: asyncpg.Pool, clock: MovableClock) -> Scene:
    return await Scene.open(UnitOfWork(pool, clock))


async def text(scene: Scene, words: str, number: int = 0) -> str:
    inbound = InboundText(str(uuid4()), "sms", phone(number), words)
    outcome = await inbound_texts.receive_text(scene.uow, "simulated", inbound, scene.now)
    await scene.process_replies()
    return outcome


async def seated(scene: Scene, number: int = 0) -> Incident:
    """Open an incident and seat a volunteer."""
    incident = await scene.incident()
    assert await text(scene, f"oui {code((await scene.offer(number, incident)).id)}", number) == "accepted"
    return await scene.read(incident.id)


async def raised(scene: Scene, incident: UUID, reason: str = "responder_text") -> list[Escalation]:
    return [e for e in (await scene.read(incident)).escalations.values() if e.reason == reason]


async def words_of(scene: Scene, incident: UUID) -> list[str]:
    return [one.text for one in (await situation.incident(scene.uow, scene.organisation, incident)).texts]


async def asked_back(scene: Scene) -> int:
    query = "SELECT count(*) FROM messages WHERE purpose = 'ask_back'"
    return int(await scene.uow.pool.fetchval(query))


@pytest.mark.parametrize(
    ("words", "status"), [("en route", "en_route"), ("je suis sur place", "on_scene"), ("fini", "released")]
)
async def test_a_seated_person_reports_by_text_as_on_the_page(scene: Scene, words: str, status: str) -> None:
    incident = await seated(scene)
    await text(scene, words)
    (assignment,) = (await scene.read(incident.id)).assignments.values()
    assert assignment.status == status
    assert await asked_back(scene) == 0


async def test_danger_by_text_holds_every_incident_in_which_somebody_is_seated(scene: Scene) -> None:
    urgent = await seated(scene)
    drill = await scene.incident(mode="exercise")
    assert await text(scene, f"oui {code((await scene.offer(0, drill)).id)}") == "accepted"
    assert await text(scene, "danger homme armé") == "danger"
    for incident in (urgent, drill):
        assert (await scene.read(incident.id)).status == "held"
        assert [e.page for e in await raised(scene, incident.id, "danger")] == [True]
        assert "danger homme armé" in await words_of(scene, incident.id)


async def test_what_a_seated_person_writes_reaches_a_supervisor_once_with_all_its_words(scene: Scene) -> None:
    incident = await seated(scene)
    assert await text(scene, "je suis bloqué au portail bleu") == "forwarded"
    assert await text(scene, "toujours bloqué, que faire ?") == "forwarded"
    (escalation,) = await raised(scene, incident.id)
    assert (escalation.page, escalation.level) == (True, 2)
    assert "bloqué" not in escalation.detail
    said = set(await words_of(scene, incident.id))
    assert said >= {"je suis bloqué au portail bleu", "toujours bloqué, que faire ?"}


async def test_a_text_after_a_supervisor_has_read_the_last_one_is_raised_anew(scene: Scene) -> None:
    incident = await seated(scene)
    await text(scene, "je suis bloqué")
    (first,) = await raised(scene, incident.id)
    await escalations.acknowledge(scene.uow, scene.organisation, first.id, "Ada")
    assert [e.status for e in await raised(scene, incident.id)] == ["resolved"]
    await text(scene, "encore bloqué")
    assert [e.status for e in await raised(scene, incident.id)] == ["resolved", "raised"]


async def test_the_words_go_when_the_person_is_erased(scene: Scene) -> None:
    incident = await seated(scene)
    await text(scene, "je suis bloqué")
    await text(scene, "fini")
    await opt_out.erase(scene.uow, scene.organisation, scene.people[0])
    assert await words_of(scene, incident.id) == []


async def test_another_organisation_reads_no_words(scene: Scene) -> None:
    incident = await seated(scene)
    await text(scene, "je suis bloqué")
    other = await Scene.open(scene.uow, people=0, name="SDIS 67")
    found = await situation.incidents(scene.uow, other.organisation)
    assert incident.id not in {one.id for one in found}


async def test_a_seat_in_an_ended_incident_still_reaches_a_supervisor(scene: Scene) -> None:
    incident = await seated(scene)
    await text(scene, "en route")
    await scene.act(incident.id, "close")
    assert await text(scene, "il y a encore du feu") == "forwarded"
    assert [(e.page, e.status) for e in await raised(scene, incident.id)] == [(True, "raised")]
    assert await text(scene, "danger") == "danger"
    assert [e.page for e in await raised(scene, incident.id, "danger")] == [True]


async def test_a_reader_of_a_notice_has_the_same_courtesy_without_a_page(scene: Scene) -> None:
    notice = await scene.incident(watch_plan(lane="planned", quiet="off"))
    await text(scene, "oui")
    assert await text(scene, "j'ai vu une camionnette") == "forwarded"
    assert [e.page for e in await raised(scene, notice.id)] == [False]
    assert await text(scene, "danger") == "forwarded"
    assert [e.page for e in await raised(scene, notice.id)] == [True]
    assert (await scene.read(notice.id)).status == "open"


async def test_a_seated_person_is_told_that_a_supervisor_has_the_words(
    pool: asyncpg.Pool, clock: MovableClock
) -> None:
    post = await Post.open(pool, clock)
    scene = post.scene
    await seated(scene)
    await text(scene, "je suis bloqué")
    await post.deliver()
    (told,) = [sent for sent in post.texts(0) if "superviseur" in sent]
    assert "transmis à un superviseur" in told
    assert not any("compris" in sent for sent in post.texts(0))


async def test_while_a_recall_is_unseen_the_question_asks_for_it(
    pool: asyncpg.Pool, clock: MovableClock
) -> None:
    post = await Post.open(pool, clock)
    scene = post.scene
    incident = await scene.incident()
    offer = await scene.offer(0, incident)
    await scene.act(incident.id, "hold")
    clock.advance(1)
    assert await text(scene, "quoi donc") == "asked back"
    await post.deliver()
    assert f"VU {code(offer.id)}" in post.texts(0)[-1]
    assert "OUI" not in post.texts(0)[-1]


async def test_a_yes_while_a_recall_is_unseen_seats_nobody_anywhere(
    scene: Scene, clock: MovableClock
) -> None:
    held, other = await scene.incident(), await scene.incident(watch_plan(lane="planned", quiet="off"))
    await scene.act(held.id, "hold")
    clock.advance(1)
    assert await text(scene, "oui") == "acknowledged"
    assert (await scene.read(held.id)).recalls[scene.people[0]].acknowledged_at is not None
    for incident in (held, other):
        assert list((await scene.read(incident.id)).active()) == []
    # The recall is seen: the next yes answers the question about the offers, by its code.
    assert await text(scene, f"oui {code((await scene.offer(0, other)).id)}") == "accepted"


@pytest.mark.parametrize("end", ["resume", "close"])
async def test_a_hold_that_is_over_asks_for_no_acknowledgement(
    scene: Scene, clock: MovableClock, end: str
) -> None:
    held = await scene.incident()
    await scene.act(held.id, "hold")
    await scene.act(held.id, end)
    clock.advance(1)
    second = await scene.incident(watch_plan(lane="planned", quiet="off"))
    assert await text(scene, f"oui {code((await scene.offer(0, second)).id)}") == "accepted"


async def test_nobody_who_goes_on_has_acknowledged_a_recall(scene: Scene, clock: MovableClock) -> None:
    incident = await seated(scene)
    await scene.act(incident.id, "hold")
    clock.advance(1)
    assert await text(scene, "en route") == "forwarded"
    after = await scene.read(incident.id)
    assert after.recalls[scene.people[0]].acknowledged_at is None
    assert [a.status for a in after.active()] == ["assigned"]


async def test_a_yes_for_later_is_kept_with_its_minutes(scene: Scene) -> None:
    incident = await scene.incident()
    assert await text(scene, "dispo dans 60 min") == "accepted"
    (assignment,) = (await scene.read(incident.id)).assignments.values()
    assert assignment.eta_at is not None
    assert (assignment.eta_at - scene.now).total_seconds() == 3600
    assert (await scene.read(incident.id)).filled() == {}
    assert [e.page for e in await raised(scene, incident.id, "late_arrival")] == [False]


async def test_while_a_process_of_the_previous_release_runs_no_arrival_is_recorded(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(write_generation, "current", OLDEST)
    incident = await scene.incident()
    await text(scene, "oui dans 60 min")
    (assignment,) = (await scene.read(incident.id)).assignments.values()
    assert assignment.eta_at is None
    types = await scene.uow.pool.fetch("SELECT type FROM journal WHERE topic = 'dispatch.assignments'")
    assert [row["type"] for row in types] == ["assignment.assigned.v1"]
