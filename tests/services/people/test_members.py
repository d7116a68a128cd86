"""The ids by which an organisation knows people at a time."""

from datetime import timedelta
from uuid import UUID

import asyncpg
import pytest

from dispatch.services.core.errors import NotFoundError
from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.services.people import opt_out
from dispatch.services.people.members import SKEW, Members, Membership, members_of, people_of, person_of
from schemas.ids import named
from tests.conftest import START
from tests.support.scene import Scene

WHO, BEFORE, FIRST, SECOND = (named("id", name) for name in ("who", "before", "first", "second"))
LATER = START + timedelta(days=1)
TWICE = Members(
    {WHO: [Membership(FIRST, START, None), Membership(SECOND, LATER, "Ada")]},
    {WHO: BEFORE},
)


@pytest.mark.parametrize(
    ("after", "id_"),
    [
        (timedelta(0), FIRST),
        (timedelta(hours=23), FIRST),
        (timedelta(days=1), SECOND),
        (timedelta(days=9), SECOND),
        (-SKEW, FIRST),
        (-2 * SKEW, BEFORE),
    ],
)
def test_a_person_has_the_id_of_the_membership_of_that_time(after: timedelta, id_: UUID) -> None:
    assert TWICE.id(WHO, START + after) == id_


def test_only_the_present_membership_has_a_name_and_only_where_it_was_seen() -> None:
    assert TWICE.names([(WHO, START)]) == {}
    assert TWICE.names([(WHO, START), (WHO, LATER)]) == {SECOND: "Ada"}


def test_who_is_no_volunteer_keeps_the_id() -> None:
    assert TWICE.id(FIRST, START) == FIRST


async def test_a_deleted_membership_keeps_its_id_for_what_happened_then(uow: UnitOfWork) -> None:
    scene = await Scene.open(uow, 1)
    (who,), member = scene.people, await scene.member(scene.people[0])
    await opt_out.erase(uow, scene.organisation, who)
    members = await members_of(uow.pool, scene.organisation, [who])
    assert members.id(who, scene.now) == member
    assert await people_of(uow.pool, scene.organisation, [member]) == {}
    with pytest.raises(NotFoundError):
        await person_of(uow.pool, scene.organisation, member)


async def test_an_organisation_that_never_had_a_person_has_an_id_of_its_own_for_them(
    pool: asyncpg.Pool, uow: UnitOfWork
) -> None:
    scene = await Scene.open(uow, 1)
    (who,), others = scene.people, [named("organisation", n) for n in range(2)]
    found = [(await members_of(pool, one, [who])).id(who, START) for one in (*others, *others)]
    assert found[:2] == found[2:]
    assert len({*found, who, await scene.member(who)}) == 4
