"""The HTTP interface on a real database: what each route promises, and each bad input's clear answer."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from inspect import iscoroutinefunction
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest
import structlog
from fastapi.dependencies.models import Dependant
from fastapi.security import HTTPBearer
from structlog.testing import capture_logs

from dispatch.clock import MovableClock
from dispatch.domain.escalation import Cause
from dispatch.domain.incident import Incident
from dispatch.services.access import keys
from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.services.incidents import escalations
from dispatch.services.intake import admission
from dispatch.services.messaging import tokens
from dispatch.storage.pool import open_pool, transaction
from producers.http.app import build
from tests.conftest import START
from tests.contract import reference
from tests.contract.openapi import current
from tests.domain.builders import PLACE, watch_plan
from tests.support.scene import Scene, phone

SECRET = b"s" * 32
OPENAPI = Path(__file__).parents[2] / "docs" / "openapi.yaml"
SHEET = "name,phone,language,skills,lat,lon,birth_date,consent,availability\n"


@dataclass
class Site:
    """An app, its scene, and clients that hold keys."""

    scene: Scene
    client: httpx.AsyncClient
    state: dict[str, bool]

    async def key(self, *scopes: str, holder: str = "Ada", scene: Scene | None = None) -> dict[str, str]:
        """Make a key; return the header that shows it."""
        organisation = (scene or self.scene).organisation
        shown = await keys.create(self.scene.uow, organisation=organisation, scopes=scopes, holder=holder)
        return {"Authorization": f"Bearer {shown}"}

    async def link(self, number: int = 0, incident: Incident | None = None) -> str:
        """Make the link that a volunteer gets with an offer."""
        offer = await self.scene.offer(number, incident)
        token = tokens.derive(SECRET, offer.id, 0)
        async with transaction(self.scene.uow.pool) as connection:
            await tokens.note(connection, token, offer.id, 0, self.scene.now)
        return f"/a/{token}"

    async def count(self, table: str) -> int:
        """Count the rows of a table."""
        return int(await self.scene.uow.pool.fetchval(f"SELECT count(*) FROM {table}"))


@asynccontextmanager
async def serving(uow: UnitOfWork, state: dict[str, bool]) -> AsyncIterator[httpx.AsyncClient]:
    app = build(uow, secret=SECRET, readiness=lambda: state)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://renfort") as client:
        yield client


@pytest.fixture
async def site(pool: asyncpg.Pool, clock: MovableClock) -> AsyncIterator[Site]:
    uow, state = UnitOfWork(pool, clock), {"postgres": True, "kafka": True}
    async with serving(uow, state) as client:
        yield Site(await Scene.open(uow), client, state)


def a_report(site: Site, **changes: object) -> dict[str, Any]:
    return {
        "id": "call-1",
        "kind": "medical.cardiac_arrest",
        "severity": "life_threatening",
        "position": {"lat": PLACE.lat, "lon": PLACE.lon},
        "occurred_at": site.scene.now.isoformat(),
    } | changes


def a_body(**changes: object) -> dict[str, Any]:
    return {
        "name": "Bob",
        "phone": phone(50),
        "skills": ["first_aid"],
        "position": {"lat": PLACE.lat, "lon": PLACE.lon},
        "birth_date": "1990-01-31",
        "consent": ["sms"],
    } | changes


def fields(response: httpx.Response) -> set[str]:
    """Check that this is a problem document; return the fields that it names."""
    assert response.headers["content-type"] == "application/problem+json"
    body = response.json()
    assert body["status"] == response.status_code
    assert body["title"]
    assert body["detail"]
    return {error["field"] for error in body.get("errors", ())}


# Reports


async def test_a_report_is_accepted_and_can_be_followed(site: Site) -> None:
    key = await site.key("reports:write", holder="codis")
    response = await site.client.post("/v1/reports", json=a_report(site), headers=key)
    assert response.status_code == 202
    body = response.json()
    assert body["status_url"] == f"/v1/reports/{body['report_id']}"
    assert "112" in body["advice"]["en"]
    followed = (await site.client.get(body["status_url"], headers=key)).json()
    assert (followed["source"], followed["source_id"], followed["incident_id"]) == ("codis", "call-1", None)


async def test_no_advice_is_needed_where_professionals_were_called(site: Site) -> None:
    key = await site.key("reports:write")
    called = a_report(site, professional={"requested": True, "reference": "C-1"})
    assert (await site.client.post("/v1/reports", json=called, headers=key)).json()["advice"] is None


async def test_the_same_report_twice_has_the_same_answer(site: Site) -> None:
    key = await site.key("reports:write")
    first = await site.client.post("/v1/reports", json=a_report(site), headers=key)
    second = await site.client.post("/v1/reports", json=a_report(site), headers=key)
    assert (first.status_code, first.json()) == (second.status_code, second.json())
    assert await site.count("reports") == 1


async def test_while_too_much_waits_a_routine_report_is_told_to_come_again_and_the_same_request_then_works(
    site: Site,
) -> None:
    key = await site.key("reports:write")
    once = key | {"Idempotency-Key": "k-1"}
    await site.scene.uow.pool.execute(
        "INSERT INTO reports (id, organisation, mode, source, source_id, channel, content_hash, received_at)"
        " SELECT gen_random_uuid(), $1, 'actual', 'storm', n, 'http', '', $2 FROM generate_series(1, 20) n",
        site.scene.organisation, site.scene.now - timedelta(seconds=1),
    )  # fmt: skip
    routine = a_report(site, severity="routine")
    refused = await site.client.post("/v1/reports", json=routine, headers=once)
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "6")
    assert fields(refused) == set()
    for number, severity in enumerate(("urgent", "life_threatening")):
        severe = a_report(site, id=f"call-{number}", severity=severity)
        assert (await site.client.post("/v1/reports", json=severe, headers=key)).status_code == 202
    await site.scene.uow.pool.execute("UPDATE reports SET incident_id = id WHERE source = 'storm'")
    site.scene.uow.clock.advance(1)  # type: ignore[attr-defined]
    accepted = await site.client.post("/v1/reports", json=routine | {"id": "call-9"}, headers=key)
    again = await site.client.post("/v1/reports", json=routine | {"id": "call-9"}, headers=once)
    assert (accepted.status_code, again.status_code) == (202, 202)


async def test_a_routine_report_over_a_slow_line_is_taken_in_while_nothing_waits(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admission, "SLOW_S", 0.2)
    headers = await site.key("reports:write") | {"Content-Type": "application/json"}
    body = json.dumps(a_report(site, severity="routine")).encode()

    async def slowly() -> AsyncIterator[bytes]:
        yield body[:10]
        await asyncio.sleep(0.3)
        yield body[10:]

    assert (await site.client.post("/v1/reports", content=slowly(), headers=headers)).status_code == 202


async def test_another_report_under_the_same_id_is_a_conflict(site: Site) -> None:
    key = await site.key("reports:write")
    await site.client.post("/v1/reports", json=a_report(site), headers=key)
    response = await site.client.post("/v1/reports", json=a_report(site, severity="urgent"), headers=key)
    assert response.status_code == 409
    fields(response)
    assert "updates" in response.json()["detail"]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"id": ""}, "id"),
        ({"kind": "Arrêt!"}, "kind"),
        ({"severity": "grave"}, "severity"),
        ({"position": {"lat": 91, "lon": 2}}, "position.lat"),
        ({"position": {"lat": 48, "lon": 181}}, "position.lon"),
        ({"position": {"lat": 48}}, "position.lon"),
        ({"position": {"lat": "north", "lon": 2}}, "position.lat"),
        ({"occurred_at": "2026-11-22T20:00:00"}, "occurred_at"),
        ({"occurred_at": "yesterday"}, "occurred_at"),
        ({"occurred_at": "2026-11-22T20:06:00Z"}, "occurred_at"),
        ({"occurred_at": "0001-01-01T00:00:00+14:00"}, "occurred_at"),
        ({"mode": "real"}, "mode"),
        ({"hazards": ["bees"]}, "hazards.0"),
        ({"professional": {"requested": True, "reference": "<script>"}}, "professional.reference"),
        ({"description": "x" * 2001}, "description"),
        ({"source": "samu"}, "source"),
        ({"serverity": "urgent"}, "serverity"),
    ],
)
async def test_a_malformed_report_is_refused_by_field(
    site: Site, changes: dict[str, Any], field: str
) -> None:
    key = await site.key("reports:write")
    response = await site.client.post("/v1/reports", json=a_report(site, **changes), headers=key)
    assert response.status_code == 422
    assert fields(response) == {field}
    assert await site.count("reports") == 0


async def test_swapped_coordinates_get_a_hint(site: Site) -> None:
    key = await site.key("reports:write")
    tokyo = {"lat": 139.69, "lon": 35.69}
    response = await site.client.post("/v1/reports", json=a_report(site, position=tokyo), headers=key)
    assert response.status_code == 422
    assert "swapped" in response.json()["errors"][0]["message"]


async def test_a_report_without_a_position_and_of_an_unknown_kind_is_accepted(site: Site) -> None:
    key = await site.key("reports:write")
    unplaced = a_report(site, position=None, kind="never.seen.before")
    assert (await site.client.post("/v1/reports", json=unplaced, headers=key)).status_code == 202


@pytest.mark.parametrize(
    ("content", "field"),
    [
        (b"{", "body"),
        (b"", "body"),
        (b"[]", "body"),
        (b"\xff\xfe", None),
        (b'{"a":' * 9000, None),
        (b'{"id": NaN}', "id"),
        (b'{"id": "\\ud800"}', "id"),
    ],
)
async def test_a_body_that_is_no_report_is_a_problem(site: Site, content: bytes, field: str | None) -> None:
    headers = await site.key("reports:write") | {"Content-Type": "application/json"}
    response = await site.client.post("/v1/reports", content=content, headers=headers)
    assert response.status_code in (400, 422)
    named = fields(response)
    assert field is None or any(name.startswith(field) for name in named)


async def test_a_body_that_is_not_sent_as_json_says_how_to(site: Site) -> None:
    headers = await site.key("reports:write") | {"Content-Type": "application/x-www-form-urlencoded"}
    response = await site.client.post("/v1/reports", content=b'{"id": "1"}', headers=headers)
    assert response.status_code == 422
    assert "application/json" in response.json()["detail"]


@pytest.mark.parametrize("chunked", [False, True])
async def test_an_oversized_report_is_refused(site: Site, chunked: bool) -> None:  # noqa: FBT001 - a parameter
    key = await site.key("reports:write")
    huge = b'{"id": "' + b"x" * 70_000 + b'"}'

    async def chunks() -> AsyncIterator[bytes]:
        for start in range(0, len(huge), 1000):
            yield huge[start : start + 1000]

    headers = key | {"Content-Type": "application/json"}
    response = await site.client.post("/v1/reports", content=chunks() if chunked else huge, headers=headers)
    assert response.status_code == 413
    fields(response)


async def test_what_was_wrong_is_not_repeated(site: Site) -> None:
    key = await site.key("reports:write")
    secret = a_report(site, kind="Madame Martin", description=["Madame Martin"])
    response = await site.client.post("/v1/reports", json=secret, headers=key)
    assert response.status_code == 422
    assert "Martin" not in response.text


# Keys


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer "},
        {"Authorization": "Bearer rk_000000000000_" + "0" * 40},
        {"Authorization": "Basic YTpi"},
        {"Authorization": "Bearer é".encode()},
    ],
)
async def test_a_missing_or_forged_key_is_refused(site: Site, headers: dict[str, Any]) -> None:
    response = await site.client.post("/v1/reports", json=a_report(site), headers=headers)
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"] == "Bearer"
    fields(response)


SCOPES = {
    "reports:write",
    "console:read",
    "console:act",
    "volunteers:write",
    "gateway:kannel",
    "gateway:other",
    "admin",
}
SEEING = {"console:read", "console:act", "admin"}
ACTING = {"console:act", "admin"}
ANY = "00000000-0000-0000-0000-000000000000"


@pytest.mark.parametrize(
    ("method", "path", "admitted"),
    [
        ("POST", "/v1/reports", {"reports:write", "admin"}),
        ("GET", f"/v1/reports/{ANY}", {"reports:write", *SEEING}),
        ("GET", "/v1/incidents", SEEING),
        ("GET", f"/v1/incidents/{ANY}", SEEING),
        ("GET", f"/v1/incidents/{ANY}/timeline", SEEING),
        ("POST", f"/v1/incidents/{ANY}/abort", ACTING),
        ("GET", "/v1/escalations", SEEING),
        ("POST", f"/v1/escalations/{ANY}/acknowledge", ACTING),
        ("POST", f"/v1/escalations/{ANY}/settle", ACTING),
        ("POST", f"/v1/offers/{ANY}/answer", {*ACTING, "gateway:kannel", "gateway:other"}),
        ("GET", "/v1/volunteers", SEEING),
        ("POST", "/v1/volunteers", {"volunteers:write", "admin"}),
        ("POST", "/v1/volunteers/import", {"volunteers:write", "admin"}),
        ("PATCH", f"/v1/volunteers/{ANY}", {"volunteers:write", "admin"}),
        ("DELETE", f"/v1/volunteers/{ANY}", {"volunteers:write", "admin"}),
        ("PUT", f"/v1/volunteers/{ANY}/position", {"volunteers:write", "admin"}),
        ("GET", "/v1/duty-contacts", SEEING),
        ("PUT", "/v1/duty-contacts", ACTING),
        ("POST", "/v1/pause", ACTING),
        ("POST", "/v1/resume", ACTING),
        ("GET", "/v1/gateways/kannel/inbound", {"gateway:kannel"}),
        ("POST", "/v1/gateways/kannel/receipts", {"gateway:kannel"}),
    ],
)
async def test_a_key_opens_only_what_its_scopes_name(
    site: Site, method: str, path: str, admitted: set[str]
) -> None:
    for scope in sorted(SCOPES):
        response = await site.client.request(method, path, headers=await site.key(scope))
        assert (response.status_code == 403) == (scope not in admitted), scope
    assert (await site.client.request(method, path)).status_code == 401


async def test_another_organisations_key_finds_nothing(site: Site) -> None:
    incident = await site.scene.incident()
    offer = await site.scene.offer(0, incident)
    accepted = await site.client.post(
        "/v1/reports", json=a_report(site), headers=await site.key("reports:write")
    )
    await site.scene.act(incident.id, "escalate")
    other = await Scene.open(site.scene.uow, 0, name="Mairie")
    key = await site.key("admin", "gateway:kannel", scene=other)
    (escalation,) = (await site.scene.read(incident.id)).escalations
    who = site.scene.people[0]
    for method, path, body in (
        ("GET", f"/v1/reports/{accepted.json()['report_id']}", None),
        ("GET", f"/v1/incidents/{incident.id}", None),
        ("GET", f"/v1/incidents/{incident.id}/timeline", None),
        ("POST", f"/v1/incidents/{incident.id}/abort", None),
        ("POST", f"/v1/escalations/{escalation}/acknowledge", None),
        ("POST", f"/v1/escalations/{escalation}/settle", None),
        ("POST", f"/v1/offers/{offer.id}/answer", {"answer": "accepted"}),
        ("PATCH", f"/v1/volunteers/{who}", {"availability": "unavailable"}),
        ("DELETE", f"/v1/volunteers/{who}", None),
        ("PUT", f"/v1/volunteers/{who}/position", {"lat": 48, "lon": 2}),
    ):
        response = await site.client.request(method, path, headers=key, json=body)
        assert response.status_code == 404, path
        fields(response)
    for path in ("/v1/incidents", "/v1/escalations?open=false", "/v1/volunteers"):
        assert (await site.client.get(path, headers=key)).json() == []
    assert (await site.scene.read(incident.id)).status == "open"


# Supervisors


async def test_a_supervisor_sees_an_incident_in_short_and_in_whole(site: Site) -> None:
    incident = await site.scene.incident()
    key = await site.key("console:read")
    (short,) = (await site.client.get("/v1/incidents", headers=key)).json()
    assert (short["id"], short["needed"], short["filled"], short["open_offers"]) == (
        str(incident.id),
        2,
        0,
        3,
    )
    whole = (await site.client.get(f"/v1/incidents/{incident.id}", headers=key)).json()
    assert {offer["volunteer_id"] for offer in whole["offers"]} == set(whole["people"])
    assert "Ada 0" in whole["people"].values()
    assert "hold" in whole["acts"]


async def test_the_list_goes_on_from_the_last_one_seen(site: Site, clock: MovableClock) -> None:
    seen = []
    for _ in range(3):
        seen.append(str((await site.scene.incident()).id))
        clock.advance(10)
    key = await site.key("console:read")
    first = (await site.client.get("/v1/incidents?limit=2", headers=key)).json()
    rest = (
        await site.client.get("/v1/incidents", params={"before": first[-1]["opened_at"]}, headers=key)
    ).json()
    assert [one["id"] for one in (*first, *rest)] == seen[::-1]
    held = await site.client.get("/v1/incidents?status=held&mode=actual", headers=key)
    assert held.json() == []


async def test_a_moment_before_all_time_is_refused_by_field(site: Site) -> None:
    key = await site.key("console:read")
    asked = {"before": "0001-01-01T00:00:00+23:59"}
    assert (await site.client.get("/v1/incidents", params=asked, headers=key)).status_code == 422


async def test_the_timeline_gives_the_reason_for_each_pick_and_non_pick(site: Site) -> None:
    bodies = [
        a_body(phone=phone(60), birth_date="2020-01-01", position={"lat": PLACE.lat, "lon": PLACE.lon}),
        a_body(phone=phone(61), consent=[]),
        a_body(phone=phone(62), skills=[]),
    ]
    registrar = await site.key("volunteers:write")
    young, silent, unskilled = [
        (await site.client.post("/v1/volunteers", json=body, headers=registrar)).json()["volunteer_id"]
        for body in bodies
    ]
    incident = await site.scene.incident()
    key = await site.key("console:read")
    told = (await site.client.get(f"/v1/incidents/{incident.id}/timeline", headers=key)).json()
    assert told["moments"][0]["what"] == "incident.opened"
    (search,) = [moment["detail"] for moment in told["moments"] if moment["what"] == "search.round"][:1]
    why = {one["volunteer_id"]: one["why"] for one in search["passed_over"]}
    assert why == {young: ["not eligible"], silent: ["not eligible"], unskilled: ["skill"]}
    assert {one["volunteer_id"] for one in search["picked"]} == {str(who) for who in site.scene.people}
    kinds = [moment["what"] for moment in told["moments"]]
    assert kinds.index("search.round") < kinds.index("offer.extended")
    assert told["people"][str(site.scene.people[0])] == "Ada 0"


async def test_an_event_that_cannot_be_read_keeps_its_place_in_the_timeline_and_hides_no_other(
    site: Site,
) -> None:
    incident = await site.scene.incident()
    await site.scene.uow.pool.execute("UPDATE journal SET body = '{}' WHERE type = 'offer.extended.v1'")
    key = await site.key("console:read")
    told = (await site.client.get(f"/v1/incidents/{incident.id}/timeline", headers=key)).json()
    kinds = [moment["what"] for moment in told["moments"]]
    assert kinds[:3] == ["incident.opened", "search.round", "offer.extended"]
    assert told["moments"][2]["detail"] == {"unreadable": True, "seq": 2}


async def test_an_act_is_done_in_the_name_of_the_keys_holder(site: Site) -> None:
    incident = await site.scene.incident()
    key = await site.key("console:act", holder="Cdt Ada Martin")
    url = f"/v1/incidents/{incident.id}"
    response = await site.client.post(f"{url}/takeover", json={"reason": "by_phone"}, headers=key)
    assert response.status_code == 200
    assert response.json()["status"] == "taken_over"
    assert (await site.scene.read(incident.id)).taken_by == "Cdt Ada Martin"
    assert (await site.client.post(f"{url}/give-back", headers=key)).json()["status"] == "open"
    assert (await site.client.post(f"{url}/hold", headers=key)).json()["status"] == "held"
    assert (await site.client.post(f"{url}/resume", headers=key)).json()["status"] == "open"
    assert (await site.client.post(f"{url}/escalate", headers=key)).status_code == 200
    assert (await site.client.post(f"{url}/abort", headers=key)).json()["status"] == "aborted"
    assert (await site.client.post(f"{url}/close", headers=key)).json()["status"] == "closed"


async def test_an_act_that_the_status_forbids_is_a_conflict(site: Site) -> None:
    incident = await site.scene.incident()
    key = await site.key("console:act")
    for what in ("resume", "give-back", "confirm"):
        response = await site.client.post(f"/v1/incidents/{incident.id}/{what}", headers=key)
        assert response.status_code == 409, what
        fields(response)


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/v1/incidents/{}/explode", None, "what"),
        ("/v1/incidents/nonsense/abort", None, "incident_id"),
        ("/v1/incidents/{}/abort", {"reason": "Madame Martin, 3e étage"}, "reason"),
    ],
)
async def test_an_act_without_sense_is_refused_by_field(
    site: Site, path: str, body: dict[str, str] | None, field: str
) -> None:
    incident = await site.scene.incident()
    key = await site.key("console:act")
    response = await site.client.post(path.format(incident.id), headers=key, json=body)
    assert response.status_code == 422
    assert fields(response) == {field}


async def test_an_escalation_is_acknowledged_once_it_is_seen(site: Site) -> None:
    incident = await site.scene.incident()
    await site.scene.act(incident.id, "escalate")
    key = await site.key("console:act", holder="Ada")
    (escalation,) = (await site.client.get("/v1/escalations", headers=key)).json()
    url = f"/v1/escalations/{escalation['id']}/acknowledge"
    assert (await site.client.post(url, headers=key)).status_code == 204
    (after,) = (await site.client.get("/v1/escalations", headers=key)).json()
    assert (after["status"], after["acknowledged_by"]) == ("acknowledged", "Ada")
    await site.scene.act(incident.id, "close")
    assert (await site.client.post(url, headers=key)).status_code == 409
    assert (await site.client.get("/v1/escalations", headers=key)).json() == []


async def test_an_escalation_of_the_system_is_settled_for_good_and_may_be_raised_anew(site: Site) -> None:
    uow, organisation = site.scene.uow, site.scene.organisation
    cause = Cause("gateway:sms", 2, page=True)

    async def trouble() -> dict[str, Any]:
        subject = escalations.system_of(organisation)
        async with transaction(uow.pool) as connection:
            await escalations.escalate(connection, organisation, "system", subject, cause, site.scene.now)
        (told,) = (await site.client.get("/v1/escalations", headers=key)).json()
        return dict(told)

    key = await site.key("console:act", holder="Ada")
    first = await trouble()
    url = f"/v1/escalations/{first['id']}"
    for _ in range(2):
        assert (await site.client.post(f"{url}/settle", headers=key)).status_code == 204
    assert (await site.client.get("/v1/escalations", headers=key)).json() == []
    assert (await site.client.post(f"{url}/acknowledge", headers=key)).status_code == 409
    bodies = await uow.pool.fetch("SELECT body FROM journal WHERE type = 'escalation.resolved.v1'")
    assert [b"settled by Ada" in row["body"] for row in bodies] == [True]
    assert await uow.pool.fetch("SELECT FROM agenda WHERE subject_kind = 'system'") == []
    assert (await trouble())["id"] != first["id"]


async def test_a_settlement_that_is_sent_again_under_its_key_is_answered_as_before(site: Site) -> None:
    key = await site.key("console:act")
    await site.client.post("/v1/pause", headers=key)
    (told,) = (await site.client.get("/v1/escalations", headers=key)).json()
    url, headers = f"/v1/escalations/{told['id']}/settle", key | {"Idempotency-Key": "settle-1"}
    assert (await site.client.post(url, headers=headers)).status_code == 204
    again = await site.client.post(url, headers=headers)
    assert (again.status_code, again.headers.get("Idempotency-Replayed")) == (204, "true")


async def test_an_incidents_escalation_is_settled_on_the_incident_alone(site: Site) -> None:
    incident = await site.scene.incident()
    await site.scene.act(incident.id, "escalate")
    key = await site.key("console:act")
    (told,) = (await site.client.get("/v1/escalations", headers=key)).json()
    refused = await site.client.post(f"/v1/escalations/{told['id']}/settle", headers=key)
    assert refused.status_code == 409
    assert "close it" in refused.json()["detail"]
    assert (await site.client.get("/v1/escalations", headers=key)).json() == [told]


async def test_a_pause_stops_new_offers_until_it_ends(site: Site) -> None:
    key = await site.key("console:act")
    assert (await site.client.post("/v1/pause", headers=key)).status_code == 204
    assert not (await site.scene.incident()).offers
    (told,) = (await site.client.get("/v1/escalations", headers=key)).json()
    assert (told["reason"], told["subject_kind"]) == ("paused", "system")
    assert (await site.client.post("/v1/resume", headers=key)).status_code == 204
    assert (await site.scene.incident()).offers


async def test_the_duty_order_is_replaced_as_a_whole(site: Site) -> None:
    key = await site.key("console:act")
    contacts = [
        {"name": "Ada", "phone": "06 39 98 00 01"},
        {"name": "Bob", "phone": phone(2), "drills": True},
    ]
    assert (await site.client.put("/v1/duty-contacts", json=contacts, headers=key)).status_code == 204
    (first, second) = (await site.client.get("/v1/duty-contacts", headers=key)).json()
    assert (first["phone"], first["drills"], second["name"]) == (phone(1), False, "Bob")
    bad = await site.client.put("/v1/duty-contacts", json=[{"name": "Ada", "phone": "1234"}], headers=key)
    assert bad.status_code == 422
    assert fields(bad) == {"0.phone"}


# Volunteers


async def test_volunteers_are_registered_changed_and_erased(site: Site) -> None:
    key = await site.key("volunteers:write", "console:read")
    created = await site.client.post("/v1/volunteers", json=a_body(), headers=key)
    assert created.status_code == 201
    url = f"/v1/volunteers/{created.json()['volunteer_id']}"
    assert (await site.client.patch(url, json={"availability": "on_call"}, headers=key)).status_code == 204
    there = {"lat": 48.1, "lon": 2.1}
    assert (await site.client.put(f"{url}/position", json=there, headers=key)).status_code == 204
    listed = {
        one["volunteer_id"]: one for one in (await site.client.get("/v1/volunteers", headers=key)).json()
    }
    assert listed[created.json()["volunteer_id"]]["availability"] == "on_call"
    assert (await site.client.delete(url, headers=key)).status_code == 204
    assert (await site.client.delete(url, headers=key)).status_code == 404
    assert len((await site.client.get("/v1/volunteers", headers=key)).json()) == 3


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"phone": "12 34"}, "phone"),
        ({"name": ""}, "name"),
        ({"birth_date": "31/01/1990"}, "birth_date"),
        ({"birth_date": "2090-01-31"}, "birth_date"),
        ({"position": {"lat": 102.35, "lon": 48.85}}, "position.lat"),
        ({"consent": ["fax"]}, "consent.0"),
        ({"password": "x"}, "password"),
    ],
)
async def test_a_malformed_volunteer_is_refused_by_field(
    site: Site, changes: dict[str, Any], field: str
) -> None:
    key = await site.key("volunteers:write")
    response = await site.client.post("/v1/volunteers", json=a_body(**changes), headers=key)
    assert response.status_code == 422
    assert fields(response) == {field}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
async def test_a_sheet_is_imported_and_its_bad_lines_are_named(site: Site, encoding: str) -> None:
    key = await site.key("volunteers:write", "console:read") | {"Content-Type": "text/csv"}
    sheet = SHEET + f"Zoé,{phone(70)},fr,first_aid;aed,48.85,2.35,1990-01-31,sms,available\nBob,12,,,,,,,\n"
    response = await site.client.post("/v1/volunteers/import", content=sheet.encode(encoding), headers=key)
    assert response.status_code == 200
    assert response.json()["registered"] == 1
    assert {problem["line"] for problem in response.json()["problems"]} == {3}
    names = [one["name"] for one in (await site.client.get("/v1/volunteers", headers=key)).json()]
    assert "Zoé" in names


async def test_a_sheet_of_thousands_is_imported(site: Site) -> None:
    key = await site.key("volunteers:write") | {"Content-Type": "text/csv"}
    lines = [
        f"Volunteer {n},{phone(n)},fr,first_aid,48.85,2.35,1990-01-31,sms,available" for n in range(2000)
    ]
    sheet = SHEET + "\n".join(lines)
    response = await site.client.post("/v1/volunteers/import", content=sheet, headers=key)
    assert response.json() == {"registered": 2000, "problems": []}


@pytest.mark.parametrize("sheet", ["", "nonsense", SHEET + "Bob,12,,,,,,,\n", "\x00\xff"])
async def test_a_sheet_without_a_volunteer_in_it_is_refused(site: Site, sheet: str) -> None:
    key = await site.key("volunteers:write") | {"Content-Type": "text/csv"}
    response = await site.client.post("/v1/volunteers/import", content=sheet.encode("latin-1"), headers=key)
    assert response.status_code == 422
    fields(response)


async def test_a_sheet_that_is_too_large_is_refused(site: Site) -> None:
    key = await site.key("volunteers:write") | {"Content-Type": "text/csv"}
    response = await site.client.post("/v1/volunteers/import", content=b"x" * 9_000_000, headers=key)
    assert response.status_code == 413


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"lat": 148.0, "lon": 2.0}, "lat"),
        ({"lat": 48.0, "lon": 2.0, "recorded_at": "2026-11-22T20:00:00"}, "recorded_at"),
        ({"lat": 48.0, "lon": 2.0, "recorded_at": "0001-01-01T00:00:00+14:00"}, "recorded_at"),
    ],
)
async def test_a_position_without_sense_is_refused_by_field(
    site: Site, body: dict[str, Any], field: str
) -> None:
    key = await site.key("volunteers:write")
    url = f"/v1/volunteers/{site.scene.people[0]}/position"
    response = await site.client.put(url, json=body, headers=key)
    assert response.status_code == 422
    assert fields(response) == {field}


# Answers


async def test_an_answer_by_a_program_fills_a_seat(site: Site) -> None:
    incident = await site.scene.incident()
    offer = await site.scene.offer(0, incident)
    key = await site.key("gateway:app")
    url = f"/v1/offers/{offer.id}/answer"
    response = await site.client.post(url, json={"answer": "accepted"}, headers=key)
    assert response.status_code == 202
    await site.scene.work_replies()
    assert len((await site.scene.read(incident.id)).assignments) == 1
    bad = await site.client.post(url, json={"answer": "perhaps"}, headers=key)
    assert bad.status_code == 422
    assert fields(bad) == {"answer"}


async def test_nobody_is_on_scene_of_a_watch_notice(site: Site) -> None:
    offer = await site.scene.offer(0, await site.scene.incident(watch_plan()))
    key = await site.key("gateway:app")
    url = f"/v1/offers/{offer.id}/answer"
    response = await site.client.post(url, json={"answer": "on_scene"}, headers=key)
    assert response.status_code == 409
    fields(response)


# Gateways


def by_get(site: Site, path: str, values: dict[str, str], key: str) -> Any:  # noqa: ANN401 - awaited by the test
    return site.client.get(f"/v1/gateways/kannel/{path}", params=values | {"key": key})


def by_form(site: Site, path: str, values: dict[str, str], key: str) -> Any:  # noqa: ANN401 - awaited by the test
    headers = {"Authorization": f"Bearer {key}"}
    return site.client.post(f"/v1/gateways/kannel/{path}", data=values, headers=headers)


@pytest.mark.parametrize("call", [by_get, by_form])
async def test_a_gateway_passes_a_text_on_once(site: Site, call: Callable[..., Any]) -> None:
    await site.scene.offer(0)
    key = (await site.key("gateway:kannel"))["Authorization"].removeprefix("Bearer ")
    values = {"id": "k1", "from": phone(0), "text": "OUI", "charset": "UTF-8"}
    for _ in range(2):
        response = await call(site, "inbound", values, key)
        assert (response.status_code, response.content) == (202, b"")
    assert await site.count("replies") == 1


async def test_a_text_from_an_unknown_phone_is_kept(site: Site) -> None:
    key = (await site.key("gateway:kannel"))["Authorization"].removeprefix("Bearer ")
    values = {"id": "k1", "from": phone(99), "text": "OUI", "charset": "UTF-8"}
    assert (await by_get(site, "inbound", values, key)).status_code == 202
    assert (await site.count("inbound_texts"), await site.count("replies")) == (1, 0)


@pytest.mark.parametrize(
    ("path", "values", "field"),
    [
        ("inbound", {"from": phone(0), "text": "OUI"}, "id"),
        ("inbound", {"id": "1", "from": phone(0), "text": "OUI", "charset": "UTF-16BE"}, "charset"),
        ("receipts", {"message": "nonsense", "status": "1"}, "message"),
        ("receipts", {"message": ANY, "status": "x"}, "status"),
    ],
)
async def test_what_a_gateway_garbles_is_parked_and_not_asked_for_again(
    site: Site, path: str, values: dict[str, str], field: str
) -> None:
    key = (await site.key("gateway:kannel"))["Authorization"].removeprefix("Bearer ")
    response = await by_get(site, path, values, key)
    assert (response.status_code, response.content) == (202, b"")
    reason = await site.scene.uow.pool.fetchval("SELECT reason FROM parking")
    assert reason.startswith(f"{field}: ")


async def test_a_receipt_of_a_message_that_is_not_ours_is_no_error(site: Site) -> None:
    key = (await site.key("gateway:kannel"))["Authorization"].removeprefix("Bearer ")
    response = await by_get(site, "receipts", {"message": str(uuid4()), "status": "1", "reply": ""}, key)
    assert response.status_code == 202


async def test_a_wrong_key_in_the_query_is_refused(site: Site) -> None:
    assert (await by_get(site, "inbound", {}, "rk_nonsense")).status_code == 401
    other = (await site.key("gateway:other"))["Authorization"].removeprefix("Bearer ")
    assert (await by_get(site, "inbound", {}, other)).status_code == 403


# The volunteer's page


async def press(site: Site, link: str, answer: str) -> httpx.Response:
    response = await site.client.post(link, data={"answer": answer})
    await site.scene.work_replies()
    return response


async def test_the_page_shows_what_where_and_until_when(site: Site) -> None:
    response = await site.client.get(await site.link())
    assert response.status_code == 200
    for shown in ("Essai", "50 m", f"geo:{PLACE.lat:.5f},{PLACE.lon:.5f}", "21:01:00", "Je viens"):
        assert shown in response.text
    assert response.headers["Referrer-Policy"] == "no-referrer"
    assert response.headers["Cache-Control"] == "no-store"
    english = await site.client.get(f"{response.url.path}?lang=en")
    assert "I am coming" in english.text


async def test_the_page_is_set_as_its_language_is(site: Site) -> None:
    link = await site.link()
    french, english = [(await site.client.get(f"{link}?lang={lang}")).text for lang in ("fr", "en")]
    assert "<p>Où\u00a0: à 50 m," in french
    assert "<p>Répondre avant\u00a0: <strong>" in french
    assert "<p>Where: 50 m away," in english
    assert "<p>Answer before: <strong>" in english
    assert "<h1>Essai</h1>" in french


async def test_opening_the_page_answers_nothing(site: Site) -> None:
    link = await site.link()
    for path in (link, f"{link}?answer=accepted"):
        await site.client.get(path)
    assert await site.count("replies") == 0


async def test_the_page_follows_the_volunteer_from_yes_to_done(site: Site) -> None:
    incident = await site.scene.incident()
    link = await site.link(0, incident)
    received = await press(site, link, "accepted")
    assert "Réponse bien reçue" in received.text
    assert 'http-equiv="refresh" content="2;' in received.text
    assigned = (await site.client.get(link)).text
    assert "On vous attend" in assigned
    assert "Réponse bien reçue" not in assigned
    for answer, button in (("en_route", "Je suis sur place"), ("on_scene", "J&#39;ai terminé")):
        await press(site, link, answer)
        assert button in (await site.client.get(link)).text
    await press(site, link, "released")
    done = (await site.client.get(link)).text
    assert "C&#39;est terminé pour vous" in done
    assert "<form" not in done
    assert "refresh" not in done


async def test_a_no_may_be_taken_back(site: Site) -> None:
    link = await site.link()
    await press(site, link, "declined")
    assert "Vous ne venez pas" in (await site.client.get(link)).text
    await press(site, link, "accepted")
    assert "On vous attend" in (await site.client.get(link)).text


async def test_a_hold_stands_above_all_else_until_it_is_seen(site: Site, clock: MovableClock) -> None:
    incident = await site.scene.incident()
    link = await site.link(0, incident)
    await press(site, link, "accepted")
    await site.scene.act(incident.id, "hold")
    held = (await site.client.get(link)).text
    assert held.index("ATTENDEZ") < held.index("<h1>")
    assert "J&#39;ai vu ce message" in held
    assert "Je pars" not in held
    clock.advance(1)
    await press(site, link, "acknowledged")
    seen = (await site.client.get(link)).text
    assert "ATTENDEZ" in seen
    assert "J&#39;ai vu ce message" not in seen
    await site.scene.act(incident.id, "resume")
    assert "Je pars" in (await site.client.get(link)).text


async def test_a_hold_that_is_over_has_not_to_be_seen(site: Site) -> None:
    incident = await site.scene.incident()
    link = await site.link(0, incident)
    await site.scene.act(incident.id, "hold")
    await site.scene.act(incident.id, "resume")
    text = (await site.client.get(link)).text
    assert "J&#39;ai vu ce message" not in text
    assert "ATTENDEZ" not in text


async def test_an_abort_leaves_nothing_but_the_warning(site: Site) -> None:
    incident = await site.scene.incident()
    link = await site.link(0, incident)
    await site.scene.act(incident.id, "abort")
    aborted = (await site.client.get(link)).text
    assert aborted.index("APPROCHEZ PAS") < aborted.index("<h1>")
    assert aborted.count("<form") == 1
    assert "geo:" not in aborted


async def test_danger_holds_everybody(site: Site) -> None:
    incident = await site.scene.incident()
    link = await site.link(0, incident)
    await press(site, link, "accepted")
    await press(site, link, "danger")
    assert (await site.scene.read(incident.id)).status == "held"


async def test_a_watch_notice_tells_no_place_and_sends_nobody(site: Site) -> None:
    incident = await site.scene.incident(watch_plan())
    link = await site.link(0, incident)
    text = (await site.client.get(link)).text
    assert "geo:" not in text
    assert "Je viens" not in text
    assert "Restez chez vous" in text
    assert (await site.client.post(link, data={"answer": "en_route"})).status_code == 422
    await press(site, link, "accepted")
    assert "Je pars" not in (await site.client.get(link)).text


async def test_an_exercise_says_so(site: Site) -> None:
    incident = await site.scene.incident(mode="exercise")
    assert "<h1>[EXERCICE] Essai</h1>" in (await site.client.get(await site.link(0, incident))).text


async def test_after_the_window_the_page_still_takes_a_yes(site: Site, clock: MovableClock) -> None:
    link = await site.link()
    clock.advance(120)
    assert "Je viens" in (await site.client.get(link)).text
    assert "Réponse bien reçue" in (await site.client.post(link, data={"answer": "accepted"})).text


async def test_an_answer_that_does_not_exist_is_not_stored(site: Site) -> None:
    link = await site.link()
    for data in ({"answer": "perhaps"}, {"reply": "accepted"}, {}):
        response = await site.client.post(link, data=data)
        assert response.status_code == 422
        assert "text/html" in response.headers["content-type"]
    assert await site.count("replies") == 0


async def test_forged_revoked_and_over_old_tokens_look_the_same(site: Site, clock: MovableClock) -> None:
    incident = await site.scene.incident()
    revoked, old = await site.link(0, incident), await site.link(1, incident)
    await tokens.revoke(site.scene.uow, (await site.scene.offer(0, incident)).id)
    await site.scene.act(incident.id, "close")
    clock.advance(timedelta(hours=25).total_seconds())
    pages = [
        await site.client.request(method, path, data={"answer": "accepted"})
        for method in ("GET", "POST")
        for path in (revoked, old, "/a/" + "A" * 17, "/a/x", "/a/%00", "/a/" + "é" * 17)
    ]
    assert {page.status_code for page in pages} == {404}
    assert len({page.text for page in pages}) == 1
    assert "plus valable" in pages[0].text
    assert "no longer valid" in pages[0].text
    assert "Essai" not in pages[0].text
    assert await site.count("replies") == 0


# Writing once


async def test_a_write_with_an_idempotency_key_is_done_once(site: Site) -> None:
    key = await site.key("gateway:app") | {"Idempotency-Key": "once"}
    offer = await site.scene.offer(0)
    url = f"/v1/offers/{offer.id}/answer"
    first = await site.client.post(url, json={"answer": "accepted"}, headers=key)
    second = await site.client.post(url, json={"answer": "accepted"}, headers=key)
    assert (second.status_code, second.json()) == (202, first.json())
    assert second.headers["Idempotency-Replayed"] == "true"
    assert await site.count("replies") == 1
    other = await site.client.post(url, json={"answer": "declined"}, headers=key)
    assert other.status_code == 409
    fields(other)


async def test_a_refused_write_may_be_tried_again_with_its_key(site: Site) -> None:
    incident = await site.scene.incident()
    key = await site.key("console:act") | {"Idempotency-Key": "again"}
    url = f"/v1/incidents/{incident.id}/resume"
    assert (await site.client.post(url, headers=key)).status_code == 409
    await site.scene.act(incident.id, "hold")
    assert (await site.client.post(url, headers=key)).status_code == 200


async def test_two_callers_may_choose_the_same_idempotency_key(site: Site) -> None:
    for holder in ("codis", "mairie"):
        key = await site.key("reports:write", holder=holder) | {"Idempotency-Key": "same"}
        response = await site.client.post("/v1/reports", json=a_report(site), headers=key)
        assert "Idempotency-Replayed" not in response.headers
    assert await site.count("reports") == 2


async def test_an_idempotency_key_does_not_open_what_the_key_may_not(site: Site) -> None:
    headers = await site.key("console:read") | {"Idempotency-Key": "x"}
    assert (await site.client.post("/v1/pause", headers=headers)).status_code == 403
    assert (await site.client.post("/v1/pause", headers={"Idempotency-Key": "x"})).status_code == 401


# When things are away


async def test_without_a_database_nothing_is_accepted_and_the_caller_is_told_when_to_come_back(
    database: str, clock: MovableClock
) -> None:
    pool = await open_pool(database, application="tests", size=2)
    uow = UnitOfWork(pool, clock)
    state = {"postgres": False, "kafka": True}
    async with serving(uow, state) as client:
        site = Site(await Scene.open(uow), client, state)
        key = await site.key("reports:write")
        link = await site.link()
        await pool.close()
        response = await client.post("/v1/reports", json=a_report(site), headers=key)
        assert response.status_code == 503
        assert int(response.headers["Retry-After"]) > 0
        fields(response)
        for method in ("GET", "POST"):
            page = await client.request(method, link, data={"answer": "accepted"})
            assert page.status_code == 503
            assert "Un instant" in page.text
        assert (await client.get("/healthz")).status_code == 200
        assert (await client.get("/readyz")).status_code == 503


async def test_a_process_is_ready_when_all_that_it_needs_works(site: Site) -> None:
    assert (await site.client.get("/readyz")).status_code == 200
    site.state["kafka"] = False
    response = await site.client.get("/readyz")
    assert (response.status_code, response.json()) == (503, {"postgres": True, "kafka": False})


# What is told to nobody


async def test_no_log_and_no_metric_holds_a_token_a_key_or_a_number(site: Site) -> None:
    structlog.reset_defaults()
    with capture_logs() as logs:
        link = await site.link()
        await site.client.get(link)
        await site.client.post(link, data={"answer": "accepted"})
        key = (await site.key("gateway:kannel"))["Authorization"].removeprefix("Bearer ")
        values = {"id": "k1", "from": phone(0), "text": "peut-être", "charset": "UTF-8"}
        await by_get(site, "inbound", values, key)
        await site.client.get(f"/nowhere/{key}")
    metrics = (await site.client.get("/metrics")).text
    assert "renfort_http_seconds" in metrics
    assert len([line for line in logs if line["event"] == "request"]) >= 4
    for secret in (link.removeprefix("/a/"), key, phone(0), "peut-être"):
        assert secret not in repr(logs)
        assert secret not in metrics


async def test_what_is_not_there_is_a_problem_too(site: Site) -> None:
    for method, path, status in (
        ("GET", "/nowhere", 404),
        ("DELETE", "/v1/reports", 405),
        ("GET", "/docs", 404),
    ):
        response = await site.client.request(method, path)
        assert response.status_code == status
        fields(response)


def test_the_committed_openapi_document_is_the_current_one() -> None:
    assert OPENAPI.read_text() == current(), "run: python -m tests.contract.openapi > docs/openapi.yaml"


def test_every_route_but_the_open_ones_asks_for_a_key() -> None:
    uow = UnitOfWork(None, MovableClock(START))  # type: ignore[arg-type]
    paths = build(uow, secret=b"", readiness=dict).openapi()["paths"]
    unguarded = {
        path for path, methods in paths.items() for method in methods.values() if "security" not in method
    }
    assert unguarded == {"/a/{token}", "/healthz", "/readyz", "/metrics"}


def test_no_request_waits_for_a_thread() -> None:
    called = {call for route in reference.routes() for call in _called(route.dependant)}
    assert [call for call in called if not iscoroutinefunction(call)] == []


def _called(dependant: Dependant) -> Iterator[Callable[..., Any]]:
    call = dependant.call
    if call is not None:
        yield call.__call__ if isinstance(call, HTTPBearer) else call
    for inner in dependant.dependencies:
        yield from _called(inner)
