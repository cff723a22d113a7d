"""Mutants by their numbers: the same number gives the same files."""

from __future__ import annotations

import shutil
from pathlib import Path
from random import Random
from typing import NamedTuple

from benchmarks.mutated_files.kinds import Kind
from benchmarks.mutated_files.mutations import mutate


class Mutant(NamedTuple):
    """What was done to which good file, and the bytes of the whole folder."""

    words: str
    size: int


def write_mutant(kind: Kind, good: Path, folder: Path, random: Random) -> Mutant:
    """Copy one of the good folders, with one of its files mutated."""
    chosen = random.choice(sorted(each for each in good.iterdir() if each.is_dir()))
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(chosen, folder)
    pattern = random.choice([each for each in kind.grammars if _files(folder, each)])
    path = random.choice(_files(folder, pattern))
    content, words = mutate(path.read_bytes(), random, kind.grammars[pattern])
    path.write_bytes(content)
    if kind.seal is not None and random.random() < 0.7:
        words += _sealed(kind, folder)
    size = sum(each.stat().st_size for each in folder.rglob("*") if each.is_file())
    return Mutant(f"{chosen.name}/{path.relative_to(folder)}: {words}", size)


def _files(folder: Path, pattern: str) -> list[Path]:
    return sorted(each for each in folder.glob(pattern) if each.is_file())


def _sealed(kind: Kind, folder: Path) -> str:
    try:
        kind.seal(folder)  # type: ignore[misc]
    except Exception:  # nothing is left that could be sealed
        return ""
    return ", sealed"
