"""Incidents over HTTP: the list, the details, the timeline, and the acts of supervisors."""

import pytest

from dispatch.clock import MovableClock
from dispatch.storage import incidents as store
from tests.domain.builders import PLACE
from tests.http.site import Site, problem_fields, volunteer_body
from tests.support.scene import phone


async def test_a_supervisor_reads_the_summary_and_the_details_of_an_incident(site: Site) -> None:
    incident = await site.scene.incident()
    key = await site.key("console:read")
    (summary,) = (await site.client.get("/v1/incidents", headers=key)).json()
    assert (summary["id"], summary["needed"], summary["filled"], summary["open_offers"]) == (
        str(incident.id),
        2,
        0,
        3,
    )
    details = (await site.client.get(f"/v1/incidents/{incident.id}", headers=key)).json()
    assert {offer["volunteer_id"] for offer in details["offers"]} == set(details["people"])
    assert "Ada 0" in details["people"].values()
    assert "hold" in details["acts"]


async def test_the_next_page_of_incidents_follows_the_last_one_read(site: Site, clock: MovableClock) -> None:
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


async def test_a_time_before_the_first_year_is_rejected(site: Site) -> None:
    key = await site.key("console:read")
    query = {"before": "0001-01-01T00:00:00+23:59"}
    assert (await site.client.get("/v1/incidents", params=query, headers=key)).status_code == 422


async def test_the_timeline_states_the_reason_for_each_pick_and_non_pick(site: Site) -> None:
    bodies = [
        volunteer_body(
            phone=phone(60), birth_date="2020-01-01", position={"lat": PLACE.lat, "lon": PLACE.lon}
        ),
        volunteer_body(phone=phone(61), consent=[]),
        volunteer_body(phone=phone(62), skills=[]),
    ]
    registrar = await site.key("volunteers:write")
    young, silent, unskilled = [
        (await site.client.post("/v1/volunteers", json=body, headers=registrar)).json()["volunteer_id"]
        for body in bodies
    ]
    incident = await site.scene.incident()
    key = await site.key("console:read")
    timeline = (await site.client.get(f"/v1/incidents/{incident.id}/timeline", headers=key)).json()
    assert timeline["moments"][0]["what"] == "incident.opened"
    (search,) = [moment["detail"] for moment in timeline["moments"] if moment["what"] == "search.round"][:1]
    why = {one["volunteer_id"]: one["why"] for one in search["passed_over"]}
    assert why == {young: ["not eligible"], silent: ["not eligible"], unskilled: ["skill"]}
    members = [str(await site.scene.member(who)) for who in site.scene.people]
    assert {one["volunteer_id"] for one in search["picked"]} == set(members)
    kinds = [moment["what"] for moment in timeline["moments"]]
    assert kinds.index("search.round") < kinds.index("offer.extended")
    assert timeline["people"][members[0]] == "Ada 0"


async def test_an_incident_that_only_a_newer_version_reads_is_no_internal_error(site: Site) -> None:
    incident = await site.scene.incident()
    await site.scene.uow.pool.execute(
        "UPDATE plans SET generation = 99, body = body || jsonb_build_object('professional', 'a_new_member')"
    )
    store._PLANS.clear()  # noqa: SLF001 - plans are read once per process
    key = await site.key("console:read")
    answer = await site.client.get(f"/v1/incidents/{incident.id}", headers=key)
    assert (answer.status_code, "upgrade" in answer.json()["detail"]) == (503, True)
    assert answer.headers["retry-after"] == "2"


async def test_an_unreadable_event_stands_in_the_timeline_and_hides_no_other(
    site: Site,
) -> None:
    incident = await site.scene.incident()
    await site.scene.uow.pool.execute("UPDATE journal SET body = '{}' WHERE type = 'offer.extended.v2'")
    key = await site.key("console:read")
    timeline = (await site.client.get(f"/v1/incidents/{incident.id}/timeline", headers=key)).json()
    kinds = [moment["what"] for moment in timeline["moments"]]
    assert kinds[:3] == ["incident.opened", "search.round", "offer.extended"]
    assert timeline["moments"][2]["detail"] == {"unreadable": True, "seq": 2}


async def test_an_act_is_recorded_under_the_name_of_the_keys_holder(site: Site) -> None:
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


