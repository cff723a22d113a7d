"""Tables of neighbourhoods, for the page and for other programs."""

from __future__ import annotations

from collections.abc import Iterator

from jaxtyping import Float, Int
from torch import Tensor

from fiberscope.analysis.records import Records, Value
from fiberscope.analysis.study.naming import count_of
from fiberscope.analysis.study.study import Study
from fiberscope.analysis.study.tubes import RADII, SHARES, Approach, Growth, Range, Straight, share_inside
from fiberscope.gallery import percent, short_number
from fiberscope.report import Table
from fiberscope.variations import quartiles

SIZE = 1.0  # change of image, in its Euclidean norm, that counts as small: one pixel from black to white

_SHARE = "radius of the neighbourhood as a share of the median latent distance within a class"
_IMAGE = "name of the image whose latent is in the middle"


def seen_table(growth: Growth) -> Table:
    """Dimension seen and half-widths, a row for each radius."""
    rows = []
    for words, radius, found in zip(RADII, growth.radii, growth.widths, strict=True):
        rows.append(
            (
                words.replace("%", " %"),
                radius,
                _brief(found.dimension_seen(SIZE)),
                _brief(found.linear_dimension_seen(SIZE)),
                _brief((found.true / found.linear).flatten()),
                _brief((found.true / found.linear_in_box).flatten()),
                percent(float(found.bounded.double().mean())),
            )
        )
    count = growth.widths[0].true.shape[1]
    return Table(
        (
            "ε",
            "latent distance",
            "dimension seen",
            "by the linear picture",
            "true / linear",
            "in the box",
            "ended by ε",
        ),
        tuple(rows),
        f"{count_of(count, 'image')}, {len(growth.widths[0].true)} singular vectors each: median "
        "(and quartiles). Dimension seen: "
        f"along how many of them a change of size {SIZE:g} leaves the neighbourhood. True / linear: half-width over "
        "semi-axis; in the box: over what the linearisation says along the same clipped way. Ends by ε: the rest ends "
        "by the box.",
    )


def ways_table(growth: Growth) -> Table:
    """How far one can go along each named direction, a row for each, a column for each radius."""
    rows = tuple(
        (name, *(_brief(found.distance[way]) for found in growth.named)) for way, name in enumerate(growth.ways)
    )
    count = growth.named[0].distance.shape[1]
    return Table(
        ("direction", *(words.replace("%", " %") for words in RADII)),
        rows,
        f"How far {count_of(count, 'image')} can go straight along a direction with a name before the latent has moved "
        f"by ε: {'' if count == 1 else 'median (and quartiles) of '}the Euclidean norm over pixels. Its unseen part: "
        "what the network cannot see of the way toward a goal, at the image itself; the linear picture gives it no "
        "end.",
    )


def seen_records(growth: Growth) -> Records:
    """The numbers of `seen_table`, each with its quartiles."""
    meaning = {
        "dimension_seen": f"number of singular vectors along which the neighbourhood ends nearer than {SIZE:g}",
        "dimension_linear": "the same by the ellipsoid",
        "true_over_linear": "half-width over semi-axis of the ellipsoid",
        "true_over_linear_in_box": "half-width over that of the linearisation along the same clipped way",
    }
    columns = {"eps": _SHARE, "radius": "the same as latent distance", "images": "number of images"}
    for name, words in meaning.items():
        columns |= {name: f"{words}, median", f"{name}_low": "its lower quartile", f"{name}_high": "its upper quartile"}
    rows = []
    for share, radius, found in zip(SHARES, growth.radii, growth.widths, strict=True):
        numbers = (
            found.dimension_seen(SIZE),
            found.linear_dimension_seen(SIZE),
            (found.true / found.linear).flatten(),
            (found.true / found.linear_in_box).flatten(),
        )
        cells = [cell for values in numbers for cell in _quartiles(values)]
        rows.append((share, radius, found.true.shape[1], *cells))
    return Records(columns, tuple(rows))


def width_records(study: Study, growth: Growth) -> Records:
    """Half-widths, a row for each image, singular vector and radius."""

    def rows() -> Iterator[tuple[Value, ...]]:
        for share, found in zip(SHARES, growth.widths, strict=True):
            for axis in range(len(found.true)):
                for image in range(found.true.shape[1]):
                    numbers = (float(part[axis, image]) for part in (found.true, found.linear, found.linear_in_box))
                    yield study.images.names[image], share, axis + 1, *numbers, bool(found.bounded[axis, image])

    columns = {
        "image": _IMAGE,
        "eps": _SHARE,
        "direction": "right singular vector of the Jacobian at the image, 1 the strongest",
        "half_width": "Euclidean norm over pixels, mean over both senses",
        "linear": "semi-axis of the ellipsoid",
        "linear_in_box": "half-width of the linearisation along the same clipped ways",
        "bounded": "whether the tube ended both senses; else the box ended one",
    }
    return Records(columns, tuple(rows()))


