"""Is what the network cannot tell apart wanted? Judges look at images of one latent, near and far."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor

from fiberscope.analysis.answer import Answer, grouped
from fiberscope.analysis.study.pool import GOALS, Pool, draw_pool
from fiberscope.analysis.study.study import Study
from fiberscope.analysis.study.wanted_tables import class_words, judges_table, pool_records, rate_records
from fiberscope.gallery import CollisionWords, collision_chart, collision_sheet, percent, short_number, to_png
from fiberscope.judges import (
    CollisionRates,
    Opinions,
    Panel,
    Verdict,
    collision_rates,
    decide,
    worst_collisions,
)
from fiberscope.report import Figure, Section, Table

_BINS = 6
_WORST = 8


def ask_wanted(study: Study) -> Answer:
    """Walk from each image toward images of other classes, go as near to these as the fiber allows, and ask judges."""
    if study.panel is None or bool((study.classes < 0).any()):
        return Answer((_not_asked(study.panel),))
    pool = draw_pool(study)
    classes = study.classes[pool.of]
    opinions = study.panel.opinions(pool.images.cpu().float())
    verdicts = decide(opinions, classes)
    edges = _edges(pool.distance)
    rates = collision_rates(pool.distance, verdicts, edges)
    chart, worst = _chart(rates, edges), _worst(study, pool, opinions)
    share = percent(verdicts.count(Verdict.COLLISION) / len(verdicts))
    return Answer(
        (_section(study, pool, verdicts, (chart, *worst.values()), judges_table(study.panel, study)),),
        facts=((f"of {len(verdicts)} images with the latent of another are seen as another class by judges", share),),
        figures={"collisions-by-distance.png": chart, **worst},
        arrays={
            "wanted_images": pool.images,
            "wanted_of": pool.of,
            "wanted_distance": pool.distance,
            "wanted_residual": pool.residual,
            "wanted_judged": opinions.classes,
            "wanted_confidence": opinions.confidence,
        },
        records={"wanted": pool_records(study, pool, opinions, verdicts), "collision-rates": rate_records(rates)},
        methods=(
            "Judged are images on the fiber of each image under study: every second point of walks toward "
            f"{GOALS} random images of other classes, as long as these are away (median), and the nearest points of "
            "the fiber to these. "
            "So rates speak of what lies on the way to other classes, not of a fiber as a whole. A verdict is wanted "
            f"where the panel sees {class_words(study)}, a collision where it sees another, unsure where its pooled "
            "probability stays below its threshold. The judges that ship share no weights, seed or architecture with "
            "the networks that ship, but learnt from the same training digits; they are classifiers too, and no "
            "people. Intervals of rates count images as if they were independent; neighbours on one walk are not, so "
            "the true ones are wider.",
        ),
    )


def _not_asked(panel: Panel | None) -> Section:
    why = "no judges of such images ship" if panel is None else "no class is known of some of the images"
    return Section(
        "Is that wanted?",
        f"This was not asked: {why}.",
        ("Bring judges of your own with --judge, each named as a model is, and images whose class is known.",),
    )


def _edges(distance: Float[Tensor, " found"]) -> Float[Tensor, " edge"]:
    """Bins of a round width from zero on, so that the last one holds the farthest."""
    least = max(float(distance.max()), 1e-6) / _BINS
    decade = 10.0 ** math.floor(math.log10(least))
    step = next(factor * decade for factor in (1, 2, 5, 10) if factor * decade >= least)
    return step * torch.arange(math.ceil(float(distance.max()) / step) + 1, dtype=torch.float64)


def _section(
    study: Study, pool: Pool, verdicts: tuple[Verdict, ...], figures: tuple[Figure, ...], judges: Table
) -> Section:
    count, known = len(study.images.names), int(study.panel.seen(study.images.images).sum()) if study.panel else 0
    seen = (
        f" {known} of the {count} images under study were among a judge’s training images, and are marked in the table "
        "beside this page: no independent opinion is to be had of them."
        if known
        else " No judge was trained on any of the images under study."
    )
    return Section(
        "Is that wanted?",
        _finding(study, pool, verdicts),
        (
            "That a digit stays the same digit when it is written differently is wanted. That it becomes another digit "
            "to everyone but the network is a collision, and nobody chose it. Judges decide: classifiers that share no "
            f"weights with the network.{seen}",
            *figures,
            judges,
        ),
    )


def _finding(study: Study, pool: Pool, verdicts: tuple[Verdict, ...]) -> str:
    shares = {verdict: verdicts.count(verdict) / len(verdicts) for verdict in Verdict}
    collided = torch.tensor([verdict is Verdict.COLLISION for verdict in verdicts])
    nearest = short_number(float(pool.distance[collided].min())) if bool(collided.any()) else ""
    count = len(study.images.names)
    of = f"one of the {count} images under study" if count > 1 else "the image under study"
    wanted, other, unsure = (percent(shares[each]) for each in (Verdict.WANTED, Verdict.COLLISION, Verdict.UNSURE))
    return (
        f"{_answer(shares)} Of {grouped(len(verdicts))} images with the latent of {of}, judges see "
        f"{class_words(study)} in {wanted}, another class in {other}, and are unsure of {unsure}."
        + (f" The nearest collision lies {nearest} away." if nearest else "")
    )


def _answer(shares: dict[Verdict, float]) -> str:
    wanted, collision = shares[Verdict.WANTED], shares[Verdict.COLLISION]
    if max(wanted, collision) < shares[Verdict.UNSURE]:
        return "Judges mostly cannot say."
    if not collision:
        return "As far as judges can tell."
    return "Mostly, but not always." if wanted > collision else "Mostly not."


def _chart(rates: CollisionRates, edges: Float[Tensor, " edge"]) -> Figure:
    counts = torch.stack([rates.collisions, rates.unsure, rates.wanted])
    picture = collision_chart(edges, counts, torch.stack([rates.rate_low, rates.rate_high]))
    return Figure(
        to_png(picture),
        caption="Images that have exactly the latent of an image under study, by how far they lie from it.",
        alt="A bar for each bin of distance, divided into collisions, unsure and wanted images.",
    )


def _worst(study: Study, pool: Pool, opinions: Opinions) -> dict[str, Figure]:
    classes = study.classes[pool.of]
    # One of each image under study: neighbours on one walk are nearly the same picture.
    seen: set[int] = set()
    rows = [
        row
        for row in worst_collisions(opinions, classes, pool.distance, count=len(pool.of)).tolist()
        if int(pool.of[row]) not in seen and not seen.add(int(pool.of[row]))  # type: ignore[func-returns-value]
    ][:_WORST]
    if not rows:
        return {}
    words = [
        CollisionWords(
            str(int(classes[row])),
            str(int(opinions.classes[row])),
            float(opinions.confidence[row]),
            float(pool.distance[row]),
        )
        for row in rows
    ]
    picture = collision_sheet(
        study.inputs[pool.of[rows]],
        pool.images[rows],
        words,
        giver="network" if study.logits else "label",
    )
    figure = Figure(
        to_png(picture),
        caption="The collisions of which judges are most sure, one for each image under study. The two images of a "
        "column have the same latent.",
        alt="Columns of two images: a digit, and an image that the network cannot tell from it and that judges take "
        "for another digit.",
    )
    return {"worst-collisions.png": figure}
