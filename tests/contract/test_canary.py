"""The canary test: recognisable personal data enters by every input and is searched for in every output."""

import json
from collections.abc import AsyncIterator, Iterator
from io import StringIO
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from aiokafka import AIOKafkaProducer

from dispatch.clock import MovableClock
from dispatch.embedded import EmbeddedBroker
from dispatch.runtime.embedded_services import Embedded
from dispatch.services.access import keys
from dispatch.services.messaging.gateway import OutboundText
from dispatch.services.people.members import person_of
from tests.contract import canaries
from tests.contract.canaries import (
    BIRTH,
    CANARIES,
    DUTY_NAME,
    DUTY_PHONE,
    HOME,
    NAME,
    PERSONAL,
    PHONE,
    TEXT,
    WORDS,
    leaks,
)
from tests.stories.city import PLACE, City
from tests.stories.conftest import NIGHT
from tests.stories.phones import Handset
from tests.stories.waiting import eventually

ARREST = "medical.cardiac_arrest"
VOLUNTEER = {
    "name": NAME,
    "phone": PHONE,
    "skills": ["first_aid"],
    "position": {"lat": HOME, "lon": PLACE.lon},
    "birth_date": BIRTH,
    "consent": ["sms"],
}
SHEET = f"name,phone,lat,lon,birth_date\n{NAME},{PHONE},{HOME},{NAME},{BIRTH}\n{NAME},{NAME},48,2,{NAME}\n"
FORGED = "rk_0123456789ab_" + 40 * "c"
Secrets = dict[str, tuple[str, ...]]


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> Iterator[StringIO]:
    """Collect the log from before anything starts."""
    with canaries.capture_log(monkeypatch) as output:
        yield output


@pytest.fixture
async def city(log: StringIO, database: str, tmp_path: Path) -> AsyncIterator[City]:
    """Open a city whose volunteer and duty contact are canaries."""
    assert log is not None
    async with (
        EmbeddedBroker(tmp_path) as broker,
        City.open(database, Embedded(None, broker), MovableClock(NIGHT)) as city,
    ):
        city.keys["roster"] = await keys.create(
            city.node.uow, organisation=city.organisation, scopes=["volunteers:write"], holder="roster"
        )
        await city.enrol(3)
        volunteer = await city.call("POST", "/v1/volunteers", "roster", json=VOLUNTEER, expected=201)
        member = UUID(volunteer["volunteer_id"])
        who = await person_of(city.node.uow.pool, city.organisation, member)
        city.people.append(Handset(city, PHONE, who))
        duty = [{"name": DUTY_NAME, "phone": DUTY_PHONE}]
        await city.call("PUT", "/v1/duty-contacts", "Ada", json=duty, expected=204)
        yield city


