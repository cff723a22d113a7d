"""The demo: what the shipped classifier of digits can and cannot see, as one page."""

from fiberscope.analysis.demo.run import Demo, run_demo

__all__ = ["Demo", "run_demo"]
