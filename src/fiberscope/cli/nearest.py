"""`fiberscope nearest`."""

from __future__ import annotations

from fiberscope.analysis.choices import NetworkChoice, PairChoice, RunChoice
from fiberscope.cli.options import Flat
from fiberscope.cli.terminal import command_line, progress, show


def nearest(
    *, choice: Flat[PairChoice] = PairChoice(), run: Flat[RunChoice], network: Flat[NetworkChoice] = NetworkChoice()
) -> int:
    """Find the nearest image that has exactly the latent of another: looks like one, and is the other to the network.

    Slower than project, and nearer. The minimum is a local one.
    """
    from fiberscope.analysis.nearest import run_nearest

    with progress("descending") as on_batch:
        finding = run_nearest(choice, network, run, command=command_line(), on_batch=on_batch)
    return show(finding)
