"""`fiberscope analyse`."""

from __future__ import annotations

from fiberscope.analysis.choices import NetworkChoice, StudyChoice
from fiberscope.cli.options import Flat
from fiberscope.cli.terminal import command_line, show_done, stopwatch


def analyse(*, choice: Flat[StudyChoice], network: Flat[NetworkChoice] = NetworkChoice()) -> int:
    """Ask everything of a network, on a choice of images: one page, with its pictures, tables and arrays.

    What it does not see, how far one can go, whether that is wanted, and how it compares. Interrupted, the same command
    goes on where it stopped.
    """
    from fiberscope.analysis.analyse import run_analyse

    return show_done(run_analyse(choice, network, command=command_line(), step=stopwatch))
