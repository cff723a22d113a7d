"""The page of the demo: what stands around the questions."""

from __future__ import annotations

from collections.abc import Sequence

from fiberscope.analysis.answer import Answer, grouped
from fiberscope.analysis.demo.stage import MODEL, Stage
from fiberscope.analysis.demo.walks import FAR, FAR_STEPS, LENGTH, NUM_STEPS
from fiberscope.analysis.provenance import Provenance, versions
from fiberscope.models import card
from fiberscope.report import Page

_METHODS = (
    "The latent map is the part of the classifier up to its last but one layer. Its Jacobian comes from "
    "backpropagation, one pass a latent. A thin singular value decomposition splits the space of images into row "
    "space and null space; singular values below 9×10⁻⁵ of the largest would count as zero.",
    "An orthonormal basis of a null space is not unique, so single vectors of it mean nothing unless a criterion "
    "chose them. Here it is the data: the directions are the leading eigenvectors of P C P, with P the projector on "
    "the null space and C the covariance of the test images. Each is turned so as to add ink.",
    f"A walk goes {NUM_STEPS} steps to a length of {LENGTH:g}, or {FAR_STEPS} to {FAR:g} toward another digit "
    "(Euclidean norm over pixels). Each step follows the null space at the point reached, stays inside the box of "
    "pixels from 0 to 1, and is corrected back onto the fiber. The straight line follows the null space of the start, "
    "is cut off at the box and is not corrected.",
    "The nearest image on a fiber is found by descent along it, once from the digit itself and once from the other "
    "digit; the nearer of the two is kept. Both are local optima: there may be nearer ones. Nothing but the start "
    "makes the results look like digits; there is no prior of any kind.",
    "An image counts as on the fiber when |f(x) − z| ≤ 10⁻⁵ |z|, in float32. Residuals in tables and charts, classes, "
    "probabilities and pixel ranges come from a forward pass of the whole network over the finished images, apart "
    "from the search that found them. arrays.npz holds these images, so that anyone can repeat the check.",
    "Random pairs and noise are drawn with the seed of the run, over all test digits or a thousand of them.",
)


def compose(stage: Stage, answers: Sequence[Answer], provenance: Provenance) -> Page:
    """Set the answers on one page, between what a reader must know first and what an expert asks last."""
    return Page(
        title="Which digits can a network not tell apart?",
        lead="A network that reads handwritten digits keeps a few numbers of each image and forgets the rest. So "
        "there are families of images that are one and the same to it. This page walks through them, digit by digit.",
        facts=tuple(fact for answer in answers for fact in answer.facts),
        sections=tuple(section for answer in answers for section in answer.sections),
        methods=_METHODS,
        provenance=(
            ("command", provenance.command),
            ("started at", provenance.started_at),
            ("network", f"{MODEL}, weights SHA-256 {card(MODEL).sha256}"),
            ("data", f"{stage.test.name}, {grouped(len(stage.test.labels))} images; the ten: {_indices(stage)}"),
            ("seed", str(provenance.seed)),
            *versions().items(),
        ),
    )


def _indices(stage: Stage) -> str:
    return ", ".join(str(index) for index in stage.chosen.tolist())
