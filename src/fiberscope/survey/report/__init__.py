"""What a survey found as one HTML page: a file a question, statistics from the database, pictures of what is shown."""

from __future__ import annotations

from pathlib import Path


def write_report(folder: Path) -> Path:
    """Write what a survey has found so far as one HTML page into its folder, and return where.

    Statistics are the database's, a column at a time, and of images those shown are read: memory does not grow with
    them. It can be asked while the survey runs. Raises FiberscopeError where there is no survey, or the page cannot be
    written.
    """
    from fiberscope.survey.report.write import write  # noqa: PLC0415  (workers need not wait for charts)

    return write(folder)
