"""How far a straight line drifts off the fiber, and what changes along a fiber."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from fiberscope.analysis.answer import Answer
from fiberscope.analysis.demo.stage import Stage
from fiberscope.analysis.demo.walks import FAR, FAR_STEPS, LENGTH, NUM_BASIS, NUM_STEPS, Trail, Walks, walk_all
from fiberscope.gallery import drift_chart, filmstrip, percent, short_number, to_png
from fiberscope.moves.setup import DEFAULT_RTOL
from fiberscope.report import Figure, Section

_FRAME_EVERY = 4


def ask_walks(stage: Stage) -> Answer:
    """Walk from each digit along what the network cannot see; show where that leads, and what straight lines lose."""
    walks = walk_all(stage)
    drift, toward, along = _drift(stage, walks), _toward(stage, walks.toward), _along(stage, walks.corrected)
    median = percent(float(walks.straight.residual[-1].median()))
    return Answer(
        (_drift_section(walks, drift), _film_section(stage, walks, (toward, along))),
        facts=((f"drift of a straight line of length {LENGTH:g} (median)", median),),
        figures={"drift.png": drift, "walks.png": toward, "walks-data.png": along},
        arrays={
            f"walks_{name}_{field}": values
            for name, trail in walks._asdict().items()
            for field, values in trail._asdict().items()
            if isinstance(values, Tensor)
        },
    )


def _drift_section(walks: Walks, drift: Figure) -> Section:
    straight, worst = walks.straight.residual[-1], float(walks.corrected.residual.max())
    lost = int((walks.straight.classes[-1] != walks.straight.classes[0]).sum())
    return Section(
        "Is it enough to go straight along what it cannot see?",
        f"No. After a way of {LENGTH:g} the straight line has drifted by {percent(float(straight.median()))} of the "
        f"latent’s size (median), and {lost} of {len(straight)} lines end at another class. No corrected walk is ever "
        f"off by more than {short_number(worst, digits=2)} of it.",
        (
            "What the network cannot see at one image is not what it cannot see at the next: a fiber is curved. The "
            "straight line takes an invisible direction of the first image and follows it. The walk asks again at "
            "every step, and is brought back onto the fiber before the next.",
            drift,
        ),
    )


def _drift(stage: Stage, walks: Walks) -> Figure:
    distance = torch.linspace(0, LENGTH, NUM_STEPS + 1)
    gone = walks.corrected.arc_length
    # A walk that ended on the way has no residual further on.
    corrected = torch.where(gone.diff(dim=0, prepend=gone[:1] - 1) > 0, walks.corrected.residual, torch.nan)
    picture = drift_chart(distance, walks.straight.residual, corrected, tolerance=DEFAULT_RTOL[stage.digits.dtype])
    return Figure(
        to_png(picture),
        caption="How far the latent has moved after walking so far, in units of its own size: at 1 it has moved by as "
        "much as it is long, and every line of the grid below is ten times less.",
        alt="On a logarithmic axis the straight line climbs at once to a good part of the latent; the corrected walk "
        "stays below the tolerance of one part in a hundred thousand.",
    )


def _film_section(stage: Stage, walks: Walks, films: tuple[Figure, Figure]) -> Section:
    changed = (walks.toward.points[-1] - stage.digits).flatten(1).norm(dim=1)
    apart = (stage.digits[stage.partner] - stage.digits).flatten(1).norm(dim=1)
    share = percent(float((changed / apart).median()))
    true = walks.toward.num_true + walks.corrected.num_true
    count = walks.toward.classes.shape[1] + walks.corrected.classes.shape[1]
    return Section(
        "What can change without the network noticing?",
        f"Strokes thicken, fade and move. Headed for another digit, an image changes by {share} of what separates the "
        f"two (median); along {true} of {count} walks the network reads the same class at every step.",
        (
            "A strip of film is a walk along one fiber. In the first picture each walk heads for another of the ten "
            "digits; in the second it follows, both ways, the first direction of the digit that the network cannot "
            "see.",
            *films,
        ),
    )


def _toward(stage: Stage, trail: Trail) -> Figure:
    frames = list(range(0, FAR_STEPS + 1, _FRAME_EVERY))
    partners = [stage.names[i] for i in stage.partner.tolist()]
    picture = filmstrip(
        trail.points[frames],
        row_captions=[
            f"{name} toward {partner}\n{_read_as(trail.classes[:, [i]])}"
            for i, (name, partner) in enumerate(zip(stage.names, partners, strict=True))
        ],
        step_captions=["start", *(f"{FAR * frame / FAR_STEPS:g}" for frame in frames[1:])],
        title="To the network, all images in a row are one",
        note=_film_note(trail.arc_length, FAR),
    )
    return Figure(
        to_png(picture),
        caption="Each digit goes as straight toward another digit as its fiber allows: what we see changes, the "
        "latent does not, so the network goes on reading the first digit.",
        alt="Ten rows of nine images: a digit on the left changes step by step toward another digit on the right.",
    )


def _along(stage: Stage, trail: Trail) -> Figure:
    frames = list(range(_FRAME_EVERY, NUM_STEPS + 1, _FRAME_EVERY))
    # Walks come forward and backward in turns, for each direction of each digit.
    forward, backward = (slice(way, None, 2 * NUM_BASIS) for way in (0, 1))
    points = torch.cat([trail.points[frames[::-1], backward], trail.points[:1, forward], trail.points[frames, forward]])
    classes = torch.cat([trail.classes[:, forward], trail.classes[:, backward]])
    ways = [f"{LENGTH * frame / NUM_STEPS:g}" for frame in frames]
    picture = filmstrip(
        points,
        row_captions=[f"digit {name}\n{_read_as(classes[:, [i]])}" for i, name in enumerate(stage.names)],
        step_captions=[*(f"−{way}" for way in reversed(ways)), "start", *(f"+{way}" for way in ways)],
        title="Less ink and more ink, where digits vary most and the network cannot see it",
        note=_film_note(trail.arc_length, LENGTH),
    )
    return Figure(
        to_png(picture),
        caption="From the digit in the middle, each walk follows the first of its patterns that the network cannot "
        "see, against it to the left and with it to the right.",
        alt="Ten rows of eleven images; the digit in the middle grows fainter to the left and bolder to the right.",
    )


def _read_as(classes: Tensor) -> str:
    seen = sorted(set(classes.flatten().tolist()))
    return f"read as {seen[0]} all along" if len(seen) == 1 else "read as " + ", ".join(map(str, seen))


def _film_note(arc_length: Float[Tensor, "step walk"], length: float) -> str:
    short = int((arc_length[-1] < 0.99 * length).sum())
    ended = f" {short} of {arc_length.shape[1]} walks ended earlier and stand still." if short else ""
    return f"Over the columns: distance walked along the fiber, as Euclidean norm over pixels.{ended}"
