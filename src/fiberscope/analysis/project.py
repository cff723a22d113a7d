"""Images brought onto the fibers of others by small steps."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from fiberscope.analysis.choices import NetworkChoice, PairChoice, RunChoice
from fiberscope.analysis.finding import Finding
from fiberscope.analysis.pairs import PairMove, run_pairs
from fiberscope.moves.project import project


def run_project(
    choice: PairChoice,
    network: NetworkChoice,
    run: RunChoice,
    *,
    command: str = "",
    on_batch: Callable[[int, int], None] = lambda done, of: None,
) -> Finding:
    """Project each image onto the fiber of its target; quick, near to the image but not the nearest.

    Raises FiberscopeError for a choice that cannot be met, and Interrupted at Ctrl-C.
    """
    pair_move = PairMove(
        "project", partial(project, rtol=choice.rtol), "Result\nthe first row, moved until its latent agrees"
    )
    return run_pairs(pair_move, choice, network, run, command=command, on_batch=on_batch)
