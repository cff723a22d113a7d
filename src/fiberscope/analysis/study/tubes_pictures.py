"""Pictures of neighbourhoods, with their words."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from fiberscope.analysis.study.naming import words
from fiberscope.analysis.study.study import Study
from fiberscope.analysis.study.tubes import MIDDLE, RADII, SHARES, Approach, Growth, Range, Straight, share_inside
from fiberscope.gallery import to_png
from fiberscope.gallery.approach_sheet import approach_sheet
from fiberscope.gallery.extremes_sheet import extremes_sheet
from fiberscope.gallery.neighbourhood_sheet import neighbourhood_sheet
from fiberscope.gallery.radius_chart import Curve, radius_chart
from fiberscope.moves.boundary import Boundary
from fiberscope.report import Figure
from fiberscope.variations import quartiles

_MOST_COLUMNS = 3


def shown_directions(count: int) -> list[int]:
    """The strongest, the middle and the weakest of so many."""
    return sorted({0, (count - 1) // 2, count - 1})[:_MOST_COLUMNS]


def directions_figure(study: Study, growth: Growth) -> Figure:
    """The boundary of the tubes around the first image, along singular vectors and along named directions."""
    shown = shown_directions(len(growth.widths[0].true))
    first = growth.widths[0]
    shown = [axis for axis in shown if not bool(first.true[axis, 0].isnan())]
    seen = [[_brighter(growth, axis, r) for axis in shown] for r in range(len(RADII))]
    named = [[(part, way) for way in range(len(growth.ways))] for part in growth.named] or [[] for _ in RADII]
    cells = [[*left, *right] for left, right in zip(seen, named, strict=True)]
    points = torch.stack([torch.stack([part.points[way, 0] for part, way in row]) for row in cells])
    gone, share, linear = (
        torch.tensor([[float(getattr(part, name)[way, 0]) for part, way in row] for row in cells])
        for name in ("distance", "residual_norm", "linear")
    )
    boxed = torch.tensor([[not bool(part.at_surface[way, 0]) for part, way in row] for row in cells])
    picture = neighbourhood_sheet(
        study.inputs[0],
        points,
        radii=[f"ε = {radius.replace('%', ' %')}" for radius in RADII],
        ways=[*(f"direction {axis + 1}" for axis in shown), *growth.ways],
        groups=[("What it sees, strongest first", len(shown)), ("Directions with a name", len(growth.ways))],
        numbers=torch.stack([gone, share / torch.tensor(growth.radii)[:, None], gone / linear]),
        boxed=boxed,
        title=f"How far one can go before the latent has moved by ε: {words(study.images)[0]}",
    )
    return Figure(
        to_png(picture),
        caption="Each image is the last one on a straight way whose latent is still within ε of that of the image on "
        "the left; ε is a share of the median latent distance within a class. A direction with a name is followed "
        "straight on as well, so that far out a rotation is no rotation any more.",
        alt="A row of images for each radius: in the first rows nothing seems to change, in the last ones the "
        f"{study.noun} carries patterns or has moved.",
    )


def _brighter(growth: Growth, axis: int, radius: int) -> tuple[Boundary, int]:
    """The sense of a singular vector that adds ink, at every radius the same."""
    least = growth.widths[0]
    adds = [float(way.points[axis, 0].sum()) for way in (least.forward, least.backward)]
    found = growth.widths[radius]
    return (found.forward if adds[0] >= adds[1] else found.backward), axis


def widths_figure(growth: Growth) -> Figure:
    """Half-widths against the radius, true and linear, for three directions."""
    curves = []
    for axis in shown_directions(len(growth.widths[0].true)):
        true, linear = (
            torch.stack([getattr(found, name)[axis] for found in growth.widths]) for name in ("true", "linear")
        )
        curves += [Curve(f"direction {axis + 1}", _band(true)), Curve("", _band(linear), predicted=True)]
    count = growth.widths[0].true.shape[1]
    lines = "Line: one image." if count == 1 else f"Line: median of {count} images. Band: from quartile to quartile."
    picture = radius_chart(
        SHARES,
        [curve for curve in curves if bool(curve.values.isfinite().any())],
        up="half-width (Euclidean norm over pixels)",
        title="How wide the neighbourhood is along what the network sees",
        note=f"{lines} Dashed: what the linear picture says.",
    )
    return Figure(
        to_png(picture),
        caption="Direction 1 is the one that the network sees most strongly. A dashed line is the semi-axis of the "
        "ellipsoid, the radius divided by the singular value; the line of its colour is what forward passes found.",
        alt="Lines that rise with the radius on logarithmic axes, each near a dashed line of its own colour.",
    )


def approach_figure(study: Study, approached: Approach) -> Figure:
    """The nearest images of the tubes to images of another class."""
    count = approached.left.shape[1]
    points = torch.stack([found.points for found in approached.found])
    readings = None
    if study.predict is not None:
        readings = [[str(label) for label in study.predict(stack).tolist()] for stack in points]
    picture = approach_sheet(
        study.inputs[:count],
        points,
        study.aims[:count],
        radii=["the fiber", *(radius.replace("%", " %") for radius in RADII)],
        left=approached.left,
        readings=readings,
    )
    return Figure(
        to_png(picture),
        caption="In each row the latent may move farther and farther from that of the image on the left: the image of "
        "that neighbourhood nearest to the one on the right looks more and more like it.",
        alt="Rows of images that change from one image on the left toward another on the right.",
    )


def straight_figure(straight: Straight) -> Figure:
    """The share of straight lines that stay inside, against the radius."""
    inside = {
        "image to metamer": [share_inside(straight.spokes, share) for share in SHARES],
        "metamer to metamer": [share_inside(straight.edges, share) for share in SHARES],
        "image to image of its tube": [share_inside(peaks, 1.0) for peaks in straight.tube_spokes],
    }
    picture = radius_chart(
        SHARES,
        [Curve(name, torch.tensor(shares)[:, None].expand(-1, 3)) for name, shares in inside.items()],
        up="straight lines that stay in the neighbourhood",
        title="Is a neighbourhood star-shaped?",
        shares=True,
        note=f"{len(straight.spokes)} lines from images to metamers, {len(straight.edges)} between metamers, "
        f"{straight.tube_spokes.shape[1]} to images of the tubes at each radius.",
    )
    return Figure(
        to_png(picture),
        caption="A line counts where the latents of all its images stay within the radius. Were the neighbourhood "
        "star-shaped about the image, lines from it would all count.",
        alt="Curves of the share of lines that stay inside, over the radius.",
    )


def extremes_figure(study: Study, ranges: tuple[Range, ...]) -> Figure:
    """The images of the tubes with the least and the most of each property."""
    picture = extremes_sheet(
        study.inputs[: len(ranges[0].own)],
        torch.stack([torch.stack([end.points for end in each.found]) for each in ranges]),
        properties=[each.name for each in ranges],
        own=torch.stack([each.own for each in ranges]),
        values=torch.stack([torch.stack([end.value for end in each.found]) for each in ranges]),
        title=f"The least and the most ink within {RADII[MIDDLE].replace('%', ' %')} of the within-class median",
    )
    return Figure(
        to_png(picture),
        caption="The image on the left of each row, and the images with the least and the most ink that its "
        "neighbourhood holds: in all, and in the middle.",
        alt="Rows of an image, a nearly black one and a nearly white one, and two with a dark and a bright middle.",
    )


def _band(values: Float[Tensor, "radius image"]) -> Float[Tensor, "radius 3"]:
    """Lower quartile, median and upper quartile over images."""
    return torch.stack(quartiles(values)[:3], dim=-1)
