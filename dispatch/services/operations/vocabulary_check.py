"""Whether plans, rosters and reports fit: skills, kinds and lists that only one has, and seats that nobody can fill."""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.services.plans.plan_files import PlanBook
from dispatch.services.plans.vocabulary import (
    HeldPoint,
    HeldSkill,
    Mismatch,
    places_nobody_comes_to,
    seat_for_nobody,
    skills_never_asked,
    skills_nobody_has,
    unknown_kind,
    unknown_lists,
)
from dispatch.storage.queries import bound, sql
from dispatch.storage.questions import years_before
from schemas.plans import Plan, SeatNeed

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
    if held:
        known = [row["name"] for row in await uow.pool.fetch(sql("names_of_lists"))]
        plans = [plan for plan in book.plans if plan.search.only in (None, *known)]
        found += [*unknown_lists(book, known), *await _seats(uow, plans, held, now)]
    return sorted(found, key=lambda one: one.meant is None)


async def _seats(uow: UnitOfWork, plans: list[Plan], held: list[HeldSkill], now: datetime) -> list[Mismatch]:
    """Return the seats that nobody can fill although somebody has each skill: for the age, the lists, or together."""
    valid, found = {one.skill for one in held if one.valid}, []
    for plan in plans:
        for seat in plan.seats:
            # Skills that nobody has are found by themselves.
            fair = valid.issuperset(seat.skills) and (not seat.any or not valid.isdisjoint(seat.any))
            if fair and not await uow.pool.fetchval(*_can_fill(plan, seat, now)):
                found.append(seat_for_nobody(plan, seat))
    return found


def _can_fill(plan: Plan, seat: SeatNeed, now: datetime) -> tuple[Any, ...]:
    policy = plan.search
    age = policy.min_age if seat.min_age is None else seat.min_age
    return bound(
        "can_fill", now=now, born_before=years_before(now, age), all_skills=list(seat.skills),
        any_skills=list(seat.any), only=policy.only, never=policy.never,
    )  # fmt: skip


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
