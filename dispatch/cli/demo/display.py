"""The demo's output, 80 columns wide: the status while it runs, the summary, the checks and the assumptions."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from statistics import median, quantiles

from rich.console import Console, Group
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from dispatch.cli.demo.behaviour import ACCEPTANCE
from dispatch.cli.demo.checks import DemoCheck
from dispatch.cli.demo.outcomes import Outcome, outcomes
from dispatch.cli.terminal import Terminal
from dispatch.services.operations.demo_figures import Figures

WIDTH = 80
NINETIETH = 9
LABELS: dict[Outcome, str] = {
    "arrived": "everybody needed arrived",
    "taken over before": "taken over before enough had said yes",
    "taken over after": "taken over after that, before all arrived",
    "neglected": "neither: nobody looked after it",
}


def console() -> Console:
    """Return a console of 80 columns, or fewer where the terminal is narrower."""
    found = Terminal(highlight=False)
    found.width = min(found.width, WIDTH)
    return found


def status(now: datetime, counts: dict[str, int], calls: int, rate: float) -> str:
    """Return the counts at a moment on two lines."""
    return (
        f"{now:%H:%M}  {counts['incidents']} of {calls} calls: {counts['running']} open, {counts['covered']} covered,"
        f" {counts['taken_over']} taken over   ×{rate:.0f}\n"
        f"       {counts['offers']} offers, {counts['reached']} on phones: {counts['accepted']} yes,"
        f" {counts['declined']} no, {counts['late']} late, {counts['live']} open"
    )


def live(now: datetime, counts: dict[str, int], calls: int, rate: float) -> Group:
    """Return the status below a rule, for the bottom of a terminal."""
    return Group(Rule(style="dim"), Text(status(now, counts, calls, rate), "cyan"))


def summary(figures: Figures, calls: int, units: int, night: timedelta, real_s: float) -> Table:
    """Return the table of the summary."""
    ended = outcomes(figures.ends)
    asked = sum(n for outcome, n in ended.items() if outcome in LABELS)
    low, high = (f"{share:.1%}" for share in ACCEPTANCE)
    table = Table(title="What happened", title_style="bold", box=None, show_header=False, padding=(0, 1))
    table.add_column(style="bold", no_wrap=True)
    table.add_column()
    table.add_row(
        "calls", f"{calls}" + (f"; the city sent {units} professional units" if units > calls else "")
    )
    table.add_row(
        "professionals only", f"{ended['professionals'] + ended['unattended']} incidents; nobody was asked"
    )
    table.add_row("needed volunteers", f"{asked} incidents, of which")
    for outcome, label in LABELS.items():
        table.add_row("", f"{ended[outcome]:4} {label}")
    table.add_row("offers", f"{figures.offers}, of which {figures.reached} reached a phone")
    table.add_row(
        "yes per person alerted", f"{_share(figures.yes, figures.reached)} (published: {low} to {high})"
    )
    table.add_row("first yes", f"{_seconds(figures.accepted_s)} after the first text")
    table.add_row("first arrival", f"{_minutes(figures.arrived_s)} after the first text")
    table.add_row("pages to supervisors", str(figures.pages))
    table.add_row("other texts", ", ".join(f"{purpose} {n}" for purpose, n in figures.messages.items()))
    table.add_row(
        "time",
        f"{_hours(night)} in {real_s:.0f} s of this computer: {night.total_seconds() / real_s:.0f} times life",
    )
    return table


def assumptions(sentences: Sequence[str]) -> Table:
    """Return the assumptions as a table; each sentence begins with what it is about, and a colon."""
    table = Table(
        title="What this demo assumes", title_style="bold", box=None, show_header=False, padding=(0, 1)
    )
    table.add_column(style="bold", no_wrap=True)
    table.add_column()
    previous = ""
    for sentence in sentences:
        about, _, text = sentence.partition(": ")
        table.add_row("" if about == previous else about.lower(), text)
        previous = about
    return table


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


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.1%}" if whole else "nobody was alerted"


def _seconds(values: list[float]) -> str:
    return _median_and_p90(values, lambda value: f"{value:.0f} s")


def _minutes(values: list[float]) -> str:
    return _median_and_p90(values, lambda value: f"{value // 60:.0f} min {value % 60:02.0f} s")


def _median_and_p90(values: list[float], text: Callable[[float], str]) -> str:
    """Return the median and the 90th percentile of some values as text."""
    if not values:
        return "none"
    if len(values) == 1:
        return text(values[0])
    return f"median {text(median(values))}, p90 {text(quantiles(values, n=10)[NINETIETH - 1])}"


def _hours(span: timedelta) -> str:
    minutes = round(span.total_seconds() / 60)
    return f"{minutes // 60} h {minutes % 60:02} min"
