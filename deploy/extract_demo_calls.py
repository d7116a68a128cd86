"""Extract the demo's calls from a DataSF "Fire Department Calls for Service" file.

    python deploy/extract_demo_calls.py FILE dispatch/cli/demo/data/sf_calls.csv

The busiest three hours are the half-open window [t, t + 3 h) that begins at a call and holds the most
distinct calls by the time at which they were received; of equally busy windows the earliest.
"""

import csv
import sys
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path

WINDOW = timedelta(hours=3)
COLUMNS = (
    "call",
    "received_local",
    "call_type",
    "final_priority",
    "lat",
    "lon",
    "units",
    "first_dispatch_local",
    "first_en_route_local",
    "first_on_scene_local",
)
Row = dict[str, str]


def local(text: str) -> datetime:
    return datetime.strptime(text, "%m/%d/%Y %I:%M:%S %p")  # noqa: DTZ007 - the source names no zone


def calls_of(rows: Iterable[Row]) -> dict[str, list[Row]]:
    """Group the rows by call: the source has one row per unit sent."""
    calls: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        calls[row["Call Number"]].append(row)
    return calls


def busiest(times: list[datetime]) -> datetime:
    """Return the start of the busiest window; `times` must be sorted."""
    return max(times, key=lambda start: bisect_left(times, start + WINDOW) - bisect_left(times, start))


def earliest(units: list[Row], column: str) -> str:
    times = [local(unit[column]) for unit in units if unit[column]]
    return min(times).isoformat() if times else ""


def row_of(number: str, units: list[Row]) -> list[str]:
    """Return what happened, when and where; no address, no outcome, no name of a unit."""
    first = units[0]
    lat, lon = (part.strip() for part in first["Location"].strip("()").split(","))
    received = local(first["Received DtTm"]).isoformat()
    firsts = [earliest(units, f"{step} DtTm") for step in ("Dispatch", "Response", "On Scene")]
    return [number, received, first["Call Type"], first["Final Priority"], lat, lon, str(len(units)), *firsts]


def extract(source: Path) -> list[list[str]]:
    with source.open(newline="", encoding="utf-8") as lines:
        calls = calls_of(csv.DictReader(lines))
    received = {number: local(units[0]["Received DtTm"]) for number, units in calls.items()}
    start = busiest(sorted(received.values()))
    chosen = [number for number, at in received.items() if start <= at < start + WINDOW]
    return [row_of(number, calls[number]) for number in sorted(chosen, key=lambda n: (received[n], n))]


def main(source: Path, target: Path) -> None:
    """Write the extract to `target`."""
    rows = extract(source)
    with target.open("w", newline="", encoding="utf-8") as lines:
        csv.writer(lines, lineterminator="\n").writerows([COLUMNS, *rows])
    print(f"{len(rows)} calls from {rows[0][1]} to {rows[-1][1]} written to {target}")


if __name__ == "__main__":
    if len(sys.argv) != 3:  # noqa: PLR2004
        sys.exit(__doc__)
    main(Path(sys.argv[1]), Path(sys.argv[2]))
