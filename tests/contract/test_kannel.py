"""Kannel's dialect: the meaning of its responses and webhooks, and what errors must not repeat of a request."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from uuid import UUID

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from pydantic import HttpUrl, SecretStr

from dispatch.config import MisuseError, Settings
from dispatch.gateways.kannel.client import KannelGateway
from dispatch.gateways.kannel.settings import KannelSettings
from dispatch.gateways.kannel.webhook import read_inbound, read_receipt
from dispatch.runtime.wiring import gateways
from dispatch.services.messaging.gateway import (
    GatewayRefusedError,
    GatewaySilentError,
    GatewayUnavailableError,
    InboundText,
    Receipt,
)
from tests.contract.kannel import PASSWORD, a_message, gateway_to, unavailable

PHONE = "+33612345678"
ELSEWHERE = "http://127.0.0.1:9/cgi-bin/sendsms"
HELLO = a_message("private words", PHONE)


@asynccontextmanager
async def answering(
    handler: Callable[[web.Request], Awaitable[web.Response]],
) -> AsyncIterator[KannelGateway]:
    """Put a server that is not Kannel in Kannel's place."""
    app = web.Application()
    app.router.add_get("/cgi-bin/sendsms", handler)
    async with TestServer(app) as server:
        gateway = gateway_to(str(server.make_url("/cgi-bin/sendsms")), timeout=0.3)
        yield gateway
        await gateway.close()


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (503, "Temporal failure, try again later."),
        (403, "Not routable. Do not try again."),
        (500, "Sending failed."),
        (400, "Coding field misformed, rejected"),
        (200, "<html>Please log in to the guest network</html>"),
        (302, "0: Accepted for delivery"),
        (202, ""),
    ],
)
async def test_the_gateway_is_unavailable_unless_it_accepts_the_message(status: int, words: str) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=status, text=words, headers={"Location": "/elsewhere"})

    async with answering(answer) as gateway:
        await unavailable(gateway, HELLO)


async def test_a_kannel_that_fell_silent_may_have_taken_the_message_and_one_that_is_absent_has_not() -> None:
    async def hang_up(request: web.Request) -> web.Response:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    async with answering(hang_up) as gateway:
        with pytest.raises(GatewaySilentError):
            await gateway.send(HELLO)
    absent = gateway_to(ELSEWHERE)
    with pytest.raises(GatewayUnavailableError) as failure:
        await absent.send(HELLO)
    await absent.close()
    assert not isinstance(failure.value, GatewaySilentError)


@pytest.mark.parametrize("words", ["0: Accepted for delivery", "3: Queued for later delivery", "Sent."])
async def test_accepted_and_queued_are_both_a_yes(words: str) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=202, text=words)

    async with answering(answer) as gateway:
        await gateway.send(HELLO)


async def test_a_number_on_kannels_black_list_is_refused_for_good() -> None:
    async def answer(_: web.Request) -> web.Response:
        words = "Number(s) has/have been denied by white- and/or black-lists."
        return web.Response(status=400, text=words)

    async with answering(answer) as gateway:
        with pytest.raises(GatewayRefusedError):
            await gateway.send(HELLO)


async def test_the_error_repeats_nothing_of_a_response_that_contains_the_request() -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.Response(status=404, text=f"no such page: {request.raw_path}")

    async with answering(answer) as gateway:
        told = await unavailable(gateway, HELLO)
    assert "Kannel answered 404" in told
    assert not [secret for secret in (PASSWORD, HELLO.text, PHONE[1:]) if secret in told]


async def test_a_kannel_that_is_slow_or_absent_is_unavailable() -> None:
    async def sleep(_: web.Request) -> web.Response:
        await asyncio.sleep(5)
        return web.Response(status=202, text="Sent.")

    async with answering(sleep) as gateway:
        assert PASSWORD not in await unavailable(gateway, HELLO)
    absent = gateway_to(ELSEWHERE)
    told = await unavailable(absent, HELLO)
    await absent.close()
    assert PASSWORD not in told


