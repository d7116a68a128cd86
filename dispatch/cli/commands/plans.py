"""`dispatch plans`: check files of response plans."""

import sys
from pathlib import Path

from cyclopts import App

from dispatch.cli.output import Json, print_json, problem, screen, table
from dispatch.config import Settings
from dispatch.services.plans.plan_files import PlansError, load
from schemas.plans import Plan

plans = App(name="plans", help="Check response plans.")


@plans.command
def check(folder: Path | None = None, *, json: Json = False) -> None:
    """Check the plans of a folder and report every error with its file, line and field.

    Example: dispatch plans check ./plans

    Parameters
    ----------
    folder
        The folder of plans. Default: DISPATCH_PLANS, else the plans that are shipped.
    """
    try:
        book = load(folder or Settings().plans)
    except PlansError as error:
        if json:
            print_json({"problems": error.problems})
        for found in error.problems:
            problem(str(found))
        sys.exit(1)
    if json:
        print_json({"plans": book.plans})
        return
    columns = ("plan", "kinds", "professionals", "seats", "radii", "window", "steps")
    screen.print(table("response plans", columns, map(_row, book.plans)))


def _row(plan: Plan) -> tuple[object, ...]:
    seats = ", ".join(f"{seat.count} {seat.role}" for seat in plan.seats) or "asks nobody"
    radii = " → ".join(f"{radius / 1000:g} km" for radius in plan.search.radii_m)
    steps = ", ".join(f"{step.after_s} s: level {step.level}" for step in plan.steps)
    kinds = ", ".join(plan.kinds) or "all others"
    return plan.name, kinds, plan.professional, seats, radii, f"{plan.offers.window_s} s", steps
