"""How large the neighbourhood of a latent is, and what it holds."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from fiberscope.analysis.answer import Answer
from fiberscope.analysis.study.naming import count_of
from fiberscope.analysis.study.study import Study
from fiberscope.analysis.study.tubes import (
    GOALS,
    MIDDLE,
    RADII,
    SHARES,
    Approach,
    Growth,
    Range,
    Straight,
    approach,
    grow,
    share_inside,
    straighten,
    stretch,
)
from fiberscope.analysis.study.tubes_pictures import (
    approach_figure,
    directions_figure,
    extremes_figure,
    straight_figure,
    widths_figure,
)
from fiberscope.analysis.study.tubes_tables import (
    SIZE,
    approach_records,
    extremes_records,
    line_records,
    seen_records,
    seen_table,
    way_records,
    ways_table,
    width_records,
)
from fiberscope.gallery import percent, short_number
from fiberscope.report import Figure, Section
from fiberscope.variations import quartiles

METHODS = (
    "The neighbourhood of a latent z is the tube of images x in the box with |f(x) − z| ≤ ε, its radius ε a share of "
    "the median distance between the latents of two images of one class. Its boundary is looked for along straight "
    "ways, clipped to the box: a pixel that meets black or white stays there while the others go on. Samples as dense "
    "as a sixteenth of the linear prediction, or of the distance gone where that is more, find the first exit, and "
    "bisection narrows it; an excursion shorter than that, with return, would be missed. All images lie inside the "
    "surface by a thousandth of the radius, measured by a forward pass.",
    "The linear picture is an ellipsoid in the row space, with semi-axis ε / σ along each right singular vector, and "
    "has no end in the null space. A half-width is the mean over both senses. Half-width over semi-axis mixes what the "
    "box does and what the network does; the linearisation along the same clipped way takes the box out of it.",
    "The dimension seen at a radius is the number of singular vectors along which the neighbourhood ends, both ways, "
    f"nearer than {SIZE:g} (Euclidean norm over pixels: one pixel from black to white).",
    "Nearest images, metamers and extremes come from descent along the fiber or in the tube, and are local: nearer or "
    "more extreme images may exist. On straight lines 65 samples find the farthest latent, and three finer looks "
    "around it. Numbers without further words are medians over images, in brackets the quartiles.",
)


def ask_neighbourhood(study: Study) -> Answer:
    """Widen a tube around each latent and see how far it reaches, what comes near, and whether it is star-shaped."""
    growth = grow(study)
    approached = approach(study, growth.radii)
    straight = straighten(study, approached, growth.radii)
    ranges = stretch(study, growth.radii[MIDDLE])
    figures = {
        "neighbourhood-directions.png": directions_figure(study, growth),
        "neighbourhood-widths.png": widths_figure(growth),
        "neighbourhood-nearest.png": approach_figure(study, approached),
        "neighbourhood-extremes.png": extremes_figure(study, ranges),
        "neighbourhood-straight.png": straight_figure(straight),
    }
    directions, widths, nearest, extreme, lines = figures.values()
    return Answer(
        (
            _size_section(study, growth, (directions, widths)),
            _near_section(study, approached, nearest),
            _range_section(study, ranges, extreme),
            _star_section(study, straight, lines),
        ),
        facts=(
            ("of straight lines between an image and a metamer of it stay in its neighbourhood", _inside(straight)),
        ),
        figures=figures,
        arrays=_arrays(growth, approached, straight, ranges),
        records={
            "neighbourhood-dimension": seen_records(growth),
            "neighbourhood-widths": width_records(study, growth),
            "neighbourhood-ways": way_records(study, growth),
            "neighbourhood-nearest": approach_records(study, approached),
            "neighbourhood-extremes": extremes_records(study, ranges),
            "neighbourhood-lines": line_records(straight),
        },
        methods=METHODS,
    )


def _size_section(study: Study, growth: Growth, figures: tuple[Figure, Figure]) -> Section:
    middle = growth.widths[MIDDLE]
    strong, weak = (_between(middle.true[axis]) for axis in (0, -1))
    bend, worst = (_between(growth.widths[r].true / growth.widths[r].linear_in_box) for r in (0, -1))
    count = middle.true.shape[1]
    return Section(
        "How large is the neighbourhood of a latent?",
        f"Along what it sees most strongly, {study.noun}s may change by {strong} before the latent has moved by a "
        f"quarter of the usual distance within a class; along what it sees least, by {weak}. True over "
        f"predicted width, the box accounted for, is {bend} at a radius of {_words(0)} and {worst} at {_words(-1)}; it "
        "would be 1 if the network were linear over that way.",
        (
            f"A neighbourhood holds all images whose latents lie within a radius ε of the latent of an image. Measured "
            f"at {count_of(count, 'image')}; changes are Euclidean norms over pixels, in which two {study.noun}s of "
            f"different classes are {short_number(_apart(study))} apart (median).",
            figures[0],
            seen_table(growth),
            figures[1],
            *((ways_table(growth),) if growth.ways else ()),
        ),
    )


def _near_section(study: Study, approached: Approach, figure: Figure) -> Section:
    fiber, middle, wide = (_shares(approached.left[r]) for r in (0, MIDDLE + 1, -1))
    return Section(
        "How near does another class come as the neighbourhood grows?",
        f"On the fiber itself the nearest image leaves {fiber} of the way to an image of another class; within "
        f"{_words(MIDDLE)} of the within-class median {middle}, within {_words(-1)} {wide} "
        f"({_rest(approached.left.shape[1], 'pair')}).",
        (
            "The share of the way that is left is the blindness ratio of a pair: small means that the network can be "
            "shown almost the other image while its latent stays in the neighbourhood of the first.",
            figure,
        ),
    )


def _range_section(study: Study, ranges: tuple[Range, ...], figure: Figure) -> Section:
    ink = ranges[0]
    ends = (ink.own, ink.found.lowest.value, ink.found.highest.value, ink.found.highest.linear)
    own, least, most, program = (_shares(values) for values in ends)
    return Section(
        "How far can one property go within a neighbourhood?",
        f"Within {_words(MIDDLE)} of the within-class median the mean of all pixels goes from {least} to {most}; the "
        f"{study.noun}s themselves have {own} ({_rest(len(ink.own), 'image')}).",
        (
            "Any weighted sum of pixels can be pushed to its ends within a neighbourhood: here the ink in all and in "
            f"the middle of the image. A linear program on the linearised network would promise {program} for the "
            "most ink; the difference is how far the network is from linear over such a way.",
            figure,
        ),
    )


def _star_section(study: Study, straight: Straight, figure: Figure) -> Section:
    inside = int((straight.spokes <= SHARES[MIDDLE]).sum())
    peak, edge = _between(straight.spokes), _between(straight.edges)
    tube = _between(straight.tube_spokes[MIDDLE])
    return Section(
        "Is a neighbourhood star-shaped?",
        f"{inside} of {len(straight.spokes)} straight lines from an image to a metamer of it stay within "
        f"{_words(MIDDLE)} of the within-class median. On the way the latent leaves by {peak} of that median, and "
        f"between two metamers by {edge}.",
        (
            "For the confidence in a class, straight lines between images of which a network is equally sure have been "
            "found to stay sure (Balasubramanian et al. 2023). Here the whole latent is asked for, which is more: both "
            f"ends have exactly the same latent, and the images between them need not. Lines go from "
            f"{count_of(straight.tube_spokes.shape[1], study.noun)} to {GOALS} metamers each, found as near as "
            f"possible to random images. To the nearest image of a tube of radius {_words(MIDDLE)}, the way leads out "
            f"to {tube} times that radius.",
            figure,
        ),
    )


def _inside(straight: Straight) -> str:
    return percent(share_inside(straight.spokes, SHARES[MIDDLE]))


def _rest(count: int, noun: str) -> str:
    """What numbers rest on; one alone has no quartiles."""
    return f"one {noun}" if count == 1 else f"median and quartiles of {count_of(count, noun)}"


def _between(values: Float[Tensor, "..."]) -> str:
    """Median and quartiles of all values."""
    found = quartiles(values.flatten().double())
    low, middle, high = (short_number(float(part), digits=2) for part in found[:3])
    return f"{middle} ({low} to {high})" if int(found.num_images) > 1 else middle


def _shares(values: Float[Tensor, " value"]) -> str:
    """The same in per cent."""
    found = quartiles(values.double())
    low, middle, high = (percent(float(part)) for part in found[:3])
    return f"{middle} ({low} to {high})" if int(found.num_images) > 1 else middle


def _words(radius: int) -> str:
    return RADII[radius].replace("%", "\N{NO-BREAK SPACE}%")


def _apart(study: Study) -> float:
    return float((study.aims - study.inputs).flatten(1).norm(dim=1).median())


def _arrays(
    growth: Growth, approached: Approach, straight: Straight, ranges: tuple[Range, ...]
) -> dict[str, Float[Tensor, "..."]]:
    arrays = {
        f"neighbourhood_{name}": torch.stack([getattr(found, name) for found in growth.widths])
        for name in ("true", "linear", "linear_in_box")
    }
    if growth.ways:
        arrays |= {
            f"neighbourhood_ways_{name}": torch.stack([getattr(found, name) for found in growth.named])
            for name in ("points", "distance", "linear", "linear_in_box", "residual_norm")
        }
    arrays["neighbourhood_radii"] = straight.spokes.new_tensor(growth.radii)
    arrays["neighbourhood_nearest_points"] = torch.stack([found.points for found in approached.found])
    arrays["neighbourhood_nearest_left"] = approached.left
    arrays |= {f"neighbourhood_lines_{name}": values for name, values in straight._asdict().items()}
    for number, each in enumerate(ranges):
        for name, end in each.found._asdict().items():
            arrays[f"neighbourhood_extreme_{number}_{name}"] = end.points
    return arrays
