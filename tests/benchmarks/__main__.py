"""`python -m tests.benchmarks`: measure, print and record the table; or compare with a recorded run."""

import asyncio
import logging
import pstats
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Annotated, NoReturn

import asyncpg
from cyclopts import App, Parameter
from rich.console import Console

from deploy.kafka.start import KafkaFailedError
from dispatch.embedded import EmbeddedServiceError
from dispatch.storage.pool import describe as in_a_line
from tests.benchmarks import gate as gates
from tests.benchmarks.registry import UnknownMeasureError, chosen, known
from tests.benchmarks.results import Results, facts, table
from tests.benchmarks.rig.machine import describe
from tests.benchmarks.rig.site import Site
from tests.benchmarks.row import Better, Row

DOCS = Path(__file__).parents[2] / "docs"
PAGE, RECORD = DOCS / "benchmarks.md", DOCS / "benchmarks.json"
TOP = 25

Names = Annotated[list[str] | None, Parameter(name="--only", consume_multiple=True, negative="")]

WIDE = 160

screen = Console(highlight=False, width=None if sys.stdout.isatty() else WIDE)
app = App(
    name="python -m tests.benchmarks",
    help="Measure Renfort on this machine. Example: python -m tests.benchmarks --only drain --quick",
    default_parameter=Parameter(negative=""),
)


@app.default
def bench(
    *, only: Names = None, quick: bool = False, json: Path | None = None, profile: Path | None = None
) -> None:
    """Measure, print the table, and update docs/benchmarks.md and docs/benchmarks.json.

    Parameters
    ----------
    only
        Measure only these; the other rows of the table are unchanged.
    quick
        Use small sizes; nothing is written to docs/.
    json
        Write the results to this file as well.
    profile
        Run the product's processes under cProfile and write the profiles to files with this prefix; writes no docs.
    """
    modules = chosen(only or ())
    passing = quick or profile is not None
    results = Results() if passing else Results.read(RECORD)

    def keep() -> None:
        if json:
            results.write(json)
        if not passing:
            results.write(RECORD)
            results.write_page(PAGE)

    failed = asyncio.run(
        _bench(results, modules, keep, quick=quick, profile=profile, gated=not (only or passing))
    )
    if failed:
        fail(f"these failed, and keep the figures that they had: {', '.join(failed)}")


@app.command
def gate(record: Path = RECORD, *, renew: bool = False) -> None:
    """Repeat some measures three times, and fail if a ratio is more than 25 % worse than recorded.

    Example: python -m tests.benchmarks gate docs/benchmarks.json

    Parameters
    ----------
    record
        What an earlier run wrote.
    renew
        Record what is found, rather than compare with it.
    """
    results = Results.read(record)
    if not results.gate and not renew:
        fail(f"{record} holds no ratios to compare with: record them with --renew")
    found = asyncio.run(_regate())
    if renew:
        results.gate = {name: ratio for name, (ratio, _) in found.items()}
        results.write(record)
        return
    verdicts = gates.judge(results.gate, found)
    for verdict in verdicts:
        colour = "green" if verdict.holds else "red"
        ratios = f"{verdict.recorded:.3g} of its bound on record, {verdict.found:.3g} now"
        screen.print(f"[{colour}]{verdict.measure}: {ratios}, {verdict.worse:+.0%} worse[/]")
    if lost := sorted(results.gate.keys() - found.keys()):
        fail(f"{record} knows rows that were not measured: {'; '.join(lost)}")
    sys.exit(not all(verdict.holds for verdict in verdicts))


def fail(message: str, code: int = 1) -> NoReturn:
    """Print the error on stderr and exit with code 1."""
    sys.stderr.write(f"benchmarks: {message}\n")
    sys.exit(code)


async def _bench(
    results: Results,
    modules: Mapping[str, ModuleType],
    keep: Callable[[], None],
    *,
    quick: bool,
    profile: Path | None,
    gated: bool,
) -> list[str]:
    """Run the measures in order and record the results after each; return the names of those that failed."""
    failed = []
    async with Site.open(screen) as site:
        site.quick, site.profile = quick, profile
        machine = await describe(site)
        screen.print(facts(machine))
        for name, module in modules.items():
            try:
                results.put(name, await _measure(site, name, module), machine, list(known()))
            except Exception:  # noqa: BLE001 - it must not take the others' figures with it
                screen.print_exception()
                failed.append(name)
            keep()
        if gated and not failed:
            results.gate = {name: ratio for name, (ratio, _) in (await _ratios(site)).items()}
            keep()
    if profile:
        _print_profiles(profile.parent.glob(f"{profile.name}-*"))
    return failed


async def _measure(site: Site, name: str, module: ModuleType) -> list[Row]:
    site.say(name)
    try:
        rows: list[Row] = await module.measure(site)
    except BaseException:
        screen.print(site.last_words())
        raise
    finally:
        await site.tidy()
    screen.print(table(rows))
    return rows


async def _rows(site: Site, modules: Mapping[str, ModuleType]) -> list[Row]:
    return [row for name, module in modules.items() for row in await _measure(site, name, module)]


async def _regate() -> dict[str, tuple[float, Better]]:
    async with Site.open(screen) as site:
        return await _ratios(site)


async def _ratios(site: Site) -> dict[str, tuple[float, Better]]:
    site.quick = True
    names = [name for name in gates.MEASURES if name in known()]
    runs = [await _rows(site, chosen(names)) for _ in range(gates.RUNS)]
    return gates.ratios(runs)


def _print_profiles(paths: Iterable[Path]) -> None:
    for path in sorted(paths):
        screen.print(f"[bold]{path}")
        pstats.Stats(str(path)).sort_stats("tottime").print_stats(TOP)


def main() -> None:
    """Run the command; exit code 1 for a failure and 2 for misuse."""
    logging.getLogger("aiokafka").setLevel(
        logging.CRITICAL
    )  # a new topic's partitions have no leader at first
    try:
        app()
    except UnknownMeasureError as unknown:
        fail(str(unknown), 2)
    except (OSError, asyncpg.PostgresError, EmbeddedServiceError, KafkaFailedError) as error:
        fail(
            f"a server cannot be used: {in_a_line(error)}; without DISPATCH_POSTGRES, PostgreSQL is embedded"
        )


if __name__ == "__main__":
    main()
