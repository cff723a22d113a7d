import threading
from concurrent.futures import ThreadPoolExecutor

from fiberscope.lazy import lazy


def test_a_value_is_computed_once_when_it_is_asked_for():
    asked = []

    class Thing:
        @lazy
        def value(self):
            """A value."""
            asked.append(self)
            return 3

    thing, other = Thing(), Thing()
    assert not asked
    assert (thing.value, thing.value, other.value) == (3, 3, 3)
    assert asked == [thing, other]
    assert Thing.value.__doc__ == "A value."


def test_two_threads_compute_at_once_each_on_an_object_of_its_own():
    both = threading.Barrier(2, timeout=10)

    class Thing:
        @lazy
        def value(self):
            return both.wait()  # broken, if one had to wait for the other

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(lambda thing: thing.value, [Thing(), Thing()])) == [0, 1]
