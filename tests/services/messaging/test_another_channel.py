"""Nothing assumes that a channel is SMS: an offer goes out and is answered over push, by the webhook of its gateway."""

from collections.abc import AsyncIterator
from uuid import UUID

import asyncpg
import httpx
import pytest

from dispatch.clock import MovableClock
from dispatch.domain.messaging.codes import code
from dispatch.gateways.simulated.client import SimulatedGateway
from dispatch.services.access import keys
from dispatch.services.messaging.gateway_registry import GatewayRegistry
from dispatch.services.messaging.unserved_channels import UnservedChannel, unserved_channels
from producers.http.app import build
from tests.support.post import SECRET, Post

NAME = "pager"
ONLY_PUSH = """
WITH agreed AS (UPDATE memberships SET consent = '{push,drills}')
UPDATE addresses SET channel = 'push', address = 'device of ' || volunteer_id
"""


@pytest.fixture(params=[False, True], ids=["steady", "flaky"])
async def post(pool: asyncpg.Pool, clock: MovableClock, request: pytest.FixtureRequest) -> Post:
    """Open a scene whose only gateway serves push, and whose people have no phone number."""
    post = await Post.open(pool, clock)
    post.gateway = SimulatedGateway(NAME, channels=("push",), flaky=request.param)
    await pool.execute(ONLY_PUSH)
    return post


@pytest.fixture
async def client(post: Post) -> AsyncIterator[httpx.AsyncClient]:
    """Return a client that holds the gateway's key."""
    app = build(post.uow, gateways=GatewayRegistry([post.gateway]), secret=SECRET, readiness=dict)
    key = await keys.create(
        post.uow,
        organisation=post.scene.organisation,
        scopes=[f"gateway:{NAME}"],
        holder="the pager's provider",
    )
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app),
        base_url="http://renfort",
        headers={"Authorization": f"Bearer {key}"},
    ) as client:
        yield client


def device(who: UUID) -> str:
    return f"device of {who}"


def shown(post: Post, who: UUID) -> list[str]:
    """Return the texts on a person's device."""
    return [message.text for message in post.gateway.phone(device(who)).inbox]


async def send_all(post: Post, clock: MovableClock) -> None:
    """Queue and send due messages, and a second later send those again that a flaky gateway did not accept."""
    for _ in range(6):
        await post.deliver()
        clock.advance(1)


async def text(client: httpx.AsyncClient, who: UUID, words: str, id_: str) -> None:
    form = {"id": id_, "from": device(who), "text": words}
    response = await client.post(f"/v1/gateways/{NAME}/inbound", data=form)
    assert response.status_code == 202


async def test_an_offer_goes_out_and_is_answered_over_push_alone(
    post: Post, client: httpx.AsyncClient, clock: MovableClock
) -> None:
    incident, who = await post.scene.incident(), post.scene.people[0]
    offer = await post.scene.offer(0, incident)
    await send_all(post, clock)
    (asked,) = shown(post, who)
    assert f"OUI {code(offer.id)}" in asked

    await text(client, who, f"oui {code(offer.id)}", "1")
    await post.scene.process_replies()
    assert [row["channel"] for row in await post.uow.pool.fetch("SELECT channel FROM replies")] == ["push"]
    assert len((await post.scene.read(incident.id)).assignments) == 1
    await send_all(post, clock)
    assert "on vous attend" in shown(post, who)[-1]


async def test_a_text_over_push_retains_the_accents_that_sms_would_lose(
    post: Post, clock: MovableClock
) -> None:
    await post.scene.incident()
    await post.uow.pool.execute(
        """UPDATE plans SET body = jsonb_set(body, '{title,fr}', '"Arrêt cardiaque, forêt"')"""
    )
    await send_all(post, clock)
    assert "Arrêt cardiaque, forêt" in shown(post, post.scene.people[0])[0]


async def test_an_unclear_text_is_asked_back_and_a_stop_confirmed_on_the_channel_on_which_it_came(
    post: Post, client: httpx.AsyncClient, clock: MovableClock
) -> None:
    who = post.scene.people[0]
    await text(client, who, "peut-être", "1")
    await text(client, who, "STOP", "2")
    await send_all(post, clock)
    assert [row["channel"] for row in await post.messages("ask_back")] == ["push"]
    assert any("compris" in one for one in shown(post, who))
    assert any("sécurité" in one for one in shown(post, who))


async def test_a_receipt_over_the_webhook_of_the_gateway_completes_the_message(
    post: Post, client: httpx.AsyncClient, clock: MovableClock
) -> None:
    await post.scene.incident()
    await send_all(post, clock)
    (row, *_) = await post.messages("offer")
    values = {"message": str(row["id"]), "status": "delivered"}
    assert (await client.post(f"/v1/gateways/{NAME}/receipts", data=values)).status_code == 202
    assert "delivered" in [one["status"] for one in await post.messages("offer")]


async def test_what_waits_for_a_channel_that_no_gateway_serves_is_skipped_and_counted(
    post: Post, clock: MovableClock
) -> None:
    post.gateway = SimulatedGateway("phones")
    await post.scene.incident()
    await post.notify()
    served = GatewayRegistry([post.gateway]).by_channel
    assert await unserved_channels(post.uow.pool, served, clock.now()) == [UnservedChannel("push", 3, 0)]
    await post.sender().round()
    assert {(row["status"], row["reason"]) for row in await post.messages()} == {("skipped", "no gateway")}
    assert await unserved_channels(post.uow.pool, served, clock.now()) == [UnservedChannel("push", 0, 3)]
    clock.advance(24 * 3600 + 1)
    assert await unserved_channels(post.uow.pool, served, clock.now()) == []
