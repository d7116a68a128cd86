"""Keys of gateways: an organisation's own speak for its people and to its offers, the installation's for all."""

from dataclasses import dataclass
from itertools import count
from uuid import UUID

import asyncpg
import pytest

from dispatch.domain.messaging.codes import code
from dispatch.services.people import volunteers
from schemas.ids import named
from tests.domain.builders import plan
from tests.http.site import Site
from tests.support.scene import Scene, a_volunteer, phone

SENT = """
INSERT INTO messages (id, organisation, mode, recipient_kind, recipient_id, purpose, channel, severity, status,
                      attempts, due_at, created_at)
VALUES ($1, $2, 'actual', 'volunteer', $3, 'offer', 'sms', 1, 'sent', 1, $4, $4)
"""


@dataclass
class Town:
    """Two organisations that have the same person, number 0; the keys of the gateways of each, and of both."""

    site: Site
    other: Scene
    own: str
    foreign: str
    shared: str

    async def text(self, key: str, words: str, id_: str = "1", number: int = 0, **more: str) -> None:
        values = {"id": id_, "from": phone(number), "text": words, "charset": "UTF-8", "key": key} | more
        response = await self.site.client.get("/v1/gateways/kannel/inbound", params=values)
        assert (response.status_code, response.content) == (202, b"")

    async def outcomes(self) -> list[str]:
        rows = await self.site.scene.uow.pool.fetch("SELECT outcome FROM inbound_texts ORDER BY id")
        return [row["outcome"] for row in rows]

    async def stopped(self) -> set[UUID]:
        """Return the organisations whose offers the person has stopped."""
        query = "SELECT organisation FROM memberships WHERE volunteer_id = $1 AND stopped_at IS NOT NULL"
        rows = await self.other.uow.pool.fetch(query, self.other.people[0])
        return {row["organisation"] for row in rows}

    async def answered(self) -> list[asyncpg.Record]:
        return await self.site.scene.uow.pool.fetch("SELECT offer_id, organisation, answer FROM replies")


@pytest.fixture
async def town(site: Site) -> Town:
    other = await Scene.open(site.scene.uow, 0, name="Mairie")
    other.people = await volunteers.register_all(other.uow, other.organisation, [a_volunteer(0)])
    other.numbers = count(100)
    return Town(
        site, other,
        own=await site.gateway_key(),
        foreign=await site.gateway_key(scene=other),
        shared=await site.gateway_key(installation=True),
    )  # fmt: skip


async def test_a_text_binds_only_to_the_offers_of_the_organisation_whose_gateway_brought_it(
    town: Town,
) -> None:
    offer = await town.site.scene.offer(0)
    await town.text(town.foreign, f"OUI {code(offer.id)}")
    assert await town.answered() == []
    await town.text(town.own, f"OUI {code(offer.id)}", "2")
    (reply,) = await town.answered()
    assert (reply["offer_id"], reply["answer"]) == (offer.id, "accepted")


async def test_a_person_known_to_both_answers_each_through_its_own_gateway(town: Town) -> None:
    first = await town.site.scene.offer(0)
    second = await town.other.offer(0, await town.other.incident(plan(lane="planned", quiet="off")))
    await town.text(town.foreign, "NON")
    await town.text(town.own, "OUI", "2")
    answers = {row["offer_id"]: row["answer"] for row in await town.answered()}
    assert answers == {first.id: "accepted", second.id: "declined"}


async def test_the_gateway_of_the_installation_answers_every_organisation_s_offers(town: Town) -> None:
    first = await town.site.scene.offer(0)
    await town.text(town.shared, f"OUI {code(first.id)}")
    assert [row["offer_id"] for row in await town.answered()] == [first.id]


async def test_a_stranger_to_an_organisation_is_an_unknown_phone_to_its_gateway(town: Town) -> None:
    await town.site.scene.offer(1)
    await town.text(town.foreign, "OUI", number=1)
    assert (await town.outcomes(), await town.answered()) == (["unknown phone"], [])


async def test_no_gateway_makes_another_s_text_a_repetition_or_a_flood(town: Town) -> None:
    offer = await town.site.scene.offer(0)
    for number in range(25):
        await town.text(town.foreign, "OUI", str(number))
    await town.text(town.own, "OUI", "1")
    assert [row["offer_id"] for row in await town.answered()] == [offer.id]


