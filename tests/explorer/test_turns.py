"""Everybody who waits gets a piece of work done in turn."""

import asyncio
import contextlib
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fiberscope.explorer.turns import Turns


class Somebody:
    """Work of so many pieces, written into a diary that all share."""

    def __init__(self, turns, diary, name, pieces):
        self.turns, self.diary, self.name, self.left = turns, diary, name, pieces
        self.threads = set()

    def next_piece(self):
        if self.left == 0:
            return None
        self.left -= 1
        return self.work

    def work(self):
        self.threads.add(threading.get_ident())
        self.diary.append(self.name)

    def piece_done(self):
        if self.left:
            self.turns.join(self)


async def until(condition):
    async with asyncio.timeout(30):
        while not condition():
            await asyncio.sleep(0.001)


@contextlib.asynccontextmanager
async def running(turns):
    task = asyncio.create_task(turns.run())
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def diary_of(*pieces, meanwhile=None):
    """What was done in which order, for workers of so many pieces."""

    async def work():
        turns, diary = Turns(), []
        workers = [Somebody(turns, diary, i, count) for i, count in enumerate(pieces)]
        for worker in workers:
            turns.join(worker)
        async with running(turns):
            if meanwhile is not None:
                await meanwhile(turns, workers, diary)
            await until(lambda: not any(worker.left for worker in workers) and len(diary) == sum(pieces))
        return diary

    return asyncio.run(work())


@pytest.mark.parametrize("count", [1, 2, 20])
def test_after_each_round_everybody_has_had_as_many_pieces(count):
    diary = diary_of(*[6] * count)
    for end in range(len(diary) + 1):
        counts = [diary[:end].count(name) for name in range(count)]
        assert max(counts) - min(counts) <= 1


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(1, 8), min_size=1, max_size=6))
def test_nobody_with_work_left_is_behind_by_more_than_one(pieces):
    diary = diary_of(*pieces)
    for end in range(len(diary) + 1):
        counts = [diary[:end].count(name) for name in range(len(pieces))]
        waiting = [counts[name] for name, whole in enumerate(pieces) if counts[name] < whole]
        assert not waiting or max(counts) - min(waiting) <= 1
    assert sorted(diary) == sorted(name for name, whole in enumerate(pieces) for _ in range(whole))


def test_somebody_who_comes_later_has_a_turn_before_the_others_end():
    async def meanwhile(turns, workers, diary):
        await until(lambda: len(diary) > 4)
        late = Somebody(turns, diary, "late", 1)
        turns.join(late)
        await until(lambda: "late" in diary)
        assert workers[0].left > 0
        diary.remove("late")

    diary_of(5000, meanwhile=meanwhile)


def test_who_joins_twice_stands_in_the_queue_once():
    async def work():
        turns, diary = Turns(), []
        first, second = (Somebody(turns, diary, name, 1) for name in "ab")
        first.left = 9
        first.piece_done = lambda: None
        for worker in (first, first, second, first):
            turns.join(worker)
        async with running(turns):
            await until(lambda: "b" in diary)
            await asyncio.sleep(0.02)
        return diary

    assert asyncio.run(work()) == ["a", "b"]


def test_who_leaves_has_no_more_turns_and_holds_up_nobody():
    async def work():
        turns, diary = Turns(), []
        gone, stays = Somebody(turns, diary, "gone", 3), Somebody(turns, diary, "stays", 3)
        turns.join(gone)
        turns.join(stays)
        turns.leave(gone)
        turns.leave(gone)  # once more does no harm
        async with running(turns):
            await until(lambda: len(diary) == 3)
        return diary

    assert asyncio.run(work()) == ["stays"] * 3


def test_who_has_nothing_to_do_after_all_holds_up_nobody():
    assert diary_of(0, 3, 0) == [1] * 3


@pytest.mark.parametrize("where", ["next_piece", "work", "piece_done"])
def test_whose_work_fails_holds_up_nobody(where):
    async def work():
        turns, diary = Turns(), []
        failing = Somebody(turns, diary, "fails", 1)

        def fail():
            diary.append("fails")
            raise ValueError(where)

        failing.work = lambda: None
        setattr(failing, where, fail)
        turns.join(failing)
        turns.join(Somebody(turns, diary, "works", 2))
        async with running(turns) as task:
            await until(lambda: diary.count("works") == 2 or task.done())
        return diary

    assert asyncio.run(work()) == ["fails", "works", "works"]


def test_all_pieces_are_done_in_one_thread_that_is_not_the_loops():
    async def work():
        turns, diary = Turns(), []
        workers = [Somebody(turns, diary, name, 4) for name in range(3)]
        for worker in workers:
            turns.join(worker)
        async with running(turns):
            await until(lambda: len(diary) == 12)
        return set.union(*(worker.threads for worker in workers))

    used = asyncio.run(work())
    assert len(used) == 1
    assert threading.get_ident() not in used


def test_turns_that_are_cancelled_end_their_thread():
    before = threading.active_count()
    diary_of(3)
    for thread in threading.enumerate():
        if thread.name.startswith("fiberscope"):
            thread.join(timeout=10)
    assert threading.active_count() <= before
