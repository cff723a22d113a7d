"""What the survey commands say: a bar with pace and time left, and tables."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING

from rich import box
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
from rich.progress import Progress as Bar
from rich.table import Table
from rich.text import Text

from fiberscope.cli.terminal import say, say_error, show_facts
from fiberscope.plain_text import plain

if TYPE_CHECKING:
    from fiberscope.survey import Fault, Progress, Status

_EVERY = 10.0  # seconds between lines, where there is no terminal
_UNLIMITED = 10_000
_MOST_FAULTS = 10


@contextmanager
def survey_bar() -> Iterator[Callable[[Progress], None]]:
    """Show how far the survey is while the block runs: a bar on a terminal, elsewhere a line now and then."""
    console = Console(stderr=True, highlight=False)
    columns = (TextColumn("measuring"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[words]}"))
    with Bar(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("measuring", total=None, words="")
        told, mended = time.monotonic(), False

        def tell(now: Progress) -> None:
            nonlocal told, mended
            if now.mended and not mended:
                mended = True
                for words in _faults(now.mended):
                    bar.console.print(Text(f"damaged or missing, computed anew: {words}"), soft_wrap=True)
            if console.is_terminal and now.medians:
                bar.console.print(Text(plain(f"medians so far: {_medians(now)}"), style="dim"), soft_wrap=True)
            bar.update(task, completed=now.done, total=now.total, words=_pace(now))
            if not console.is_terminal and time.monotonic() - told > _EVERY:
                told = time.monotonic()
                console.print(Text(plain(f"{now.done} of {now.total} images{_pace(now)}")), soft_wrap=True)

        yield tell


def show_end(end: Progress, folder: Path) -> int:
    """Print how a survey ended, and return the exit code: 1 where a measure failed at an image."""
    pace = f", {end.rate:.1f} images a second" if end.rate else ""
    say(f"{end.done} of {end.total} images have records in {folder}{pace}.")
    if end.done:
        show_report(folder)
    if end.failed:
        say_error(
            f"{end.failed} images failed; fiberscope survey status --out {quote(str(folder))} says why, and "
            f"fiberscope survey resume --retry-failed --out {quote(str(folder))} tries them again"
        )
    return 1 if end.failed else 0


def show_status(status: Status, folder: Path) -> int:
    """Print how far a survey is; the exit code is 0 when it is complete, 1 when images are missing or spoilt."""
    plan, total = status.plan, status.plan.images
    facts = [
        ("images with records", f"{status.done} of {total}"),
        ("failed", str(status.failed)),
        ("running", "yes" if status.running else "no"),
        ("network", f"{plan.model} at {plan.layer}, weights {plan.network_sha256[:12]}"),
        ("data", f"{plan.data}, {plan.data_sha256[:12]}"),
        ("measures", ", ".join(plan.measures)),
        ("seed", str(plan.seed)),
    ]
    if status.done:
        facts.append(("seconds an image, on one thread", f"{status.seconds / status.done:.3g}"))
    show_facts(facts)
    for name, why in status.failures:
        say(f"{name}: {why}")
    show_faults(status, folder)
    return 0 if status.done == total and not (status.failed or status.faults) else 1


def show_faults(status: Status, folder: Path) -> None:
    """Say which images are damaged or missing, and how to mend them; and that images are not checked where it is so."""
    for words in _faults(status.faults):
        say(f"damaged or missing: {words}")
    if status.faults:
        say(f"To compute them anew: fiberscope survey resume --out {quote(str(folder))}")
    if status.unchecked:
        say(f"{status.unchecked} images were found before there were checksums: whether they changed cannot be seen.")


def show_tables(tables: Sequence[tuple[str, Sequence[str], Sequence[Sequence[str]]]]) -> None:
    """Print tables one below the other; in a pipe without lines, so that awk and grep find words and nothing else."""
    console = Console(highlight=False)
    bare = not console.is_terminal
    console = Console(highlight=False, width=_UNLIMITED) if bare else console
    for title, columns, rows in tables:
        if title:
            console.print(Text(plain(title), style="bold"))
        table = Table(box=None if bare else box.SIMPLE_HEAD, pad_edge=not bare, header_style="" if bare else "bold")
        for column in columns:
            table.add_column(Text(plain(column)), overflow="fold")
        for row in rows:
            table.add_row(*(Text(plain(cell)) for cell in row))
        console.print(table)
        if title:
            console.print()


def show_so_far(status: Status, folder: Path) -> None:
    """Say of how many images a summary is, where more are to come, and what is damaged."""
    show_faults(status, folder)
    if status.done < status.plan.images:
        going = "; the survey is running" if status.running else ""
        say(f"{status.done} of {status.plan.images} images so far{going}.")


def show_trusted(folder: Path, *, argument: str = "out") -> None:
    """Say which Python files will run that were not trusted before, and what is in them."""
    from fiberscope.survey import files_to_trust

    for file in files_to_trust(folder, argument=argument):
        say(f"Trusted from now on: {file.path} (SHA-256 {file.sha256})")


def show_report(folder: Path, target: Path | None = None) -> bool:
    """Write the page of a survey and say where it is, or why there is none: the records are safe either way."""
    from fiberscope.problem import FiberscopeError
    from fiberscope.survey import write_report

    try:
        say(f"Report: {write_report(folder, target)}")
    except FiberscopeError as error:
        say_error(
            f"no report: {error}. To write it elsewhere: fiberscope survey summary --out {quote(str(folder))} --to FILE"
        )
        return False
    return True


def _faults(faults: Sequence[Fault]) -> list[str]:
    more = len(faults) - _MOST_FAULTS
    return [*map(str, faults[:_MOST_FAULTS]), *([f"and {more} more"] if more > 0 else [])]


def _medians(now: Progress) -> str:
    return ", ".join(f"{name} {value:.3g}" for name, value in now.medians)


def _pace(now: Progress) -> str:
    if not now.rate or now.seconds_left is None:
        return ""
    failed = f", {now.failed} failed" if now.failed else ""
    return f" {now.rate:.1f} a second, {_duration(now.seconds_left)} left{failed}"


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"
