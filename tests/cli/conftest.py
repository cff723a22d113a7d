import pytest

from commands import run_command


@pytest.fixture(scope="session")
def fiberscope():
    """Run the command as a process."""
    return run_command
