"""Images that look like one thing and are another to the network."""

from __future__ import annotations

from fiberscope.analysis.answer import Answer
from fiberscope.analysis.pairs import title_of
from fiberscope.analysis.records import Records, Value
from fiberscope.analysis.study.metamers import Metamers
from fiberscope.analysis.study.naming import MOST_SHOWN, titles, words
from fiberscope.analysis.study.study import Study
from fiberscope.gallery import pairs, percent, short_number, to_png
from fiberscope.moves import Outcome
from fiberscope.report import Figure, Section, Table

_METHODS = (
    "The nearest image on a fiber is found by descent along it, once from the image itself and once from the one whose "
    "latent it is to have; the nearer of the two is kept. Both are local optima: there may be nearer ones. Nothing but "
    "the start makes the results look like real images; there is no prior of any kind.",
    "Residuals in tables and charts, classes, probabilities and pixel ranges come from a forward pass of the whole "
    "network over the finished images, apart from the search that found them. The npz archives hold these images, so "
    "that anyone can repeat the check.",
)


def ask_pairs(study: Study) -> Answer:
    """Find the metamers, and show them between the images they look like and are."""
    metamers = study.metamers
    picture = _picture(study, metamers)
    found = metamers.blindness[metamers.there]
    blindness = percent(float(found.median())) if len(found) else "none found"
    return Answer(
        (_section(study, metamers, picture),),
        facts=((f"of the way to another {study.noun}, and the network sees that one (median)", blindness),),
        figures={"pairs.png": picture},
        arrays={
            "pairs_sources": metamers.sources,
            "pairs_targets": metamers.targets,
            "pairs_points": metamers.points,
            "pairs_relative_residual": metamers.residual,
            "pairs_distance": metamers.distance,
            "pairs_blindness": metamers.blindness,
            "pairs_stationarity": metamers.stationarity,
        },
        records={"pairs": _records(study, metamers)},
        methods=_METHODS,
    )


def _section(study: Study, metamers: Metamers, picture: Figure) -> Section:
    reached, count, noun = int(metamers.there.sum()), len(metamers.outcome), study.noun
    found = metamers.blindness[metamers.there]
    finding = f"No search ended on the fiber of the other {noun}, in {count} tries."
    if reached:
        least, most = percent(float(found.min())), percent(float(found.max()))
        finding = (
            f"Yes, in {reached} of {count} tries. The network sees the other {noun} after only {least} to {most} of "
            "the way there."
        )
    return Section(
        f"Can an image look like one {noun if noun == 'digit' else 'thing'} and be another to the network?",
        finding,
        (
            f"For each {noun} the search looks for the nearest image that has exactly the latent of one of another "
            "class. Images that differ and cannot be told apart are metamers: the word comes from colour vision, where "
            "lights of different make can look the same.",
            picture,
            _table(study, metamers),
        ),
    )


def _picture(study: Study, metamers: Metamers) -> Figure:
    shown = slice(MOST_SHOWN)
    outcomes = metamers.outcome[shown]
    picture = pairs(
        metamers.sources[shown],
        metamers.targets[shown],
        metamers.points[shown],
        labels=(
            "Looks like",
            "Has the latent of",
            "Metamer\nas near the first row as found, with exactly the latent of the second",
        ),
        captions=(titles(study.images)[shown], titles(study.partners)[shown], _captions(metamers)[shown]),
        title=title_of([outcome.value for outcome in outcomes]),
        note=_note(study, metamers),
    )
    return Figure(
        to_png(picture),
        caption=f"Each image in the last row is as near as we found to the {study.noun} at the top of its column, yet "
        f"has exactly the latent of the {study.noun} in the middle"
        f"{', so the network reads it as that one' if study.logits else ''}.",
        alt=f"Columns of three images: a {study.noun}, one of another class, and an image that still looks like the "
        "first and is the second to the network.",
    )


