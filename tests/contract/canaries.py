"""Recognisable personal data (canaries), and the texts of every place that must not contain it."""

import asyncio
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from io import StringIO

import asyncpg
import pytest
import structlog
from aiokafka import AIOKafkaConsumer

from dispatch.logs import configure
from dispatch.services.operations import journal_export
from dispatch.services.operations.journal_export import Selection
from schemas.topics import TOPICS
from tests.stories.city import City

NAME, PHONE, BIRTH, HOME = "Zyxandra Quorvik", "+33639987654", "1971-02-03", 48.8512345
WORDS = "Vlimbrock au 3e, code 44X17Q"
TEXT = "zibbeldorf peut-etre"
DUTY_NAME, DUTY_PHONE = "Quentorius Blaff", "+33639987655"
CANARIES: dict[str, tuple[str, ...]] = {  # none can be part of a hexadecimal hash
    "name": ("Zyxandra", "Quorvik"),
    "phone": (PHONE.removeprefix("+33"),),
    "birth date": (BIRTH,),
    "home": (str(HOME),),
    "free text": ("Vlimbrock", "44X17Q"),
    "text message": ("zibbeldorf",),
    "duty contact": ("Quentorius", DUTY_PHONE.removeprefix("+33")),
}
PERSONAL = {
    "people", "memberships", "candidates", "addresses", "positions", "member_positions", "report_texts",
    "inbound_texts", "duty_contacts", "acting_contacts", "parking",
}  # fmt: skip
"""The tables that contain personal data by design, and can be erased; parking stores what it received."""
QUIET_MS = 1500


def leaks(where: str, text: str, canaries: Mapping[str, tuple[str, ...]]) -> Iterator[str]:
    """Yield each canary that a text contains, in plain letters or in PostgreSQL's hexadecimal form."""
    folded = text.casefold()
    for what, spellings in canaries.items():
        if any(one.casefold() in folded or one.encode().hex() in folded for one in spellings):
            yield f"{what} in {where}"


@contextmanager
def capture_log(monkeypatch: pytest.MonkeyPatch) -> Iterator[StringIO]:
    """Collect the log of a process at level debug, libraries included."""
    output, root = StringIO(), logging.getLogger()
    handlers, level = root.handlers[:], root.level
    monkeypatch.setattr("sys.stderr", output)
    configure("debug")
    structlog.configure(cache_logger_on_first_use=False)
    try:
        yield output
    finally:
        structlog.reset_defaults()
        root.handlers[:] = handlers
        root.setLevel(level)


async def tables(city: City) -> dict[str, str]:
    """Return the content of each table as text."""
    pool = city.node.pool
    names = await pool.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    contents = {}
    for (name,) in names:
        rows = await pool.fetch(f'SELECT t::text AS row FROM "{name}" t')
        contents[name] = "\n".join(row["row"] for row in rows)
    return contents


async def topics(city: City) -> dict[str, str]:
    """Return what Renfort has published on each topic, headers and keys included."""
    names = [topic.name for topic in TOPICS]
    contents = dict.fromkeys(names, "")
    consumer = AIOKafkaConsumer(
        *names, bootstrap_servers=city.node.wiring.cluster.bootstrap, group_id="canary",
        auto_offset_reset="earliest", session_timeout_ms=2000, heartbeat_interval_ms=500,
    )  # fmt: skip
    async with consumer:
        while records := await consumer.getmany(timeout_ms=QUIET_MS if any(contents.values()) else 20_000):
            for record in (record for batch in records.values() for record in batch):
                if ("ce_source", b"renfort") in record.headers:
                    contents[record.topic] += f"{record.key!r} {record.headers!r} {record.value!r}\n"
    return contents


async def export(city: City) -> str:
    """Return the exported journal."""
    return b"".join([line async for line in journal_export.export(city.node.uow, Selection())]).decode()


async def stream(city: City) -> str:
    """Read the supervisors' stream from its beginning, until it falls silent."""
    headers = {"Authorization": f"Bearer {city.keys['Ada']}"}
    text = ""
    async with city.http.get("/v1/stream?from=start", headers=headers) as response:
        try:
            while True:
                async with asyncio.timeout(QUIET_MS / 1000):
                    text += (await response.content.readany()).decode()
        except TimeoutError:
            return text


async def timelines(city: City) -> str:
    """Return the timelines of all incidents."""
    rows: list[asyncpg.Record] = await city.node.pool.fetch("SELECT id FROM incidents")
    found = [await city.call("GET", f"/v1/incidents/{row['id']}/timeline", "Ada") for row in rows]
    return str(found)
