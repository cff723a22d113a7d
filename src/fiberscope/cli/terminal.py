"""What a command says: tables and findings on standard output, progress and errors on standard error."""

from __future__ import annotations

import shlex
import shutil
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from fiberscope.plain_text import plain, plain_lines

if TYPE_CHECKING:
    from fiberscope.analysis.finding import Finding
    from fiberscope.analysis.study.run import Done
    from fiberscope.models import Progress as Trained

_UNLIMITED = 10_000  # columns of a pipe, which has no right edge


def command_line() -> str:
    """The command line of this process, as one would type it again."""
    return shlex.join(["fiberscope", *sys.argv[1:]])


def own_version() -> str:
    """The version of fiberscope; unless told, cyclopts answers for a command with its own."""
    return version("fiberscope")


def program() -> str:
    """How to call this program again from here; the console script may lie in an environment off the path."""
    if shutil.which("fiberscope"):
        return "fiberscope"
    return "python -m fiberscope" if sys.argv[0].endswith(".py") else sys.argv[0]


def show(finding: Finding) -> int:
    """Print the finding and return the exit code: 1 when not one row ended as it should."""
    console = _console()
    console.print(_table(finding, console))
    console.print()
    good = finding.num_good > 0
    console.print(Text(plain_lines(finding.summary), style="bold" if good else "bold yellow"))
    for advice in finding.advice:
        console.print(Text(plain_lines(advice), style="yellow"))
    show_files(finding.files)
    return 0 if good else 1


def show_files(files: Sequence[Path]) -> None:
    """Print where the files of a result are, one a line."""
    console = _console()
    for file in files:
        console.print(Text(plain(str(file))), soft_wrap=True)


@contextmanager
def progress(words: str) -> Iterator[Callable[[int, int], None]]:
    """Show a bar on a terminal while the block runs; it is moved by calling (done, total)."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(escape(plain(words)), total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


@contextmanager
def training_bar() -> Iterator[Callable[[Trained], None]]:
    """Show loss and quality while the block trains: a bar on a terminal, elsewhere a line an epoch."""
    console = Console(stderr=True, highlight=False)
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[words]}"), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("training", total=None, words="")
        quality = ""

        def show_progress(now: Trained) -> None:
            nonlocal quality
            words = f"epoch {now.epoch}/{now.epochs}, loss {now.loss:.4f}"
            if now.quality is not None:
                quality = "".join(f", {name.replace('_', ' ')} {value:.4f}" for name, value in now.quality.items())
                bar.console.print(Text(plain(words + quality)))
            done = (now.epoch - 1) * now.steps + now.step
            bar.update(task, completed=done, total=now.epochs * now.steps, words=escape(plain(words + quality)))

        yield show_progress


@contextmanager
def stopwatch(name: str) -> Iterator[None]:
    """Show that the step is under way, and leave a line with its seconds when it is done."""
    with watch() as (step, _), step(name):
        yield


@contextmanager
def watch() -> Iterator[tuple[Callable[[str], AbstractContextManager[None]], Callable[[str], None]]]:
    """Show on a terminal what is under way: yields what wraps a step, and what says how far a step is."""
    console = Console(stderr=True, highlight=False)
    with console.status("") as status:

        @contextmanager
        def step(name: str) -> Iterator[None]:
            begun = time.perf_counter()
            status.update(Text(plain(f"{name} …")))
            yield
            console.print(Text(plain(f"{time.perf_counter() - begun:6.1f} s  {name}")))

        yield step, lambda words: status.update(Text(plain(f"{words} …")))


def show_done(done: Done) -> int:
    """Print what a study found and where its page is, and return the exit code: 1 when a question has no answer."""
    show_facts(done.facts)
    if done.resumed:
        say(f"{done.resumed} answers were there already, from a run that was interrupted.")
    say(f"Report: {done.report}")
    for failure in done.failed:
        say_error(f"not answered: {failure}")
    return 1 if done.failed else 0


def show_facts(facts: Sequence[tuple[str, str]]) -> None:
    """Print numbers, each with what it says."""
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(overflow="fold")
    table.add_column(overflow="fold")
    for words, value in facts:
        table.add_row(Text(plain(words)), Text(plain(value), style="bold"))
    _console().print(table)


def say(message: str) -> None:
    """Print a sentence."""
    _console().print(Text(plain_lines(message)), soft_wrap=True)


def say_error(message: str) -> None:
    """Print why a command was refused."""
    Console(stderr=True).print(error_text(message), soft_wrap=True)


def error_text(message: object) -> Text:
    """The words of a refusal, in the form that every refusal has."""
    return Text(plain_lines(f"error: {message}"), style="red")


def say_warnings() -> None:
    """Let whatever warns from now on say so in the form of the command's own messages."""
    warnings.showwarning = _say_warning


def say_interrupted(message: str) -> None:
    """Print what an interruption left behind."""
    Console(stderr=True).print(Text(plain_lines(message), style="yellow"), soft_wrap=True)


def _say_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    Console(stderr=True).print(Text(plain_lines(f"note: {message}"), style="yellow"), soft_wrap=True)


def _console() -> Console:
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=_UNLIMITED)


def _table(finding: Finding, console: Console) -> Table:
    """A table, or on a terminal too narrow for it, the rows one under the other."""
    # Without lines in a pipe, so that awk and grep find words and nothing else.
    bare = not console.is_terminal
    table = Table(box=None if bare else box.SIMPLE_HEAD, pad_edge=not bare, header_style="" if bare else "bold")
    for column, cells in zip(finding.columns, zip(*finding.rows, strict=True), strict=True):
        numeric = all(cell[:1].isdigit() or cell in ("nan", "inf") for cell in cells)
        table.add_column(Text(plain(column)), justify="right" if numeric else "left")
    for row in finding.rows:
        table.add_row(*(Text(plain(cell)) for cell in row))
    needed = console.measure(table, options=console.options.update(width=_UNLIMITED)).maximum
    return table if needed <= console.width else _records(finding)


def _records(finding: Finding) -> Table:
    records = Table(box=None, pad_edge=False, show_header=False)
    records.add_column(style="dim", no_wrap=True)
    records.add_column(overflow="fold")
    for row in finding.rows:
        for name, cell in zip(finding.columns, row, strict=True):
            records.add_row(Text(plain(name)), Text(plain(cell)))
        records.add_row("", "")
    return records
