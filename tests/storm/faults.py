"""The faults: each condition alone, then eight pairs of them."""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial

from tests.storm import conditions as c
from tests.storm.conditions import Condition
from tests.storm.stage import Stage
from tests.storm.team import ROLES

TAKEOVER_PATIENCE_S = 30.0
BETWEEN_S = 1.0
SENDS = "notifications"


def _here(_stage: Stage) -> str:
    return ""


@dataclass(frozen=True, slots=True)
class Fault:
    """Conditions that begin one after another and end together: after so long, or once work moves all the same.

    `crashes` is how many repeated messages each phone may get of it, `why_not` says what this machine lacks for it.
    """

    name: str
    conditions: tuple[Condition, ...]
    lasts_s: float | None = None
    crashes: int = 0
    why_not: Callable[[Stage], str] = _here

    async def strike(self, stage: Stage, since: float) -> None:
        """Break it, wait, mend it."""
        async with AsyncExitStack() as stack:
            for number, condition in enumerate(self.conditions):
                await asyncio.sleep(BETWEEN_S if number else 0)
                await stack.enter_async_context(condition(stage))
            if self.lasts_s is None:
                await stage.moves(since, TAKEOVER_PATIENCE_S)
            else:
                await asyncio.sleep(self.lasts_s)


def _killed(role: str) -> Condition:
    return partial(c.killed, role=role)


def _frozen(role: str) -> Condition:
    return partial(c.frozen, role=role)


PROCESSES = (
    *(Fault(f"{role} killed", (_killed(role),), crashes=int(role == SENDS)) for role in ROLES),
    *(Fault(f"{role} frozen", (_frozen(role),), crashes=int(role == SENDS)) for role in ROLES),
    Fault("rolling restart", (c.rolling,)),
    Fault("clocks 30 s apart", (c.skewed,), why_not=c.no_faketime),
)
BROKERS = (
    Fault("one broker killed, then another", (c.one_broker_after_another,)),
    Fault("a broker frozen", (partial(c.broker_frozen, node=3),)),
    Fault("the lines to Kafka cut", (partial(c.cut, which=c.to_kafka),), lasts_s=6),
    Fault("a broker in a black hole", (partial(c.swallowed, which=c.to_one_broker),)),
    Fault("the lines to Kafka slow", (partial(c.slowed, which=c.to_kafka),)),
    Fault("a broker that forgot", (c.forgotten,)),
)
DATABASE = (
    Fault("Postgres restarted", (c.postgres_restarted,), lasts_s=1),
    Fault("Postgres killed", (c.postgres_killed,), lasts_s=3),
    Fault("Postgres' connections ended", (c.sessions_ended,)),
    Fault("Postgres' disk full", (c.disk_full,), lasts_s=6, why_not=c.no_disk),
    Fault("Postgres read-only", (c.read_only,), lasts_s=6),
    Fault("the line to Postgres cut", (partial(c.cut, which=c.to_postgres),), lasts_s=6),
    Fault("Postgres in a black hole", (partial(c.swallowed, which=c.to_postgres),), lasts_s=8),
    Fault("the line to Postgres slow", (partial(c.slowed, which=c.to_postgres),), lasts_s=8),
)
GATEWAY = (
    Fault("the gateway slow", (partial(c.gateway_is, manner="slow"),), lasts_s=8),
    Fault("the gateway refusing", (partial(c.gateway_is, manner="refusing"),), lasts_s=6),
    Fault("the gateway lying", (partial(c.gateway_is, manner="lying"),), lasts_s=6),
    # A text that was taken and not answered for is sent again: one more on the phone.
    Fault("the gateway half-open", (partial(c.gateway_is, manner="half-open"),), lasts_s=6, crashes=1),
    Fault("the line to the gateway cut", (partial(c.cut, which=c.to_gateway),), lasts_s=6, crashes=1),
)
SINGLE = (Fault("nothing", (c.nothing,)), *PROCESSES, *BROKERS, *DATABASE, *GATEWAY)

PAIRS = (
    Fault("a broker killed + relay killed", (partial(c.broker_killed, node=2), _killed("relay"))),
    Fault("relay frozen + Postgres killed", (_frozen("relay"), c.postgres_killed), lasts_s=3),
    Fault(
        "the gateway refusing + notifications killed",
        (partial(c.gateway_is, manner="refusing"), _killed(SENDS)), lasts_s=5, crashes=1,
    ),
    Fault("reports frozen + a broker that forgot", (_frozen("reports"), c.forgotten)),
    Fault("Postgres' connections ended + rolling restart", (c.sessions_ended, c.rolling)),
    Fault("agenda frozen + Postgres restarted", (_frozen("agenda"), c.postgres_restarted), lasts_s=2),
    Fault(
        "the gateway lying + api killed", (partial(c.gateway_is, manner="lying"), _killed("api")), lasts_s=5
    ),
    Fault(
        "the line to Postgres slow + a broker killed",
        (partial(c.slowed, which=c.to_postgres), partial(c.broker_killed, node=3)), lasts_s=8,
    ),
)  # fmt: skip

ALL = (*SINGLE, *PAIRS)
