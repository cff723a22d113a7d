"""Classes in which a summary tells images apart: all of them where there are few, else the largest and the rest."""

from __future__ import annotations

from typing import NamedTuple

from fiberscope.survey.database import Database

_MOST = 10
_LARGEST = 12


class Groups(NamedTuple):
    """Names of groups of images by their label, how many images are in each, and SQL that gives a record's group.

    There is none where images have no labels, or all have one.
    """

    names: tuple[str, ...]
    counts: tuple[int, ...]
    sql: str


def find_groups(database: Database) -> Groups:
    """Up to 10 classes each for itself; of more the 12 largest, and the rest together."""
    found = database.ask("SELECT label, count(*) FROM records GROUP BY label ORDER BY label").rows
    classes = [(int(label), int(count)) for label, count in found if label is not None]
    bare = sum(int(count) for label, count in found if label is None)
    if not classes or (len(classes) == 1 and not bare):
        return Groups((), (), "0")
    largest = sorted(sorted(classes, key=lambda each: -each[1])[:_LARGEST])
    shown = classes if len(classes) <= _MOST else largest
    names, counts = [str(label) for label, _ in shown], [count for _, count in shown]
    cases = [f"WHEN label = {label} THEN {place}" for place, (label, _) in enumerate(shown)]
    if bare:
        cases.append(f"WHEN label IS NULL THEN {len(names)}")
        names, counts = [*names, "no label"], [*counts, bare]
    if len(shown) < len(classes):
        names.append(f"{len(classes) - len(shown)} others")
        counts.append(sum(count for _, count in classes) - sum(count for _, count in shown))
    return Groups(tuple(names), tuple(counts), f"CASE {' '.join(cases)} ELSE {len(names) - 1} END")
