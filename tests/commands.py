"""The command as a process of its own, begun without the seconds that it takes to import torch."""

from __future__ import annotations

import atexit
import functools
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import NamedTuple

ONE_THREAD = {"OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE"}  # beside others two would wait for one another


class Ended(NamedTuple):
    """How a command ended, and what it said."""

    returncode: int
    stdout: str
    stderr: str


def run_command(*arguments: object, timeout: float = 240, **environment: str) -> Ended:
    """The command from its beginning to its end."""
    command = Command(*arguments, **environment)
    try:
        out, error = command.communicate(timeout=timeout)
    finally:
        command.kill()
    return Ended(command.returncode, out, error)


class Command:
    """A command under way: as much of `subprocess.Popen` as tests need."""

    def __init__(self, *arguments: object, **environment: str):
        pipes = [os.pipe() for _ in range(3)]
        asked = {
            "arguments": [str(argument) for argument in arguments],
            "environment": {**os.environ, **ONE_THREAD, **environment},
            "folder": os.getcwd(),
        }
        socket.send_fds(_zygote(), [json.dumps(asked).encode()], [write for _, write in pipes])
        for _, write in pipes:
            os.close(write)
        out, error, fate = (read for read, _ in pipes)
        self.stdout, self.stderr = (os.fdopen(read, encoding="utf-8") for read in (out, error))
        self._fate = os.fdopen(fate, "rb", buffering=0)  # so that what is not read yet can be waited for
        self.pid = int(self._fate.readline())
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """The exit code, negative for a signal; None as long as it runs."""
        if self.returncode is None and select.select([self._fate], [], [], 0)[0]:
            self.returncode = int(self._fate.readline())
            self._fate.close()
        return self.returncode

    def wait(self, timeout: float = 240) -> int:
        """The exit code, when there is one."""
        end = time.monotonic() + timeout
        while self.poll() is None:
            if time.monotonic() > end:
                raise subprocess.TimeoutExpired("fiberscope", timeout)
            select.select([self._fate], [], [], max(0, end - time.monotonic()))
        return self.returncode

    def communicate(self, timeout: float = 240) -> tuple[str, str]:
        """All that it says until its end."""
        said: dict[str, str] = {}

        def listen(name: str) -> None:
            said[name] = _rest(getattr(self, name))

        readers = [threading.Thread(target=listen, args=(name,), daemon=True) for name in ("stdout", "stderr")]
        for reader in readers:
            reader.start()
        self.wait(timeout)
        for reader in readers:
            reader.join(timeout)
        return said["stdout"], said["stderr"]

    def send_signal(self, number: signal.Signals) -> None:
        """Send a signal, if it still runs."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """End it whatever it does."""
        self.send_signal(signal.SIGKILL)


def _rest(stream) -> str:
    if stream.closed:
        return ""
    with stream:
        return stream.read()


@functools.cache
def _zygote() -> socket.socket:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("zygote.py")), str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            env={**os.environ, **ONE_THREAD},
        )
    atexit.register(_end, process, ours)
    return ours


def _end(process: subprocess.Popen[bytes], control: socket.socket) -> None:
    control.close()
    process.wait(timeout=60)
