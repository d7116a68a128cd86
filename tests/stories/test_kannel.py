"""Real texts: a node, a real Kannel, and a network of phones behind it."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from dispatch.clock import MovableClock
from tests.contract.kannel import missing
from tests.stories.city import PLACE, north
from tests.stories.conftest import NIGHT
from tests.stories.exchange import Exchange, exchange
from tests.stories.waiting import eventually

OFFER = "Venez-vous"
ARREST = "medical.cardiac_arrest"
REPEATED_AFTER_S = 1
STRANGER = "+33639989999"
REPLIED = "SELECT count(*) FROM replies"
HEARD = "SELECT gateway, sender, text, outcome FROM inbound_texts"

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing())


@pytest.fixture
async def line(database: str, tmp_path: Path) -> AsyncIterator[Exchange]:
    """Start a city at night whose phones hang on a Kannel."""
    async with exchange(database, tmp_path, MovableClock(NIGHT)) as line:
        yield line


async def test_an_offer_goes_out_and_a_yes_a_no_and_a_stop_come_back_by_text(line: Exchange) -> None:
    city = line.city
    first, second, third, *_ = await city.enrol(7)
    eighth, ninth, tenth = await city.enrol(3, nearest=600)
    arrest = await city.report(kind=ARREST, at=PLACE)
    text = await first.expects(OFFER)
    assert text.startswith("SDIS 75 : Arret cardiaque à 100 m. Venez-vous ? Répondez OUI ")
    assert text.endswith(first.link)

    await line.becomes({"delivered": 7})
    await line.says(first.number, f"OUI {first.code}")
    assert first.link in await first.expects(
        "Merci, on vous attend : Arret cardiaque. Signalez ici départ, arrivée"
    )
    assert await arrest.seated() == {first: "first_responder"}
    await line.says(second.number, "NON")
    await eighth.expects(OFFER)
    await line.says(third.number, "Arrêt")
    await third.expects("Vous ne recevrez plus de demandes. Les messages de sécurité d'une mission")
    await ninth.expects(OFFER)
    await city.report(kind=ARREST, at=north(20))
    await tenth.expects(OFFER)
    await line.arrived()
    assert len(third.inbox) == 2
    assert await city.node.pool.fetchval("SELECT count(*) FROM parking") == 0


async def test_a_text_of_a_number_that_nobody_knows_is_kept_and_not_answered(line: Exchange) -> None:
    (known,) = await line.city.enrol(1)
    arrest = await line.city.report(kind=ARREST, at=PLACE)
    await known.expects(OFFER)
    await line.says(STRANGER, f"Oui, j’arrive ! {known.code}")

    async def heard() -> list[object]:
        return [tuple(row) for row in await line.city.node.pool.fetch(HEARD)]

    kept = await eventually(heard, "the stranger's text")
    assert kept == [("kannel", STRANGER, f"Oui, j’arrive ! {known.code}", "unknown phone")]
    await line.arrived()
    assert not await arrest.seated()
    assert not line.phones.phone(STRANGER).inbox
    assert await line.city.node.pool.fetchval(REPLIED) == 0


async def test_while_kannel_is_dead_texts_wait_and_a_supervisor_is_told_and_then_each_goes_out_once(
    line: Exchange,
) -> None:
    city = line.city
    (chief,) = await city.put_on_duty(1)
    near = await city.enrol(7)
    await city.report(kind=ARREST, at=PLACE)
    await city.expect_sms_on(7, OFFER)
    await line.arrived()
    line.kannel.kill()
    later = await city.enrol(7, nearest=900)
    await city.report(kind=ARREST, at=north(20))
    await city.passes(1)
    assert not await city.call("GET", "/v1/escalations", "Ada")
    await city.passes(2)
    escalation = await city.expect_escalation(level=3, reason="gateway")
    assert "Kannel cannot be reached" in escalation["detail"]
    line.kannel.start()
    await city.passes(8)
    await city.expect_sms_on(7, OFFER, among=later)
    await chief.expects("les messages ne partent pas")
    await line.arrived()
    assert [len(phone.inbox) for phone in (*near, *later, chief)] == [1] * 15


async def test_what_kannel_had_taken_survives_its_death_in_its_spool(line: Exchange) -> None:
    phones = await line.city.enrol(7)
    line.kannel.hang_up()
    await line.city.report(kind=ARREST, at=PLACE)

    await line.becomes({"sent": 7})
    line.kannel.kill()
    line.kannel.start()
    await line.city.expect_sms_on(7, OFFER, among=phones)
    await line.becomes({"delivered": 7})
    assert [len(phone.inbox) for phone in phones] == [1] * 7


async def test_a_webhook_call_without_the_gateways_key_changes_nothing(line: Exchange) -> None:
    (phone,) = await line.city.enrol(1)
    # Nothing is delivered now, so that a false receipt would be seen.
    line.kannel.hang_up()
    arrest = await line.city.report(kind=ARREST, at=PLACE)
    await line.becomes({"sent": 1})
    message_id = await line.city.node.pool.fetchval("SELECT id FROM messages")
    text = {"id": "1", "from": phone.number, "text": "OUI", "charset": "UTF-8"}
    report = {"message": str(message_id), "status": "2", "reply": ""}
    for path, query in (("inbound", text), ("receipts", report)):
        await line.told(path, 401, **query)
        await line.told(path, 401, **query, key="rk_0123456789ab_" + 40 * "0")
        for other in ("gateway", "Ada"):
            await line.told(path, 403, **query, key=line.city.keys[other])
    await line.city.calm()
    assert not await arrest.seated()
    assert not await line.city.node.pool.fetch(HEARD)
    assert await line.statuses() == {"sent": 1}


async def test_a_webhook_call_that_makes_no_sense_is_parked_and_told_and_not_asked_for_again(
    line: Exchange,
) -> None:
    city = line.city
    (chief,) = await city.put_on_duty(1)
    key = city.keys["kannel"]
    for _ in range(2):
        await line.told("inbound", 202, key=key, text="OUI 2C")
        await line.told("receipts", 202, key=key, message="7", status="1")
    rows = await city.node.pool.fetch("SELECT source_topic, reason, body FROM parking ORDER BY 1")
    assert [tuple(row) for row in rows] == [
        ("gateways/inbound", "id: missing", b"text=OUI+2C"),
        ("gateways/receipts", "message: missing, or not an id of ours", b"message=7&status=1"),
    ]
    await chief.expects("pas pu etre traité", "id: missing")
    await city.passes(61)
    await chief.expects("pas pu etre traité", "not an id of ours")
    await line.arrived()
    assert len(chief.inbox) == 2


async def test_a_kannel_that_does_not_recode_is_told_to_a_supervisor_and_does_not_repeat_itself(
    database: str, tmp_path: Path
) -> None:
    wrong = {"mo-recode = true": "mo-recode = false"}
    async with exchange(database, tmp_path, MovableClock(NIGHT), wrong) as line:
        before = line.calls("inbound", 202)
        await line.says(STRANGER, "J’arrive")
        found = await line.city.expect_escalation(level=3)
        assert "mo-recode = true" in found["detail"]
        await asyncio.sleep(1.5 * REPEATED_AFTER_S)
        assert line.calls("inbound", 202) - before == 1
