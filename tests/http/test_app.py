"""The application as a whole: its document, its guards, its log, and unknown routes."""

from collections.abc import Callable, Iterator
from inspect import isasyncgenfunction, iscoroutinefunction
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
import structlog
from fastapi.dependencies.models import Dependant
from fastapi.security import HTTPBearer
from structlog.testing import capture_logs

from dispatch.clock import MovableClock
from dispatch.services.access import keys
from dispatch.services.core.errors import SenderError
from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.services.intake import submitting
from dispatch.services.messaging.gateway_registry import GatewayRegistry
from producers.http.app import build
from tests.conftest import START
from tests.documents import reference
from tests.documents.openapi import current
from tests.http.site import Site, call_by_get, problem_fields
from tests.support.scene import phone

OPENAPI = Path(__file__).parents[2] / "docs" / "openapi.yaml"


async def test_no_log_and_no_metric_contains_a_token_a_key_or_a_phone_number(site: Site) -> None:
    structlog.reset_defaults()
    with capture_logs() as logs:
        link = await site.link()
        await site.client.get(link)
        await site.client.post(link, data={"answer": "accepted"})
        key = await site.gateway_key()
        values = {"id": "k1", "from": phone(0), "text": "peut-être", "charset": "UTF-8"}
        await call_by_get(site, "inbound", values, key)
        await site.client.get(f"/nowhere/{key}")
    metrics = (await site.client.get("/metrics")).text
    assert "renfort_http_seconds" in metrics
    assert len([line for line in logs if line["event"] == "request"]) >= 4
    for secret in (link.removeprefix("/a/"), key, phone(0), "peut-être"):
        assert secret not in repr(logs)
        assert secret not in metrics


async def test_the_log_says_which_key_and_from_where_for_every_read_and_refusal(site: Site) -> None:
    structlog.reset_defaults()
    reader, other = await site.key("console:read"), await site.key("reports:write")
    revoked = await site.key("console:read")
    incident = await site.scene.incident()
    link, unknown = await site.link(0, incident), f"/v1/incidents/{UUID(int=1)}"
    await keys.revoke(site.scene.uow, site.scene.organisation, public(revoked))
    forged = {"Authorization": "Bearer rk_0123456789ab_" + "0" * 40}
    large = other | {"Content-Length": "70000"}
    with capture_logs() as logs:
        for method, path, headers in (
            ("GET", "/v1/volunteers", reader),
            ("GET", unknown, reader),
            ("GET", "/v1/volunteers", other),
            ("GET", "/v1/volunteers", revoked),
            ("GET", "/v1/volunteers", forged),
            ("GET", "/v1/volunteers", {}),
            ("POST", "/v1/reports", large),
            ("GET", link, {}),
            ("GET", "/a/" + "A" * 17, {}),
        ):
            await site.client.request(method, path, headers=headers)
    lines = [line for line in logs if line["event"] == "request"]
    assert [(line["status"], line["log_level"]) for line in lines] == [
        (200, "info"), (404, "warning"), (403, "warning"), (401, "warning"), (401, "warning"), (401, "warning"),
        (413, "warning"), (200, "info"), (404, "warning"),
    ]  # fmt: skip
    assert {line["client"] for line in lines} == {"127.0.0.1"}
    assert [line.get("key") for line in lines[:4]] == [public(reader), public(reader), public(other), None]
    assert lines[6].get("key") == public(other)
    assert [line.get("presented_id") for line in lines[3:6]] == [public(revoked), "0123456789ab", None]
    assert lines[7]["offer_id"] == str((await site.scene.offer(0, incident)).id)
    assert not {"key", "presented_id", "offer_id"} & set(lines[8])


def public(headers: dict[str, str]) -> str:
    """Return the public id of the key in a header."""
    return headers["Authorization"].split("_")[1]


@pytest.mark.parametrize(
    ("path", "status"),
    [("/v1/volunteers", 200), ("/v1/incidents", 200), ("/v1/reports", 405), ("/nowhere", 404), ("/a/x", 404)],
)
async def test_no_cache_stores_and_no_browser_guesses_a_response(site: Site, path: str, status: int) -> None:
    for headers in ({}, await site.key("admin")):
        response = await site.client.get(path, headers=headers)
        assert response.headers["Cache-Control"] == "no-store"
        assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.status_code == status


async def test_unknown_routes_and_methods_get_problem_documents(site: Site) -> None:
    for method, path, status in (
        ("GET", "/nowhere", 404),
        ("DELETE", "/v1/reports", 405),
        ("GET", "/docs", 404),
    ):
        response = await site.client.request(method, path)
        assert response.status_code == status
        problem_fields(response)


def test_the_committed_openapi_document_is_current() -> None:
    assert OPENAPI.read_text() == current(), "run: python -m tests.documents.openapi > docs/openapi.yaml"


def test_every_route_but_the_open_ones_requires_a_key() -> None:
    uow = UnitOfWork(None, MovableClock(START))  # type: ignore[arg-type]
    paths = build(uow, gateways=GatewayRegistry(()), secret=b"", readiness=dict).openapi()["paths"]
    unguarded = {
        path for path, methods in paths.items() for method in methods.values() if "security" not in method
    }
    assert unguarded == {"/a/{token}", "/a/{token}/why", "/healthz", "/readyz", "/metrics"}


def test_no_dependency_or_route_runs_in_a_thread() -> None:
    called = {call for route in reference.routes() for call in _called(route.dependant)}
    assert [call for call in called if not (iscoroutinefunction(call) or isasyncgenfunction(call))] == []


def _called(dependant: Dependant) -> Iterator[Callable[..., Any]]:
    call = dependant.call
    if call is not None:
        yield call.__call__ if isinstance(call, HTTPBearer) else call
    for inner in dependant.dependencies:
        yield from _called(inner)


class NewlyDefinedError(SenderError):
    """An error of the sender that the table of problem documents does not list."""


async def test_an_unlisted_error_of_the_sender_is_not_reported_as_ours(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def reject(*_: object, **__: object) -> None:
        raise NewlyDefinedError("send less")

    monkeypatch.setattr(submitting, "status", reject)
    key = await site.key("console:read")
    response = await site.client.get(f"/v1/reports/{uuid4()}", headers=key)
    assert (response.status_code, response.json()["detail"]) == (400, "send less")
    assert problem_fields(response) == set()
