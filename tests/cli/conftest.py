import os
import subprocess
import sys

import pytest


@pytest.fixture(scope="session")
def fiberscope():
    """Run the command as a process, on one thread: beside other processes two would wait for one another."""

    def run(*arguments, **environment):
        return subprocess.run(
            [sys.executable, "-m", "fiberscope", *map(str, arguments)],
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
            env={**os.environ, "OMP_NUM_THREADS": "1", **environment},
        )

    return run
