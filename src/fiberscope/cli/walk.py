"""`fiberscope walk`."""

from __future__ import annotations

from fiberscope.analysis.choices import NetworkChoice, RunChoice, WalkChoice
from fiberscope.cli.options import Flat
from fiberscope.cli.terminal import command_line, progress, show


def walk(
    *, choice: Flat[WalkChoice] = WalkChoice(), run: Flat[RunChoice], network: Flat[NetworkChoice] = NetworkChoice()
) -> int:
    """Walk along fibers: step by step the image changes, and its latent does not.

    Straight lines in the same directions are computed beside, to show how soon they leave the fiber.
    """
    from fiberscope.analysis.walk import run_walk

    with progress("walking") as on_batch:
        finding = run_walk(choice, network, run, command=command_line(), on_batch=on_batch)
    return show(finding)
