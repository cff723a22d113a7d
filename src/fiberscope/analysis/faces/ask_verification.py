"""The first question: does the network know people again at all."""

from __future__ import annotations

import torch

from fiberscope.analysis.answer import Answer
from fiberscope.analysis.faces.statistics import over_people
from fiberscope.analysis.faces.study import FaceStudy
from fiberscope.analysis.faces.verification import Verified, verify
from fiberscope.analysis.records import Records
from fiberscope.report import Section, Table


def ask_verification(study: FaceStudy) -> Answer:
    """Compare one picture of each person with all others, by the cosine of their embeddings."""
    found = verify(study, study.probes)
    area, accepted, first = (over_people(values) for values in (found.area, found.accepted, found.first))
    labels, cosines = study.faces.labels, study.cosines
    one, other = torch.triu_indices(len(labels), len(labels), offset=1)
    same = labels[one] == labels[other]
    alike = cosines[one, other]
    table = Table(
        ("measure", "value (95 % interval over people)"),
        (
            ("area under the ROC curve", area.words(3)),
            ("most alike picture is of the same person", first.words(1, percent=True)),
            (f"own pictures above the cosine {study.threshold:.2f}", accepted.words(1, percent=True)),
            ("median cosine of two pictures of one person", f"{float(alike[same].median()):.2f}"),
            ("median cosine of pictures of two people", f"{float(alike[~same].median()):.2f}"),
        ),
        f"{len(study.people)} people, one picture of each against the other {len(labels) - 1} pictures. The threshold "
        "is the cosine that one in a hundred pairs of two people exceeds.",
    )
    section = Section(
        "Does the network know people again?",
        f"A pair of pictures of one person is more alike than one of two people in "
        f"{area.words(1, percent=True)} of comparisons.",
        (
            "What follows is about what it does not see, and starts from a network that sees enough to do its work.",
            table,
        ),
    )
    return Answer(
        (section,),
        facts=(("area under the ROC curve, unchanged pictures", area.headline(3)),),
        arrays={"verification_cosines": cosines},
        records={"verification": _records(study, found)},
        methods=(
            "Intervals are percentile bootstraps over people (2000 resamples): they say how much another choice of "
            "people from the same kind of pictures would move a number, and nothing about other kinds of pictures.",
        ),
    )


def _records(study: FaceStudy, found: Verified) -> Records:
    columns = {
        "person": "number of the person in the database",
        "auc": "area under the ROC curve of one picture against all others",
        "accepted": "share of the person's other pictures above the threshold",
        "false_accepted": "share of other people's pictures above the threshold",
        "first": "1 if the most alike picture is of the same person",
    }
    rows = zip((person + 1 for person in study.people), *(values.tolist() for values in found), strict=True)
    return Records(columns, tuple(rows))
