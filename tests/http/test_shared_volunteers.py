"""A roster key of another organisation learns nothing of who is on a roster: answers to it are those for a stranger."""

import re

import pytest

from tests.http.site import Site, volunteer_body
from tests.support.scene import Scene, phone

HEADER = "name,phone,language,skills,lat,lon,birth_date,consent,availability"
LINE = "Bea,{phone},en,pump,43.3,5.4,1971-02-03,sms,on_call"
VARYING = {"date", "x-request-id", "content-length"}
UNKNOWN_ID = "00000000-0000-0000-0000-000000000000"
ID = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}")


@pytest.fixture
async def foreign(site: Site) -> dict[str, str]:
    """Return the key of an organisation that has nobody on its roster."""
    other = await Scene.open(site.scene.uow, 0, name="Mairie")
    return await site.key("admin", scene=other)


async def answer(
    site: Site, key: dict[str, str], method: str, path: str, body: object = None
) -> tuple[object, ...]:
    """Return all of a response that may tell something, with ids made equal."""
    sent = {"content": body} if isinstance(body, str) else {"json": body}
    headers = key | ({"Content-Type": "text/csv"} if isinstance(body, str) else {})
    found = await site.client.request(method, path, headers=headers, **sent)
    kept = {name: value for name, value in found.headers.items() if name not in VARYING}
    return found.status_code, kept, ID.sub("id", found.text)


REQUESTS: list[tuple[str, str, object]] = [
    ("PATCH", "/v1/volunteers/{id}", {"availability": "unavailable", "consent": []}),
    ("DELETE", "/v1/volunteers/{id}", None),
    ("PUT", "/v1/volunteers/{id}/position", {"lat": 48, "lon": 2}),
    ("GET", "/v1/volunteers/{id}/reasons", None),
    ("GET", "/v1/volunteers?after={id}", None),
]


@pytest.mark.parametrize("length", [36, 8])
@pytest.mark.parametrize(("method", "path", "body"), REQUESTS)
async def test_another_organisations_volunteer_is_as_unknown_as_nobody(
    site: Site, foreign: dict[str, str], method: str, path: str, body: object, length: int
) -> None:
    who = site.scene.people[0]
    member, person, nobody = [
        await answer(site, foreign, method, path.format(id=str(id_)[:length]), body)
        for id_ in (await site.scene.member(who), who, UNKNOWN_ID)
    ]
    assert member == person == nobody
    before = await site.scene.uow.pool.fetch("SELECT * FROM memberships")
    assert [row["availability"] for row in before] == ["available"] * 3


async def test_a_person_whom_another_organisation_has_is_registered_like_a_new_one(
    site: Site, foreign: dict[str, str]
) -> None:
    known, new = [
        await answer(site, foreign, "POST", "/v1/volunteers", volunteer_body(phone=phone(number)))
        for number in (0, 70)
    ]
    assert known == new
    assert known[0] == 201


@pytest.mark.parametrize("columns", [HEADER, "name,phone", "name,phone,consent"])
@pytest.mark.parametrize("query", ["", "?dry_run=true", "?sync=true&yes=true"])
async def test_a_file_with_a_number_of_another_organisation_is_answered_like_one_with_a_new_number(
    site: Site, columns: str, query: str
) -> None:
    values = dict(zip(HEADER.split(","), LINE.split(","), strict=True))
    line = ",".join(values[name] for name in columns.split(","))
    answers = []
    for number in (0, 70):
        town = await site.key("admin", scene=await Scene.open(site.scene.uow, 0, name=f"Town {number}"))
        sheet = f"{columns}\n{line}\n".format(phone=phone(number))
        answers.append(await answer(site, town, "POST", f"/v1/volunteers/import{query}", sheet))
    assert answers[0] == answers[1]


async def test_the_list_of_one_organisation_is_the_same_whatever_the_other_writes(
    site: Site, foreign: dict[str, str]
) -> None:
    own = await site.key("admin")
    before = (await site.client.get("/v1/volunteers", headers=own)).json()
    made = await site.client.post(
        "/v1/volunteers", headers=foreign,
        json=volunteer_body(phone=phone(0), name="Bea", birth_date="1971-02-03", language="en", consent=[]),
    )  # fmt: skip
    url = f"/v1/volunteers/{made.json()['volunteer_id']}"
    assert (
        await site.client.put(f"{url}/position", json={"lat": 43, "lon": 5}, headers=foreign)
    ).status_code == 204
    assert (
        await site.client.patch(url, json={"availability": "unavailable"}, headers=foreign)
    ).status_code == 204
    assert (await site.client.get("/v1/volunteers", headers=own)).json() == before
    assert (await site.client.delete(url, headers=foreign)).status_code == 204
    assert (await site.client.get("/v1/volunteers", headers=own)).json() == before
