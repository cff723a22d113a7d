"""A process that opens mutants, one after the other: their kinds and numbers come by stdin, verdicts go to stdout.

python -m benchmarks.mutated_files.child make FOLDER KIND...
python -m benchmarks.mutated_files.child serve FOLDER SEED KIND...
"""

from __future__ import annotations

import faulthandler
import json
import os
import shutil
import sys
import tempfile
import warnings
from pathlib import Path
from random import Random
from typing import Any

import torch
import torch._dynamo  # whole, before threads of a survey and the door of programs ask for it at once
import torch.export
from benchmarks.mutated_files import good_files, payloads
from benchmarks.mutated_files.kinds import Kind, Places, kinds
from benchmarks.mutated_files.mutants import write_mutant
from benchmarks.mutated_files.verdict import judge
from benchmarks.mutated_files.watch import Watch

ROOT = Path(__file__).parents[2]


def make(folder: Path, names: list[str]) -> None:
    """Write the good files of these kinds, and what they may and may not name."""
    places = _places(folder)
    payloads.trap(places.outside)
    places.trusted.mkdir()
    (places.trusted / "net.py").write_text(good_files.FACTORY)
    for name in names:
        kinds(places)[name].make(folder / "good" / name)


def serve(folder: Path, seed: int, names: list[str]) -> None:
    """Answer every line ``KIND NUMBER`` with the verdict on that mutant, after one on the good files of each kind."""
    places, work = _places(folder), folder / f"work-{os.getpid()}"
    work.mkdir()
    answers, sys.stdout = os.fdopen(os.dup(1), "w"), sys.stderr
    os.dup2(2, 1)  # whatever libraries print
    os.chdir(work)
    tempfile.tempdir, sys.dont_write_bytecode = str(work), True
    watch = Watch(trusted=(ROOT / "src", ROOT / "benchmarks", places.trusted, folder / "good", _source()), work=work)
    known = {name: kinds(places)[name] for name in names}
    _answer(answers, _warm_up(known, folder / "good", work / "files", watch, places))
    for line in sys.stdin:
        name, number = line.split()
        random = Random(f"{seed}:{name}:{number}")
        mutant = write_mutant(known[name], folder / "good" / name, work / "files", random)
        found = judge(known[name], work / "files", mutant.size, watch, places)
        _answer(answers, {"kind": name, "number": int(number), "words": mutant.words, **found})


def _warm_up(known: dict[str, Kind], folder: Path, files: Path, watch: Watch, places: Places) -> dict[str, Any]:
    """Open good files, so that all is imported that will be, and tell which are not accepted as they are."""
    refused = {}
    for name, kind in known.items():
        for good in sorted((folder / name).iterdir()):
            for _ in range(2):
                shutil.rmtree(files, ignore_errors=True)
                shutil.copytree(good, files)
                found = judge(kind, files, 0, watch, places)
                watch.allow([each["reason"].partition(": ")[2] for each in found["faults"] if each["place"] == "watch"])
            if found["outcome"] != "accepted":
                refused[f"{name}/{good.name}"] = found
    return {"refused": refused}


def _source() -> Path:
    import fiberscope  # noqa: PLC0415  (of whichever tree is tested)

    return Path(fiberscope.__file__).parents[1]


def _places(folder: Path) -> Places:
    return Places(folder / "trusted", folder / "outside")


def _answer(answers: Any, found: dict[str, Any]) -> None:
    answers.write(json.dumps(found) + "\n")
    answers.flush()


if __name__ == "__main__":
    faulthandler.enable()
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    if sys.argv[1] == "make":
        make(Path(sys.argv[2]), sys.argv[3:])
    else:
        serve(Path(sys.argv[2]), int(sys.argv[3]), sys.argv[4:])
