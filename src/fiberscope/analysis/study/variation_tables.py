"""Tables of named variations for the page."""

from __future__ import annotations

import math

from jaxtyping import Float
from torch import Tensor

from fiberscope.analysis.study.naming import count_of
from fiberscope.analysis.study.study import Study
from fiberscope.analysis.study.variation_measures import Freed, Measured
from fiberscope.gallery import percent, short_number
from fiberscope.gallery.variation_sheet import amount_label
from fiberscope.report import Table
from fiberscope.variations import Quartiles, Sensitivity, Variation, quartiles

_NONE = "–"
_TO = "\N{NO-BREAK SPACE}to\N{NO-BREAK SPACE}"
_NOTHING = "changes nothing"


def catalogue_table(measured: Measured) -> Table:
    """What each variation is, and how much of it is lost to the box."""
    cut, count = quartiles(measured.followed.cut).median.tolist(), measured.followed.cut.shape[1]
    rows = tuple(
        (
            variation.name,
            variation.sentence,
            amount_label(variation.low, variation.unit),
            amount_label(variation.high, variation.unit),
            _NONE if math.isnan(share) else percent(share),
        )
        for variation, share in zip(measured.variations, cut, strict=True)
    )
    return Table(
        ("variation", "what it does", "from", "to", "cut"),
        rows,
        "What is meant by each name, and the range that was tried. Cut: the largest share of the change that pixels "
        "lost because they may be no darker than 0 and no brighter than 1 "
        f"({'' if count == 1 else 'median of '}{count_of(count, 'image')}).",
    )


def sensitivity_table(minded: Sensitivity) -> Table:
    """How visible each variation is, the least visible first."""
    found, yardstick = quartiles(minded.relative), quartiles(minded.random[None])
    rows = [(minded.names[row], *_brief(found, row)) for row in _ascending(found.median)]
    rows.append(("random directions", *_brief(yardstick, 0)))
    return Table(
        ("variation", "relative sensitivity", "middle half", "images"),
        tuple(rows),
        "How visible each variation is: 0 is invisible, 1 as visible as a change of class; the median over so many "
        "images.",
    )


def ranges_table(measured: Measured) -> Table:
    """How far each variation goes, in its own unit."""
    followed = measured.followed
    label, count = followed.label, followed.latent.shape[2]
    rows = []
    for row, variation in enumerate(measured.variations):
        cells = [_reach(followed.latent[row, side], variation, side) for side in (0, 1)]
        if label is not None:
            cells += [_reach(label[row, side], variation, side) for side in (0, 1)]
            cells.append(f"{int(label[row].isfinite().any(dim=0).sum())} of {int((~followed.still[row]).sum())}")
        rows.append((variation.name, *cells))
    heads: tuple[str, ...] = ("variation", "latent, downward", "latent, upward")
    if label is not None:
        heads += ("class, downward", "class, upward", "class changes")
    rest = "at one image" if count == 1 else f"the median of {count} images and, in brackets, the quartiles"
    until = "" if label is None else ", and until the network reads another class"
    return Table(
        heads,
        tuple(rows),
        f"How far each variation goes until the latent is a within-class median away{until}: {rest}. "
        "Beyond: not within what was tried, whose end stands there.",
    )


def free_table(study: Study, freed: Freed, variations: tuple[Variation, ...]) -> Table:
    """How much of each variation had to give way, the freest first, and of a change of class."""
    rows = [
        (variations[row].name, amount_label(freed.amounts[row], variations[row].unit), *_shares(freed.left[row]))
        for row in _ascending(quartiles(freed.left).median)
    ]
    rows.append((other_image(study), "all of it", *_shares(freed.other_left)))
    residual = freed.residual[~freed.left.isnan()]
    worst = f" Latents agree to {short_number(float(residual.max()), digits=2)} of their size." if len(residual) else ""
    return Table(
        ("variation", "amount", "gave way", "least and most", "images"),
        tuple(rows),
        f"How far the nearest image found with the latent of the {study.noun} lies from the varied one, as a share of "
        f"how far that lies from the {study.noun}: the median over those images that it changes and whose search ended "
        f"on the fiber.{worst}",
    )


def other_image(study: Study) -> str:
    """What the partners are, beside which the free parts are read."""
    pairs = zip(study.classes.tolist(), study.partners.labels, strict=True)
    if all(own >= 0 and label is not None and label != own for own, label in pairs):
        return f"{'an' if study.noun == 'image' else 'a'} {study.noun} of another class"
    return f"another {study.noun}"


def _ascending(medians: Float[Tensor, " variation"]) -> list[int]:
    order: list[int] = medians.nan_to_num(nan=math.inf).argsort(stable=True).tolist()
    return order


def _brief(found: Quartiles, row: int) -> tuple[float | str, str, int]:
    """Median, quartiles and number of images."""
    low, median, high = (float(part[row]) for part in found[:3])
    if math.isnan(median):
        return _NONE, _NOTHING, 0
    return median, f"{low:.2f}{_TO}{high:.2f}", int(found.num_images[row])


def _reach(values: Float[Tensor, " image"], variation: Variation, side: int) -> str:
    """Median and quartiles of a range, outward last, with its unit."""
    if not (variation.low, variation.high)[side]:
        return _NONE
    found = [float(part) for part in quartiles(values)[:3]]
    if math.isnan(found[1]):
        return _NOTHING
    first, last = (found[0], found[2]) if side else (found[2], found[0])
    end = amount_label((variation.low, variation.high)[side], variation.unit)
    middle = f"beyond {end}" if math.isinf(found[1]) else amount_label(_rounded(found[1]), variation.unit)
    if math.isinf(first):
        return middle
    return f"{middle} ({short_number(first, digits=2)}{_TO}{_outer(last)})"


def _rounded(amount: float) -> float:
    """An amount to two figures: medians of a few images are not known better."""
    return float(f"{amount:.1e}")


def _outer(amount: float) -> str:
    return "beyond" if math.isinf(amount) else short_number(amount, digits=2)


def _shares(left: Float[Tensor, " image"]) -> tuple[str, str, str]:
    """Median, ends, and how many images they rest on."""
    known = left[~left.isnan()]
    count = f"{len(known)} of {len(left)}"
    if not len(known):
        return _NONE, _NONE, count
    least, most = percent(float(known.min())), percent(float(known.max()))
    return percent(float(quartiles(left).median)), f"{least}{_TO}{most}", count
