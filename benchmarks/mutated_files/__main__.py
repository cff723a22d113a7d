"""Open 10,000 mutated files at fiberscope's doors; exits 1 if one runs code, ends in a raw error or takes over 1 GiB.

    python -m benchmarks.mutated_files [--count 10000] [--seed 0] [--kinds png onnx ...] [--workers 2]
    python -m benchmarks.mutated_files --only onnx:17 [--keep FOLDER]

Mutants are made of small good files, by seeded changes of bytes and by changes in the grammar of each format, some with
code, or with paths of other files, in place of names. Long-lived processes open them; an audit hook sees code that runs
and whatever is done outside the folder of the file. Crashes, and more than ``--patience`` seconds, are faults as well.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.mutated_files.pool import ROOT, Job, Pool

OUT = ROOT / "benchmarks" / "results" / "mutated_files.json"
SHARES = {
    **{"png": 1500, "jpeg": 500, "npz": 1500, "labelled": 700, "idx": 1000, "safetensors": 1300, "state_dict": 500},
    **{"card": 600, "onnx": 1000, "pt2": 600, "plan": 500, "survey": 300},
}
"""Mutants of each kind among 10,000; networks and surveys take longest to open."""


def main() -> int:
    asked = _arguments()
    jobs = [asked.only] if asked.only else _jobs(asked.count, asked.kinds)
    chosen = tuple(dict.fromkeys(kind for kind, _ in jobs))
    verdicts: list[dict[str, Any]] = []
    refused: dict[str, Any] = {}

    def on_verdict(verdict: dict[str, Any]) -> None:
        if "refused" in verdict:
            refused.update(verdict["refused"])
            return
        verdicts.append(verdict)
        if len(verdicts) % 500 == 0:
            print(f"{len(verdicts)} of {len(jobs)}", file=sys.stderr)

    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="mutated-files-") as name:
        pool = Pool(Path(name).resolve(), asked.seed, chosen, asked.patience)
        pool.make()
        pool.run(jobs, min(asked.workers, len(jobs)), on_verdict)
        if asked.only and asked.keep:
            shutil.copytree(next(pool.folder.glob("work-*")) / "files", asked.keep)
    groups = _groups(verdicts)
    _tell(groups, refused, every=bool(asked.only))
    found = {
        "begun": datetime.now(UTC).isoformat(timespec="seconds"),
        "seed": asked.seed,
        "mutants": len(verdicts),
        "minutes": round((time.monotonic() - began) / 60, 1),
        "by kind": _by_kind(chosen, verdicts),
        "good files refused": sorted(refused),
        "faults": [{key: value for key, value in group.items() if key != "error"} for group in groups],
    }
    print(json.dumps(found["by kind"], indent=1))
    if not asked.only:
        asked.out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    return 1 if groups or refused else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=sum(SHARES.values()), help="mutants of all kinds together")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kinds", nargs="+", choices=SHARES, default=list(SHARES), metavar="KIND")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--patience", type=float, default=60.0, help="seconds that one mutant may take")
    parser.add_argument("--only", type=_job, metavar="KIND:NUMBER", help="this mutant alone, with all that Python says")
    parser.add_argument("--keep", type=Path, help="with --only, copy the mutant into this folder")
    parser.add_argument("--out", type=Path, default=OUT)
    return parser.parse_args()


def _job(text: str) -> Job:
    kind, _, number = text.partition(":")
    if kind not in SHARES or not number.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not KIND:NUMBER, of {', '.join(SHARES)}")
    return kind, int(number)


def _jobs(count: int, kinds: list[str]) -> list[Job]:
    """Mutants of each kind by its share; those that take longest are begun first."""
    whole = sum(SHARES[kind] for kind in kinds)
    ends = [round(count * sum(SHARES[each] for each in kinds[: place + 1]) / whole) for place in range(len(kinds))]
    numbers = {kind: end - begin for kind, begin, end in zip(kinds, [0, *ends], ends, strict=False)}
    return [(kind, number) for kind in reversed(kinds) for number in range(numbers[kind])]


def _groups(verdicts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Faults of one kind, reason and place together, the most frequent first; each with a mutant that shows it."""
    found: dict[tuple[str, ...], dict[str, Any]] = {}
    for verdict in sorted(verdicts, key=lambda each: (each["kind"], each["number"])):
        for fault in verdict["faults"]:
            key = (verdict["kind"], fault["reason"][:60], fault["place"])
            first = {"kind": verdict["kind"], **fault, "words": verdict["words"], "mutants": []}
            numbers = found.setdefault(key, first)["mutants"]
            numbers += [verdict["number"]] if verdict["number"] not in numbers else []
    return sorted(found.values(), key=lambda group: (group["kind"], -len(group["mutants"])))


def _tell(groups: list[dict[str, Any]], refused: dict[str, Any], *, every: bool) -> None:
    for name, found in refused.items():
        print(f"GOOD FILE REFUSED {name}\n{json.dumps(found, indent=1)[:3000]}\n")
    for group in groups:
        count, last = len(group["mutants"]), group["error"].strip().splitlines()[-1:] or [""]
        print(f"FAULT {group['kind']}, {count} mutants: {group['reason']}, door {group['door']}, at {group['place']}")
        print(f"  {last[0][:300]}\n  {group['words'][:300]}")
        print(f"  python -m benchmarks.mutated_files --only {group['kind']}:{group['mutants'][0]}\n")
        if every:
            print(group["error"])


def _by_kind(kinds: tuple[str, ...], verdicts: list[dict[str, Any]]) -> dict[str, dict[str, float]]:
    found = {}
    for kind in kinds:
        own = [verdict for verdict in verdicts if verdict["kind"] == kind]
        outcomes = Counter(verdict["outcome"] for verdict in own)
        most = max((verdict["taken"] for verdict in own), default=0)
        seconds = sum(verdict.get("seconds", 0.0) for verdict in own)
        counts = {outcome: outcomes[outcome] for outcome in ("accepted", "refused", "fault")}
        found[kind] = {"mutants": len(own), **counts, "most MiB": round(most / 2**20), "seconds": round(seconds, 1)}
    return found


if __name__ == "__main__":
    sys.exit(main())
