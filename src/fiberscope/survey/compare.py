"""Two surveys of the same images, compared image by image."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float64, Int64
from numpy import ndarray

from fiberscope.problem import FiberscopeError
from fiberscope.survey.database import Database
from fiberscope.survey.groups import Groups, find_groups
from fiberscope.survey.paired import Agreement, Paired, agreement, corrected, paired
from fiberscope.survey.plan import Plan, read_plan
from fiberscope.survey.reading import open_records, whole_places

_NUMBERS = ("FLOAT", "DOUBLE", "BIGINT")
_CLASSES = ("network_class", "partner", "partner_label", "seen_class", "judged_class")
_BASE = "survey"
_FEWEST = 2  # images of a class that are compared by themselves


class Comparison(NamedTuple):
    """What two surveys say of the images that both have records of.

    ``columns`` are over all these images, in the order of the first survey, ``by_class`` the same by label; p-values of
    each are corrected together. ``units`` and ``main`` are of the columns. ``reading`` is None where one of them reads
    no class. ``left_out`` names columns that both have but that do not mean the same, with the reason; ``notes`` say
    what else differs.
    """

    first: Plan
    second: Plan
    images: int
    columns: tuple[Paired, ...]
    by_class: tuple[Paired, ...]
    classes: tuple[str, ...]
    units: Mapping[str, str]
    main: tuple[str, ...]
    reading: Agreement | None
    left_out: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]
    seed: int


class Pair(NamedTuple):
    """Two open surveys, and where the images that both have stand in each, by the order of their records."""

    first: Database
    second: Database
    images: Int64[ndarray, " image"]
    rows: tuple[Int64[ndarray, " image"], Int64[ndarray, " image"]]

    def values(self, name: str) -> tuple[Float64[ndarray, " image"], Float64[ndarray, " image"]]:
        """A column of both at the images that both have."""
        one, other = (
            database.numbers(f'SELECT "{name}" AS v FROM records ORDER BY image')["v"][rows]
            for database, rows in zip((self.first, self.second), self.rows, strict=True)
        )
        return one, other


def compare_surveys(first: Path, second: Path, *, seed: int = 0) -> Comparison:
    """Compare every number that two surveys both have, image by image, over all images and by class.

    Unfinished surveys are compared at the images that both have. ``seed`` draws the resamples. One column is read at a
    time. Raises FiberscopeError where the surveys are of other images, or have no image or no number in common.
    """
    plans = check_same_images(first, second)
    with open_records(first, argument="surveys") as one, open_records(second, argument="surveys") as other:
        pair = open_pair(one, other, (first, second))
        columns, left_out = _shared(one, other, *plans)
        groups = find_groups(one)
        group = one.numbers(f"SELECT {groups.sql} AS g FROM records ORDER BY image")["g"][pair.rows[0]]
        overall, by_class = [], []
        for name in columns:
            values = pair.values(name)
            row = paired(name, "", *values, rng=_rng(seed, name, ""))
            if row.images:
                overall.append(row)
                by_class += _by_class(name, values, group, groups, seed)
        if not overall:
            raise FiberscopeError(
                f"surveys: {first} and {second} have no number in common to compare. Run both with a measure that both "
                "have."
            )
        return Comparison(
            *plans,
            images=len(pair.images),
            columns=corrected(overall),
            by_class=corrected(by_class),
            classes=groups.names,
            units={name: unit for name, (unit, _) in columns.items()},
            main=tuple(name for name, (_, main) in columns.items() if main),
            reading=_reading(pair),
            left_out=left_out,
            notes=_notes(pair, *plans),
            seed=seed,
        )


def check_same_images(first: Path, second: Path) -> tuple[Plan, Plan]:
    """The plans of two surveys; raises FiberscopeError that says in what their images differ."""
    one, other = (read_plan(folder, argument="surveys") for folder in (first, second))
    if one.data_sha256 != other.data_sha256:
        raise FiberscopeError(
            f"surveys: {first} is of {one.data} (SHA-256 {one.data_sha256[:12]}), {second} of {other.data} "
            f"({other.data_sha256[:12]}). Compare surveys of the same images."
        )
    if one.input_shape != other.input_shape:
        raise FiberscopeError(
            f"surveys: {first} took the images as {one.input_shape}, {second} as {other.input_shape}, so distances are "
            "not the same. Compare networks of one input shape."
        )
    return one, other


def open_pair(first: Database, second: Database, folders: tuple[Path, Path]) -> Pair:
    """Match the records of two surveys by image; raises FiberscopeError where they have none in common."""
    one, other = (
        whole_places(database.numbers("SELECT image FROM records ORDER BY image")["image"], argument="surveys")
        for database in (first, second)
    )
    images, *rows = np.intersect1d(one, other, assume_unique=True, return_indices=True)
    if not len(images):
        raise FiberscopeError(
            f"surveys: {folders[0]} and {folders[1]} have no image in common so far. Resume them, then compare."
        )
    return Pair(first, second, images, (rows[0], rows[1]))


def _shared(
    first: Database, second: Database, plan: Plan, other_plan: Plan
) -> tuple[dict[str, tuple[str, bool]], tuple[tuple[str, str], ...]]:
    """Unit and mainness of the numbers that mean the same in both, and the others with the reason."""
    ask = "SELECT name, measure, type, unit, meaning, main FROM columns ORDER BY place"
    theirs = {row[0]: row for row in second.ask(ask).rows}
    found: dict[str, tuple[str, bool]] = {}
    left_out: list[tuple[str, str]] = []
    for name, measure, kind, unit, meaning, main in first.ask(ask).rows:
        if name not in theirs or kind not in _NUMBERS or measure == _BASE or name in _CLASSES:
            continue
        _, other_measure, other_kind, other_unit, other_meaning, _ = theirs[name]
        settings = [each.measure_settings.get(measure) for each in (plan, other_plan)]
        if other_kind not in _NUMBERS or (measure, unit, meaning) != (other_measure, other_unit, other_meaning):
            left_out.append(
                (str(name), f"it is “{meaning}” ({unit}) in one and “{other_meaning}” ({other_unit}) in the other")
            )
        elif settings[0] != settings[1]:
            left_out.append((str(name), f"{measure} was measured with {settings[0]} and with {settings[1]}"))
        else:
            found[str(name)] = (str(unit), bool(main))
    return found, tuple(left_out)


def _by_class(
    name: str,
    values: tuple[Float64[ndarray, " image"], Float64[ndarray, " image"]],
    group: Float64[ndarray, " image"],
    groups: Groups,
    seed: int,
) -> list[Paired]:
    rows = []
    for place, words in enumerate(groups.names):
        there = group == place
        if there.sum() >= _FEWEST:
            rows.append(paired(name, words, values[0][there], values[1][there], rng=_rng(seed, name, words)))
    return rows


def _reading(pair: Pair) -> Agreement | None:
    ask = "SELECT count(*) FROM columns WHERE name = 'network_class'"
    if not all(database.ask(ask).rows[0][0] for database in (pair.first, pair.second)):
        return None
    labels, _ = pair.values("label")
    return agreement(*pair.values("network_class"), labels)


def _notes(pair: Pair, first: Plan, second: Plan) -> tuple[str, ...]:
    notes = []
    if first.reference_sha256 != second.reference_sha256:
        notes.append("The labelled images that set relative units are not the same in both.")
    if first.judges_sha256 != second.judges_sha256:
        notes.append("The judges are not the same in both.")
    if first.network_sha256 != second.network_sha256 or first.layer != second.layer:
        notes.append(
            "Columns whose unit is of the latent are in each network’s own: only their shapes can be compared."
        )
    ask = "SELECT count(*) FROM columns WHERE name = 'partner'"
    if all(database.ask(ask).rows[0][0] for database in (pair.first, pair.second)):
        one, other = pair.values("partner")
        same = int((one == other).sum())
        if same < len(one):
            notes.append(
                f"Nearest images were sought toward the same partner at {same} of {len(one)} images; elsewhere seeds "
                "or classes read drew another one."
            )
    return tuple(notes)


def _rng(seed: int, name: str, group: str) -> np.random.Generator:
    # Of the column's own: what else is compared changes no interval.
    return np.random.default_rng([seed, zlib.crc32(f"{name}/{group}".encode())])
