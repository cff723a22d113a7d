"""Which named changes of an image the network notices, how far each goes, and which can be had for free."""

from __future__ import annotations

import torch
from jaxtyping import Shaped
from torch import Tensor

from fiberscope.analysis.answer import Answer
from fiberscope.analysis.study.naming import count_of
from fiberscope.analysis.study.study import Study
from fiberscope.analysis.study.variation_findings import cut_words, gives_way, marked, minds, notices
from fiberscope.analysis.study.variation_measures import Measured, measure
from fiberscope.analysis.study.variation_pictures import (
    curves_figure,
    free_figure,
    sensitivity_figure,
    sheet_figure,
)
from fiberscope.analysis.study.variation_records import class_records, image_records, summary_records
from fiberscope.analysis.study.variation_tables import (
    catalogue_table,
    free_table,
    other_image,
    ranges_table,
    sensitivity_table,
)
from fiberscope.gallery import percent, short_number
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

_FACES = (
    "Light multiplies each pixel by the ratio of two shadings of a generic head, and yaw and pitch warp by its depth; "
    "nothing is known of the head in the picture, and it casts no shadows."
)


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
        methods=METHODS if study.kind == "general" else (_FACES, *METHODS[1:]),
    )


def _what_it_minds(study: Study, measured: Measured, sheet: Figure, chart: Figure) -> Section:
    noun, random = study.noun, quartiles(measured.minded.random)
    beside = ""
    if int(random.num_images):
        beside = f" A step in a random direction comes to {short_number(float(random.median), digits=2)}."
    unknown = marked(study, measured)
    return Section(
        "Which variations lead to the same output?",
        minds(study, measured),
        (
            f"A person still sees the same {noun} after many a change. Each has a name, and an amount in units "
            "that can be read: pixels, degrees, per cent.",
            sheet,
            catalogue_table(measured),
            "How visible is each? Of a variation a small step is taken, and how far that moves the latent is compared "
            f"with a step of the same size, in pixels, from one {noun} toward one of another class: 1 is as visible as "
            f"a change of class, 0 invisible.{beside}",
            chart,
            sensitivity_table(measured.minded),
            *((unknown,) if unknown else ()),
        ),
    )


def _how_far(study: Study, measured: Measured, curves: Figure) -> Section:
    followed = measured.followed
    count = followed.cut.shape[1]
    some = "" if count == len(study.images.names) else f" Measured at the first {count} of the {study.noun}s."
    return Section(
        "How far does a variation go before the network takes notice?",
        notices(measured),
        (
            "Small steps say what is visible at once; a turn by ten degrees is not small. So each variation is "
            "followed over the whole range that a person would try, until the latent is as far away as that of another "
            f"{study.noun} of the class usually is"
            f"{'' if followed.label is None else ', and until another class is read'}.{some}",
            curves,
            ranges_table(measured),
        ),
    )


def _what_is_free(study: Study, measured: Measured, free: Figure) -> Section:
    freed, noun = measured.freed, study.noun
    count = freed.left.shape[1]
    done_to = f"the {noun}" if count == 1 else f"the first {count_of(count, noun)}"
    other = quartiles(freed.other_left)
    beside = ""
    if int(other.num_images):
        beside = f" Of the way to {other_image(study)}, {percent(float(other.median))} has to be taken back."
    return Section(
        "Which variations can be had for free?",
        gives_way(study, measured),
        (
            "That the network notices a variation does not mean that it sees all of it. Half the range of each was "
            f"done to {done_to}, and then as little as possible was taken "
            f"back, anywhere in the image, until the latent was exactly that of the {noun}. What stays was "
            f"free.{beside}",
            free,
            free_table(study, freed, measured.variations),
        ),
    )


def _facts(measured: Measured) -> tuple[tuple[str, str], ...]:
    median = quartiles(measured.minded.relative).median
    if bool(median.isnan().all()):
        return ()
    row = int(median.nan_to_num(nan=torch.inf).argmin())
    name, cut = measured.minded.names[row], cut_words(measured, row)
    words = f"of a change of class: how visible {name} is, which it minds least (median{cut})"
    return ((words, short_number(float(median[row]), digits=2)),)


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
