"""The roster over HTTP: registration, import, changes, erasure and positions."""

from typing import Any

import pytest

from dispatch.services.core.phone_numbers import NO_TEXTS
from tests.http.site import Site, problem_fields, volunteer_body
from tests.support.scene import phone

CSV_HEADER = "name,phone,language,skills,lat,lon,birth_date,consent,availability\n"


async def test_volunteers_are_registered_changed_and_erased(site: Site) -> None:
    key = await site.key("volunteers:write", "console:read")
    created = await site.client.post("/v1/volunteers", json=volunteer_body(), headers=key)
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


async def test_a_receiver_without_a_position_moves_nobody_to_zero(site: Site) -> None:
    key = await site.key("volunteers:write")
    created = (await site.client.post("/v1/volunteers", json=volunteer_body(), headers=key)).json()
    url = f"/v1/volunteers/{created['volunteer_id']}/position"
    assert (await site.client.put(url, json={"lat": 0, "lon": 0}, headers=key)).status_code == 422
    assert (await site.client.put(url, json={"lat": 0, "lon": 7.5}, headers=key)).status_code == 204


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
async def test_a_malformed_volunteer_is_rejected_by_field(
    site: Site, changes: dict[str, Any], field: str
) -> None:
    key = await site.key("volunteers:write")
    response = await site.client.post("/v1/volunteers", json=volunteer_body(**changes), headers=key)
    assert response.status_code == 422
    assert problem_fields(response) == {field}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
async def test_a_csv_file_is_imported_and_its_invalid_lines_are_reported(site: Site, encoding: str) -> None:
    key = await site.key("volunteers:write", "console:read") | {"Content-Type": "text/csv"}
    sheet = (
        CSV_HEADER + f"Zoé,{phone(70)},fr,first_aid;aed,48.85,2.35,1990-01-31,sms,available\nBob,12,,,,,,,\n"
    )
    response = await site.client.post("/v1/volunteers/import", content=sheet.encode(encoding), headers=key)
    assert response.status_code == 200
    assert response.json()["registered"] == 1
    assert {problem["line"] for problem in response.json()["problems"]} == {3}
    names = [one["name"] for one in (await site.client.get("/v1/volunteers", headers=key)).json()]
    assert "Zoé" in names


async def test_a_csv_file_of_thousands_is_imported(site: Site) -> None:
    key = await site.key("volunteers:write") | {"Content-Type": "text/csv"}
    lines = [
        f"Volunteer {n},{phone(n)},fr,first_aid,48.85,2.35,1990-01-31,sms,available" for n in range(2000)
    ]
    sheet = CSV_HEADER + "\n".join(lines)
    response = await site.client.post("/v1/volunteers/import", content=sheet, headers=key)
    answer = response.json()
    assert (answer["registered"], answer["added"], answer["problems"]) == (2000, 1997, [])


async def test_a_file_may_be_tried_before_it_is_imported(site: Site) -> None:
    key = await site.key("volunteers:write", "console:read") | {"Content-Type": "text/csv"}
    sheet = f"phone,availability,Remarques\n{phone(0)},on_call,x\n"
    url = "/v1/volunteers/import"
    assert problem_fields(await site.client.post(url, content=sheet, headers=key)) == {"header"}
    options: dict[str, str | bool] = {"dry_run": True, "ignore": "Remarques"}
    answer = (await site.client.post(url, content=sheet, headers=key, params=options)).json()
    assert (answer["dry_run"], answer["changed"], answer["fields"]) == (True, 1, {"availability": 1})
    listed = (await site.client.get("/v1/volunteers", headers=key)).json()
    assert {one["availability"] for one in listed} == {"available"}


async def test_a_sync_over_http_needs_a_confirmation_for_more_than_a_tenth(site: Site) -> None:
    key = await site.key("volunteers:write", "console:read") | {"Content-Type": "text/csv"}
    sheet, url = f"phone\n{phone(0)}\n", "/v1/volunteers/import"
    refused = await site.client.post(url, content=sheet, headers=key, params={"sync": True})
    assert (refused.status_code, "2 of 3 people would leave" in refused.json()["detail"]) == (409, True)
    answer = await site.client.post(url, content=sheet, headers=key, params={"sync": True, "yes": True})
    assert answer.json()["left"] == 2
    assert len((await site.client.get("/v1/volunteers", headers=key)).json()) == 1


async def test_a_skill_over_http_has_a_last_day_and_a_landline_is_a_warning(site: Site) -> None:
    key = await site.key("volunteers:write", "console:read")
    body = volunteer_body(
        phone="+33353010001", skills=["aed", {"name": "first_aid", "valid_until": "2027-05-31"}]
    )
    made = (await site.client.post("/v1/volunteers", json=body, headers=key)).json()
    assert made["warnings"] == [f"phone: {NO_TEXTS}"]
    listed = (await site.client.get("/v1/volunteers", headers=key)).json()
    (one,) = [one for one in listed if one["volunteer_id"] == made["volunteer_id"]]
    assert (one["skills"], one["valid_until"]) == (["aed", "first_aid"], {"first_aid": "2027-05-31"})


@pytest.mark.parametrize("sheet", ["", "nonsense", CSV_HEADER + "Bob,12,,,,,,,\n", "\x00\xff"])
async def test_a_csv_file_without_a_valid_volunteer_is_rejected(site: Site, sheet: str) -> None:
    key = await site.key("volunteers:write") | {"Content-Type": "text/csv"}
    response = await site.client.post("/v1/volunteers/import", content=sheet.encode("latin-1"), headers=key)
    assert response.status_code == 422
    problem_fields(response)


async def test_an_import_is_never_parsed_as_json(site: Site) -> None:
    key = await site.key("volunteers:write") | {"Content-Type": "application/json"}
    response = await site.client.post("/v1/volunteers/import", content=b"[1]", headers=key)
    assert (response.status_code, problem_fields(response)) == (422, {"header"})


async def test_a_csv_file_that_is_too_large_is_rejected(site: Site) -> None:
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
async def test_an_invalid_position_is_rejected_by_field(site: Site, body: dict[str, Any], field: str) -> None:
    key = await site.key("volunteers:write")
    url = f"/v1/volunteers/{site.scene.people[0]}/position"
    response = await site.client.put(url, json=body, headers=key)
    assert response.status_code == 422
    assert problem_fields(response) == {field}


async def test_muster_points_are_listed_changed_and_removed(site: Site) -> None:
    key = await site.key("volunteers:write", "console:read")
    url, body = "/v1/muster-points/CIS Barr", {"kind": "station", "lat": 48.4, "lon": 7.4}
    assert (await site.client.put(url, json=body, headers=key)).status_code == 204
    created = await site.client.post("/v1/volunteers", json=volunteer_body(station="CIS Barr"), headers=key)
    assert created.status_code == 201
    (point,) = (await site.client.get("/v1/muster-points", headers=key)).json()
    assert point == {"name": "CIS Barr", "members": 1} | body
    assert (await site.client.delete(url, headers=key)).status_code == 204
    assert (await site.client.delete(url, headers=key)).status_code == 404
    assert (await site.client.put(url, json=body | {"lat": 0, "lon": 0}, headers=key)).status_code == 422
