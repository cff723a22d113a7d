"""A small store of what was computed, so that a drag does not begin at the first move again; bounded in bytes."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from hashlib import blake2b
from typing import TypeVar, cast

from torch import Tensor

_Value = TypeVar("_Value")


class Memory:
    """The latest results, up to so many bytes of tensors; the least recently used go first."""

    def __init__(self, most_bytes: int = 32 * 2**20):
        self.most_bytes = most_bytes
        self._kept: OrderedDict[bytes, tuple[object, int]] = OrderedDict()
        self._bytes = 0
        self._closed = False
        self._lock = threading.Lock()  # not held while something is computed: two threads may compute the same

    @property
    def num_bytes(self) -> int:
        """Of the tensors kept, and 1 KiB for each result."""
        return self._bytes

    def knows(self, key: object) -> bool:
        """Whether something is kept under the key."""
        with self._lock:
            return _digest(key) in self._kept

    def recall(self, key: object, compute: Callable[[], _Value]) -> _Value:
        """What is kept under the key, or else what ``compute`` returns, which is kept.

        Keys are told apart by what they look like (`repr`) and cost next to nothing to keep, however long they are.
        """
        place = _digest(key)
        with self._lock:
            if place in self._kept:
                self._kept.move_to_end(place)
                return cast("_Value", self._kept[place][0])
        value = compute()
        with self._lock:
            self._keep(place, value)
        return value

    def close(self) -> None:
        """Forget everything, and keep nothing any more."""
        with self._lock:
            self._closed = True
            self._kept.clear()
            self._bytes = 0

    def _keep(self, place: bytes, value: object) -> None:
        if self._closed:
            return
        _, before = self._kept.pop(place, (None, 0))
        size = 1024 + _bytes_of(value)
        self._kept[place] = (value, size)
        self._bytes += size - before
        while self._bytes > self.most_bytes and len(self._kept) > 1:
            _, (_, dropped) = self._kept.popitem(last=False)
            self._bytes -= dropped


def _bytes_of(value: object) -> int:
    if isinstance(value, Tensor):
        return value.numel() * value.element_size()
    return sum(_bytes_of(part) for part in value) if isinstance(value, tuple) else 0


def _digest(key: object) -> bytes:
    return blake2b(repr(key).encode(errors="surrogatepass"), digest_size=16).digest()
