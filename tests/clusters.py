"""A Ray cluster in a network of its own, in which nothing but itself can reach it."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

PORT = 6400
ADDRESS = f"127.0.0.1:{PORT}"
_RAY = str(Path(sys.executable).with_name("ray"))
_HOLD = "ip link set lo up && echo up && exec sleep 3600"


class Network:
    """A network namespace with a loopback alone, and a token that Ray asks for in it."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="fs-", dir="/tmp"))  # short: sockets have names of 107 letters
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("RAY_")},
            **{"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(16), "HOME": str(self.folder)},
            **{"RAY_USAGE_STATS_ENABLED": "0", "OMP_NUM_THREADS": "1", "RAY_TMPDIR": str(self.folder)},
        }
        # A user of one's own where one is not root: both may then set the loopback up.
        self._holder = subprocess.Popen(
            ["unshare", "-rn", "sh", "-c", _HOLD], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        assert self._holder.stdout is not None
        said = self._holder.stdout.readline().strip()
        self.why_not = "" if said == "up" else f"no network of its own: {said}"

    def start(self, *command: object, **environment: str) -> subprocess.Popen[str]:
        """A process in the network, its output in pipes."""
        inside = ["nsenter", "-t", str(self._holder.pid), "-U", "-n", "--preserve-credentials", *map(str, command)]
        settings = {**self.environment, **environment}
        return subprocess.Popen(inside, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=settings)

    def fiberscope(self, *arguments: object, **environment: str) -> subprocess.Popen[str]:
        """A command of fiberscope in the network."""
        return self.start(sys.executable, "-m", "fiberscope", *arguments, **environment)

    def start_node(self, *options: str) -> None:
        """One more node of a core, with its processes."""
        common = ["--num-cpus=1", "--node-ip-address=127.0.0.1", "--object-store-memory=80000000"]
        process = self.start(_RAY, "start", *options, *common, "--disable-usage-stats")
        said = process.communicate(timeout=120)
        assert process.returncode == 0, said

    def start_head(self) -> None:
        """The node with the cluster's memory."""
        self.start_node("--head", f"--port={PORT}", "--include-dashboard=false", f"--temp-dir={self.folder}")

    def join(self) -> None:
        """A node without one."""
        self.start_node(f"--address={ADDRESS}")

    def processes(self, words: str = "") -> list[int]:
        """Processes in the network whose command has these words."""
        own = os.readlink(f"/proc/{self._holder.pid}/ns/net")
        found = []
        for entry in Path("/proc").iterdir():
            with suppress(OSError):
                inside = entry.name.isdigit() and os.readlink(entry / "ns" / "net") == own
                if inside and words in (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode():
                    found.append(int(entry.name))
        return sorted(found)

    def kill(self, *processes: int) -> None:
        """End them at once, as a power cut would."""
        for process in processes:
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)

    def close(self) -> None:
        """End whatever is left in the network, and remove its files."""
        end = time.monotonic() + 20
        while left := self.processes():
            assert time.monotonic() < end, left
            # The holder last: without it nobody could say who is left.
            self.kill(*([each for each in left if each != self._holder.pid] or left))
            if left == [self._holder.pid]:
                break
            time.sleep(0.05)
        self._holder.communicate()
        shutil.rmtree(self.folder, ignore_errors=True)
