"""The nearest images on the fibers of others."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from fiberscope.analysis.choices import NetworkChoice, PairChoice, RunChoice
from fiberscope.analysis.finding import Finding
from fiberscope.analysis.pairs import PairMove, run_pairs
from fiberscope.moves.nearest import nearest


def run_nearest(
    choice: PairChoice,
    network: NetworkChoice,
    run: RunChoice,
    *,
    command: str = "",
    on_batch: Callable[[int, int], None] = lambda done, of: None,
) -> Finding:
    """Find for each image the nearest one that has the latent of its target: the smallest change that fools.

    Raises FiberscopeError for a choice that cannot be met, and Interrupted at Ctrl-C.
    """
    pair_move = PairMove(
        "nearest", partial(nearest, rtol=choice.rtol), "Result\nnearest to the first row with that latent"
    )
    return run_pairs(pair_move, choice, network, run, command=command, on_batch=on_batch)
