"""`fiberscope survey`: run, resume, status, summary, query, export."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import App, Parameter

from fiberscope.analysis.choices import NetworkChoice
from fiberscope.analysis.survey_choices import EngineChoice, SurveyChoice, SurveyCompareChoice, SurveyFolder
from fiberscope.cli.options import Flat
from fiberscope.cli.survey_words import (
    show_end,
    show_report,
    show_so_far,
    show_status,
    show_tables,
    show_trusted,
    survey_bar,
)
from fiberscope.cli.terminal import command_line, own_version, say, show_files

survey = App(
    name="survey",
    help="Measure every image of a data set; records outlive any kill. Options without a command are those of run.",
    help_epilogue="",
    version=own_version,
)


def spelled_out(arguments: Sequence[str]) -> list[str]:
    """The same command line, with the command `run` of a survey where options follow at once."""
    # Not cyclopts' default command: it would take a mistyped command for a stray argument, and ask for --out.
    begins = len(arguments) > 1 and arguments[0] == "survey" and arguments[1].startswith("--")
    return ["survey", "run", *arguments[1:]] if begins and arguments[1] != "--help" else list(arguments)


@survey.command
def run(
    *,
    choice: Flat[SurveyChoice],
    network: Flat[NetworkChoice] = NetworkChoice(),
    engine: Flat[EngineChoice] = EngineChoice(),
) -> int:
    """Measure every image of a data set, on all cores, into a database; interrupted, the same command goes on."""
    from fiberscope.survey import run_survey

    with survey_bar() as on_progress:
        end = run_survey(choice, network, engine, on_progress=on_progress)
    return show_end(end, choice.out)


@survey.command
def resume(
    *,
    folder: Flat[SurveyFolder],
    engine: Flat[EngineChoice] = EngineChoice(),
    retry_failed: Annotated[bool, Parameter(help="Measure again the images at which a measure failed.")] = False,
    trust: Annotated[bool, Parameter(help="Let the Python files run that the plan names, if you read them.")] = False,
) -> int:
    """Go on with a survey: measure the images that have no records yet.

    It is refused if the network's weights, the images or what computes have changed. Python files that its plan names
    run if you began the survey; those of somebody else's run with --trust alone, which is remembered.
    """
    from fiberscope.survey import resume_survey

    if trust:
        show_trusted(folder.out)
    with survey_bar() as on_progress:
        end = resume_survey(folder.out, engine, retry_failed=retry_failed, trust=trust, on_progress=on_progress)
    return show_end(end, folder.out)


@survey.command
def status(
    *,
    folder: Flat[SurveyFolder],
    check: Annotated[bool, Parameter(help="Read all images that were found, and compare their checksums.")] = False,
) -> int:
    """Say how far a survey is, what it is of, what failed or is damaged; it can be asked while the survey runs."""
    from fiberscope.survey import check_survey
    from fiberscope.survey import status as ask

    return show_status((check_survey if check else ask)(folder.out), folder.out)


@survey.command
def summary(
    *,
    folder: Flat[SurveyFolder],
    to: Annotated[Path | None, Parameter(help="File of the page; by default report.html in --out.")] = None,
) -> int:
    """Show what a survey found so far as tables, and write all of it as one page."""
    from fiberscope.survey import status as ask_status
    from fiberscope.survey import summary as ask

    show_tables([(table.title, table.columns, table.rows) for table in ask(folder.out)])
    show_so_far(ask_status(folder.out), folder.out)
    return 0 if show_report(folder.out, to) else 2


@survey.command
def compare(first: Path, second: Path, /, *, choice: Flat[SurveyCompareChoice]) -> int:
    """Compare two surveys of the same images image by image: differences with their intervals, and where they are most.

    Parameters
    ----------
    first
        Folder of a survey, called A on the page.
    second
        Folder of a survey of the same images, of another network, layer or seed; called B.
    """
    from fiberscope.survey import write_comparison

    page = write_comparison(first, second, out=choice.out, seed=choice.seed, force=choice.force, command=command_line())
    say(f"Report: {page}")
    return 0


@survey.command
def query(
    sql: Annotated[str, Parameter(help="A statement such as: SELECT label, avg(rank) FROM records GROUP BY label.")],
    /,
    *,
    folder: Flat[SurveyFolder],
) -> int:
    """Ask the tables records, columns and tasks anything in SQL; nothing can be changed, and no file reached."""
    from fiberscope.survey import query as ask

    found = ask(folder.out, sql)
    cells = [tuple("" if value is None else str(value) for value in row) for row in found.rows]
    show_tables([("", found.columns, cells)])
    return 0


@survey.command
def export(
    *,
    folder: Flat[SurveyFolder],
    to: Annotated[Path | None, Parameter(help="File to write; by default records.parquet or .csv in --out.")] = None,
    format: Annotated[  # noqa: A002
        Literal["parquet", "csv"], Parameter(help="A table for programs (parquet) or for everything (csv).")
    ] = "parquet",
) -> int:
    """Write the records as one table, and what its columns mean beside it."""
    from fiberscope.survey import export as write

    target = write(folder.out, to or folder.out / f"records.{format}", format=format)
    say("One row an image, in the order of the data.")
    show_files([target, target.with_name(f"{target.stem}.columns.csv")])
    return 0
