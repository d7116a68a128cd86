"""`dispatch plans`: check files of response plans."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from dispatch.cli.connection import run
from dispatch.cli.output import Json, print_json, problem, screen, table, warning
from dispatch.config import Settings
from dispatch.services.operations import vocabulary_check
from dispatch.services.plans.plan_files import PlanBook, PlansError, load
from dispatch.services.plans.vocabulary import Mismatch
from schemas.plans import SCENE, Plan

plans = App(name="plans", help="Check response plans.")


@plans.command
def check(
    folder: Path | None = None,
    *,
    roster: Annotated[bool, Parameter(negative="")] = False,
    json: Json = False,
) -> None:
    """Check the plans of a folder and report every error with its file, line and field.

    Example: dispatch plans check ./plans

    Example: dispatch plans check ./plans --roster

    Parameters
    ----------
    folder
        The folder of plans. Default: DISPATCH_PLANS, else the plans that are shipped.
    roster
        Also compare the skills, lists and muster points that the plans name with those that are known, and their kinds
        with the incidents of the last 30 days. Exit code 1 where one looks misspelt.
    """
    try:
        book = load(folder or Settings().plans)
    except PlansError as error:
        if json:
            print_json({"problems": error.problems})
        for wrong in error.problems:
            problem(str(wrong))
        sys.exit(1)
    found = run(lambda uow: vocabulary_check.compare(uow, book)) if roster else []
    if json:
        print_json({"plans": book.plans, "roster": [{**one._asdict(), "text": str(one)} for one in found]})
    else:
        _print(book, found)
    if any(one.meant for one in found):
        sys.exit(1)


def _print(book: PlanBook, found: Sequence[Mismatch]) -> None:
    columns = ("plan", "kinds", "professionals", "seats", "radii", "asks", "steps")
    screen.print(table("response plans", columns, map(_row, book.plans)))
    for one in found:
        (problem if one.meant else warning)(str(one))


def _row(plan: Plan) -> tuple[object, ...]:
    seats = ", ".join(f"{seat.count} {seat.role}" for seat in plan.seats) or "asks nobody"
    place = "" if plan.muster == SCENE else f"{plan.muster}: "
    radii = place + " → ".join(f"{radius / 1000:g} km" for radius in plan.search.radii_m)
    steps = ", ".join(f"{step.after_s} s: {step.do}, level {step.level}" for step in plan.steps)
    kinds = ", ".join(plan.kinds) or "all others"
    return plan.name, kinds, plan.professional, seats, radii, _asks(plan) if plan.asks else "", steps


def _asks(plan: Plan) -> str:
    """Return how a plan asks, whom first, from which lists, and how long an answer may take."""
    lists = [f"{word} {name}" for word in ("only", "never") if (name := getattr(plan.search, word))]
    return ", ".join([plan.ask, plan.search.choose, *lists, f"{plan.offers.window_s} s to answer"])
