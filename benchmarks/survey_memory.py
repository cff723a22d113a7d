"""Memory of surveys against the number of their images, here and on Ray: figures, and the chart of docs/surveys.md.

    FIBERSCOPE_DATA=... python benchmarks/survey_memory.py [--images 1000 10000 60000]

Of the training digits (`fiberscope data fetch mnist`), recognition alone: what grows with the images is then all there
is to see. Each number is the most that a process ever had (VmHWM); Ray's own processes are what they have at the end.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

import numpy as np

from fiberscope.analysis.survey_choices import EngineChoice, SurveyChoice
from fiberscope.gallery import theme
from fiberscope.gallery.chart import EndLabel, Margins, draw_chart, label_ends, name_axes, room_for
from fiberscope.gallery.save import save_png
from fiberscope.survey import Progress, run_survey
from survey import OUT, ROOT, keep  # beside this file

CHART = ROOT / "docs" / "images" / "survey_memory.png"
WORKER = "ray::WorkerElsewhere"
ENGINES = {"local": EngineChoice("local", 2), "ray": EngineChoice("ray", 2)}


def memory(counts: list[int]) -> dict[str, object]:
    sys.path.insert(0, str(ROOT / "tests"))
    from clusters import Network  # noqa: PLC0415  (of the tests)

    network = Network()
    try:
        found: dict[str, dict[str, object]] = {name: {} for name in ENGINES}
        for count in counts:
            for name in ENGINES:
                process = network.start(sys.executable, __file__, "one", str(count), name)
                said, error = process.communicate()
                if process.returncode:
                    raise RuntimeError(error)
                found[name][str(count)] = json.loads(said.splitlines()[-1])
                print(name, count, found[name][str(count)], file=sys.stderr)
    finally:
        network.close()
    return {"data": "mnist:train", "measures": ["recognition"], "MiB": found}


def one(count: int, engine: str) -> dict[str, float]:
    """MiB of the driver, its largest worker, and whatever else Ray has running."""
    workers: list[float] = []
    others: list[float] = []

    def look(now: Progress) -> None:
        if now.done == now.total and engine == "ray":
            for process, command in _in_this_network():
                if WORKER in command:
                    workers.append(_mebibytes(process, "VmHWM"))
                elif "ray" in command.split()[0] or "/ray/" in command:
                    others.append(_mebibytes(process, "VmRSS"))

    with tempfile.TemporaryDirectory() as folder:
        choice = SurveyChoice(Path(folder) / "survey", data="mnist:train", measures=("recognition",), limit=count)
        run_survey(choice, engine=ENGINES[engine], on_progress=look)
    found = {"driver": _mebibytes("self", "VmHWM")}
    return {**found, "worker": max(workers), "Ray itself": round(sum(others), 1)} if workers else found


def _in_this_network() -> list[tuple[str, str]]:
    here, found = Path("/proc/self/ns/net").readlink(), []
    for entry in Path("/proc").iterdir():
        with suppress(OSError):
            if entry.name.isdigit() and (entry / "ns" / "net").readlink() == here:
                command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode().strip()
                if command and "survey_memory" not in command:
                    found.append((entry.name, command))
    return found


def _mebibytes(process: str, what: str) -> float:
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return round(int(next(line for line in lines if line.startswith(f"{what}:")).split()[1]) / 2**10, 1)


def draw(found: dict[str, dict[str, dict[str, float]]]) -> None:
    lines = (
        ("local: the one process", found["local"], "driver", theme.BLUE),
        ("Ray: driver", found["ray"], "driver", theme.SERIES[1]),
        ("Ray: each worker", found["ray"], "worker", theme.SERIES[2]),
    )

    def plot(axes: object) -> None:
        ends = []
        for words, by_count, what, colour in lines:
            counts = np.array([int(count) for count in by_count], dtype=float)
            values = np.array([each[what] for each in by_count.values()])
            axes.plot(counts, values, "o-", color=colour, markersize=4)
            ends.append(EndLabel(f"{words}, {values[-1]:.0f} MiB", float(values[-1]), colour))
        axes.set_xscale("log")
        axes.set_xticks(counts, [f"{int(count):,}" for count in counts])
        axes.minorticks_off()
        axes.set_ylim(0, 1.25 * max(end.value for end in ends))
        name_axes(axes, across="images surveyed", up="MiB at most")
        label_ends(axes, ends)

    labels = [f"{words}, 1000 MiB" for words, *_ in lines]
    image = draw_chart(
        plot,
        title="Memory of a survey against its number of images",
        note="Peak of each process; recognition of MNIST training digits, which take 47 MB themselves.",
        size=(820, 400),
        margins=Margins(right=room_for(labels)),
    )
    save_png(image, CHART)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, nargs="+", default=[1000, 10_000, 60_000])
    keep("memory", lambda: memory(parser.parse_args().images))
    draw(json.loads(OUT.read_text())["memory"]["MiB"])


if __name__ == "__main__":
    if sys.argv[1:2] == ["one"]:
        print(json.dumps(one(int(sys.argv[2]), sys.argv[3])))
    else:
        main()
