"""The pause and the duty contacts of an organisation over HTTP."""

from tests.http.site import Site, problem_fields
from tests.support.scene import phone


async def test_a_pause_stops_new_offers_until_it_ends(site: Site) -> None:
    key = await site.key("console:act")
    assert (await site.client.post("/v1/pause", headers=key)).status_code == 204
    assert not (await site.scene.incident()).offers
    (escalation,) = (await site.client.get("/v1/escalations", headers=key)).json()
    assert (escalation["reason"], escalation["subject_kind"]) == ("paused", "system")
    assert (await site.client.post("/v1/resume", headers=key)).status_code == 204
    assert (await site.scene.incident()).offers


async def test_the_duty_contacts_are_replaced_as_a_whole(site: Site) -> None:
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
    assert problem_fields(bad) == {"0.phone"}
