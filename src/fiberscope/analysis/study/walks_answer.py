"""How far a straight line drifts off the fiber, and what changes along a fiber."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from fiberscope.analysis.answer import Answer
from fiberscope.analysis.study.naming import MOST_SHOWN, how_many, titles, ways
from fiberscope.analysis.study.study import Study
from fiberscope.analysis.study.walks import FAR_STEPS, NUM_STEPS, Walks, walk_all
from fiberscope.analysis.study.walks_records import walk_records
from fiberscope.gallery import drift_chart, filmstrip, percent, short_number, to_png
from fiberscope.moves.setup import DEFAULT_RTOL
from fiberscope.report import Figure, Section

_FRAME_EVERY = 4
_METHODS = (
    f"A walk goes {NUM_STEPS} steps to a length of half the median distance between two images of different classes, "
    f"or {FAR_STEPS} to 0.8 of it toward another image (Euclidean norm over pixels, rounded to one figure). Each step "
    "follows the null space at the point reached, stays inside the box of pixels from 0 to 1, and is corrected back "
    "onto the fiber. The straight line follows the null space of the start, is cut off at the box and is not "
    "corrected.",
)


def ask_walks(study: Study) -> Answer:
    """Walk from each image along what the network cannot see; show where that leads, and what straight lines lose."""
    walks = walk_all(study)
    drift, toward, along = _drift(study, walks), _toward(study, walks), _along(study, walks)
    median = percent(float(walks.straight.residual[-1].nanmedian()))
    return Answer(
        (_film_section(study, walks, (toward, along)), _drift_section(study, walks, drift)),
        facts=((f"drift of a straight line of length {walks.length:g} (median)", median),),
        figures={"drift.png": drift, "walks.png": toward, "walks-data.png": along},
        arrays={
            f"walks_{name}_{field}": values
            for name, trail in (("toward", walks.toward), ("corrected", walks.corrected), ("straight", walks.straight))
            for field, values in trail._asdict().items()
            if isinstance(values, Tensor)
        },
        records={"walks": walk_records(study, walks)},
        methods=_METHODS,
    )


def _drift_section(study: Study, walks: Walks, drift: Figure) -> Section:
    straight, worst = walks.straight, float(walks.corrected.residual.nan_to_num().max())
    off = float(straight.residual[-1].nanmedian())
    enough = "For this network yes" if off <= DEFAULT_RTOL[study.inputs.dtype] else "No"
    lost = ""
    if straight.classes is not None:
        other = int((straight.classes[-1] != straight.classes[0]).sum())
        lost = f", and {other} of {len(straight.gone)} lines end at another class"
    return Section(
        "Is it enough to go straight along what it cannot see?",
        f"{enough}. After a way of {walks.length:g} the straight line has drifted by {percent(off)} of the latent’s "
        f"size (median of {len(straight.gone)}){lost}. No corrected walk is ever off by more than "
        f"{short_number(worst, digits=2)} of it.",
        (
            "What the network cannot see at one image is not what it cannot see at the next: a fiber is curved. The "
            "straight line takes an invisible direction of the first image and follows it. The walk asks again at "
            "every step, and is brought back onto the fiber before the next.",
            drift,
        ),
    )


def _drift(study: Study, walks: Walks) -> Figure:
    distance = torch.linspace(0, walks.length, NUM_STEPS + 1)
    gone = walks.corrected.arc_length
    # A walk that ended on the way has no residual further on.
    corrected = torch.where(gone.diff(dim=0, prepend=gone[:1] - 1) > 0, walks.corrected.residual, torch.nan)
    picture = drift_chart(distance, walks.straight.residual, corrected, tolerance=DEFAULT_RTOL[study.inputs.dtype])
    return Figure(
        to_png(picture),
        caption="How far the latent has moved after walking so far, in units of its own size: at 1 it has moved by as "
        "much as it is long, and every line of the grid below is ten times less.",
        alt="On a logarithmic axis the residual of the straight line over the distance walked, and far below it that "
        "of the corrected walk, under the tolerance.",
    )


def _film_section(study: Study, walks: Walks, films: tuple[Figure, Figure]) -> Section:
    apart = (study.partners.images - study.images.images).flatten(1).norm(dim=1).to(walks.toward.gone)
    share = percent(float((walks.toward.gone / apart).median()))
    true, count = (walks.toward.num_true + walks.corrected.num_true, len(walks.toward.gone) + len(walks.corrected.gone))
    read = f"; along {true} of {count} walks the network reads the same class at every step" if study.logits else ""
    return Section(
        "How far can one go without the network noticing?",
        f"Headed for another {study.noun}, an image changes by {share} of what separates the two (median "
        f"of {len(apart)}){read}.",
        (
            "A strip of film is a walk along one fiber. In the first picture each walk heads for another "
            f"{study.noun}; in the second it follows, both ways, the first direction of the {study.noun} that the "
            "network cannot see.",
            *films,
        ),
    )


def _toward(study: Study, walks: Walks) -> Figure:
    trail, far = walks.toward, walks.far
    frames = list(range(0, FAR_STEPS + 1, _FRAME_EVERY))
    heads = ways(study.images, study.partners)[:MOST_SHOWN]
    picture = filmstrip(
        trail.points[frames],
        row_captions=[head + _read_as(trail.classes, [i]) for i, head in enumerate(heads)],
        step_captions=["start", *(short_number(far * frame / FAR_STEPS, digits=2) for frame in frames[1:])],
        title="To the network, all images in a row are one",
        note=_film_note(trail.arc_length[:, : len(heads)], far),
    )
    return Figure(
        to_png(picture),
        caption=f"Each {study.noun} goes as straight toward another {study.noun} as its fiber allows: what we see "
        f"changes, the latent does not{', so the network goes on reading the first one' if study.logits else ''}."
        f"{how_many(study.images)}",
        alt=f"A row of nine images for each {study.noun}: the one on the left changes step by step toward another one "
        "on the right.",
    )


def _along(study: Study, walks: Walks) -> Figure:
    trail, several = walks.corrected, walks.num_ways
    frames = list(range(_FRAME_EVERY, NUM_STEPS + 1, _FRAME_EVERY))
    # Walks come forward and backward in turns, for each direction of each image.
    forward, backward = (slice(way, None, several) for way in (0, 1))
    points = torch.cat([trail.points[frames[::-1], backward], trail.points[:1, forward], trail.points[frames, forward]])
    lengths = [short_number(walks.length * frame / NUM_STEPS, digits=2) for frame in frames]
    names = titles(study.images)[:MOST_SHOWN]
    heads = [f"{study.noun} {name}" if "\n" not in name and name.isdigit() else name for name in names]
    shown = several * len(heads)
    picture = filmstrip(
        points,
        row_captions=[head + _read_as(trail.classes, [several * i, several * i + 1]) for i, head in enumerate(heads)],
        step_captions=[*(f"−{length}" for length in reversed(lengths)), "start", *(f"+{length}" for length in lengths)],
        title=f"Less ink and more ink, where {study.noun}s vary most and the network cannot see it",
        note=_film_note(trail.arc_length[:, :shown], walks.length),
    )
    return Figure(
        to_png(picture),
        caption=f"From the {study.noun} in the middle, each walk follows the first of its patterns that the network "
        f"cannot see, against it to the left and with it to the right.{how_many(study.images)}",
        alt=f"A row of eleven images for each {study.noun}; the one in the middle grows fainter to the left and bolder "
        "to the right.",
    )


def _read_as(classes: Tensor | None, walks: list[int]) -> str:
    if classes is None:
        return ""
    seen = sorted(set(classes[:, walks].flatten().tolist()))
    return f"\nread as {seen[0]} all along" if len(seen) == 1 else "\nread as " + ", ".join(map(str, seen))


def _film_note(arc_length: Float[Tensor, "step walk"], length: float) -> str:
    short = int((arc_length[-1] < 0.99 * length).sum())
    ended = f" {short} of {arc_length.shape[1]} walks ended earlier and stand still." if short else ""
    return f"Over the columns: distance walked along the fiber, as Euclidean norm over pixels.{ended}"
