"""`fiberscope rows`."""

from __future__ import annotations

from fiberscope.analysis.choices import NetworkChoice, RowsChoice
from fiberscope.cli.options import Flat
from fiberscope.cli.terminal import command_line, show_done, stopwatch


def rows(*, choice: Flat[RowsChoice], network: Flat[NetworkChoice] = NetworkChoice()) -> int:
    """Make rows of clearly different, natural digits: all images of a row have exactly the same latent.

    A generator of digits keeps them natural; the same search without it stands beside, and is noise.
    """
    from fiberscope.analysis.rows import run_rows

    return show_done(run_rows(choice, network, command=command_line(), step=stopwatch))
