"""The explorer as a process of its own."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from commands import Command


def start(*arguments: str) -> Command:
    port = () if "--port" in arguments else ("--port", "0")
    return Command("explore", "--no-browser", *port, *arguments)


def address_of(process: Command) -> str:
    """What the process prints when it is ready; where it ends before, what it says on its last line."""
    for line in process.stdout:
        if "http://" in line:
            return next(word for word in line.split() if word.startswith("http://"))
    raise AssertionError(process.stderr.read())


@contextlib.contextmanager
def serving(*arguments: str) -> Iterator[str]:
    process = start(*arguments)
    try:
        yield address_of(process)
    finally:
        process.kill()
        process.communicate()
