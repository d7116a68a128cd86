"""Short ids: the beginning of an id names it, within one organisation, where no other begins so."""

from functools import partial
from uuid import UUID

import pytest

from dispatch.services.core.errors import InvalidError, NotFoundError
from dispatch.services.core.short_ids import QUERIES, Kind, find, find_key
from dispatch.services.core.unit_of_work import UnitOfWork
from schemas.ids import short
from tests.support.scene import Scene

ALIKE = [UUID(f"abcd{n}000-0000-7000-8000-000000000000") for n in range(8)]


@pytest.fixture
async def scene(uow: UnitOfWork) -> Scene:
    return await Scene.open(uow)


async def test_the_beginning_of_an_id_is_enough_in_either_case(scene: Scene) -> None:
    incident = (await scene.incident()).id
    for written in (
        short(incident),
        str(incident)[:4].upper(),
        str(incident)[:13],
        str(incident),
        incident.hex,
    ):
        assert await find(scene.uow.pool, "incident", scene.organisation, written) == incident


async def test_offers_escalations_reports_and_volunteers_are_named_so_too(scene: Scene) -> None:
    offer, pool = await scene.offer(), scene.uow.pool
    assert await find(pool, "offer", scene.organisation, short(offer.id)) == offer.id
    member = await scene.member(scene.people[0])
    assert await find(pool, "volunteer", scene.organisation, str(member)[:-1]) == member


async def test_another_organisation_has_no_such_id(scene: Scene, uow: UnitOfWork) -> None:
    incident, other = (await scene.incident()).id, await Scene.open(uow, 0, "SDIS 67")
    with pytest.raises(NotFoundError, match="`dispatch watch` lists"):
        await find(uow.pool, "incident", other.organisation, short(incident))
    with pytest.raises(NotFoundError, match="`dispatch volunteers list` lists"):
        await find(uow.pool, "volunteer", other.organisation, str(await scene.member(scene.people[0]))[:-1])


async def test_several_that_begin_alike_are_named(scene: Scene) -> None:
    await scene.uow.pool.executemany(
        "INSERT INTO parking (id, source_topic, source, consumer, reason, headers, digest, parked_at)"
        " VALUES ($1, 'incident.reports', 's', 'c', 'r', '', parking_digest(NULL, '', uuid_send($1)), now())",
        [(one,) for one in ALIKE],
    )
    with pytest.raises(InvalidError, match="several parked messages begin with abcd") as caught:
        await find(scene.uow.pool, "parked message", None, "abcd")
    assert all(f"{one} (incident.reports)" in str(caught.value) for one in ALIKE[:5])
    assert "and more; write more of it" in str(caught.value)
    assert await find(scene.uow.pool, "parked message", None, "abcd3") == ALIKE[3]


@pytest.mark.parametrize("written", ["", "abc", "call 15", "%%%%", "0197a0b2-zzzz", "f" * 33, "٣٣٣٣"])
async def test_what_is_no_id_says_how_to_write_one(scene: Scene, written: str) -> None:
    with pytest.raises(InvalidError, match="at least its first 4 characters"):
        await find(scene.uow.pool, "incident", scene.organisation, written)


@pytest.mark.parametrize("kind", sorted(QUERIES))
async def test_every_kind_can_be_looked_up(scene: Scene, kind: Kind) -> None:
    look = partial(find, scene.uow.pool, kind) if kind != "key" else partial(find_key, scene.uow.pool)
    with pytest.raises(NotFoundError, match=f"no such {kind}"):
        await look(scene.organisation, "0000")
