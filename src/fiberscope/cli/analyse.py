"""`fiberscope analyse`."""

from __future__ import annotations

from fiberscope.analysis.choices import NetworkChoice, StudyChoice
from fiberscope.cli.options import Flat
from fiberscope.cli.terminal import command_line, say, say_error, show_facts, stopwatch


def analyse(*, choice: Flat[StudyChoice], network: Flat[NetworkChoice] = NetworkChoice()) -> int:
    """Ask everything of a network, on a choice of images: one page, with its pictures, tables and arrays.

    What it does not see, how far one can go, whether that is wanted, and how it compares. Interrupted, the same command
    goes on where it stopped.
    """
    from fiberscope.analysis.analyse import run_analyse

    done = run_analyse(choice, network, command=command_line(), step=stopwatch)
    show_facts(done.facts)
    if done.resumed:
        say(f"{done.resumed} answers were there already, from a run that was interrupted.")
    say(f"Report: {done.report}")
    for failure in done.failed:
        say_error(f"not answered: {failure}")
    return 1 if done.failed else 0
