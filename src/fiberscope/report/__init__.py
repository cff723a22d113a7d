"""One self-contained HTML page about a run."""

from fiberscope.report.page import Code, Figure, Page, Section, Table
from fiberscope.report.page_html import render, write

__all__ = ["Code", "Figure", "Page", "Section", "Table", "render", "write"]
