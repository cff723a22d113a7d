"""Which named changes of an image the network notices, how far each goes, and which can be had for free."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Int, Shaped
from torch import Tensor

from fiberscope.analysis.answer import Answer
from fiberscope.analysis.study.study import Study
from fiberscope.analysis.study.variation_measures import Measured, measure
from fiberscope.analysis.study.variation_pictures import (
    curves_figure,
    free_figure,
    sensitivity_figure,
    sheet_figure,
)
from fiberscope.analysis.study.variation_records import class_records, image_records, summary_records
from fiberscope.analysis.study.variation_tables import free_table, other_image, ranges_table, sensitivity_table
from fiberscope.gallery import percent, short_number
from fiberscope.gallery.variation_sheet import amount_label
from fiberscope.report import Figure, Section
from fiberscope.variations import quartiles

METHODS = (
    "A variation is a function T of an image x and an amount a that leaves the image as it is at 0; what leaves the "
    "box is clipped, and the share of the change that this takes away is stated. Shifts, turns and warps look between "
    "pixels with a piecewise quintic through six pixels each way, smooth enough that a shift has a derivative; stroke "
    "thickness looks along the gradient of the brightness, a smooth stand-in for dilation. The fields of elastic warp "
    "and noise are fixed by a seed, and the same for all images.",
    "The tangent t = dT/da at 0 comes from forward-mode differentiation where a difference quotient confirms it, and "
    "from the quotient elsewhere. It is that of the unclipped variation. Relative sensitivity is |J t| / |t|, the "
    "change of latent for one unit of pixel norm, over the median of the same for 100 differences between labelled "
    "images of two classes, at the same image. It compares steps of equal size in pixels; how many pixel units one "
    "degree or one per cent is at an image stands in the tables beside this page.",
    "Curves are distances |f(T x) − f(x)| at nine amounts. Ranges are bracketed on a grid of eight steps to each side "
    "and bisected, so an excursion that returns between two steps is missed. The free part is found by descent along "
    "the fiber from the varied image, or from the image itself where that ends farther away; it is a local minimum, so "
    "that more of a variation may be free. Where latents are few, most of any direction lies in the null space, so the "
    "shares that have to be taken back are to be read beside those of noise and of a change of class.",
)

_MOST_NAMED = 5
_INVISIBLE = 1e-3  # share below which a person would say none


def ask_variations(study: Study) -> Answer:
    """Vary each image in all named ways; measure what is noticed, how far it goes, and what is free."""
    measured = measure(study)
    sheet, chart, curves, free = (
        sheet_figure(study, measured),
        sensitivity_figure(study, measured),
        curves_figure(study, measured),
        free_figure(study, measured),
    )
    return Answer(
        (
            _what_it_minds(study, measured, sheet, chart),
            _how_far(study, measured, curves),
            _what_is_free(study, measured, free),
        ),
        facts=_facts(measured),
        figures={
            "variations-sheet.png": sheet,
            "variations-sensitivity.png": chart,
            "variations-curves.png": curves,
            "variations-free.png": free,
        },
        arrays=_arrays(measured),
        records={
            "variations": image_records(study, measured),
            "variations-summary": summary_records(measured),
            "variations-by-class": class_records(study, measured),
        },
        methods=METHODS,
    )


def _what_it_minds(study: Study, measured: Measured, sheet: Figure, chart: Figure) -> Section:
    noun, random = study.noun, quartiles(measured.minded.random)
    beside = ""
    if int(random.num_images):
        beside = f" A step in a random direction comes to {short_number(float(random.median), digits=2)}."
    marked = _marked(study, measured)
    return Section(
        "Which variations lead to the same output?",
        _minds(study, measured),
        (
            f"A person still sees the same {noun} after many a change. Each has a name, and an amount in units "
            "that can be read: pixels, degrees, per cent.",
            sheet,
            "How visible is each? Of a variation a small step is taken, and how far that moves the latent is compared "
            f"with a step of the same size, in pixels, from one {noun} toward one of another class: 1 is as visible as "
            f"a change of class, 0 invisible.{beside}",
            chart,
            sensitivity_table(measured),
            *((marked,) if marked else ()),
        ),
    )


def _minds(study: Study, measured: Measured) -> str:
    median, names = quartiles(measured.minded.relative).median, measured.minded.names
    known = [row for row in median.argsort(stable=True).tolist() if not median[row].isnan()]
    if not known:
        return f"That cannot be said here. {_marked(study, measured)}"
    unseen = [names[row] for row in known if float(median[row]) <= _INVISIBLE]
    least, most = (f"({short_number(float(median[row]), digits=2)})" for row in (known[0], known[-1]))
    start = f"It does not see {_listed(unseen)} at all, and minds " if unseen else ""
    start = start or f"None exactly. It minds {names[known[0]]} least {least} and "
    return (
        f"{start}{names[known[-1]]} most {most}; 1 is as visible as a change of class, 0 invisible (medians of "
        f"{_count(study, len(study.images.names))})."
    )


def _marked(study: Study, measured: Measured) -> str:
    """Which images have no value for some of the variations, and why; empty if all have all."""
    minded = measured.minded
    dead = ~(minded.class_change > 0)
    missing = (minded.undefined & ~dead).sum(dim=0)
    rows = missing.nonzero()[:, 0].tolist()
    words = [f"{study.images.names[row]} ({int(missing[row])} of {len(minded.names)})" for row in rows[:_MOST_NAMED]]
    more = f" and {len(rows) - _MOST_NAMED} more" if len(rows) > _MOST_NAMED else ""
    blank = f"Without a value, for the variation changes nothing: {', '.join(words)}{more}." if words else ""
    seen = f"At {int(dead.sum())} of {len(dead)} images no change of class moves the latent, so there is no unit."
    return " ".join(part for part in (blank, seen if bool(dead.any()) else "") if part)


def _how_far(study: Study, measured: Measured, curves: Figure) -> Section:
    followed = measured.followed
    count = followed.cut.shape[1]
    some = "" if count == len(study.images.names) else f" Measured at the first {count} of the {study.noun}s."
    return Section(
        "How far does a variation go before the network takes notice?",
        _notices(measured),
        (
            "Small steps say what is visible at once; a turn by ten degrees is not small. So each variation is "
            "followed over the whole range that a person would try, until the latent is as far away as that of another "
            f"{study.noun} of the class usually is"
            f"{'' if followed.label is None else ', and until another class is read'}.{some}",
            curves,
            ranges_table(measured),
        ),
    )


def _notices(measured: Measured) -> str:
    followed, names = measured.followed, [variation.name for variation in measured.variations]
    moving = (~followed.still).sum(dim=1)
    left = _extremes(names, followed.latent.isfinite().any(dim=1).sum(dim=1), moving)
    finding = f"Over the ranges tried, the latent leaves the usual distance within a class {left}."
    if followed.label is None:
        return finding
    changed = _extremes(names, followed.label.isfinite().any(dim=1).sum(dim=1), moving)
    return f"{finding} The class changes {changed}."


def _extremes(names: Sequence[str], counts: Int[Tensor, " variation"], of: Int[Tensor, " variation"]) -> str:
    """Under which variations something happens to most images, and under which to fewest."""
    shares = torch.where(of > 0, counts / of, torch.nan)
    known = shares[~shares.isnan()]
    if not len(known) or float(known.max()) == 0:
        return "under none of them"
    words = []
    for end in (known.max(), known.min()):
        rows = (shares == end).nonzero()[:, 0].tolist()
        some = {f"{int(counts[row])} of {int(of[row])}" for row in rows}
        number = some.pop() if len(some) == 1 else {0.0: "never", 1.0: "always"}.get(float(end), percent(float(end)))
        words.append(f"{_listed([names[row] for row in rows])} ({number})")
    most, least = words
    return f"most often with {most}" if most == least else f"most often with {most} and least often with {least}"


def _what_is_free(study: Study, measured: Measured, free: Figure) -> Section:
    freed, noun = measured.freed, study.noun
    other = quartiles(freed.other_left)
    beside = ""
    if int(other.num_images):
        beside = f" Of the way to {other_image(study)}, {percent(float(other.median))} has to be taken back."
    return Section(
        "Which variations can be had for free?",
        _gives_way(study, measured),
        (
            "That the network notices a variation does not mean that it sees all of it. Half the range of each was "
            f"done to {_count(study, freed.left.shape[1])}, and then as little as possible was taken back, anywhere in "
            f"the image, until the latent was exactly that of the {noun}. What stays was free.{beside}",
            free,
            free_table(study, freed, measured.variations),
        ),
    )


def _gives_way(study: Study, measured: Measured) -> str:
    freed, variations = measured.freed, measured.variations
    median = quartiles(freed.left).median
    known = [row for row in median.argsort(stable=True).tolist() if not median[row].isnan()]
    these = _count(study, freed.left.shape[1])
    if not known:
        return f"That cannot be said here: no variation changes any of {these}, or no search ended on a fiber."
    least, most = (
        f"{percent(float(median[row]))} of {variations[row].name} by "
        f"{amount_label(freed.amounts[row], variations[row].unit)}"
        for row in (known[0], known[-1])
    )
    entirely = [variations[row].name for row in known if float(median[row]) <= _INVISIBLE]
    if entirely:
        return (
            f"Entirely free, at half the range: {_listed(entirely)}. To keep the latent exactly, {most} has "
            f"to be taken back, the most of all (medians of {these})."
        )
    return (
        f"None entirely: to keep the latent exactly, {least} has to be taken back, the least of all, and {most}, the "
        f"most (medians of {these})."
    )


def _facts(measured: Measured) -> tuple[tuple[str, str], ...]:
    median = quartiles(measured.minded.relative).median
    if bool(median.isnan().all()):
        return ()
    row = int(median.nan_to_num(nan=torch.inf).argmin())
    words = f"of a change of class: how visible {measured.minded.names[row]} is, which it minds least (median)"
    return ((words, short_number(float(median[row]), digits=2)),)


def _count(study: Study, count: int) -> str:
    return f"{count} {study.noun}{'' if count == 1 else 's'}"


def _listed(names: Sequence[str]) -> str:
    if len(names) > _MOST_NAMED:
        return f"{len(names)} of the variations"
    return " and ".join(part for part in (", ".join(names[:-1]), names[-1]) if part)


def _arrays(measured: Measured) -> dict[str, Shaped[Tensor, "..."]]:
    minded, followed, freed = measured[1:]
    arrays = {
        f"variations_{name}": values
        for part in (minded, followed)
        for name, values in part._asdict().items()
        if isinstance(values, Tensor)
    }
    free = {name: values for name, values in freed._asdict().items() if isinstance(values, Tensor)}
    return arrays | {f"variations_free_{name}": values for name, values in free.items()}
