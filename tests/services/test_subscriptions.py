"""The table of consumers: what it declares is what a process subscribes and what `dispatch parking retry` repeats."""

from typing import cast, get_args

import asyncpg
import pytest

from consumers import broker, registration
from consumers.broker import Handler
from dispatch.clock import MovableClock
from dispatch.config import Settings
from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.services.ingest import batches
from dispatch.services.ingest.batches import Batches
from dispatch.services.intake.opening import Intake
from dispatch.services.plans.plan_files import load
from dispatch.services.subscriptions import (
    READERS,
    SUBSCRIPTIONS,
    ConsumerRole,
    handlers_of,
    subscriptions_of,
)
from schemas.topics import BY_NAME
from tests.conftest import START

INTAKE = Intake(load(None))
UOW = UnitOfWork(cast("asyncpg.Pool", None), MovableClock(START))


@pytest.fixture
def subscribed(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str, Handler, int]]:
    """Collect what is subscribed: consumer, topic, handler and batch size."""
    found: list[tuple[str, str, Handler, int]] = []

    def collect(_: object, topic: str, consumer: str, handler: Handler, *, max_records: int) -> None:
        found.append((consumer, topic, handler, max_records))

    monkeypatch.setattr(registration, "subscribe", collect)
    return found


def register(*roles: str, guarded: bool = True) -> None:
    some_broker = broker.build("127.0.0.1:1", embedded=True)
    found = subscriptions_of(roles, guarded_positions=guarded)
    registration.register(some_broker, found, UOW, Batches(UOW.pool, UOW.clock, UOW.wake), INTAKE)


def test_each_consumer_stands_in_the_table_once_and_reads_a_declared_topic() -> None:
    names = [one.consumer for one in SUBSCRIPTIONS]
    assert len(set(names)) == len(names)
    assert {one.topic for one in SUBSCRIPTIONS} <= set(BY_NAME)


@pytest.mark.parametrize("role", get_args(ConsumerRole))
def test_a_process_subscribes_the_consumers_of_its_roles_and_no_others(
    role: str, subscribed: list[tuple[str, str, Handler, int]]
) -> None:
    register("api", role)
    wanted = [
        (s.consumer, s.topic, s.batch) for s in SUBSCRIPTIONS if s.role == role for _ in range(s.members)
    ]
    assert [(consumer, topic, batch) for consumer, topic, _, batch in subscribed] == wanted != []


async def test_what_arrives_reaches_the_declared_handler(
    subscribed: list[tuple[str, str, Handler, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    called: dict[tuple[str, str], batches.Handler] = {}

    async def run(_: Batches, consumer: str, topic: str, *rest: object, **__: object) -> None:
        called[consumer, topic] = cast("batches.Handler", rest[1])

    monkeypatch.setattr(Batches, "run", run)
    register(*get_args(ConsumerRole))
    for consumer, topic, handler, _ in subscribed:
        if (topic, consumer) in READERS:
            await handler([])
    declared = handlers_of(INTAKE)
    assert called == {name: handle for name, handle in declared.items() if name[0] != "positions"}
    assert [one.consumer for one in SUBSCRIPTIONS if not one.uses_inbox] == ["positions"]


def test_no_process_reads_positions_from_their_topic_unless_it_is_declared_guarded(
    subscribed: list[tuple[str, str, Handler, int]],
) -> None:
    register(*get_args(ConsumerRole), guarded=False)
    assert {consumer for consumer, *_ in subscribed} == {consumer for _, consumer in READERS}
    assert not Settings().guarded_positions
