"""`fiberscope project`."""

from __future__ import annotations

from fiberscope.analysis.choices import NetworkChoice, PairChoice, RunChoice
from fiberscope.cli.options import Flat
from fiberscope.cli.terminal import command_line, progress, show


def project(
    *, choice: Flat[PairChoice] = PairChoice(), run: Flat[RunChoice], network: Flat[NetworkChoice] = NetworkChoice()
) -> int:
    """Move images onto the fibers of others: they keep much of their looks, and the network takes them for the others.

    Quick: what is found is near the image that it started from, not the nearest (see nearest).
    """
    from fiberscope.analysis.project import run_project

    with progress("projecting") as on_batch:
        finding = run_project(choice, network, run, command=command_line(), on_batch=on_batch)
    return show(finding)
