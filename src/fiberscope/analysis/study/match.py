"""What makes a match a match: residuals beside latent distances of images that a person can tell apart."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor

from fiberscope.analysis.answer import Answer, grouped
from fiberscope.analysis.records import Records
from fiberscope.analysis.study.null_distances import NullDistances, measure_null
from fiberscope.analysis.study.study import Study
from fiberscope.gallery import short_number
from fiberscope.moves.setup import DEFAULT_RTOL
from fiberscope.report import Section, Table

Rows = tuple[tuple[str, Float[Tensor, " _"]], ...]

_QUESTION = "When is a match a match?"
_SHARES = (0.05, 0.5, 0.95)


def ask_match(study: Study) -> Answer:
    """Weigh the residuals of the metamers against a null distribution: random pairs, one class, noise, rounding."""
    null = measure_null(study)
    rows = _rows(study, null)
    return Answer(
        (_section(study, null, rows),),
        arrays={f"scale_{name}": values for name, values in null._asdict().items() if values is not None},
        records={"match": _records(rows)},
        methods=_methods(study),
    )


def _section(study: Study, null: NullDistances, rows: Rows) -> Section:
    residuals = study.metamers.residual[study.metamers.there]
    finding = "No search ended on a fiber, so there is nothing to weigh."
    if len(residuals):
        worst = float(residuals.max())
        # A residual of exactly zero is as good as the rounding unit.
        noise, class_ = (float(values.nanmedian()) / max(worst, 1e-16) for values in (null.grey_level, null.same_class))
        finding = (
            f"The worst of the metamers misses its latent by {short_number(worst, digits=2)} of its size: "
            f"{grouped(noise, digits=2)} times less than {study.a_noun} under one grey level of noise does, and "
            f"{grouped(class_, digits=2)} times less than another {study.noun} of the same class."
        )
    return Section(
        _QUESTION,
        finding,
        (
            "No search in floating point hits a latent to the last digit. A residual is a match when it lies far below "
            "every difference between images that a person could see; below the last line of the table it would be "
            "rounding.",
            _table(rows),
        ),
    )


def _rows(study: Study, null: NullDistances) -> Rows:
    """What is compared, the farthest apart first."""
    noun, metamers = study.noun, study.metamers
    rounding = () if null.rounding is None else ((f"{study.a_noun} in float32, and in float64", null.rounding),)
    return (
        (f"two {noun}s of different classes", null.other_class),
        (f"two {noun}s of one class", null.same_class),
        (f"{study.a_noun}, and it under one grey level of noise", null.grey_level),
        (f"a metamer, and the {noun} whose latent it has", metamers.residual[metamers.there]),
        *rounding,
    )


def _table(rows: Rows) -> Table:
    return Table(
        ("compared", "how many", "5 %", "median", "95 %"),
        tuple((words, len(values), *_quantiles(values)) for words, values in rows),
        "How far apart two latents are, |f(x) − f(y)| / |f(y)|: half of the pairs lie below the median, one in twenty "
        "below and one in twenty above the outer columns.",
    )


def _records(rows: Rows) -> Records:
    columns = {
        "compared": "what makes a pair",
        "pairs": "number of pairs",
        "lower": "twentieth part of the pairs whose latents are nearest lie below: |f(x) - f(y)| / |f(y)|",
        "median": "median of the same",
        "upper": "twentieth part of the pairs whose latents are farthest apart lie above",
    }
    return Records(columns, tuple((words, len(values), *_quantiles(values)) for words, values in rows))


def _quantiles(values: Float[Tensor, " pairs"]) -> tuple[float, float, float]:
    known = values.double()[values.isfinite()]
    if not len(known):
        return (float("nan"),) * 3
    least, median, most = (float(known.quantile(share)) for share in _SHARES)
    return least, median, most


def _methods(study: Study) -> tuple[str, ...]:
    precision = short_number(DEFAULT_RTOL[study.inputs.dtype])
    dtype = str(study.inputs.dtype).removeprefix("torch.")
    return (
        f"An image counts as on the fiber when |f(x) − z| ≤ {precision} |z|, in {dtype}.",
        "Random pairs and noise are drawn with the seed of the run, over all labelled images or a thousand of them.",
    )