async def test_only_what_needs_it_is_sent_as_ucs2_or_first() -> None:
    seen: list[dict[str, str]] = []

    async def answer(request: web.Request) -> web.Response:
        seen.append(dict(request.query))
        return web.Response(status=202, text="Sent.")

    async with answering(answer) as gateway:
        await gateway.send(a_message("été à 5 €", PHONE))
        await gateway.send(a_message("forêt", PHONE, urgent=True))
    plain, other = seen
    assert ("coding" in plain, "priority" in plain, plain["dlr-mask"]) == (False, False, "27")
    assert (other["coding"], other["priority"]) == ("2", "3")


def test_settings_show_no_secret() -> None:
    shown = repr(gateway_to("http://kannel/", receipts_url="https://renfort.example/r?key=hush-key"))
    shown += repr(KannelSettings(password=SecretStr(PASSWORD), key=SecretStr("hush-key")))
    assert PASSWORD not in shown
    assert "hush-key" not in shown


def test_a_kannel_without_an_address_or_a_key_to_report_with_is_refused_at_start(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    public = Settings(public_url=HttpUrl("https://renfort.example"))
    monkeypatch.setenv("DISPATCH_KANNEL_URL", ELSEWHERE)
    with pytest.raises(MisuseError, match="DISPATCH_KANNEL_KEY"):
        gateways(public, print)
    monkeypatch.setenv("DISPATCH_KANNEL_KEY", "rk_1")
    with pytest.raises(MisuseError, match="DISPATCH_PUBLIC_URL"):
        gateways(Settings(), print)
    assert [gateway.name for gateway in gateways(public, print)] == ["kannel"]
    monkeypatch.delenv("DISPATCH_KANNEL_URL")
    assert [gateway.name for gateway in gateways(public, print)] == ["simulated"]


@pytest.mark.parametrize(
    ("status", "became"),
    [(1, "delivered"), (2, "failed"), (4, "sent"), (8, "sent"), (16, "failed"), (32, "sent"), (34, "failed")],
)
def test_each_status_of_kannels_has_a_meaning(status: int, became: str) -> None:
    query = {"message": str(UUID(int=7)), "status": str(status), "reply": "NACK/12/"}
    assert read_receipt(query) == Receipt(UUID(int=7), became, "NACK/12")  # type: ignore[arg-type]


def test_a_receipt_stores_nothing_of_the_message_that_the_provider_repeats() -> None:
    reply = "id:42 sub:001 stat:UNDELIV err:27 Text:Arrêt cardiaque rue"
    query = {"message": str(UUID(int=7)), "status": "2", "reply": reply}
    assert read_receipt(query).detail == "id:42 sub:001 stat:UNDELIV err:27"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("message", ""),
        ("message", "7"),
        *(("status", value) for value in ("", "0", "-1", "1.0", "²", "64", "%d")),
    ],
)
def test_a_receipt_that_cannot_be_read_names_the_parameter(name: str, value: str) -> None:
    query = {"message": str(UUID(int=7)), "status": "1", "reply": ""} | {name: value}
    with pytest.raises(ValueError, match=f"^{name}: "):
        read_receipt(query)


def test_an_empty_text_is_still_a_text() -> None:
    assert read_inbound({"id": "k1", "from": PHONE, "text": " \0 "}) == InboundText("k1", "sms", PHONE, "")


@pytest.mark.parametrize(("name", "value"), [("id", ""), ("from", " "), ("charset", "UTF-16BE")])
def test_an_inbound_text_that_cannot_be_read_names_the_parameter(name: str, value: str) -> None:
    query = {"id": "k1", "from": PHONE, "text": "OUI", "charset": "UTF-8"} | {name: value}
    with pytest.raises(ValueError, match=f"^{name}: "):
        read_inbound(query)


@pytest.mark.parametrize(
    ("sent", "moment"),
    [
        ("1795377600", datetime(2026, 11, 22, 20, 0, tzinfo=UTC)),
        *((value, None) for value in ("", "%T", "-5", "2026-11-22", "9" * 30, "²")),
    ],
)
def test_the_sending_time_is_that_of_the_network_or_unknown(sent: str, moment: datetime | None) -> None:
    assert read_inbound({"id": "k1", "from": PHONE, "text": "OUI", "sent": sent}).sent_at == moment