async def test_personal_data_is_only_in_the_tables_meant_for_it(
    city: City, log: StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    await _run_incident_to_its_end(city)
    await _abort_incident(city)
    problems = await _send_malformed(city)
    problems += await _provoke_errors(city, monkeypatch)
    await _publish_directly(city)
    await city.calm()

    secrets = _secrets(city)
    stored = await canaries.tables(city)
    places = {f"topic {name}": text for name, text in (await canaries.topics(city)).items()}
    places |= {f"table {name}": text for name, text in stored.items() if name not in PERSONAL}
    async with city.http.get("/metrics") as response:
        places["metrics"] = await response.text()
    places |= {"stream": await canaries.stream(city), "problems": problems, "log": log.getvalue()}
    places["export"] = await canaries.export(city)
    assert [leak for where, text in places.items() for leak in leaks(where, text, CANARIES | secrets)] == []

    # Supervisors read names, and nothing else.
    seen = {what: words for what, words in (CANARIES | secrets).items() if what != "name"}
    seen |= {"duty contact": (DUTY_PHONE.removeprefix("+33"),)}
    timelines = await canaries.timelines(city)
    assert list(leaks("timelines", timelines, seen)) == []
    assert DUTY_NAME in timelines
    others = {what: words for what, words in CANARIES.items() if what != "text message"}
    texts = " ".join(message.text for message in city.messages())
    assert list(leaks("texts", texts, others)) == []
    _check_that_the_search_works(stored, places)


def _check_that_the_search_works(stored: dict[str, str], places: dict[str, str]) -> None:
    """Check that the canaries were stored, and that every place was really read."""
    personal = " ".join(text for name, text in stored.items() if name in PERSONAL)
    assert {leak.partition(" in ")[0] for leak in leaks("tables", personal, CANARIES)} == CANARIES.keys()
    for where, sign in {
        "log": '"event": "request"', "metrics": "renfort_http_seconds", "stream": "event: incident.opened",
        "export": "incident.opened",
        "problems": "status", "topic dispatch.offers": "offer.extended", "topic parking": "parking.parked",
        "topic notification.events": "message.sent", "topic volunteer.replies": "reply.received",
        "table journal": "incident.opened", "table parking": "",
    }.items():  # fmt: skip
        assert sign in places.get(where, ""), where


def _secrets(city: City) -> Secrets:
    tokens = {phone.link.removeprefix("/a/") for phone in city.people if phone.inbox}
    assert tokens
    return {
        "API key": tuple(key.rpartition("_")[2] for key in (*city.keys.values(), FORGED)),
        "token": tuple(tokens),
    }


async def _run_incident_to_its_end(city: City) -> None:
    """Extend an offer to the canary, who answers unintelligibly, comes, reports danger, and is released."""
    incident = await city.report(kind=ARREST, at=PLACE, description=WORDS)
    canary = city.people[-1]
    await canary.expects("Venez-vous")
    await canary.answers(TEXT)
    await canary.expects("Nous n'avons pas compris")
    await canary.page()
    for answer in ("accepted", "en_route", "danger"):
        await canary.presses(answer)
    await canary.expects("ATTENDEZ")
    supervisor = Handset(city, DUTY_PHONE)
    await supervisor.expects("danger")
    await supervisor.answers("OK")
    await supervisor.expects("C'est noté")
    await city.passes(90)
    await incident.supervisor("resume")
    for answer in ("on_scene", "released"):
        await canary.presses(answer)
    await canary.answers("STOP")
    await canary.expects("Vous ne recevrez plus")
    await city.passes(90)
    await incident.supervisor("close")


async def _abort_incident(city: City) -> None:
    incident = await city.report(kind=ARREST, at=PLACE, description=WORDS, by="neighbour")
    await city.calm()
    await incident.supervisor("confirm")
    await city.expect_sms("Venez-vous", among=city.people[:3])
    await city.report(
        kind=ARREST, updates=incident.source_id, by="neighbour", hazards=["weapon"], description=WORDS
    )
    await city.expect_sms("N'APPROCHEZ PAS")
    await city.passes(61)


async def _send_malformed(city: City) -> str:
    """Send invalid requests that contain canaries; return all responses."""
    report = {"id": "bad-1", "kind": ARREST, "occurred_at": NIGHT.isoformat()}
    supervisor, roster = "Ada", "roster"
    bad: list[tuple[str, str, str, dict[str, Any]]] = [
        ("POST", "/v1/reports", "control-room", {"json": report | {"kind": NAME}}),
        ("POST", "/v1/reports", "control-room", {"json": report | {"caller": WORDS, "phone": PHONE}}),
        ("POST", "/v1/reports", "control-room", {"json": report | {"description": [WORDS]}}),
        ("POST", "/v1/reports", "control-room", {"json": report | {"severity": WORDS, "hazards": [NAME]}}),
        ("POST", "/v1/reports", "control-room", {"json": report | {"position": {"lat": WORDS, "lon": HOME}}}),
        ("POST", "/v1/reports", "control-room", {"json": report | {"occurred_at": BIRTH}}),
        ("POST", "/v1/reports", "control-room", {"data": f'{{"id": "{NAME}", {WORDS}'}),
        ("POST", "/v1/reports", supervisor, {"json": report | {"description": WORDS}}),
        ("POST", "/v1/volunteers", roster, {"json": VOLUNTEER | {"phone": f"{PHONE}{NAME}"}}),
        ("POST", "/v1/volunteers", roster, {"json": VOLUNTEER | {"consent": [NAME], "skills": [NAME]}}),
        ("POST", "/v1/volunteers", roster, {"json": VOLUNTEER | {"birth_date": f"{BIRTH}x", "job": NAME}}),
        ("POST", "/v1/volunteers/import", roster, {"data": SHEET, "headers": {"Content-Type": "text/csv"}}),
        ("PATCH", f"/v1/volunteers/{NAME}", roster, {"json": {"language": NAME}}),
        ("PUT", f"/v1/volunteers/{PHONE}/position", roster, {"json": {"lat": HOME, "lon": WORDS}}),
        ("PUT", "/v1/duty-contacts", supervisor, {"json": [{"name": DUTY_NAME, "phone": DUTY_NAME}]}),
        ("POST", f"/v1/incidents/{NAME}/abort", supervisor, {"json": {"reason": WORDS}}),
        ("GET", f"/v1/incidents?status={NAME}&before={PHONE}", supervisor, {}),
        ("GET", f"/v1/stream?after={NAME}", supervisor, {}),
        ("POST", f"/v1/gateways/{NAME}/inbound", "gateway", {"data": {"from": PHONE, "text": TEXT}}),
        ("POST", "/v1/gateways/simulated/inbound", "gateway", {"data": {"from": PHONE, "text": TEXT}}),
        ("POST", "/v1/gateways/simulated/receipts", "gateway", {"data": {"message": PHONE, "reply": TEXT}}),
        ("GET", f"/{NAME}/{PHONE}?q={WORDS}", supervisor, {}),
        ("POST", "/v1/reports", "nobody", {"json": report | {"description": WORDS}}),
    ]  # fmt: skip
    city.keys["nobody"] = FORGED
    answers = [await _rejected(city, *one) for one in bad]
    del city.keys["nobody"]
    return "\n".join(answers)


async def _rejected(city: City, method: str, path: str, holder: str, request: dict[str, Any]) -> str:
    headers = {"Authorization": f"Bearer {city.keys[holder]}", "User-Agent": NAME, "X-Request-Id": PHONE}
    headers |= request.pop("headers", {"Content-Type": "application/json"} if "data" in request else {})
    if path.startswith("/v1/gateways"):
        del headers["Content-Type"]
    async with city.http.request(method, path, headers=headers, **request) as response:
        # A malformed webhook call is parked and accepted.
        assert response.status in (400, 401, 403, 404, 422) or (response.status, holder) == (202, "gateway")
        return f"status {response.status} {dict(response.headers)} {await response.text()}"


async def _provoke_errors(city: City, monkeypatch: pytest.MonkeyPatch) -> str:
    """Raise internal errors whose messages contain canaries, in a request and in the sending of a message."""

    async def broken(*_: object, **__: object) -> None:
        raise RuntimeError(f"{NAME} {PHONE} {WORDS}")

    with monkeypatch.context() as patch:
        patch.setattr("dispatch.services.intake.submitting.accept", broken)
        headers = {"Authorization": f"Bearer {city.keys['control-room']}"}
        body = {"id": "bad-2", "kind": ARREST, "occurred_at": NIGHT.isoformat(), "description": WORDS}
        async with city.http.post("/v1/reports", json=body, headers=headers) as response:
            assert response.status == 500
            problem = await response.text()
    await _break_gateway(city, monkeypatch)
    return problem


async def _break_gateway(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(message: OutboundText) -> None:
        raise ValueError(f"{message.to} {message.text} {NAME} {PHONE}")

    await city.enrol(1)
    with monkeypatch.context() as patch:
        patch.setattr(city.gateway, "send", broken)
        await city.report(kind=ARREST, at=PLACE)
        await city.calm()
    await city.passes(30)
    await city.expect_sms("Venez-vous")


async def _publish_directly(city: City) -> None:
    """Publish reports directly on the topic that contain personal data."""
    good = {"source": "tool", "source_id": "t-1", "kind": ARREST, "at": NIGHT.isoformat()}
    bodies = [
        json.dumps(good | {"description": WORDS, "caller": {"name": NAME, "phone": PHONE}}).encode(),
        json.dumps(good | {NAME: PHONE}).encode(),
        json.dumps(good | {"kind": f"{NAME} {PHONE}"}).encode(),
        json.dumps(good | {"at": f"{BIRTH} {NAME}"}).encode(),
        f"{{{NAME} {WORDS}".encode(),
    ]
    before = await city.node.pool.fetchval("SELECT count(*) FROM parking")
    async with AIOKafkaProducer(bootstrap_servers=city.node.wiring.cluster.bootstrap) as producer:
        for number, body in enumerate(bodies):
            headers = {
                "ce_specversion": "1.0", "ce_id": f"{NAME} {number}", "ce_source": f"tool/{NAME}",
                "ce_type": "report.received.v1", "ce_organisation": str(city.organisation), "ce_name": NAME,
            }  # fmt: skip
            pairs = [(name, value.encode()) for name, value in headers.items()]
            await producer.send_and_wait("incident.reports", body, key=PHONE.encode(), headers=pairs)

    async def parked() -> bool:
        return bool(await city.node.pool.fetchval("SELECT count(*) = $1 FROM parking", before + len(bodies)))

    await eventually(parked, "five parked messages")
