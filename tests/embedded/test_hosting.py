"""A process that runs does not collect what it created at its start."""

import asyncio
import gc
from collections.abc import Iterator
from types import SimpleNamespace
from typing import cast

import pytest

from dispatch.runtime import hosting
from dispatch.runtime.embedded_services import Embedded
from dispatch.runtime.node import Node


@pytest.fixture(autouse=True)
def thawed() -> Iterator[None]:
    yield
    gc.unfreeze()


async def test_a_running_node_exempts_the_objects_of_its_start_from_collection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def supervise(*_: object) -> None:
        await asyncio.Event().wait()

    async def stop() -> None:
        frozen.append(gc.get_freeze_count())

    frozen: list[int] = []
    monkeypatch.setattr(hosting, "supervise", supervise)
    stopping = asyncio.Event()
    stopping.set()
    node = cast(Node, SimpleNamespace(kafka=None, stop=stop))
    await hosting.until_stopped(node, cast(Embedded, None), stopping)
    assert frozen[0] > 10_000
