"""What a survey found as one HTML page: a file a question, statistics from the database, pictures of what is shown."""

from __future__ import annotations

from pathlib import Path


def write_comparison(
    first: Path, second: Path, *, out: Path, seed: int = 0, force: bool = False, command: str = ""
) -> Path:
    """Compare two surveys of the same images, and write a folder with a page, tables as CSV and JSON, and provenance.

    Returns where the page is. Raises FiberscopeError as `compare_surveys` does, and for a folder that holds something
    unless ``force`` replaces the result of an earlier run.
    """
    from fiberscope.survey.report.comparison_page import write  # noqa: PLC0415  (workers need not wait for charts)

    return write(first, second, out=out, seed=seed, force=force, command=command)


def write_report(folder: Path, target: Path | None = None) -> Path:
    """Write what a survey has found so far as one HTML page, by default report.html in its folder, and return where.

    Statistics are the database's, a column at a time, and of images those shown are read: memory does not grow with
    them. It can be asked while the survey runs. Raises FiberscopeError where there is no survey, or the page cannot be
    written.
    """
    from fiberscope.survey.report.write import write  # noqa: PLC0415  (workers need not wait for charts)

    return write(folder, target)