def way_records(study: Study, growth: Growth) -> Records:
    """Boundary points, a row for each image, named direction and radius."""

    def rows() -> Iterator[tuple[Value, ...]]:
        for share, radius, found in zip(SHARES, growth.radii, growth.named, strict=False):
            for way, name in enumerate(growth.ways):
                for image in range(found.distance.shape[1]):
                    parts = (found.distance, found.linear, found.linear_in_box, found.residual_norm / radius)
                    numbers = (float(part[way, image]) for part in parts)
                    yield study.images.names[image], share, name, *numbers, found.end[way][image].value

    columns = {
        "image": _IMAGE,
        "eps": _SHARE,
        "direction": "name of the direction",
        "distance": "how far one can go, Euclidean norm over pixels",
        "linear": "the same by the linear picture, empty where that gives no end",
        "linear_in_box": "the same by the linearisation along the same clipped way",
        "residual": "distance of the latent from the middle in units of the radius, by a fresh forward pass",
        "end": "what ended the way: surface (of the tube) or box",
    }
    return Records(columns, tuple(rows()))


def approach_records(study: Study, approached: Approach) -> Records:
    """Nearest images, a row for each pair and radius; radius 0 is the fiber."""

    def rows() -> Iterator[tuple[Value, ...]]:
        for share, found, left in zip((0.0, *SHARES), approached.found, approached.left, strict=True):
            for image, blindness in enumerate(left.tolist()):
                names = study.images.names[image], study.partners.names[image]
                yield (*names, share, float(found.distance[image]), blindness, found.outcome[image].value)

    columns = {
        "image": _IMAGE,
        "goal": "name of the image that is to be approached",
        "eps": _SHARE,
        "distance": "from the nearest image found to the goal, Euclidean norm over pixels",
        "blindness": "that distance over the distance between image and goal",
        "outcome": "how the search ended",
    }
    return Records(columns, tuple(rows()))


def extremes_records(study: Study, ranges: tuple[Range, ...]) -> Records:
    """Least and most of each property, a row for each image and end."""

    def rows() -> Iterator[tuple[Value, ...]]:
        for each in ranges:
            for name, end in each.found._asdict().items():
                for image, own in enumerate(each.own.tolist()):
                    numbers = float(end.value[image]), float(end.linear[image])
                    yield study.images.names[image], each.name, name, own, *numbers, end.outcome[image].value

    columns = {
        "image": _IMAGE,
        "property": "mean of pixels in [0, 1]: of all, or of a square in the middle",
        "end": "lowest or highest",
        "own": "its value for the image itself",
        "value": "the most extreme value found in the tube",
        "linear": "what the linearised tube in the box allows",
        "outcome": "how the search ended",
    }
    return Records(columns, tuple(rows()))


def line_records(straight: Straight) -> Records:
    """Shares and peaks of straight lines, a row for each kind of line and radius."""
    columns = {
        "eps": _SHARE,
        "lines": "from an image to a metamer, between metamers of one image, or from an image to a point of the tube",
        "count": "number of lines",
        "inside": "share of them on which the latent stays within the radius",
        "excursion": "largest distance of the latent from the middle, in units of the radius, median over lines",
        "excursion_low": "its lower quartile",
        "excursion_high": "its upper quartile",
    }
    rows = []
    for r, share in enumerate(SHARES):
        kinds = {
            "image to metamer": straight.spokes / share,
            "metamer to metamer": straight.edges / share,
            "image to tube": straight.tube_spokes[r],
        }
        for name, peaks in kinds.items():
            known = int((~peaks.isnan()).sum())
            rows.append((share, name, known, share_inside(peaks, 1.0), *_quartiles(peaks)))
    return Records(columns, tuple(rows))


def _quartiles(values: Float[Tensor, " value"] | Int[Tensor, " value"]) -> tuple[float, float, float]:
    found = quartiles(values.double())
    return float(found.median), float(found.lower), float(found.upper)


def _brief(values: Float[Tensor, " value"] | Int[Tensor, " value"]) -> str:
    median, low, high = (short_number(number, digits=2) for number in _quartiles(values))
    return f"{median} ({low} to {high})" if values.numel() > 1 else median
