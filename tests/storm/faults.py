"""The faults: each condition alone, then eight pairs of them."""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial

from tests.storm import conditions as c
from tests.storm.conditions import Condition
from tests.storm.rig.system import System
from tests.storm.rig.workers import ROLES

TAKEOVER_PATIENCE_S = 30.0
PAIR_DELAY_S = 1.0
SENDS = "notifications"


def _here(_system: System) -> str:
    return ""


@dataclass(frozen=True, slots=True)
class Fault:
    """Conditions that start one after another and end together: after a time, or once work makes progress again.

    `allowed_repeats` is how many repeated messages each phone may get; `skip_reason` returns what this machine lacks.
    """

    name: str
    conditions: tuple[Condition, ...]
    lasts_s: float | None = None
    allowed_repeats: int = 0
    skip_reason: Callable[[System], str] = _here

    async def inject(self, system: System, since: float) -> None:
        """Start the conditions, wait, and remove them."""
        async with AsyncExitStack() as stack:
            for number, condition in enumerate(self.conditions):
                await asyncio.sleep(PAIR_DELAY_S if number else 0)
                await stack.enter_async_context(condition(system))
            if self.lasts_s is None:
                await system.time_to_progress(since, TAKEOVER_PATIENCE_S)
            else:
                await asyncio.sleep(self.lasts_s)


def _killed(role: str) -> Condition:
    return partial(c.killed, role=role)


def _frozen(role: str) -> Condition:
    return partial(c.frozen, role=role)


PROCESSES = (
    *(Fault(f"{role} killed", (_killed(role),), allowed_repeats=int(role == SENDS)) for role in ROLES),
    *(Fault(f"{role} frozen", (_frozen(role),), allowed_repeats=int(role == SENDS)) for role in ROLES),
    Fault("rolling restart", (c.rolling,)),
    Fault("clocks 30 s apart", (c.skewed,), skip_reason=c.faketime_unavailable),
)
BROKERS = (
    Fault("one broker killed, then another", (c.one_broker_after_another,)),
    Fault("a broker frozen", (partial(c.broker_frozen, node=3),)),
    Fault("connections to Kafka closed", (partial(c.disconnected, which=c.kafka_proxies),), lasts_s=6),
    Fault("a broker unreachable", (partial(c.blackholed, which=c.one_kafka_proxy),)),
    Fault("connections to Kafka slow", (partial(c.slowed, which=c.kafka_proxies),)),
    Fault("Kafka replaced by an empty cluster", (c.kafka_replaced,)),
)
DATABASE = (
    Fault("Postgres restarted", (c.postgres_restarted,), lasts_s=1),
    Fault("Postgres killed", (c.postgres_killed,), lasts_s=3),
    Fault("Postgres' sessions terminated", (c.sessions_terminated,)),
    Fault("Postgres' disk full", (c.disk_full,), lasts_s=6, skip_reason=c.disk_unavailable),
    Fault("Postgres read-only", (c.read_only,), lasts_s=6),
    Fault("connections to Postgres closed", (partial(c.disconnected, which=c.postgres_proxies),), lasts_s=6),
    Fault("Postgres unreachable", (partial(c.blackholed, which=c.postgres_proxies),), lasts_s=8),
    Fault("connections to Postgres slow", (partial(c.slowed, which=c.postgres_proxies),), lasts_s=8),
)
GATEWAY = (
    Fault("the gateway slow", (partial(c.gateway_behaves, behaviour="slow"),), lasts_s=8),
    Fault("the gateway rejecting", (partial(c.gateway_behaves, behaviour="rejecting"),), lasts_s=6),
    Fault("the gateway misreporting", (partial(c.gateway_behaves, behaviour="misreporting"),), lasts_s=6),
    # A text that was accepted without an answer is sent again: the phone gets it twice.
    Fault(
        "the gateway not answering",
        (partial(c.gateway_behaves, behaviour="not answering"),),
        lasts_s=6,
        allowed_repeats=1,
    ),
    Fault(
        "connections to the gateway closed",
        (partial(c.disconnected, which=c.gateway_proxies),),
        lasts_s=6,
        allowed_repeats=1,
    ),
)
# Four windows of the storm's plan: time enough to make all the offers that it allows, and then to ask nobody.
LONG_S = 50
OUTAGES = (
    Fault("Kafka away for long", (partial(c.disconnected, which=c.kafka_proxies),), lasts_s=LONG_S),
    Fault("the gateway away for long", (partial(c.gateway_behaves, behaviour="rejecting"),), lasts_s=LONG_S),
)
SINGLE = (Fault("nothing", (c.nothing,)), *PROCESSES, *BROKERS, *DATABASE, *GATEWAY, *OUTAGES)

PAIRS = (
    Fault("a broker killed + relay killed", (partial(c.broker_killed, node=2), _killed("relay"))),
    Fault("relay frozen + Postgres killed", (_frozen("relay"), c.postgres_killed), lasts_s=3),
    Fault(
        "the gateway rejecting + notifications killed",
        (partial(c.gateway_behaves, behaviour="rejecting"), _killed(SENDS)), lasts_s=5, allowed_repeats=1,
    ),
    Fault("reports frozen + Kafka replaced by an empty cluster", (_frozen("reports"), c.kafka_replaced)),
    Fault("Postgres' sessions terminated + rolling restart", (c.sessions_terminated, c.rolling)),
    Fault("agenda frozen + Postgres restarted", (_frozen("agenda"), c.postgres_restarted), lasts_s=2),
    Fault(
        "the gateway misreporting + api killed",
        (partial(c.gateway_behaves, behaviour="misreporting"), _killed("api")), lasts_s=5,
    ),
    Fault(
        "connections to Postgres slow + a broker killed",
        (partial(c.slowed, which=c.postgres_proxies), partial(c.broker_killed, node=3)), lasts_s=8,
    ),
)  # fmt: skip

ALL = (*SINGLE, *PAIRS)
