"""The contract of every gateway, checked with the simulated one, the flaky one, and a real Kannel."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar
from uuid import uuid4

import pytest

from dispatch.gateways.kannel.client import KannelGateway
from dispatch.gateways.kannel.webhook import read_inbound, read_receipt
from dispatch.gateways.simulated.client import SimulatedGateway
from dispatch.services.messaging.gateway import (
    Gateway,
    GatewayRefusedError,
    GatewayUnavailableError,
    InboundText,
    OutboundText,
    Receipt,
)
from tests.contract.kannel import KEY, Kannel, a_message, gateway_to, missing, unavailable

PHONE = "+33612345678"

Seen = TypeVar("Seen")


@dataclass
class Backend:
    """A gateway, and the means to read a phone that it reaches."""

    gateway: Gateway
    texts: Callable[[str], list[str]]


@pytest.fixture(scope="module")
def kannel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kannel]:
    if reason := missing():
        pytest.skip(reason)
    kannel = Kannel(tmp_path_factory.mktemp("kannel"))
    try:
        kannel.start()
        yield kannel
    finally:
        kannel.stop()


def through(kannel: Kannel) -> KannelGateway:
    return gateway_to(kannel.url, receipts_url=f"{kannel.webhooks.url}/receipts?key={KEY}")


@pytest.fixture(params=["simulated", "flaky", "kannel"])
def backend(request: pytest.FixtureRequest) -> Backend:
    if request.param == "kannel":
        kannel: Kannel = request.getfixturevalue("kannel")
        return Backend(
            through(kannel), lambda to: [arrival.text for arrival in kannel.arrivals() if arrival.to == to]
        )
    simulated = SimulatedGateway(flaky=request.param == "flaky")
    return Backend(simulated, lambda to: [message.text for message in simulated.phone(to).inbox])


@pytest.fixture
async def phone_service(backend: Backend) -> AsyncIterator[Backend]:
    yield backend
    await backend.gateway.close()


@pytest.fixture
def number() -> str:
    return f"+33{uuid4().int % 10**9:09}"


async def deliver(gateway: Gateway, message: OutboundText) -> None:
    """Send again while the gateway is unavailable, as the sender loop does."""
    for _ in range(3):
        try:
            return await gateway.send(message)
        except GatewayUnavailableError:
            continue
    raise AssertionError("unavailable three times in a row")


async def eventually(condition: Callable[[], Seen], seconds: float = 10.0) -> Seen:
    """Return the first truthy value of `condition`."""
    async with asyncio.timeout(seconds):
        while not (seen := condition()):
            await asyncio.sleep(0.02)
        return seen


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("Fire near the mill. Reply OUI 7K or NON 7K", id="plain"),
        pytest.param("Malaise à 200 m, défibrillateur à côté: OUI 7K ou NON 7K? 1€", id="accents-of-gsm"),
        pytest.param("Arrêt cardiaque près de l’église, ça urge… OUI 7K", id="accents-beyond-gsm"),
        pytest.param("à pied, 5 min. " * 30, id="long"),
        pytest.param("forêt, 5 min — " * 30, id="long-beyond-gsm"),
        pytest.param("https://renfort.example/a/b62?x=1&y=%41+z#end", id="link"),
    ],
)
async def test_a_text_arrives_as_it_was_written(phone_service: Backend, number: str, text: str) -> None:
    await deliver(phone_service.gateway, a_message(text, number))
    await eventually(lambda: "".join(phone_service.texts(number)) == text)


async def test_each_phone_gets_its_own_texts_in_order(phone_service: Backend, number: str) -> None:
    other = number[:-1] + str((int(number[-1]) + 1) % 10)
    for text, to in (("one", number), ("two", other), ("three", number)):
        await deliver(phone_service.gateway, a_message(text, to))
    await eventually(lambda: phone_service.texts(number) == ["one", "three"])
    await eventually(lambda: phone_service.texts(other) == ["two"])


async def test_an_urgent_text_arrives_too(phone_service: Backend, number: str) -> None:
    await deliver(phone_service.gateway, a_message("STOP. Danger.", number, urgent=True))
    await eventually(lambda: phone_service.texts(number) == ["STOP. Danger."])


@pytest.mark.parametrize("to", ["", "claire", "+33612345678 +33687654321", "12", "+336123456780000000"])
async def test_what_is_not_one_phone_number_is_refused_for_good(phone_service: Backend, to: str) -> None:
    with pytest.raises(GatewayRefusedError):
        await phone_service.gateway.send(a_message("hello", to))


async def test_closing_twice_is_harmless(phone_service: Backend) -> None:
    await phone_service.gateway.close()
    await phone_service.gateway.close()


async def test_a_simulated_phone_shows_a_message_once_and_counts_its_copies() -> None:
    gateway = SimulatedGateway()
    message = a_message("hello", PHONE)
    await gateway.send(message)
    await gateway.send(message)
    assert gateway.phone(PHONE).inbox == [message]
    assert (gateway.phone(PHONE).repeats, gateway.repeats) == (1, 1)


async def test_a_simulated_phone_answers_only_when_instructed() -> None:
    gateway = SimulatedGateway()
    answers: list[str] = []

    async def answer(message: OutboundText) -> None:
        answers.append(f"{message.to}: OUI")

    await gateway.send(a_message("hello", PHONE))
    gateway.on_message = answer
    await gateway.send(a_message("hello", PHONE))
    assert answers == [f"{PHONE}: OUI"]


async def test_long_lived_phones_retain_only_the_latest_messages() -> None:
    gateway = SimulatedGateway(most=2)
    first, *latest = (a_message(text, PHONE) for text in ("first", "second", "third"))
    for message in (first, *latest, latest[-1]):
        await gateway.send(message)
    assert gateway.phone(PHONE).inbox == latest
    assert gateway.repeats == 1


async def test_silent_phones_that_show_nothing_more_take_no_memory() -> None:
    gateway = SimulatedGateway(most=2)
    for number in range(20):
        await gateway.send(a_message("hello", f"+336391900{number:02d}"))
    assert list(gateway._phones) == ["+33639190018", "+33639190019"]  # noqa: SLF001 - to ask for a phone is to make it


async def test_each_simulated_message_is_printed_once() -> None:
    printed: list[OutboundText] = []
    message = a_message("hello", PHONE)
    gateway = SimulatedGateway(printer=printed.append)
    await gateway.send(message)
    await gateway.send(message)
    assert printed == [message]


async def test_a_flaky_gateway_fails_every_other_call_and_sends_none_of_it() -> None:
    gateway = SimulatedGateway(flaky=True)
    for _ in range(2):
        with pytest.raises(GatewayUnavailableError):
            await gateway.send(a_message("lost", PHONE))
        await gateway.send(a_message("kept", PHONE))
    assert [message.text for message in gateway.phone(PHONE).inbox] == ["kept", "kept"]


async def test_kannel_reports_what_became_of_a_message(kannel: Kannel, number: str) -> None:
    gateway = through(kannel)
    message = a_message("hello", number)
    await gateway.send(message)
    await gateway.close()

    def receipts() -> set[Receipt]:
        read = map(read_receipt, kannel.webhooks.queries("/receipts"))
        return {receipt for receipt in read if receipt.message_id == message.message_id}

    wanted = {Receipt(message.message_id, "sent", "ACK"), Receipt(message.message_id, "delivered")}
    await eventually(lambda: receipts() == wanted)
    assert {query["key"] for query in kannel.webhooks.queries("/receipts")} == {KEY}


async def test_a_persons_text_reaches_our_webhook_with_its_accents(kannel: Kannel, number: str) -> None:
    kannel.say(number, "J’arrive à l’église, 7K")
    inbound = await eventually(lambda: inbound_of(kannel, number))
    assert [(text.sender, text.text) for text in inbound] == [(number, "J’arrive à l’église, 7K")]


async def test_a_text_that_we_could_not_take_comes_again_with_the_same_id(
    kannel: Kannel, number: str
) -> None:
    kannel.webhooks.refuse_next = 1
    kannel.say(number, "OUI")
    first, second = await eventually(lambda: inbound_of(kannel, number)[1:] and inbound_of(kannel, number))
    assert first == second


def inbound_of(kannel: Kannel, number: str) -> list[InboundText]:
    read = map(read_inbound, kannel.webhooks.queries("/inbound"))
    return [inbound for inbound in read if inbound.sender == number]


async def test_a_wrong_password_is_reported_as_the_operators_to_fix_and_is_never_shown(
    kannel: Kannel, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    gateway = gateway_to(kannel.url, password="hush-wrong")
    told = await unavailable(gateway, a_message("hello", PHONE))
    await gateway.close()
    assert "Kannel refuses our user name, password or address" in told
    assert "hush-wrong" not in told + caplog.text


@pytest.mark.parametrize("sent", ["", "yesterday", "2026-11-22T20:00:00", "1795377600"])
def test_a_text_counts_without_a_sending_time_that_can_be_read(sent: str) -> None:
    can = SimulatedGateway().capabilities
    assert can.read_inbound is not None
    inbound = can.read_inbound({"id": "1", "from": PHONE, "text": "OUI", "sent_at": sent})
    assert (inbound.text, inbound.sent_at) == ("OUI", None)
