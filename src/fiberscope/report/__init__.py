"""One self-contained HTML page about a run."""

from fiberscope.report.page import Figure, Page, Section, Table
from fiberscope.report.page_html import render, write

__all__ = ["Figure", "Page", "Section", "Table", "render", "write"]
