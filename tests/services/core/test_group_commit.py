"""Group commit: which items are committed together, and what happens when that fails."""

import asyncio
from collections.abc import Sequence

import pytest

from dispatch.services.core import group_commit
from dispatch.services.core.errors import ConflictError, OverloadedError
from dispatch.services.core.group_commit import GroupCommit

WINDOW_S = 0.01


class Store:
    """Records what is committed together; `delay_s` is the duration of a commit."""

    def __init__(self, delay_s: float = 0) -> None:
        self.tried: list[list[int]] = []
        self.committed: list[list[int]] = []
        self.running = self.most_running = 0
        self.delay_s = delay_s
        self.started = asyncio.Event()

    async def commit(self, items: Sequence[int]) -> list[int | Exception]:
        self.tried.append(list(items))
        self.started.set()
        self.running += 1
        self.most_running = max(self.running, self.most_running)
        try:
            await asyncio.sleep(self.delay_s)
        finally:
            self.running -= 1
        if 13 in items:
            raise LookupError
        self.committed.append(list(items))
        return [ConflictError() if item < 0 else 10 * item for item in items]


def group_of(store: Store) -> GroupCommit[int, int]:
    return GroupCommit(store.commit, window_s=WINDOW_S)


async def submit(group: GroupCommit[int, int], *items: int) -> list[int | BaseException]:
    return await asyncio.gather(*map(group.submit, items), return_exceptions=True)


async def test_items_of_one_window_are_committed_together_and_each_gets_its_own_result() -> None:
    store = Store()
    results = await submit(group_of(store), 1, -2, 3)
    assert store.committed == [[1, -2, 3]]
    assert (results[0], type(results[1]), results[2]) == (10, ConflictError, 30)


async def test_items_that_arrive_during_a_commit_are_the_next_group() -> None:
    store = Store(delay_s=0.03)
    group = group_of(store)
    first = asyncio.create_task(group.submit(1))
    await store.started.wait()
    assert await submit(group, 2, 3) == [20, 30]
    assert await first == 10
    assert store.committed == [[1], [2, 3]]


async def test_an_item_that_fails_a_group_fails_alone() -> None:
    store = Store()
    results = await submit(group_of(store), 1, 13, 3)
    assert (results[0], type(results[1]), results[2]) == (10, LookupError, 30)
    assert store.tried == [[1, 13, 3], [1], [13], [3]]


async def test_a_single_item_that_fails_is_not_committed_again() -> None:
    store = Store()
    with pytest.raises(LookupError):
        await group_of(store).submit(13)
    assert store.tried == [[13]]


async def test_a_caller_that_is_cancelled_in_the_queue_is_not_committed() -> None:
    store = Store()
    group = group_of(store)
    first, second = asyncio.create_task(group.submit(1)), asyncio.create_task(group.submit(2))
    await asyncio.sleep(0)
    first.cancel()
    assert await second == 20
    assert store.committed == [[2]]


async def test_a_caller_that_is_cancelled_during_the_commit_does_not_cancel_it() -> None:
    store = Store(delay_s=0.02)
    group = group_of(store)
    first, second = asyncio.create_task(group.submit(1)), asyncio.create_task(group.submit(2))
    await store.started.wait()
    first.cancel()
    assert await second == 20
    assert store.committed == [[1, 2]]


async def test_when_all_callers_are_cancelled_nothing_is_committed_and_later_items_are() -> None:
    store = Store()
    group = group_of(store)
    first = asyncio.create_task(group.submit(1))
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.sleep(2 * WINDOW_S)
    assert store.tried == []
    assert await group.submit(2) == 20


async def test_a_stalled_group_is_rolled_back_and_its_items_committed_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(group_commit, "STALLED_S", 0.02)
    store = Store(delay_s=0.05)
    assert await submit(group_of(store), 1, 2) == [10, 20]
    assert store.committed == [[1], [2]]


async def test_a_slow_group_delays_the_next_one_only_briefly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(group_commit, "PATIENCE_S", 0.01)
    store = Store(delay_s=10)
    group = group_of(store)
    slow = asyncio.create_task(group.submit(1))
    await store.started.wait()
    store.delay_s = 0
    assert await group.submit(2) == 20
    slow.cancel()


async def test_no_more_than_a_few_groups_run_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(group_commit, "PATIENCE_S", 0.0)
    monkeypatch.setattr(group_commit, "LARGEST", 2)
    store = Store(delay_s=0.02)
    assert await submit(group_of(store), *range(20, 60)) == list(range(200, 600, 10))
    assert store.most_running == group_commit.MOST_RUNNING
    assert {len(items) for items in store.committed} == {2}


async def test_the_queue_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(group_commit, "MOST_WAITING", 2)
    results = await submit(group_of(Store()), 1, 2, 3)
    assert results[:2] == [10, 20]
    assert isinstance(results[2], OverloadedError)


async def test_the_wait_of_the_oldest_item_is_known() -> None:
    group = group_of(Store())
    assert group.waited_s == 0
    waiting = asyncio.create_task(group.submit(1))
    await asyncio.sleep(WINDOW_S / 2)
    assert 0 < group.waited_s < 1
    await waiting
    assert group.waited_s == 0
