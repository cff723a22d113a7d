"""The images under study, and how well the network reads images of their kind."""

from __future__ import annotations

import torch

from fiberscope.analysis.answer import Answer, grouped
from fiberscope.analysis.records import Records
from fiberscope.analysis.reference import spread
from fiberscope.analysis.study.naming import MOST_SHOWN, titles
from fiberscope.analysis.study.study import Study
from fiberscope.gallery import image_grid, percent, to_png
from fiberscope.report import Figure, Section

_MOST_NEIGHBOURS = 2000  # labelled images that are each other's neighbours


def ask_recognition(study: Study) -> Answer:
    """Show the images with what the network reads in them, and how often it reads labelled ones right."""
    right = _share_right(study)
    picture = _picture(study)
    n, m = study.latent_map.input_size, study.latent_map.latent_size
    reads = f"{study.samples} read right" if study.logits else "nearest latents are of one class"
    return Answer(
        (_section(study, right, picture),),
        facts=((reads, percent(right)), ("pixels become one latent", f"{grouped(n)} → {grouped(m)}")),
        figures={"images.png": picture},
        arrays={
            "images": study.images.images,
            "partners": study.partners.images,
            "latents": study.reading.latents,
            **({} if study.reading.probabilities is None else {"probabilities": study.reading.probabilities}),
        },
        records={"recognition": _records(study)},
    )


def _share_right(study: Study) -> float:
    """Of labelled images read right; for a network that reads none, of those whose nearest latent is of their class."""
    if study.logits is not None:
        return float(study.hits.double().mean())
    some = spread(len(study.data.labels), _MOST_NEIGHBOURS)
    latents, labels = study.data_reading.latents[some], study.data.labels[some]
    distances = torch.cdist(latents, latents).fill_diagonal_(torch.inf)
    return float((labels[distances.argmin(dim=1)] == labels).double().mean())


def _section(study: Study, right: float, picture: Figure) -> Section:
    n, m = study.latent_map.input_size, study.latent_map.latent_size
    fiber = (
        "So two images with the same latent are one and the same to it, however different they look to us. All images "
        "that share a latent form a fiber."
    )
    count, these = len(study.images.names), f"{study.noun}s"
    if study.logits is None:
        return Section(
            "How much does its latent know of the class?",
            f"It reads no class, but of {percent(right)} of the {study.samples} the nearest latent is of the same "
            f"class. {grouped(count)} {these} are what this page is about.",
            (
                f"The network boils the {grouped(n)} pixels x of an image down to {m} numbers, z = f(x). {fiber}",
                picture,
            ),
        )
    of = grouped(len(study.data.labels))
    return Section(
        f"How well does the network read {these}?",
        f"It reads {percent(right)} of {of} {study.samples} right{_about(study)}",
        (
            f"The network works in two stages. First it boils the {grouped(n)} pixels x of an image down to {m} "
            f"numbers, the latent z = f(x). Then it reads the class from these numbers alone. {fiber}",
            picture,
        ),
    )


def _about(study: Study) -> str:
    """Which images the page is about, and how many of them are read as their labels say."""
    count, labels = grouped(len(study.images.names)), study.images.labels
    if None in labels:
        return f". This page is about {count} other {study.noun}s."
    right = sum(label == read for label, read in zip(labels, study.classes.tolist(), strict=True))
    share = f"all {count}" if right == len(labels) else f"{right} of {count}"
    return f", and {share} that this page is about."


def _picture(study: Study) -> Figure:
    shown = study.images.part(slice(MOST_SHOWN))
    count, every = len(shown.names), len(study.images.names)
    first = f"The first {count} of {every} {study.noun}s" if every > count else f"The {study.noun}s under study"
    reads = study.reading.classes is not None
    picture = image_grid(
        shown.images, captions=_captions(study), title=f"{first}{', as the network reads them' if reads else ''}"
    )
    return Figure(
        to_png(picture),
        caption="Under each image stands the class that the network reads in it, with the probability it gives."
        if reads
        else "The images that the following questions are asked about.",
        alt=f"{count} images{', each with the class that the network reads in it' if reads else ''}.",
    )


def _captions(study: Study) -> list[str]:
    classes, probabilities = study.reading.classes, study.reading.probabilities
    if classes is None or probabilities is None:
        return list(titles(study.images)[:MOST_SHOWN])
    readings = zip(classes.tolist()[:MOST_SHOWN], probabilities.tolist()[:MOST_SHOWN], strict=True)
    return [f"read as {label}\n{percent(probability)}" for label, probability in readings]


def _records(study: Study) -> Records:
    columns = {
        "image": "name of the image",
        "label": "class that its label says; empty if it has none",
        "read_as": "class that the network reads; empty if it reads none",
        "probability": "probability that the network gives this class",
        "partner": "image whose latent it is to reach",
        "partner_label": "class of that image",
        "latent_size": "Euclidean norm of its latent",
    }
    reading, count = study.reading, len(study.images.names)
    rows = zip(
        study.images.names,
        study.images.labels,
        [None] * count if reading.classes is None else reading.classes.tolist(),
        [None] * count if reading.probabilities is None else reading.probabilities.tolist(),
        study.partners.names,
        study.partners.labels,
        reading.latents.norm(dim=1).tolist(),
        strict=True,
    )
    return Records(columns, tuple(rows))
