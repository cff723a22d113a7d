"""One section at one number of threads, in a process of its own: -m benchmarks.speed.child SECTION THREADS SIZE."""

from __future__ import annotations

import json
import sys
import time

import torch
from benchmarks.speed.machine import commit, load
from benchmarks.speed.networks import load as load_network
from benchmarks.speed.sections import measure_of, networks_of
from benchmarks.speed.sizes import SIZES


def main(section: str, threads: int, size: str) -> None:
    torch.set_num_threads(threads)
    measure = measure_of(section)
    for name in networks_of(section, SIZES[size]):
        started, before = time.perf_counter(), load()
        figures = measure(load_network(name), SIZES[size])
        run = {
            "section": section,
            "threads": threads,
            "network": name,
            "commit": commit(),
            "load before and after": [before, load()],
            "seconds taken": round(time.perf_counter() - started, 1),
            "figures": figures,
        }
        print(json.dumps(run), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3])
