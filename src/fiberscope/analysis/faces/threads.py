"""Images side by side: as many threads as there are cores, each with torch on one."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from typing import TypeVar

import torch
from torch import nn

from fiberscope.problem import LatentMap

_Item = TypeVar("_Item")
_Found = TypeVar("_Found")


def side_by_side(
    work: Callable[[_Item], _Found],
    items: Sequence[_Item],
    *,
    through: LatentMap,
    tell: Callable[[int], object] = lambda done: None,
) -> list[_Found]:
    """The work on each item, in order; each alone, so that its bits do not depend on the others or on the threads.

    ``tell`` is called with how many are done. At Ctrl-C, or when one fails, the others end at their next pass
    ``through`` the network.
    """
    with one_thread(), _stoppable(through) as stop, ThreadPoolExecutor(os.cpu_count() or 1, initializer=_alone) as pool:
        try:
            futures = [pool.submit(work, item) for item in items]
            for done, future in enumerate(as_completed(futures), 1):
                future.result()
                tell(done)
        except BaseException:
            stop()
            pool.shutdown(cancel_futures=True)
            raise
        return [future.result() for future in futures]


@contextmanager
def one_thread() -> Iterator[None]:
    """Torch on one thread: with two on busy cores a Jacobian of a face embedding took 20 times as long."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _alone() -> None:
    torch.set_num_threads(1)


class _Stopped(Exception):
    """The work of this thread is not wanted any more."""


@contextmanager
def _stoppable(latent_map: LatentMap) -> Iterator[Callable[[], None]]:
    """Passes through the network raise once the function is called: threads cannot be told to end otherwise."""
    stopped = threading.Event()

    def check(*_: object) -> None:
        if stopped.is_set():
            raise _Stopped

    if not isinstance(latent_map.model, nn.Module):  # a function has no place for it, and is waited for
        yield stopped.set
        return
    hook = latent_map.model.register_forward_pre_hook(check)
    try:
        yield stopped.set
    finally:
        hook.remove()