def _note(study: Study, metamers: Metamers) -> str:
    count, there = len(metamers.outcome), metamers.there[:MOST_SHOWN]
    sentences = [f"The first {MOST_SHOWN} of {count} pairs."] if count > MOST_SHOWN else []
    if study.logits is not None:
        kind = "MNIST test digits" if study.samples == "test digits" else "Labelled images"
        sentences.append(f"{kind}; the network reads {percent(float(study.hits.double().mean()))} of them right.")
    if bool(there.all()):
        worst = short_number(float(metamers.residual[:MOST_SHOWN].max()), digits=2)
        sentences.append(f"The latents of the last two rows agree to {worst} of their size.")
    return " ".join(sentences)


def _captions(metamers: Metamers) -> list[str]:
    classes = metamers.reading.classes
    reads = [""] * len(metamers.outcome) if classes is None else [f"read as {label}" for label in classes.tolist()]
    numbers = zip(metamers.outcome, reads, metamers.blindness.tolist(), strict=True)
    lines = (
        (read, percent(blindness), "of the way") if outcome is Outcome.CONVERGED else (outcome.value, read)
        for outcome, read, blindness in numbers
    )
    return ["\n".join(line for line in each if line) for each in lines]


def _table(study: Study, metamers: Metamers) -> Table:
    pixels, reading = metamers.points.flatten(1), metamers.reading
    columns: dict[str, list[str] | list[float]] = {
        "looks like": list(words(study.images)),
        "latent of": list(words(study.partners)),
    }
    if reading.classes is not None and reading.probabilities is not None:
        columns["read as"] = [str(label) for label in reading.classes.tolist()]
        columns["probability"] = [percent(probability) for probability in reading.probabilities.tolist()]
    columns |= {
        "residual": metamers.residual.tolist(),
        "darkest": pixels.amin(dim=1).tolist(),
        "brightest": pixels.amax(dim=1).tolist(),
        "distance": metamers.distance.tolist(),
        "blindness": metamers.blindness.tolist(),
        "search": [outcome.value for outcome in metamers.outcome],
    }
    return Table(
        tuple(columns),
        tuple(zip(*columns.values(), strict=True)),
        "Each metamer, measured afresh by a forward pass of the whole network over the finished image. Residual: "
        "|f(x) − z| / |z|. Distance: from the image it looks like (Euclidean norm over pixels). Blindness: that "
        f"distance over the distance between the two {study.noun}s; the smaller, the less the network minds.",
    )


def _records(study: Study, metamers: Metamers) -> Records:
    columns = {
        "image": "name of the image that the metamer is to look like",
        "partner": "name of the image whose latent it has",
        "read_as": "class that the network reads in the metamer; empty if it reads none",
        "probability": "probability that the network gives this class",
        "residual": "|f(x) - z| / |z| by a forward pass of the finished image",
        "darkest": "smallest pixel of the metamer",
        "brightest": "largest pixel of the metamer",
        "distance": "Euclidean distance of the metamer from the image, over pixels",
        "blindness": "that distance over the distance between the image and its partner",
        "stationarity": "0 at a smooth local minimum of the distance; above on kinks; empty off the fiber",
        "outcome": "converged, or why the search ended elsewhere",
    }
    pixels, reading = metamers.points.flatten(1), metamers.reading
    nothing: list[Value] = [None] * len(metamers.outcome)
    rows = zip(
        study.images.names,
        study.partners.names,
        nothing if reading.classes is None else reading.classes.tolist(),
        nothing if reading.probabilities is None else reading.probabilities.tolist(),
        metamers.residual.tolist(),
        pixels.amin(dim=1).tolist(),
        pixels.amax(dim=1).tolist(),
        metamers.distance.tolist(),
        metamers.blindness.tolist(),
        metamers.stationarity.tolist(),
        (outcome.value for outcome in metamers.outcome),
        strict=True,
    )
    return Records(columns, tuple(rows))
