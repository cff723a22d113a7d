"""`fiberscope demo`."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.text import Text

from fiberscope.cli.terminal import command_line, program, stopwatch
from fiberscope.plain_text import plain

_NEXT = "nearest --images 0:8 --out runs/mine"


def demo(*, out: Path = Path("runs/demo"), seed: int = 0, force: bool = False) -> None:
    """Show what a classifier of digits can and cannot see: ten digits, one page. Asks nothing, loads nothing.

    Args:
        out: Folder for the page, its pictures, tables and arrays; it is made if it is not there.
        seed: Seed of the choice of digits and of everything random: the same seed gives the same pictures.
        force: Replace the result that an earlier run wrote into the folder; other files in it stay.

    """
    from fiberscope.analysis.demo import run_demo
    from fiberscope.gallery import percent

    found = run_demo(out, seed=seed, force=force, command=command_line(), step=stopwatch)
    console = Console(highlight=False)
    console.print(
        f"The classifier reads {percent(found.accuracy)} of the test digits right; this took {found.seconds:.0f} s."
    )
    # Text, and no wrapping: a path or a command is copied whole.
    console.print(Text.assemble("Report: ", (plain(str(found.done.report)), "bold")), soft_wrap=True)
    console.print(Text.assemble("Next:   ", (f"{program()} {_NEXT}", "bold")), soft_wrap=True)