async def test_no_gateway_completes_another_s_half_of_a_text(town: Town) -> None:
    offer = await town.site.scene.offer(0)
    await town.text(town.foreign, "pas venir")
    await town.text(town.own, "je peux", "2")
    assert [(row["offer_id"], row["answer"]) for row in await town.answered()] == [(offer.id, "accepted")]


async def test_a_receipt_counts_only_for_the_messages_of_its_organisation(town: Town) -> None:
    pool, scene = town.site.scene.uow.pool, town.site.scene
    message = named("message")
    await pool.execute(SENT, message, scene.organisation, scene.people[0], scene.now)
    for key, status in ((town.foreign, "sent"), (town.own, "delivered")):
        values = {"message": str(message), "status": "1", "key": key}
        response = await town.site.client.get("/v1/gateways/kannel/receipts", params=values)
        assert response.status_code == 202
        assert await pool.fetchval("SELECT status FROM messages WHERE id = $1", message) == status


async def test_stop_counts_in_the_organisation_of_its_gateway_or_everywhere(town: Town) -> None:
    both = {town.site.scene.organisation, town.other.organisation}
    await town.text(town.foreign, "STOP")
    assert await town.stopped() == {town.other.organisation}
    await town.site.scene.offer(0)
    await town.text(town.own, "START", "2")
    assert await town.stopped() == {town.other.organisation}
    await town.text(town.shared, "STOP", "3")
    assert await town.stopped() == both
    await town.text(town.own, "START", "4")
    assert await town.stopped() == {town.other.organisation}
    await town.text(town.shared, "START", "5")
    assert await town.stopped() == set()


async def test_a_person_who_stopped_everywhere_is_not_restarted_for_a_third_organisation_by_one(
    town: Town,
) -> None:
    await town.text(town.shared, "STOP")
    await town.text(town.own, "START", "2")
    third = await Scene.open(town.other.uow, 0, name="Croix Blanche")
    await volunteers.register_all(third.uow, third.organisation, [a_volunteer(0)])
    assert await town.stopped() == {town.other.organisation, third.organisation}


async def test_a_delayed_start_is_overtaken_by_a_stop_to_the_installation(town: Town) -> None:
    sent = int(town.site.scene.now.timestamp())
    await town.text(town.shared, "STOP", sent=str(sent - 60))
    await town.text(town.own, "START", "2", sent=str(sent - 120))
    assert await town.stopped() == {town.site.scene.organisation, town.other.organisation}


@pytest.mark.parametrize(("installation", "status"), [(False, 404), (True, 202)])
async def test_a_program_answers_another_organisation_s_offer_only_with_a_key_of_the_installation(
    town: Town, *, installation: bool, status: int
) -> None:
    offer = await town.site.scene.offer(0)
    key = await town.site.key("gateway:app", scene=town.other, installation=installation)
    url = f"/v1/offers/{offer.id}/answer"
    response = await town.site.client.post(url, json={"answer": "accepted"}, headers=key)
    assert response.status_code == status
    assert len(await town.answered()) == (1 if installation else 0)


async def stopped(town: Town) -> list[bool]:
    """Say of each organisation, the scene's first, whether it may no longer ask the person."""
    query = "SELECT stopped_at FROM candidates WHERE volunteer_id = $1 AND organisation = $2"
    who, pool = town.other.people[0], town.other.uow.pool
    organisations = (town.site.scene.organisation, town.other.organisation)
    return [await pool.fetchval(query, who, one) is not None for one in organisations]


async def test_stop_ends_the_offers_of_the_organisation_whose_gateway_brought_it(town: Town) -> None:
    own, foreign = (
        await town.site.scene.incident(),
        await town.other.incident(plan(lane="planned", quiet="off")),
    )
    await town.text(town.foreign, "STOP")
    assert await stopped(town) == [False, True]
    status = {
        one.id: next(
            o.status
            for o in (await town.other.read(one.id)).offers.values()
            if o.volunteer_id == town.other.people[0]
        )
        for one in (own, foreign)
    }
    assert status == {own.id: "extended", foreign.id: "withdrawn"}
    await town.text(town.own, "START", "2")
    assert await stopped(town) == [False, True]
    await town.text(town.foreign, "START", "3")
    assert await stopped(town) == [False, False]


async def test_stop_to_the_gateway_of_the_installation_ends_every_organisation_s_offers(town: Town) -> None:
    await town.text(town.shared, "STOP")
    assert await stopped(town) == [True, True]
    await town.text(town.own, "START", "2")
    assert await stopped(town) == [False, True]
