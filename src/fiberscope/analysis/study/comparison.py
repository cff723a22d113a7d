"""Networks side by side: how blind each is, how often it collides, what it minds, how many directions it sees."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from fiberscope.analysis.answer import Answer
from fiberscope.analysis.study.comparison_tables import (
    pair_records,
    sensitivity_records,
    sensitivity_table,
    summary_records,
    summary_table,
)
from fiberscope.analysis.study.portrait import NUM_SHOWN, Portrait, portray, quartiles
from fiberscope.analysis.study.study import Study
from fiberscope.gallery import Mark, percent, quartile_chart, spectra_chart, to_png, unseen_by_network
from fiberscope.report import Figure, Section

_FIGURES = ("blindness", "spectra", "sensitivity", "unseen")


def ask_comparison(study: Study) -> Answer:
    """Ask every network the same: the same images, the same partners whose latents are to be reached."""
    if not study.beside:
        return Answer((_nothing_beside(),))
    portraits = [portray(study, each) for each in (study, *study.beside)]
    figures = (_blindness(portraits), _spectra(portraits), _minded(portraits), _unseen(study, portraits))
    return Answer(
        (_section(portraits, figures, len(study.images.names)),),
        facts=(_fact(portraits),),
        figures={f"comparison-{name}.png": figure for name, figure in zip(_FIGURES, figures, strict=True)},
        arrays={
            f"comparison_{i}_{field}": values
            for i, portrait in enumerate(portraits)
            for field, values in portrait._asdict().items()
            if isinstance(values, Tensor)
        },
        records={
            "comparison": summary_records(portraits),
            "comparison-sensitivity": sensitivity_records(portraits),
            "comparison-pairs": pair_records(study, portraits),
        },
        methods=(
            "Networks are compared on the same images and the same pairs. For each pair the nearest image with the "
            "other's latent is sought from both ends, and the nearer result is kept; a better search could only find "
            "nearer ones, so blindness is an upper bound. Spectra are divided by the median latent distance between "
            "classes, so that the unit of a network's latent does not matter.",
        ),
    )


def _fact(portraits: Sequence[Portrait]) -> tuple[str, str]:
    blindest = min(portraits, key=lambda portrait: float(quartiles(portrait.blindness)[1]))
    return (
        f"of the way to another image, and {blindest.name}, the blindest, sees that one (median)",
        percent(float(quartiles(blindest.blindness)[1])),
    )


def _nothing_beside() -> Section:
    return Section(
        "How does it compare with other networks?",
        "Nothing to compare with was named.",
        ("Name other networks of the same images with --beside, or use fiberscope compare.",),
    )


def _section(portraits: Sequence[Portrait], figures: tuple[Figure, ...], count: int) -> Section:
    blindest, *_, least = sorted(portraits, key=lambda portrait: float(quartiles(portrait.blindness)[1]))
    blindness, *others = figures
    return Section(
        "How does it compare with other networks?",
        f"{blindest.name} is the blindest: {_spread(blindest)} of the way to another image, and it sees that image. "
        f"{least.name} has to be shown {_spread(least)} of the way (medians over {count} pairs, in brackets the middle "
        "half).",
        (
            "The fibers of two networks differ even where both read the same classes right. Each is asked for the "
            "nearest image that it cannot tell from one of another class.",
            blindness,
            summary_table(portraits, count),
            *others,
            sensitivity_table(portraits),
        ),
    )


def _spread(portrait: Portrait) -> str:
    lower, median, upper = (percent(value) for value in quartiles(portrait.blindness).tolist())
    return f"{median} ({lower} to {upper})"


def _blindness(portraits: Sequence[Portrait]) -> Figure:
    picture = quartile_chart(
        torch.stack([quartiles(portrait.blindness) for portrait in portraits])[None],
        series=("blindness",),
        rows=[portrait.name for portrait in portraits],
        across="distance to the nearest image with another's latent, over the distance between the two images",
        title="How near another image comes before the network sees that image",
        marks=(Mark(1.0, "the other image itself"),),
    )
    return Figure(
        to_png(picture),
        caption="Dots are medians over pairs of images of different classes, lines run from quartile to quartile. "
        "Far left would be a network that cannot tell the two images apart at all.",
        alt="A dot with a line for each network, between 0 and 1.",
    )


def _unseen(study: Study, portraits: Sequence[Portrait]) -> Figure:
    shape = study.latent_map.input_shape
    picture = unseen_by_network(
        study.images.images[:NUM_SHOWN],
        torch.stack([torch.unflatten(portrait.unseen, 2, shape) for portrait in portraits]),
        torch.stack([portrait.shares for portrait in portraits]),
        labels=study.images.titles[:NUM_SHOWN],
        networks=[portrait.name for portrait in portraits],
        title="What each network cannot see, though images vary so",
        note="%: share of the variance of the labelled images.",
    )
    return Figure(
        to_png(picture),
        caption="For each image the invisible directions in which real images vary most. What one network ignores "
        "another may see: where the patterns differ, so do the fibers.",
        alt="A row for each image with broad patterns, like strokes, in a group for each network.",
    )


def _spectra(portraits: Sequence[Portrait]) -> Figure:
    picture = spectra_chart(
        [quartiles(portrait.spectrum.T) for portrait in portraits],
        [portrait.name for portrait in portraits],
        up="class distances that the latent moves, for one unit of image",
        title="How strongly each network sees, direction by direction",
    )
    return Figure(
        to_png(picture),
        caption="Singular values of the Jacobian, in units of the median latent distance between two classes; the "
        "band holds the middle half of the images.",
        alt="A falling line for each network on a logarithmic axis.",
    )


def _minded(portraits: Sequence[Portrait]) -> Figure:
    values = torch.stack([quartiles(portrait.sensitivity) for portrait in portraits])
    order = values[0, :, 1].argsort(descending=True).tolist()
    picture = quartile_chart(
        values[:, order],
        series=[portrait.name for portrait in portraits],
        rows=[portraits[0].variations[i] for i in order],
        across="relative sensitivity: 0 is invisible, 1 as visible as a change of class",
        title="How much each network minds each variation",
        marks=(Mark(1.0, "a change of class"),),
    )
    return Figure(
        to_png(picture),
        caption="Each variation is begun with an infinitesimal step of the same size in pixels; dots are medians over "
        "images, lines run from quartile to quartile.",
        alt="A row for each variation with a dot and a line for each network.",
    )
