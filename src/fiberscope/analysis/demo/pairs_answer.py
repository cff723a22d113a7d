"""Images that look like one digit and are another to the network, and what makes such a match a match."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor

from fiberscope.analysis.answer import Answer, grouped
from fiberscope.analysis.demo.latent_scale import LatentScale, measure_scale
from fiberscope.analysis.demo.metamers import Metamers, find_metamers
from fiberscope.analysis.demo.stage import Stage
from fiberscope.gallery import pairs, percent, short_number, to_png
from fiberscope.moves.outcome import Outcome
from fiberscope.report import Figure, Section, Table


def ask_pairs(stage: Stage) -> Answer:
    """Find the metamers, show them between the digits they look like and are, and weigh their residuals."""
    metamers, scale = find_metamers(stage), measure_scale(stage)
    picture = _picture(stage, metamers)
    blindness = percent(float(metamers.blindness.median()))
    return Answer(
        (_pairs_section(stage, metamers, picture), _match_section(metamers, scale)),
        facts=(("of the way to another digit, and the network sees that digit (median)", blindness),),
        figures={"pairs.png": picture},
        arrays={
            "pairs_sources": metamers.sources,
            "pairs_targets": metamers.targets,
            "pairs_points": metamers.points,
            "pairs_partner": metamers.partner,
            "pairs_relative_residual": metamers.residual,
            "pairs_distance": metamers.distance,
            "pairs_blindness": metamers.blindness,
            "pairs_stationarity": metamers.stationarity,
            **{f"scale_{name}": values for name, values in scale._asdict().items()},
        },
    )


def _pairs_section(stage: Stage, metamers: Metamers, picture: Figure) -> Section:
    found = metamers.outcome.count(Outcome.CONVERGED)
    least, most = percent(float(metamers.blindness.min())), percent(float(metamers.blindness.max()))
    return Section(
        "Can an image look like one digit and be another to the network?",
        f"Yes, in {found} of {len(metamers.outcome)} tries. The network sees the other digit after only {least} to "
        f"{most} of the way there.",
        (
            "For each digit the search looks for the nearest image that has exactly the latent of a digit of another "
            "class. Images that differ and cannot be told apart are metamers: the word comes from colour vision, where "
            "lights of different make can look the same.",
            picture,
            _table(stage, metamers),
        ),
    )


def _picture(stage: Stage, metamers: Metamers) -> Figure:
    partners = [stage.names[i] for i in metamers.partner.tolist()]
    results = [
        f"read as {label}\n{percent(blindness)}\nof the way"
        for label, blindness in zip(metamers.reading.classes.tolist(), metamers.blindness.tolist(), strict=True)
    ]
    picture = pairs(
        metamers.sources,
        metamers.targets,
        metamers.points,
        labels=(
            "Looks like",
            "Has the latent of",
            "Metamer\nas near the first row as found, with exactly the latent of the second",
        ),
        captions=(stage.names, partners, results),
        title="The network cannot tell the last row from the one above it",
        note=f"MNIST test digits; the network reads {percent(stage.accuracy)} of them right. The latents of the last "
        f"two rows agree to {short_number(float(metamers.residual.max()), digits=2)} of their size.",
    )
    return Figure(
        to_png(picture),
        caption="Each image in the last row is as near as we found to the digit at the top of its column, yet has "
        "exactly the latent of the digit in the middle, so the network reads it as that one.",
        alt="Ten columns of three images: a digit, a digit of another class, and an image that still looks like the "
        "first and that the network reads as the second.",
    )


def _table(stage: Stage, metamers: Metamers) -> Table:
    pixels, reading = metamers.points.flatten(1), metamers.reading
    rows = zip(
        stage.names,
        (stage.names[i] for i in metamers.partner.tolist()),
        (str(label) for label in reading.classes.tolist()),
        (percent(probability) for probability in reading.probabilities.tolist()),
        metamers.residual.tolist(),
        pixels.amin(dim=1).tolist(),
        pixels.amax(dim=1).tolist(),
        metamers.distance.tolist(),
        metamers.blindness.tolist(),
        (outcome.value for outcome in metamers.outcome),
        strict=True,
    )
    return Table(
        (
            "looks like",
            "latent of",
            "read as",
            "probability",
            "residual",
            "darkest",
            "brightest",
            "distance",
            "blindness",
            "search",
        ),
        tuple(rows),
        "Each metamer, measured afresh by a forward pass of the whole network over the finished image. Residual: "
        "|f(x) − z| / |z|. Distance: from the image it looks like (Euclidean norm over pixels). Blindness: that "
        "distance over the distance between the two digits; the smaller, the less the network minds.",
    )


def _match_section(metamers: Metamers, scale: LatentScale) -> Section:
    worst = float(metamers.residual.max())
    noise, class_ = (float(values.median()) / worst for values in (scale.grey_level, scale.same_class))
    return Section(
        "When is a match a match?",
        f"The worst of the metamers misses its latent by {short_number(worst, digits=2)} of its size: "
        f"{grouped(noise, digits=2)} times less than a digit under one grey level of noise does, and "
        f"{grouped(class_, digits=2)} times less than another digit of the same class.",
        (
            "No search in floating point hits a latent to the last digit. A residual is a match when it lies far below "
            "every difference between images that a person could see; below the last line of the table it would be "
            "rounding.",
            _scale_table(metamers, scale),
        ),
    )


def _scale_table(metamers: Metamers, scale: LatentScale) -> Table:
    rows = (
        ("two digits of different classes", scale.other_class),
        ("two digits of one class", scale.same_class),
        ("a digit, and it under one grey level of noise", scale.grey_level),
        ("a metamer, and the digit whose latent it has", metamers.residual),
        ("a digit in float32, and in float64", scale.rounding),
    )
    return Table(
        ("compared", "how many", "5 %", "median", "95 %"),
        tuple((words, len(values), *_quantiles(values)) for words, values in rows),
        "How far apart two latents are, |f(x) − f(y)| / |f(y)|: half of the pairs lie below the median, one in twenty "
        "below and one in twenty above the outer columns.",
    )


def _quantiles(values: Float[Tensor, " pairs"]) -> tuple[float, float, float]:
    ordered = values.double()
    least, median, most = (float(ordered.quantile(share)) for share in (0.05, 0.5, 0.95))
    return least, median, most
