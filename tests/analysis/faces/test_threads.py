"""Work side by side ends soon after it is not wanted, and keeps its order."""

from __future__ import annotations

import threading

import pytest
import torch

from fiberscope.analysis.faces import threads
from fiberscope.analysis.faces.threads import side_by_side
from small_faces import SHAPE, small_latent_map


@pytest.fixture(autouse=True)
def _two_cores(monkeypatch):
    monkeypatch.setattr(threads.os, "cpu_count", lambda: 2)


def test_found_in_the_order_asked_however_long_each_takes():
    through, second_is_done = small_latent_map(), threading.Event()

    def work(item):
        if item == 0:
            second_is_done.wait(10)
        else:
            second_is_done.set()
        return item

    assert side_by_side(work, [0, 1], through=through) == [0, 1]


def test_when_one_is_interrupted_the_others_end_at_their_next_pass_and_the_network_goes_on_afterwards():
    through = small_latent_map()
    image = torch.rand(1, *SHAPE)
    under_way, passes = threading.Event(), []

    def work(item):
        if item == "interrupted":
            under_way.wait(10)
            raise KeyboardInterrupt
        while len(passes) < 10**5:  # for ever, if nobody ends it
            passes.append(through(image))
            under_way.set()
        return item

    with pytest.raises(KeyboardInterrupt):
        side_by_side(work, ["endless", "interrupted"], through=through)
    assert len(passes) < 10**5
    assert through(image).shape == (1, 6)
