"""A memory gives what was computed, forgets the least recently used first, and never holds more than it may."""

import threading

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from fiberscope.explorer.memory import Memory

KIB = 1024


def never():
    raise AssertionError("computed again")


def kept(memory, key):
    """Whether it is there still, without putting anything in."""

    class Missing(Exception):
        pass

    def missing():
        raise Missing

    try:
        memory.recall(key, missing)
    except Missing:
        return False
    return True


def test_what_was_computed_once_is_not_computed_again():
    memory = Memory()
    value = memory.recall("key", lambda: torch.ones(3))
    assert memory.recall("key", never) is value


def test_what_is_nothing_is_remembered_too():
    memory = Memory()
    assert memory.recall("key", lambda: None) is None
    assert memory.recall("key", never) is None


def test_what_raises_is_not_kept():
    memory = Memory()
    with pytest.raises(ZeroDivisionError):
        memory.recall("key", lambda: 1 // 0)
    assert memory.recall("key", lambda: 5) == 5
    assert memory.num_bytes == KIB


def test_the_least_recently_used_goes_first():
    memory = Memory(most_bytes=3 * 2 * KIB)
    for key in "abc":
        memory.recall(key, lambda: torch.zeros(KIB, dtype=torch.uint8))
    memory.recall("a", never)
    memory.recall("d", lambda: torch.zeros(KIB, dtype=torch.uint8))
    assert [kept(memory, key) for key in "abcd"] == [True, False, True, True]


def test_tensors_inside_tuples_count():
    memory = Memory()
    memory.recall("key", lambda: (torch.zeros(100), ("words", (torch.zeros(7, dtype=torch.float64),)), None))
    assert memory.num_bytes == KIB + 400 + 56


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 3 * KIB)), max_size=60))
def test_it_never_holds_more_than_it_may(asked):
    memory = Memory(most_bytes=8 * KIB)
    for key, size in asked:
        value = memory.recall((key, size), lambda size=size: torch.zeros(size, dtype=torch.uint8))
        assert value.numel() == size
        assert memory.num_bytes <= 8 * KIB
        assert memory.recall((key, size), never) is value


def test_one_result_that_is_too_large_is_kept_alone():
    memory = Memory(most_bytes=4 * KIB)
    memory.recall("small", lambda: 1)
    memory.recall("large", lambda: torch.zeros(9 * KIB, dtype=torch.uint8))
    assert [kept(memory, key) for key in ("small", "large")] == [False, True]
    memory.recall("small", lambda: 1)
    assert memory.num_bytes == KIB


def test_a_result_may_ask_for_others_while_it_is_computed():
    memory = Memory()
    assert memory.recall("outer", lambda: memory.recall("inner", lambda: 2) + 1) == 3
    assert memory.recall("inner", never) == 2


def test_two_threads_that_compute_the_same_count_its_bytes_once():
    memory, both = Memory(), threading.Barrier(2)

    def compute():
        both.wait(timeout=10)
        return torch.zeros(100)

    threads = [threading.Thread(target=memory.recall, args=("key", compute)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert memory.num_bytes == KIB + 400
