"""`fiberscope compare`."""

from __future__ import annotations

from fiberscope.analysis.choices import CompareChoice
from fiberscope.cli.options import Flat
from fiberscope.cli.terminal import command_line, show_done, stopwatch


def compare(*models: str, choice: Flat[CompareChoice]) -> int:
    """Set networks side by side: how blind each is, how often it collides, what it minds, how strongly it sees.

    Parameters
    ----------
    models
        Networks to compare, at least two: mnist-classifier, a folder or file that `fiberscope train` wrote, or your
        own as file.py:factory.
    """
    from fiberscope.analysis.compare import run_compare

    return show_done(run_compare(models, choice, command=command_line(), step=stopwatch))
