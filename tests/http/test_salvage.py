"""Life-threatening reports over HTTP that are not valid: accepted, and the response names what was left out."""

import json
from typing import Any

import orjson
import pytest

from tests.http.site import Site, problem_fields, report_body

RUBBISH: tuple[Any, ...] = (
    "", "x" * 3000, "\ud83d", "\0", 1e400, -1, True, [], [[]], {}, {"a": {"b": []}}, ["fire"] * 50, "2026-13-01",
)  # fmt: skip
EVENT = "SELECT body FROM journal WHERE topic = 'incident.reports'"
OPTIONAL = (
    "position", "occurred_at", "mode", "hazards", "professional", "updates", "description", "caller_phone", "kind",
)  # fmt: skip


async def post(site: Site, body: Any, **headers: str) -> Any:  # noqa: ANN401 - JSON
    key = await site.key("reports:write")
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    sent = {"Content-Type": "application/json"} | key | headers
    return await site.client.post("/v1/reports", content=content, headers=sent)


@pytest.mark.parametrize("field", OPTIONAL)
async def test_rubbish_in_any_one_field_never_refuses_it(site: Site, field: str) -> None:
    for number, rubbish in enumerate(RUBBISH):
        body = report_body(site, id=f"call-{number}") | {field: rubbish}
        response = await post(site, body)
        assert response.status_code == 202, (rubbish, response.text)
        assert set(response.json()["dropped"]) <= {field, "unknown_field"}
    assert await site.count("reports") == len(RUBBISH)


async def test_the_response_and_the_event_name_what_was_left_out_and_the_event_repeats_none_of_it(
    site: Site,
) -> None:
    response = await post(site, report_body(site, hazards=["Madame Martin"], victim="Madame Martin"))
    assert (response.status_code, response.json()["dropped"]) == (202, ["hazards", "unknown_field"])
    stored = await site.scene.uow.pool.fetchval(EVENT)
    assert orjson.loads(stored)["dropped"] == ["hazards", "unknown_field"]
    assert b"Martin" not in stored


async def test_a_valid_report_has_nothing_dropped(site: Site) -> None:
    assert (await post(site, report_body(site))).json()["dropped"] == []


@pytest.mark.parametrize(
    "occurred_at", ["2026-11-22T23:00:00Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59Z"]
)
async def test_an_impossible_time_becomes_that_of_acceptance(site: Site, occurred_at: str) -> None:
    body = report_body(site, occurred_at=occurred_at)
    response = await post(site, body)
    assert (response.status_code, response.json()["dropped"]) == (202, ["occurred_at"])
    event = orjson.loads(await site.scene.uow.pool.fetchval(EVENT))
    assert event["at"].startswith(f"{site.scene.now:%Y-%m-%dT%H:%M}")
    again = await post(site, body)
    assert (again.status_code, again.json()) == (202, response.json())


async def test_the_same_rubbish_sent_again_is_the_same_report_and_other_rubbish_is_not(site: Site) -> None:
    body = report_body(site, occurred_at="soon")
    first = await post(site, body)
    site.scene.uow.clock.advance(60)  # type: ignore[attr-defined]
    again, other = await post(site, body), await post(site, body | {"occurred_at": "later"})
    assert (again.json(), other.status_code) == (first.json(), 409)


async def test_an_idempotency_key_works_with_a_report_that_is_not_valid(site: Site) -> None:
    body = report_body(site, occurred_at="soon")
    once = await site.key("reports:write") | {"Idempotency-Key": "k-1"}
    first = await post(site, body, **once)
    site.scene.uow.clock.advance(60)  # type: ignore[attr-defined]
    again = await post(site, body, **once)
    assert (again.status_code, again.json(), again.headers["idempotency-replayed"]) == (
        202,
        first.json(),
        "true",
    )


@pytest.mark.parametrize("broken", [b"caf\xe9", b"half \xf0\x9f", b"line\nend", b"\0"])
async def test_broken_characters_in_the_body_cost_only_themselves(site: Site, broken: bytes) -> None:
    body = json.dumps(report_body(site, description="HERE")).encode().replace(b"HERE", broken)
    response = await post(site, body)
    assert response.status_code == 202, response.text
    assert await site.count("report_texts") == 1


async def test_json_under_another_content_type_is_accepted(site: Site) -> None:
    response = await post(site, report_body(site), **{"Content-Type": "text/plain"})
    assert response.status_code == 202


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({"severity": "grave", "hazards": ["bees"]}, {"severity", "hazards.0"}),
        ({"id": "", "hazards": ["bees"]}, {"id", "hazards.0"}),
        ({"id": None}, {"id"}),
    ],
)
async def test_without_id_or_severity_it_is_rejected_with_every_fault(
    site: Site, changes: dict[str, Any], fields: set[str]
) -> None:
    response = await post(site, report_body(site, **changes))
    assert response.status_code == 422
    assert problem_fields(response) == fields


async def test_a_caller_without_the_scope_is_rejected_whatever_the_body(site: Site) -> None:
    headers = await site.key("console:read")
    response = await site.client.post("/v1/reports", json=report_body(site, mode="real"), headers=headers)
    assert response.status_code == 403
