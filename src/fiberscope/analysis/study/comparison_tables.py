"""A comparison as tables, for the page and for other programs."""

from __future__ import annotations

import math
from collections.abc import Sequence

from fiberscope.analysis.records import Records
from fiberscope.analysis.study.portrait import AT_DISTANCES, Portrait, collision_rates, quartiles
from fiberscope.analysis.study.study import Study
from fiberscope.gallery import percent
from fiberscope.report import Table


def summary_table(portraits: Sequence[Portrait], count: int) -> Table:
    """A row for each network."""
    rows = []
    for portrait in portraits:
        lower, median, upper = quartiles(portrait.blindness).tolist()
        read = "reads no class" if math.isnan(portrait.read) else percent(portrait.read)
        rates = [
            "no judges" if math.isnan(rate) else f"{round(rate * count)} of {count}"
            for rate in collision_rates(portrait)
        ]
        few, middle, much = (percent(share) for share in quartiles(portrait.invisible).tolist())
        unseen = f"{middle} ({few} to {much})"
        found = f"{int(portrait.distance.isfinite().sum())} of {count}"
        rows.append((portrait.name, read, found, median, f"{lower:.2f} to {upper:.2f}", unseen, *rates))
    return Table(
        (
            "network",
            "read right",
            "pairs found",
            "blindness",
            "middle half",
            "variance unseen",
            *(f"collide within {far:g}" for far in AT_DISTANCES),
        ),
        tuple(rows),
        f"Over {count} pairs of images of different classes. A pair collides within a distance if an image that near "
        "to the first has exactly the latent of the second, and the judges are sure that it is not of the second's "
        "class.",
    )


def sensitivity_table(portraits: Sequence[Portrait]) -> Table:
    """A row for each variation, a column for each network."""
    columns = [
        [f"{median:.2f} ({lower:.2f} to {upper:.2f})" for lower, median, upper in quartiles(each.sensitivity).tolist()]
        for each in portraits
    ]
    return Table(
        ("variation", *(portrait.name for portrait in portraits)),
        tuple(zip(portraits[0].variations, *columns, strict=True)),
        f"The same in numbers: medians over {portraits[0].sensitivity.shape[1]} images, in brackets the middle half.",
    )


def summary_records(portraits: Sequence[Portrait]) -> Records:
    """The same, and its spectrum."""
    columns = {
        "network": "name or file of the network",
        "read_right": "share of the labelled images whose class it reads right; empty if it reads none",
        "pairs": "pairs of images of different classes",
        "pairs_found": "pairs whose search ended on the fiber",
        "blindness_lower": "lower quartile of nearest distance over distance between the two images",
        "blindness_median": "median of the same",
        "blindness_upper": "upper quartile of the same",
        **{
            f"collision_rate_{far:g}": f"share of pairs that collide within a distance of {far:g} (Euclidean, pixels)"
            for far in AT_DISTANCES
        },
        "invisible_lower": "lower quartile over images of the share of the labelled images' variance that is unseen",
        "invisible_median": "median of the same",
        "invisible_upper": "upper quartile of the same",
        "latent_size": "numbers in the latent",
        "spectrum_first": "median of the largest singular value, in class distances",
        "spectrum_last": "median of the smallest singular value, in class distances",
    }
    rows = tuple(
        (
            portrait.name,
            portrait.read,
            len(portrait.distance),
            int(portrait.distance.isfinite().sum()),
            *quartiles(portrait.blindness).tolist(),
            *collision_rates(portrait),
            *quartiles(portrait.invisible).tolist(),
            portrait.spectrum.shape[1],
            *(float(portrait.spectrum[:, i].median()) for i in (0, -1)),
        )
        for portrait in portraits
    )
    return Records(columns, rows)


def sensitivity_records(portraits: Sequence[Portrait]) -> Records:
    """A row for each network and variation."""
    columns = {
        "network": "name or file of the network",
        "variation": "named change of an image",
        "lower": "lower quartile over images of the relative sensitivity (1: a change of class, 0: invisible)",
        "median": "median of the same",
        "upper": "upper quartile of the same",
        "images": "images at which the variation has a tangent",
    }
    rows = tuple(
        (portrait.name, name, *quartiles(values).tolist(), int(values.isfinite().sum()))
        for portrait in portraits
        for name, values in zip(portrait.variations, portrait.sensitivity, strict=True)
    )
    return Records(columns, rows)


def pair_records(study: Study, portraits: Sequence[Portrait]) -> Records:
    """A row for each network and pair."""
    columns = {
        "network": "name or file of the network",
        "image": "what the result should look like",
        "partner": "the image of another class whose latent it has",
        "distance": "Euclidean distance of the result from the image, over pixels; empty if none was found",
        "blindness": "that distance over the distance between the two images",
        "collides": "whether the judges are sure of another class than the partner's; empty without judges",
    }
    rows = tuple(
        (
            portrait.name,
            study.images.names[i],
            study.partners.names[i],
            float(portrait.distance[i]),
            float(portrait.blindness[i]),
            None if portrait.collided is None else bool(portrait.collided[i]),
        )
        for portrait in portraits
        for i in range(len(study.images.names))
    )
    return Records(columns, rows)