async def test_an_incident_is_reinforced_once_however_often_the_act_is_sent(site: Site) -> None:
    incident = await site.scene.incident()
    key = await site.key("console:act", holder="Cdt Ada Martin") | {"Idempotency-Key": "more"}
    url, role = f"/v1/incidents/{incident.id}/reinforce", incident.seats[0].role
    for _ in range(2):
        response = await site.client.post(url, json={"role": role, "count": 2}, headers=key)
        assert response.status_code == 200
    assert len((await site.scene.read(incident.id)).seats) == len(incident.seats) + 2


@pytest.mark.parametrize(
    ("act", "body"),
    [("reinforce", {}), ("reinforce", {"role": "helper"}), ("hold", {"role": "helper", "count": 1})],
)
async def test_a_role_and_a_count_are_for_the_act_that_needs_them(
    site: Site, act: str, body: dict[str, object]
) -> None:
    incident = await site.scene.incident()
    key = await site.key("console:act")
    response = await site.client.post(f"/v1/incidents/{incident.id}/{act}", json=body, headers=key)
    assert response.status_code == 422


@pytest.mark.parametrize(
    ("act", "body", "outcome"),
    [
        ("close", None, "done"),
        ("close", {"outcome": "not_needed"}, "not_needed"),
        ("cancel", None, "cancelled"),
        ("abort", None, None),
    ],
)
async def test_an_incident_that_has_ended_has_its_outcome_in_the_list_and_the_details(
    site: Site, act: str, body: dict[str, str] | None, outcome: str | None
) -> None:
    url = f"/v1/incidents/{(await site.scene.incident()).id}"
    key = await site.key("console:act", "console:read")
    assert (await site.client.post(f"{url}/{act}", json=body, headers=key)).status_code == 200
    (summary,) = (await site.client.get("/v1/incidents", headers=key)).json()
    detail = (await site.client.get(url, headers=key)).json()
    assert (summary["outcome"], detail["outcome"]) == (outcome, outcome)


async def test_an_act_that_the_status_forbids_is_a_conflict(site: Site) -> None:
    incident = await site.scene.incident()
    key = await site.key("console:act")
    for what in ("resume", "give-back", "confirm"):
        response = await site.client.post(f"/v1/incidents/{incident.id}/{what}", headers=key)
        assert response.status_code == 409, what
        problem_fields(response)


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/v1/incidents/{}/explode", None, "what"),
        ("/v1/incidents/nonsense/abort", None, "incident_id"),
        ("/v1/incidents/{}/abort", {"reason": "Madame Martin, 3e étage"}, "reason"),
        ("/v1/incidents/{}/close", {"outcome": "won"}, "outcome"),
        ("/v1/incidents/{}/cancel", {"outcome": "done"}, "outcome"),
    ],
)
async def test_an_invalid_act_is_rejected_by_field(
    site: Site, path: str, body: dict[str, str] | None, field: str
) -> None:
    incident = await site.scene.incident()
    key = await site.key("console:act")
    response = await site.client.post(path.format(incident.id), headers=key, json=body)
    assert response.status_code == 422
    assert problem_fields(response) == {field}


async def test_the_beginning_of_an_id_is_enough_on_every_route(site: Site) -> None:
    incident = await site.scene.incident()
    offer = next(iter(incident.live.values()))
    key = await site.key("console:act", "volunteers:write")
    begun = f"/v1/incidents/{str(incident.id)[:8]}"
    assert (await site.client.get(begun, headers=key)).json()["id"] == str(incident.id)
    assert (await site.client.get(f"{begun}/timeline", headers=key)).json()["incident_id"] == str(incident.id)
    assert (await site.client.post(f"{begun}/hold", headers=key)).json()["status"] == "held"
    assert (await site.client.post(f"{begun}/escalate", headers=key)).status_code == 200
    escalation = (await site.client.get("/v1/escalations", headers=key)).json()[0]["id"]
    seen = await site.client.post(f"/v1/escalations/{escalation[:8]}/acknowledge", headers=key)
    assert seen.status_code == 204
    answer = f"/v1/offers/{str(offer.id)[:8]}/answer"
    assert (await site.client.post(answer, headers=key, json={"answer": "declined"})).status_code == 202
    someone = str(await site.scene.member(site.scene.people[0]))[:-1]
    reasons = await site.client.get(f"/v1/volunteers/{someone}/reasons", headers=key)
    assert reasons.status_code == 200
    unknown = await site.client.get("/v1/incidents/0000", headers=key)
    assert (unknown.status_code, "dispatch watch" in unknown.json()["detail"]) == (404, True)
    assert (await site.client.get("/v1/incidents/call", headers=key)).status_code == 422
