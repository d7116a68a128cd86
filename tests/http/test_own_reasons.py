"""Why a volunteer was or was not asked: in full for themselves, without sensitive gates for others."""

import pytest

from tests.http.site import Site

UNAVAILABLE = "UPDATE memberships SET availability = 'unavailable' WHERE volunteer_id = $1"
AVAILABLE = "UPDATE memberships SET availability = 'available' WHERE volunteer_id = $1"
STOPPED = "UPDATE memberships SET stopped_at = joined_at WHERE volunteer_id = $1"
RESUMED = "UPDATE memberships SET stopped_at = NULL WHERE volunteer_id = $1"


@pytest.mark.parametrize(
    ("shut", "opened", "own", "others"),
    [
        (UNAVAILABLE, AVAILABLE, "vous n&#39;étiez pas disponible", ["availability"]),
        (STOPPED, RESUMED, "vous avez répondu STOP", ["not eligible"]),
    ],
)
async def test_a_volunteer_reads_why_they_were_asked_and_why_not(
    site: Site, shut: str, opened: str, own: str, others: list[str]
) -> None:
    who, pool = site.scene.people[1], site.scene.uow.pool
    await pool.execute(shut, who)
    await site.scene.incident()
    await pool.execute(opened, who)
    link = await site.link(1, await site.scene.incident())
    assert f"{link.removeprefix('/a/')}/why" in (await site.client.get(link)).text
    page = (await site.client.get(f"{link}/why")).text
    assert own in page
    assert "parmi les premiers à appeler" in page
    assert "you were among the first to be asked" in (await site.client.get(f"{link}/why?lang=en")).text
    key = await site.key("console:read")
    member = await site.scene.member(who)
    told = (await site.client.get(f"/v1/volunteers/{member}/reasons", headers=key)).json()
    assert sorted((one["picked"], one["why"]) for one in told) == [(False, others), (True, [])]


async def test_the_reasons_tell_nothing_of_others_and_nothing_to_others(site: Site) -> None:
    link = await site.link(0)
    page = (await site.client.get(f"{link}/why")).text
    assert page.count("<strong>") == 1
    assert "Essai" not in page
    assert (await site.client.get(f"{link[:-1]}x/why")).status_code == 404
    assert (await site.client.get(f"/v1/volunteers/{site.scene.people[0]}/reasons")).status_code == 401
