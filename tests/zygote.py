"""A process that has torch and fiberscope imported, and becomes the command again and again by forking itself.

Whatever it becomes is a process of its own that can be killed, and runs `python -m fiberscope` from its first line on;
only the seconds of importing are spent once.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import runpy
import signal
import socket
import sys

MODULES = (
    "fiberscope.cli.app",
    "fiberscope.analysis.analyse",
    "fiberscope.analysis.compare",
    "fiberscope.analysis.demo.run",
    "fiberscope.analysis.nearest",
    "fiberscope.analysis.project",
    "fiberscope.analysis.rows",
    "fiberscope.analysis.spectrum",
    "fiberscope.analysis.walk",
    "fiberscope.explorer.server",
    "fiberscope.survey",
    "torch.func",
)


def become_commands(control: socket.socket) -> list[str]:
    """Fork for each message of arguments, surroundings and three files; returns the arguments in each child."""
    while True:
        message, files, _, _ = socket.recv_fds(control, 1 << 20, 3)
        if not message:
            sys.exit()
        if os.fork():
            for file in files:
                os.close(file)
            continue
        out, error, fate = files
        _stand_beside(fate, (out, error))
        for file, place in ((out, 1), (error, 2)):
            os.dup2(file, place)
        for file in files:
            os.close(file)
        control.close()
        sys.stdout, sys.stderr = open(1, "w", closefd=False), open(2, "w", buffering=1, closefd=False)  # noqa: SIM115
        asked = json.loads(message)
        os.chdir(asked["folder"])
        os.environ.clear()
        os.environ.update(asked["environment"])
        return ["fiberscope", *asked["arguments"]]


def _stand_beside(fate: int, others: tuple[int, ...]) -> None:
    """Return in a child; its parent, which nobody waits for, tells its number and at last how it ended."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        return
    for file in others:
        os.close(file)
    os.write(fate, f"{child}\n".encode())
    _, status = os.waitpid(child, 0)
    os.write(fate, f"{os.waitstatus_to_exitcode(status)}\n".encode())
    os._exit(0)


if __name__ == "__main__":
    for module in MODULES:
        importlib.import_module(module)
    gc.collect()
    gc.freeze()  # or each child walks through all that is imported when it ends, which takes it a second
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Whoever stands beside a command is waited for by nobody.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    sys.argv = become_commands(socket.socket(fileno=int(sys.argv[1])))
    runpy.run_module("fiberscope", run_name="__main__", alter_sys=True)
