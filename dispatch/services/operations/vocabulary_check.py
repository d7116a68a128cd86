"""Whether plans, rosters and reports use the same words: skills and kinds that one has and the others do not."""

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta

from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.services.plans.plan_files import PlanBook
from dispatch.services.plans.vocabulary import (
    HeldPoint,
    HeldSkill,
    Mismatch,
    places_nobody_comes_to,
    skills_never_asked,
    skills_nobody_has,
    unknown_kind,
)
from dispatch.storage.queries import sql

RECENT = timedelta(days=30)
"""How far back the kinds of incidents are compared."""


async def compare(uow: UnitOfWork, book: PlanBook) -> list[Mismatch]:
    """Return the skills, kinds and muster points that do not fit, first those that look misspelt."""
    now = uow.clock.now()
    held = [HeldSkill(**row) for row in await uow.pool.fetch(sql("skills_of_rosters"), now)]
    kinds = await uow.pool.fetch(sql("recent_kinds"), now - RECENT)
    points = [HeldPoint(*row) for row in await uow.pool.fetch(sql("muster_points_of_all"))]
    found = [*_skills(book, held), *_kinds(book, {row["kind"]: row["incidents"] for row in kinds})]
    found += places_nobody_comes_to(book, points)
    return sorted(found, key=lambda one: one.meant is None)


def _skills(book: PlanBook, held: list[HeldSkill]) -> Iterator[Mismatch]:
    """Yield the skills that no roster has, and by roster those that no plan asks for; nothing without a roster."""
    if not held:
        return
    valid = Counter[str]()
    for one in held:
        valid[one.skill] += one.valid
    yield from skills_nobody_has(book, valid)
    for organisation in dict.fromkeys(one.organisation for one in held):
        people = {one.skill: one.people for one in held if one.organisation == organisation}
        for found in skills_never_asked(book, people):
            yield found._replace(text=f"{organisation}: {found.text}")


def _kinds(book: PlanBook, incidents: dict[str, int]) -> Iterator[Mismatch]:
    for kind, count in incidents.items():
        if found := unknown_kind(book, kind):
            yield found._replace(text=f"{found.text} ({count} in the last 30 days)")
