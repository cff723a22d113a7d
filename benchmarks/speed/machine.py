"""What a figure was measured on: processor, memory, load, versions and commit, nothing that names a host or a user.

The choice of what to note follows pyperf's metadata and airspeed velocity's machine files.
"""

from __future__ import annotations

import os
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import torch

ROOT = Path(__file__).parents[2]
_PACKAGES = ("fiberscope", "torch", "numpy", "plenoptic")
_GOVERNOR = Path("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")


def machine() -> dict[str, object]:
    """Processor, memory and system; None for what this system does not tell."""
    return {
        "processor": _line(Path("/proc/cpuinfo"), "model name") or platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "cores for this process": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None,
        "vector instructions": torch.backends.cpu.get_cpu_capability(),
        "frequency governor": _GOVERNOR.read_text().strip() if _GOVERNOR.is_file() else None,
        "memory, GiB": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
    }


def versions() -> dict[str, str | None]:
    """Versions of what is compared; None for a peer that is not installed."""
    return {name: _version(name) for name in _PACKAGES}


def commit() -> str:
    """The commit of the checkout, marked where the working tree differs from it."""
    head, changes = _git("rev-parse", "--short=12", "HEAD"), _git("status", "--porcelain", "--", "src")
    return (head or "unknown") + (" with changes in src" if changes else "")


def load() -> float:
    """Processes that wanted to run over the last minute: above the number of threads, others shared the machine."""
    return round(os.getloadavg()[0], 2)


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _line(path: Path, key: str) -> str | None:
    if not path.is_file():
        return None
    found = (line.partition(":")[2].strip() for line in path.read_text().splitlines() if line.startswith(key))
    return next(found, None)


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip()
