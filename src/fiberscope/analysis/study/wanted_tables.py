"""What judges said, as tables for the page and for other programs."""

from __future__ import annotations

from fiberscope.analysis.records import Records
from fiberscope.analysis.study.pool import Pool
from fiberscope.analysis.study.study import Study
from fiberscope.gallery import percent
from fiberscope.judges import CollisionRates, ModuleJudge, Opinions, Panel, Verdict
from fiberscope.report import Table

_OWN_SAMPLE = 200  # labelled images on which a judge of the user's is tried


def class_words(study: Study) -> str:
    """Where the class of an image under study comes from: a network that reads none leaves it to the label."""
    return "the class that the network reads" if study.logits else "the class that the label gives the image"


def judges_table(panel: Panel, study: Study) -> Table:
    """A row for each judge: how well it reads, and how honest its confidence is."""
    some, labels = study.data.images[:_OWN_SAMPLE], study.data.labels[:_OWN_SAMPLE]
    rows: list[tuple[str, str, str, str]] = []
    for judge in panel.judges:
        card = judge.card if isinstance(judge, ModuleJudge) else None
        if card is not None:
            rows.append((judge.name, percent(card.test_accuracy), percent(card.calibration_error), card.test_data))
        else:
            right = float((judge.probabilities(some).argmax(dim=1).cpu() == labels).double().mean())
            rows.append((judge.name, percent(right), "not known", f"{study.data.name}, {len(labels)} images"))
    return Table(
        ("judge", "reads right", "calibration error", "of"),
        tuple(rows),
        "The panel. Calibration error: how far a judge’s stated confidence is from its share of right answers, on "
        "average.",
    )


def pool_records(study: Study, pool: Pool, opinions: Opinions, verdicts: tuple[Verdict, ...]) -> Records:
    """A row for each image that was judged."""
    columns = {
        "image": "the image under study whose latent the found image has",
        "class": f"{class_words(study)} under study",
        "distance": "Euclidean distance between the two, over pixels",
        "residual": "|f(x) - z| / |z| of the found image, by a forward pass",
        "judged_class": "class that the panel sees in the found image",
        "confidence": "pooled probability of that class",
        "verdict": "wanted, collision or unsure",
        "seen_in_training": "whether a judge was trained on the image under study",
    }
    seen = study.panel.seen(study.images.images).tolist() if study.panel else []
    rows = tuple(
        (
            study.images.names[of],
            int(study.classes[of]),
            float(pool.distance[i]),
            float(pool.residual[i]),
            int(opinions.classes[i]),
            float(opinions.confidence[i]),
            verdicts[i].value,
            bool(seen[of]),
        )
        for i, of in enumerate(pool.of.tolist())
    )
    return Records(columns, rows)


def rate_records(rates: CollisionRates) -> Records:
    """A row for each bin of distance."""
    columns = {
        "lower": "lower end of the bin of distance (Euclidean, over pixels)",
        "upper": "upper end of the bin",
        "images": "images in it",
        "wanted": "of these, judged to be of the network's class",
        "collisions": "judged to be of another class",
        "unsure": "not judged",
        "rate": "share of collisions; empty for an empty bin",
        "rate_low": "lower end of its 95 % interval (Wilson)",
        "rate_high": "upper end of the same",
    }
    rows = tuple(tuple(values) for values in zip(*(each.tolist() for each in rates), strict=True))
    return Records(columns, rows)
