"""The demo's output: a live table in a terminal, plain lines elsewhere, and the summary at the end."""

from collections import Counter
from datetime import datetime
from statistics import median

from rich.console import Console
from rich.table import Table

from dispatch.cli.demo.checks import DemoCheck, median_and_p90
from dispatch.services.operations.demo_figures import Figures

SLOW_MACHINE_S = 60.0
SHOWN = ("reports", "incidents", "running", "covered", "offers", "live", "accepted", "declined", "expired", "late",
         "escalations")  # fmt: skip


def live(now: datetime, counts: dict[str, int], calls: int) -> Table:
    """Return a table of the counts at a moment."""
    table = Table(title=f"Renfort demo   {now:%H:%M:%S} local", min_width=48)
    table.add_column("what")
    table.add_column("so far", justify="right")
    table.add_row("calls to replay", str(calls))
    for name in SHOWN:
        table.add_row(name, str(counts.get(name, 0)), style=_colour(name))
    return table


def line(now: datetime, counts: dict[str, int]) -> str:
    """Return the counts at a moment on one line."""
    return f"{now:%H:%M:%S}  " + "  ".join(f"{name} {counts.get(name, 0)}" for name in SHOWN)


def _colour(name: str) -> str:
    return {"covered": "green", "accepted": "green", "escalations": "red", "live": "cyan"}.get(name, "")


def summary(figures: Figures, calls: int, units: int, real_s: float) -> Table:
    """Return the table of the summary."""
    counts, seats = figures.counts, figures.seats
    table = Table(title="What happened", show_header=False, min_width=70)
    sent = f", to which {units} professional units were sent" if units > calls else ""
    table.add_row("calls", f"{calls}{sent}")
    table.add_row("incidents", f"{counts['incidents']}, {_ends(figures)}")
    table.add_row("offers", str(counts["offers"]))
    table.add_row(
        "answers",
        f"accepted {counts['accepted']}, declined {counts['declined']}, expired {counts['expired']}, "
        f"withdrawn {counts['withdrawn']}, late {counts['late']}",
    )
    table.add_row(
        "seats covered", f"{seats['filled']} of {seats['needed']}, and {seats['reserves']} in reserve"
    )
    table.add_row("time to first acceptance", f"{median_and_p90(figures.accepted_s)} (virtual)")
    table.add_row("delay of the software", f"{median_and_p90(figures.machine_s)} (virtual)")
    for level in sorted({row["level"] for row in figures.escalations}):
        statuses = ", ".join(f"{r['n']} {r['status']}" for r in figures.escalations if r["level"] == level)
        table.add_row(f"escalations, level {level}", statuses)
    table.add_row("messages that would have been sent", _messages(figures))
    table.add_row("real time", f"{real_s:.0f} s")
    return table


def _ends(figures: Figures) -> str:
    ends: Counter[str] = Counter()
    for row in figures.ends:
        ends["covered" if row["covered"] else "handed over" if row["taken"] else row["status"]] += row["n"]
    return ", ".join(f"{n} {how}" for how, n in sorted(ends.items()))


def _messages(figures: Figures) -> str:
    sent: Counter[str] = Counter()
    for row in figures.messages:
        if row["status"] in ("sent", "delivered"):
            sent[row["purpose"]] += row["n"]
    parts = ", ".join(f"{purpose} {n}" for purpose, n in sent.most_common())
    return f"{sent.total()}: {parts}"


def slowness_warning(figures: Figures) -> str | None:
    """Return a warning where the machine was too slow for the clock, so that it determines the figures."""
    if figures.machine_s and median(figures.machine_s) > SLOW_MACHINE_S:
        return (
            "This machine is too slow for this speed: its own delay shapes the figures. Try a lower --speed."
        )
    return None


def verdict(console: Console, checks: list[DemoCheck]) -> bool:
    """Print each check; return whether all hold."""
    for check in checks:
        if check.violations:
            console.print(
                f"[red]broken[/]  {check.rule}: {len(check.violations)}, such as {check.violations[0]}"
            )
        else:
            console.print(f"[green]holds[/]   {check.rule}")
    return not any(check.violations for check in checks)
