"""Named variations as tables for other programs."""

from __future__ import annotations

import math
from collections.abc import Iterator

from fiberscope.analysis.records import Records, Value
from fiberscope.analysis.study.study import Study
from fiberscope.analysis.study.variation_measures import Measured
from fiberscope.variations import quartiles, quartiles_by_class

_SIDES = ("low", "high")
_SENSITIVITY = "relative sensitivity, 0 invisible, 1 as visible as a change of class"
_UNTIL = {"latent": "until the latent is a within-class median away", "class": "until another class is read"}


def image_records(study: Study, measured: Measured) -> Records:
    """A row for each image and variation."""
    columns = {
        "image": "name of the image",
        "class": "class that the network reads, or its label; empty if neither is known",
        "variation": "name of the variation",
        "unit": "unit of its amounts",
        "sensitivity": f"{_SENSITIVITY}; empty if undefined",
        "undefined": "why the sensitivity is undefined; empty if it is defined",
        "pixels_per_unit": "length of the tangent: change of image, Euclidean over pixels, for one unit of amount",
        "cut": "largest share of the change that was lost to the box [0, 1], over the range tried",
    }
    for kind, words in _UNTIL.items():
        for side, way in zip(_SIDES, ("downward", "upward"), strict=True):
            columns |= {
                f"{kind}_{side}": f"{words}: amount {way}; the end of what was tried if it is beyond that",
                f"{kind}_{side}_beyond": "whether it is beyond what was tried; empty if not measured, or nothing moves",
            }
    columns |= {
        "free_amount": "amount whose free part was sought",
        "free_distance": "from the varied image to the nearest one found on the fiber, Euclidean over pixels",
        "free_left": "that distance over the one between varied image and image: 0 if all of the variation is free",
        "free_residual": "|f(x) - z| / |z| of the found image, by a fresh forward pass",
        "free_outcome": "how the search ended; empty if none was made",
    }
    rows = tuple(
        (name, _class(study, image), *_row(measured, row, image))
        for image, name in enumerate(study.images.names)
        for row in range(len(measured.variations))
    )
    return Records(columns, rows)


def summary_records(measured: Measured) -> Records:
    """A row for each variation, over images."""
    columns = {
        "variation": "name of the variation",
        "unit": "unit of its amounts",
        "low": "least amount tried",
        "high": "greatest amount tried",
        **_three("sensitivity", _SENSITIVITY),
        "images": "images at which it is defined",
    }
    for kind, words in _UNTIL.items():
        for side in _SIDES:
            columns |= _three(f"{kind}_{side}", f"amount {words}; empty if beyond what was tried, or not measured")
            columns[f"{kind}_{side}_found"] = "images for which it is within what was tried"
    columns |= {**_three("free_left", "share of half the range that had to give way to keep the latent")}
    columns["free_images"] = "images at which that was found"
    minded, freed = quartiles(measured.minded.relative), quartiles(measured.freed.left)
    label = measured.followed.label
    rows = []
    for row, variation in enumerate(measured.variations):
        cells: list[Value] = [variation.name, variation.unit, variation.low, variation.high]
        cells += [*(float(part[row]) for part in minded[:3]), int(minded.num_images[row])]
        for reach in (measured.followed.latent, label):
            for way in range(2):
                found = None if reach is None else quartiles(reach[row, way])
                cells += [None] * 3 if found is None else [float(part) for part in found[:3]]
                cells.append(None if reach is None else int(reach[row, way].isfinite().sum()))
        cells += [*(float(part[row]) for part in freed[:3]), int(freed.num_images[row])]
        rows.append(tuple(cells))
    return Records(columns, tuple(rows))


def class_records(study: Study, measured: Measured) -> Records:
    """Sensitivities class by class; no rows where no class is known."""
    columns = {
        "class": "class of the images, as the network reads it, or their label",
        "variation": "name of the variation",
        **_three("sensitivity", _SENSITIVITY),
        "images": "images at which it is defined",
    }
    known = study.classes >= 0
    found = quartiles_by_class(measured.minded.relative[:, known], study.classes[known]) if bool(known.any()) else {}
    rows: tuple[tuple[Value, ...], ...] = tuple(
        (label, name, *(float(part[row]) for part in each[:3]), int(each.num_images[row]))
        for label, each in found.items()
        for row, name in enumerate(measured.minded.names)
    )
    return Records(columns, rows)


def _row(measured: Measured, row: int, image: int) -> Iterator[Value]:
    variation, minded, followed, freed = measured.variations[row], measured.minded, measured.followed, measured.freed
    yield from (variation.name, variation.unit, float(minded.relative[row, image]))
    yield _reason(measured, row, image)
    yield float(minded.length[row, image])
    there = image < followed.cut.shape[1]
    yield float(followed.cut[row, image]) if there else None
    for kind in (followed.latent, followed.label):
        for side, end in enumerate((variation.low, variation.high)):
            amount = math.nan if kind is None or not there else float(kind[row, side, image])
            yield end if math.isinf(amount) else amount
            yield None if math.isnan(amount) else math.isinf(amount)
    if image < freed.left.shape[1]:
        yield freed.amounts[row]
        yield from (float(part[row, image]) for part in (freed.gave_way, freed.left, freed.residual))
        yield freed.outcome[row][image].value
    else:
        yield from (None,) * 5


def _reason(measured: Measured, row: int, image: int) -> str:
    minded = measured.minded
    if not bool(minded.undefined[row, image]):
        return ""
    if float(minded.length[row, image]) == 0:
        return "changes nothing at this image: a tangent of length zero"
    return "no change of class moves the latent at this image, or its Jacobian is not finite"


def _class(study: Study, image: int) -> int | None:
    found = int(study.classes[image])
    return found if found >= 0 else None


def _three(name: str, meaning: str) -> dict[str, str]:
    return {
        f"{name}_lower": f"{meaning}: lower quartile over images",
        f"{name}_median": f"{meaning}: median",
        f"{name}_upper": f"{meaning}: upper quartile",
    }
