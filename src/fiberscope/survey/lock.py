"""One survey at a time in a folder. No other file knows of filelock."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from fiberscope.problem import FiberscopeError, MissingPackageError

try:
    from filelock import FileLock, Timeout
except ImportError as missing:
    raise MissingPackageError(
        f"surveys need packages that are not installed ({missing}): pip install 'fiberscope[survey]'"
    ) from missing

_LOCK, _HOLDER = ".lock", ".running"
_LOOK = 0.5  # seconds: whoever only asks whether a survey runs holds the folder for an instant


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Hold the folder while the block runs; the system lets it go when the process ends, however it does.

    Raises FiberscopeError that names the process which holds it.
    """
    lock = FileLock(folder / _LOCK)
    try:
        lock.acquire(timeout=_LOOK)
    except Timeout as error:
        raise FiberscopeError(
            f"out: a survey is running in {folder}{_holder(folder)}. Wait for it, or name another folder; status, "
            "summary and query can be asked meanwhile."
        ) from error
    except OSError as error:
        raise FiberscopeError(f"out: folder {folder} cannot be written ({error.strerror}).") from error
    try:
        with suppress(OSError):  # a full disk: the name alone is missing then
            (folder / _HOLDER).write_text(f"process {os.getpid()} on {socket.gethostname()}", encoding="utf-8")
        yield
    finally:
        (folder / _HOLDER).unlink(missing_ok=True)
        lock.release()


def is_running(folder: Path) -> bool:
    """Whether somebody holds the folder."""
    lock = FileLock(folder / _LOCK)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return True
    except OSError:
        return _is_held(folder / _LOCK)
    lock.release()
    return False


def _is_held(path: Path) -> bool:
    """The same of a file that can only be read: filelock would write it."""
    try:
        import fcntl  # noqa: PLC0415  (not on Windows)

        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)  # let go with the file
    except BlockingIOError:
        return True
    except (ImportError, OSError):
        return False
    return False


def _holder(folder: Path) -> str:
    try:
        return f" ({(folder / _HOLDER).read_text(encoding='utf-8')})"
    except OSError:
        return ""
