"""An organisation names a person by the id of the membership, which tells nothing of other organisations."""

import re
from itertools import count

import pytest

from dispatch.services.console import stream
from dispatch.storage.journal import Entry, append
from dispatch.storage.pool import transaction
from schemas.notifications import MessageSent
from tests.http.routes import ROUTES
from tests.http.site import Site, volunteer_body
from tests.support.scene import Scene, phone

ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
ENDLESS = "/v1/stream"
INCIDENTS = "SELECT id FROM incidents WHERE organisation = $1 ORDER BY opened_at"
PEOPLE = "SELECT volunteer_id FROM memberships WHERE organisation = $1"
STEPS = ("POST", "incident", "DELETE", "POST", "incident", "DELETE", "POST")
READ = [path for method, path in ROUTES if method == "GET" and "gateways" not in path and path != ENDLESS]


@pytest.fixture
async def other(site: Site) -> Scene:
    """Return another organisation that has the same people."""
    scene = await Scene.open(site.scene.uow, name="Mairie")
    assert scene.people == site.scene.people
    scene.numbers = count(100)
    return scene


async def streamed(scene: Scene) -> str:
    """Return the events that an organisation reads from the stream."""
    begin = await stream.beginning(scene.uow)
    page = await stream.read_page(scene.uow.pool, scene.organisation, begin)
    return "\n".join(item.json().decode() for item in page.items)


async def read(site: Site, scene: Scene) -> str:
    """Return what an organisation reads on all routes, of its members and incidents."""
    key = await site.key("admin", scene=scene)
    rows = await scene.uow.pool.fetch(INCIDENTS, scene.organisation)
    incidents = [row["id"] for row in rows]
    members = [await scene.member(who) for who in scene.people]
    ids = {"incident_id": incidents, "report_id": incidents, "volunteer_id": members, "name": ["known"]}
    paths = [path for path in READ if "{" not in path]
    paths += [
        path.format_map({name: id_}) for path in READ for name in ids if name in path for id_ in ids[name]
    ]
    told = [(await site.client.get(path, headers=key)).text for path in paths]
    return "\n".join([*told, await streamed(scene)])


async def busy(site: Site, scene: Scene) -> None:
    """Let an organisation search, ask, assign, recall, list and keep apart its people."""
    incident = await scene.incident()
    offer = next(iter(incident.live.values()), None)
    key = await site.key("admin", scene=scene)
    if offer is not None:
        url = f"/v1/offers/{offer.id}/answer"
        assert (await site.client.post(url, json={"answer": "accepted"}, headers=key)).status_code == 202
        await scene.process_replies()
    await scene.act(incident.id, "hold")
    members = [str(await scene.member(who)) for who in scene.people]
    put = await site.client.put("/v1/lists/known", json={"volunteers": members}, headers=key)
    apart = await site.client.put(f"/v1/volunteers/{members[0]}/apart/{members[1]}", headers=key)
    assert (put.status_code, apart.status_code) == (204, 204)


async def test_no_route_shows_two_organisations_one_id_for_a_person(site: Site, other: Scene) -> None:
    told = []
    for scene in (site.scene, other):
        await busy(site, scene)
        told.append(set(ID.findall(await read(site, scene))))
        assert {str(await scene.member(who)) for who in scene.people} <= told[-1]
    assert told[0] & told[1] == set()
    assert {str(who) for who in site.scene.people} & (told[0] | told[1]) == set()


async def test_the_stream_the_timeline_and_the_incident_name_a_person_alike(site: Site) -> None:
    await busy(site, site.scene)
    key = await site.key("console:read")
    (incident,) = (await site.client.get("/v1/incidents", headers=key)).json()
    url = f"/v1/incidents/{incident['id']}"
    detail = (await site.client.get(url, headers=key)).json()
    timeline = (await site.client.get(f"{url}/timeline", headers=key)).json()
    begin = await stream.beginning(site.scene.uow)
    items = (await stream.read_page(site.scene.uow.pool, site.scene.organisation, begin)).items
    shown = [
        [(offer["id"], offer["volunteer_id"]) for offer in detail["offers"]],
        [
            (moment["detail"]["offer_id"], moment["detail"]["volunteer_id"])
            for moment in timeline["moments"]
            if moment["what"] == "offer.extended"
        ],
        [(i.data["offer_id"], i.data["volunteer_id"]) for i in items if i.type.startswith("offer.extended")],
    ]
    members = {str(await site.scene.member(who)) for who in site.scene.people}
    assert sorted(shown[0]) == sorted(shown[1]) == sorted(shown[2])
    assert {who for _, who in shown[0]} == set(detail["people"]) <= members
    (held,) = [item.data["recalled"] for item in items if item.type.startswith("incident.held")]
    assert {one["volunteer_id"] for one in detail["recalls"]} == set(held) != set()


async def test_a_message_on_the_stream_names_a_member_or_a_duty_contact(site: Site) -> None:
    scene, contact = site.scene, site.scene.organisation
    who = scene.people[0]
    async with transaction(scene.uow.pool) as connection:
        for recipient in (who, contact):
            event = MessageSent(
                at=scene.now, message_id=recipient, recipient_id=recipient, purpose="stopped", channel="sms"
            )
            entry = Entry(
                recipient, event, scene.organisation, "actual", str(recipient), scene.now, scene.now
            )
            await append(connection, [entry], scene.now)
    begin = await stream.beginning(scene.uow)
    items = (await stream.read_page(scene.uow.pool, scene.organisation, begin)).items
    shown = [(item.subject, item.data["recipient_id"]) for item in items]
    member = str(await scene.member(who))
    assert shown == [(member, member), (str(contact), str(contact))]


async def take(site: Site, town: Scene, number: str, step: str) -> None:
    """Register or erase the person with a number, or open an incident."""
    key = await site.key("admin", scene=town)
    if step == "incident":
        await town.incident()
    elif step == "POST":
        body = volunteer_body(phone=number)
        assert (await site.client.post("/v1/volunteers", headers=key, json=body)).status_code == 201
    else:
        (row,) = (await site.client.get("/v1/volunteers", headers=key)).json()
        erased = await site.client.delete(f"/v1/volunteers/{row['volunteer_id']}", headers=key)
        assert erased.status_code == 204
    town.people = [row["volunteer_id"] for row in await town.uow.pool.fetch(PEOPLE, town.organisation)]


def numbered(text: str) -> str:
    """Return a text whose ids are numbered in the order in which they first appear."""
    known: dict[str, str] = {}
    return ID.sub(lambda found: known.setdefault(found[0], f"id {len(known)}"), text)


async def test_who_joins_again_has_a_new_id_whether_or_not_another_organisation_has_them(site: Site) -> None:
    told: dict[int, str] = {0: "", 70: ""}
    towns = {n: await Scene.open(site.scene.uow, 0, name=f"Town {n}") for n in told}
    for n, town in towns.items():
        town.numbers = count(1000 * (n + 1))
    ids = []
    for step in STEPS:
        for n, town in towns.items():
            await take(site, town, phone(n), step)
            told[n] += (await read(site, town)).replace(phone(n), "phone")
        ids.append([await town.member(town.people[0]) for town in towns.values() if town.people])
        site.scene.uow.clock.advance(60)  # type: ignore[attr-defined]
    assert numbered(told[0]) == numbered(told[70])
    assert "offer.extended" in told[0]
    assert [len(set(members)) for members in zip(*filter(None, ids), strict=True)] == [3, 3]
