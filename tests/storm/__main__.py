"""`make storm`: inject faults one by one under load, check after each, and print the violations."""

import argparse
import asyncio
import json
import os
import platform
import secrets
import signal
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

import uvloop
from rich.console import Console

from deploy.kafka import start as kafka
from tests.storm import table
from tests.storm.campaign import Campaign, Row
from tests.storm.faults import ALL
from tests.storm.rig.set_up import set_up

WIDTH = 150
screen = Console(highlight=False, width=max(WIDTH, Console().width))
progress = Console(stderr=True, highlight=False)


def main() -> None:
    """Run the storm; exit 1 if a check fails, 2 for misuse."""
    options = _options()
    if options.list:
        print("\n".join(fault.name for fault in ALL))  # noqa: T201
        return
    if missing := kafka.missing_tools():
        sys.exit(f"the storm needs real Kafka: {' and '.join(missing)} not found")
    rows: list[Row] = []
    began = time.time()
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.get_loop().add_signal_handler(signal.SIGTERM, os.kill, os.getpid(), signal.SIGINT)
            runner.run(_run(rows, options))
    finally:
        _report(rows, options, time.time() - began)
    sys.exit(any(not row.held for row in rows))


async def _run(rows: list[Row], options: argparse.Namespace) -> None:
    with tempfile.TemporaryDirectory(prefix="renfort-storm-", ignore_cleanup_errors=True) as scratch:
        home = options.folder or Path(scratch)
        home.mkdir(parents=True, exist_ok=True)
        # The database server runs as another user, which needs access to its folder.
        home.chmod(0o755)
        progress.print(f"seed {options.seed}; starting brokers, a database and eleven processes in {home}")
        say = partial(progress.print, soft_wrap=True)
        async with set_up(home, options.seed) as system:
            async for row in Campaign(system, say).run(options.chosen):
                rows.append(row)
                say(f"  {table.summary(row)}")


def _report(rows: list[Row], options: argparse.Namespace, seconds: float) -> None:
    """Print the rows so far, also after an interruption."""
    screen.print(table.render(rows, options.seed, seconds))
    table.print_findings(screen, rows)
    if options.markdown:
        options.markdown.write_text(table.markdown(rows, options.seed, seconds))
    if options.json:
        report = {"seed": options.seed, "machine": _machine(), "rows": [row.to_json() for row in rows]}
        options.json.write_text(json.dumps(report, indent=2) + "\n")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.storm", description=__doc__,
        epilog="example: python -m tests.storm --only 'relay killed' --only 'gateway slow' --json storm.json",
    )  # fmt: skip
    parser.add_argument(
        "--only",
        action="append",
        metavar="NAME",
        help="a fault, or part of its name; repeat the option for more, in that order",
    )
    parser.add_argument(
        "--seed", type=int, default=secrets.randbelow(10_000), help="determines what people do, and where"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the rows to this file")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="also write the table to this file")
    parser.add_argument("--folder", type=Path, help="store the files and the logs of all processes here")
    parser.add_argument("--list", action="store_true", help="list the faults")
    options = parser.parse_args()
    wanted = options.only or [""]
    options.chosen = list(dict.fromkeys(fault for name in wanted for fault in ALL if name in fault.name))
    if not options.chosen:
        parser.error(f"no fault has this name: {', '.join(wanted)}; see --list")
    return options


def _machine() -> dict[str, object]:
    return {"cores": os.cpu_count(), "python": platform.python_version(), "system": platform.platform()}


if __name__ == "__main__":
    main()
