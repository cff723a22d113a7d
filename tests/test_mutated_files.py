"""The benchmark of mutated files sees what it looks for, and finds nothing at the doors. `make test` opens a few."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from benchmarks.mutated_files.pool import Pool

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]

BAD_DOORS = """
import json, os, sys
from pathlib import Path
from random import Random
import duckdb
from benchmarks.mutated_files import good_files, kinds, payloads
from benchmarks.mutated_files.mutants import write_mutant
from benchmarks.mutated_files.verdict import judge
from benchmarks.mutated_files.watch import Watch
from fiberscope import FiberscopeError

folder = Path(sys.argv[1]).resolve()
places = kinds.Places(folder / "trusted", payloads.trap(folder / "outside"))
work = folder / "work"
work.mkdir()
(work / "own.py").write_text("x = 1")
code = f"{payloads.MARK} = 1"

def hidden_memory(_):
    try:
        bytearray(2**50)
    except MemoryError as error:
        raise FiberscopeError("too large") from error

def polite(_):
    raise FiberscopeError("no")

def beside(_):
    duckdb.execute(f"COPY (SELECT 1) TO '{places.outside / 'written'}'")

doors = {
    "accepts": lambda _: eval("1 + 1"),
    "refuses": polite,
    "generates": lambda _: exec(compile(code, "<eval_with_key>.0", "exec"), {}),
    "evaluates": lambda _: eval("[" + payloads.MARK + " for _ in range(0)]"),
    "imports": lambda _: exec(compile((work / "own.py").read_text(), str(work / "own.py"), "exec")),
    "system": lambda _: os.system("true"),
    "reads": lambda _: (places.outside / "secret.txt").read_text(),
    "writes": lambda _: (places.outside / "more.txt").write_text("x"),
    "beside": beside,
    "shows": lambda _: duckdb.sql(f"SELECT content FROM read_text('{places.outside / 'secret.txt'}')").fetchall(),
    "fails": lambda _: {}["x"],
    "exits": lambda _: sys.exit(3),
    "takes": lambda _: len(b"x" * (1100 * 2**20)),
    "hides": hidden_memory,
}
duckdb.execute("SELECT 1")
watch = Watch(trusted=(), work=work)
for name, door in doors.items():
    found = judge(kinds.Kind(None, {}, {name: door}), work, 0, watch, places)
    print(json.dumps([name, found["outcome"], sorted({fault["reason"][:20] for fault in found["faults"]})]))
    (places.outside / "written").unlink(missing_ok=True)

known = kinds.kinds(places)
good_files.png(folder / "good")
seen = []
for number in (1, 2, 1):
    words = write_mutant(known["png"], folder / "good", work / "files", Random(f"0:png:{number}")).words
    seen.append((words, [each.read_bytes().hex() for each in sorted((work / "files").iterdir())]))
print(json.dumps(["again", seen[0] == seen[2], seen[0] == seen[1]]))
"""

CHILD = """
import itertools, os, sys, time
for line in itertools.chain([sys.argv[1]], sys.stdin):
    if line == "serve":
        print('{"refused": {}}', flush=True)
    elif line.startswith("hangs"):
        time.sleep(60)
    elif line.startswith("dies"):
        os.kill(os.getpid(), 11)
    else:
        print('{"kind": "well", "number": 0, "outcome": "refused", "faults": [], "taken": 0}', flush=True)
"""


def run(*arguments: object, seconds: float = 280) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=seconds, check=False)


def test_code_files_memory_and_raw_errors_are_seen_and_polite_doors_pass(tmp_path):
    done = run("-c", BAD_DOORS, tmp_path)
    assert done.returncode == 0, done.stderr
    *lines, again = map(json.loads, done.stdout.splitlines())
    found = {name: (outcome, reasons) for name, outcome, reasons in lines}
    assert found.pop("accepts") == ("accepted", [])
    assert found.pop("refuses") == ("refused", [])
    for name in ("generates", "evaluates", "imports", "system", "reads", "writes"):
        assert found.pop(name) == ("fault", ["what a file may not: "[:20]]), name
    assert found.pop("beside") == ("fault", ["writes written into a folder"[:20]])
    assert found.pop("shows") == ("fault", ["shows a file of another"[:20]])
    assert found.pop("fails") == ("fault", ["raw KeyError"])
    assert found.pop("exits") == ("fault", ["raw SystemExit"])
    assert found == {name: ("fault", ["memory beyond 1 GiB"]) for name in ("takes", "hides")}
    assert again == ["again", True, False], "a number is a mutant"


def test_a_process_that_dies_or_hangs_is_a_fault_and_the_next_mutant_is_opened(tmp_path):
    (tmp_path / "child.py").write_text(CHILD)
    pool = Pool(tmp_path, 0, (), 1.0, (sys.executable, str(tmp_path / "child.py")))
    found: list[dict[str, object]] = []
    pool.run([("hangs", 0), ("well", 0), ("dies", 0), ("well", 0)], 1, found.append)
    verdicts = [each for each in found if "kind" in each]
    assert [each["outcome"] for each in verdicts] == ["fault", "refused", "fault", "refused"]
    reasons = [each["faults"][0]["reason"] for each in verdicts if each["faults"]]
    assert reasons == ["no end after 1 s", "the process died of signal 11"]


def test_mutated_files_run_nothing_end_in_no_raw_error_and_take_no_memory(tmp_path):
    done = run("-m", "benchmarks.mutated_files", "--count", 150, "--workers", 1, "--out", tmp_path / "found.json")
    found = json.loads((tmp_path / "found.json").read_text(encoding="utf-8"))
    assert found["mutants"] == sum(each["mutants"] for each in found["by kind"].values()) == 150
    assert all(each["mutants"] for each in found["by kind"].values())
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("asked", ["png", "png:x", "nothing:1"])
def test_a_mutant_that_is_none_is_refused(asked):
    done = run("-m", "benchmarks.mutated_files", "--only", asked)
    assert done.returncode == 2
    assert "KIND:NUMBER" in done.stderr
