"""The explorer as a process of its own."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator

ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE"}


def start(*arguments: str) -> subprocess.Popen[str]:
    port = () if "--port" in arguments else ("--port", "0")
    command = [sys.executable, "-m", "fiberscope", "explore", "--no-browser", *port, *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT)


def address_of(process: subprocess.Popen[str]) -> str:
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
