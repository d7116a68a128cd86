"""Reports over HTTP: what is accepted, and how invalid input is rejected."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from dispatch.services.intake import admission
from tests.http.site import Site, problem_fields, report_body


async def test_a_report_is_accepted_and_can_be_followed(site: Site) -> None:
    key = await site.key("reports:write", holder="codis")
    response = await site.client.post("/v1/reports", json=report_body(site), headers=key)
    assert response.status_code == 202
    body = response.json()
    assert body["status_url"] == f"/v1/reports/{body['report_id']}"
    assert "112" in body["advice"]["en"]
    followed = (await site.client.get(body["status_url"], headers=key)).json()
    assert (followed["source"], followed["source_id"], followed["incident_id"]) == ("codis", "call-1", None)


async def test_no_advice_is_needed_where_professionals_were_called(site: Site) -> None:
    key = await site.key("reports:write")
    called = report_body(site, professional={"requested": True, "reference": "C-1"})
    assert (await site.client.post("/v1/reports", json=called, headers=key)).json()["advice"] is None


async def test_an_update_that_says_nothing_of_the_professionals_repeats_no_advice(site: Site) -> None:
    key = await site.key("reports:write")
    called = report_body(site, professional={"requested": True, "reference": "C-1"})
    await site.client.post("/v1/reports", json=called, headers=key)
    update = report_body(site, id="call-2", updates="call-1")
    assert (await site.client.post("/v1/reports", json=update, headers=key)).json()["advice"] is None
    unsaid = report_body(site, id="call-3", updates="call-1", professional={"requested": False})
    assert "112" in (await site.client.post("/v1/reports", json=unsaid, headers=key)).json()["advice"]["en"]


async def test_the_same_report_twice_has_the_same_answer(site: Site) -> None:
    key = await site.key("reports:write")
    first = await site.client.post("/v1/reports", json=report_body(site), headers=key)
    second = await site.client.post("/v1/reports", json=report_body(site), headers=key)
    assert (first.status_code, first.json()) == (second.status_code, second.json())
    assert await site.count("reports") == 1


async def test_a_routine_report_gets_429_under_overload_and_the_same_request_works_later(
    site: Site,
) -> None:
    key = await site.key("reports:write")
    once = key | {"Idempotency-Key": "k-1"}
    await site.scene.uow.pool.execute(
        "INSERT INTO reports (id, organisation, mode, source, source_id, channel, content_hash, received_at)"
        " SELECT gen_random_uuid(), $1, 'actual', 'storm', n, 'http', '', $2 FROM generate_series(1, 20) n",
        site.scene.organisation, site.scene.now - timedelta(seconds=1),
    )  # fmt: skip
    routine = report_body(site, severity="routine")
    refused = await site.client.post("/v1/reports", json=routine, headers=once)
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "6")
    assert problem_fields(refused) == set()
    for number, severity in enumerate(("urgent", "life_threatening")):
        severe = report_body(site, id=f"call-{number}", severity=severity)
        assert (await site.client.post("/v1/reports", json=severe, headers=key)).status_code == 202
    await site.scene.uow.pool.execute("UPDATE reports SET incident_id = id WHERE source = 'storm'")
    site.scene.uow.clock.advance(1)  # type: ignore[attr-defined]
    accepted = await site.client.post("/v1/reports", json=routine | {"id": "call-9"}, headers=key)
    again = await site.client.post("/v1/reports", json=routine | {"id": "call-9"}, headers=once)
    assert (accepted.status_code, again.status_code) == (202, 202)


async def test_a_routine_report_over_a_slow_connection_is_accepted_while_nothing_waits(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admission, "SLOW_S", 0.2)
    headers = await site.key("reports:write") | {"Content-Type": "application/json"}
    body = json.dumps(report_body(site, severity="routine")).encode()

    async def slowly() -> AsyncIterator[bytes]:
        yield body[:10]
        await asyncio.sleep(0.3)
        yield body[10:]

    assert (await site.client.post("/v1/reports", content=slowly(), headers=headers)).status_code == 202


async def test_another_report_under_the_same_id_is_a_conflict(site: Site) -> None:
    key = await site.key("reports:write")
    await site.client.post("/v1/reports", json=report_body(site), headers=key)
    response = await site.client.post("/v1/reports", json=report_body(site, severity="urgent"), headers=key)
    assert response.status_code == 409
    problem_fields(response)
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
async def test_a_malformed_report_is_rejected_by_field(
    site: Site, changes: dict[str, Any], field: str
) -> None:
    key = await site.key("reports:write")
    body = report_body(site, severity="urgent") | changes
    response = await site.client.post("/v1/reports", json=body, headers=key)
    assert response.status_code == 422
    assert problem_fields(response) == {field}
    assert await site.count("reports") == 0


async def test_swapped_coordinates_get_a_hint(site: Site) -> None:
    key = await site.key("reports:write")
    tokyo = report_body(site, severity="urgent", position={"lat": 139.69, "lon": 35.69})
    response = await site.client.post("/v1/reports", json=tokyo, headers=key)
    assert response.status_code == 422
    assert "swapped" in response.json()["errors"][0]["message"]


async def test_a_report_without_a_position_and_of_an_unknown_kind_is_accepted(site: Site) -> None:
    key = await site.key("reports:write")
    unplaced = report_body(site, position=None, kind="never.seen.before")
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
async def test_a_body_that_is_not_a_report_gets_a_problem(
    site: Site, content: bytes, field: str | None
) -> None:
    headers = await site.key("reports:write") | {"Content-Type": "application/json"}
    response = await site.client.post("/v1/reports", content=content, headers=headers)
    assert response.status_code in (400, 422)
    named = problem_fields(response)
    assert field is None or any(name.startswith(field) for name in named)


async def test_a_body_of_another_content_type_gets_the_right_one_named(site: Site) -> None:
    headers = await site.key("reports:write") | {"Content-Type": "application/x-www-form-urlencoded"}
    response = await site.client.post("/v1/reports", content=b'{"id": "1"}', headers=headers)
    assert response.status_code == 422
    assert "application/json" in response.json()["detail"]


@pytest.mark.parametrize("chunked", [False, True])
async def test_an_oversized_report_is_rejected(site: Site, chunked: bool) -> None:  # noqa: FBT001 - a parameter
    key = await site.key("reports:write")
    huge = b'{"id": "' + b"x" * 70_000 + b'"}'

    async def chunks() -> AsyncIterator[bytes]:
        for start in range(0, len(huge), 1000):
            yield huge[start : start + 1000]

    headers = key | {"Content-Type": "application/json"}
    response = await site.client.post("/v1/reports", content=chunks() if chunked else huge, headers=headers)
    assert response.status_code == 413
    problem_fields(response)


async def test_a_problem_document_does_not_repeat_invalid_values(site: Site) -> None:
    key = await site.key("reports:write")
    secret = report_body(site, severity="urgent", kind="Madame Martin", description=["Madame Martin"])
    response = await site.client.post("/v1/reports", json=secret, headers=key)
    assert response.status_code == 422
    assert "Martin" not in response.text


async def test_concurrent_reports_are_stored_together_and_each_gets_its_own_response(site: Site) -> None:
    key = await site.key("reports:write")
    bodies = [report_body(site, id=f"call {n}") for n in range(10)]
    bodies += [report_body(site, id="call 3"), report_body(site, id="call 4", severity="routine")]
    bodies += [
        report_body(site, id="call 11", severity="urgent", occurred_at="2026-11-22T21:00:00Z"),
        report_body(site, severity="urgent", mode="real"),
    ]
    responses = await asyncio.gather(
        *(site.client.post("/v1/reports", json=body, headers=key) for body in bodies)
    )
    # Which of two requests with one id is the first is not determined.
    assert sorted(response.status_code for response in responses) == [202] * 11 + [409, 422, 422]
    assert {responses[4].status_code, responses[11].status_code} == {202, 409}
    assert responses[10].json()["report_id"] == responses[3].json()["report_id"]
    assert await site.count("reports JOIN journal ON stream = reports.id") == 10
    assert await site.count("(SELECT DISTINCT xmin::text FROM reports) AS transactions") < 10
