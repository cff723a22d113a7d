"""Runs over pairs of images: what a result should look like, and whose latent it has to reach."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

import numpy as np
import torch
from jaxtyping import Float, Int
from PIL import Image
from torch import Tensor

from fiberscope import gallery
from fiberscope.analysis.begin import begin, open_output
from fiberscope.analysis.choices import NetworkChoice, PairChoice, RunChoice
from fiberscope.analysis.finding import Finding, advise, median, relative, scientific
from fiberscope.analysis.output import Arrays, kept_when_interrupted, run_batches, write_output
from fiberscope.analysis.selection import Selection, draw_others, select
from fiberscope.moves.outcome import Outcome
from fiberscope.problem import Fiber, FiberscopeError, LatentMap

_MOST_DRAWN = 10  # pairs in the picture


class Found(Protocol):
    """What a move onto a fiber gives back, a value per row."""

    @property
    def points(self) -> Float[Tensor, "batch ..."]: ...  # noqa: D102
    @property
    def residual_norm(self) -> Float[Tensor, " batch"]: ...  # noqa: D102
    @property
    def tolerance(self) -> Float[Tensor, " batch"]: ...  # noqa: D102
    @property
    def num_jacobians(self) -> Int[Tensor, " batch"]: ...  # noqa: D102
    @property
    def outcome(self) -> tuple[Outcome, ...]: ...  # noqa: D102


class PairMove(NamedTuple):
    """A move onto a fiber: the name of its run, the function, and the heading of its results in the picture."""

    name: str
    move: Callable[[Fiber, Tensor], Found]
    heading: str


def run_pairs(
    pair_move: PairMove,
    choice: PairChoice,
    network: NetworkChoice,
    run: RunChoice,
    *,
    command: str,
    on_batch: Callable[[int, int], None],
) -> Finding:
    """Move each image onto the fiber of its target, write what is found as arrays and a picture, and tell about it."""
    beginning = begin(choice, network, run, command=command)
    latent_map = beginning.network.latent_map
    sources = select(choice.images, shape=latent_map.input_shape)
    targets = _choose_targets(choice, sources, latent_map.input_shape, run.seed)
    output = open_output(pair_move.name, run, beginning, num_rows=len(sources.names))
    with kept_when_interrupted(output):
        arrays = run_batches(
            output,
            lambda rows: _explore(pair_move, latent_map, sources.part(rows), targets.part(rows)),
            batch_size=run.batch_size,
            on_batch=on_batch,
        )
        picture = {pair_move.name: lambda: _draw(pair_move, arrays, sources, targets)}
        files = write_output(output, arrays, picture)
    return _tell(arrays, sources, targets, latent_map)._replace(files=files)


def _choose_targets(choice: PairChoice, sources: Selection, shape: tuple[int, ...], seed: int) -> Selection:
    if choice.targets is None:
        return draw_others(sources, shape=shape, count=1, seed=seed)
    targets, wanted = select(choice.targets, shape=shape, argument="targets"), len(sources.names)
    if len(targets.names) not in (1, wanted):
        raise FiberscopeError(
            f"targets: {len(targets.names)} images for {wanted} images to start from. Give one, or one for each."
        )
    return targets.take([0] * wanted) if len(targets.names) == 1 else targets


def _explore(pair_move: PairMove, latent_map: LatentMap, sources: Selection, targets: Selection) -> Arrays:
    starts, aims = (part.images.to(latent_map.device, latent_map.dtype) for part in (sources, targets))
    fiber = Fiber.through(latent_map, aims)
    found = pair_move.move(fiber, starts)
    distances = (found.points - starts).flatten(1).norm(dim=1)
    tensors = {
        "points": found.points,
        "sources": starts,
        "targets": aims,
        "target_latents": fiber.targets(len(starts)),
        "residual_norms": found.residual_norm,
        "tolerances": found.tolerance,
        "distances": distances,
        "num_jacobians": found.num_jacobians,
    }
    return {
        **{name: tensor.detach().cpu().numpy() for name, tensor in tensors.items()},
        "outcomes": np.array([outcome.value for outcome in found.outcome]),
        "source_names": np.array(sources.names),
        "target_names": np.array(targets.names),
    }


def _draw(pair_move: PairMove, arrays: Arrays, sources: Selection, targets: Selection) -> Image.Image:
    shown, count = slice(0, _MOST_DRAWN), len(sources.names)
    few = f"The first {_MOST_DRAWN} of {count} pairs. " if count > _MOST_DRAWN else ""
    return gallery.pairs(
        *(torch.from_numpy(arrays[name][shown]) for name in ("sources", "targets", "points")),
        labels=("Looks like", "Has the latent of", pair_move.heading),
        captions=(sources.titles[shown], targets.titles[shown], _captions(arrays)[shown]),
        title=title_of(arrays["outcomes"].tolist()),
        note=f"{few}Away: distance from the first row (Euclidean norm over pixels). "
        "r: |f(x) − z| / |z|, how far the latent is off.",
    )


def title_of(outcomes: Sequence[str]) -> str:
    """What a picture of results with these outcomes shows: no more than is true of them."""
    reached, count = outcomes.count(Outcome.CONVERGED.value), len(outcomes)
    if reached == count:
        return "The network cannot tell the last row from the one above it"
    if not reached:
        return (
            "No result has the latent of the image above\nEach is the best approach; under it stands what stopped it."
        )
    some = f"{reached} of {count} results have the latent of the image above"
    return f"{some}\nThe others are the best approach; under each stands what stopped it."


def _captions(arrays: Arrays) -> list[str]:
    residuals = relative(arrays["residual_norms"], arrays["target_latents"]).tolist()
    values = zip(arrays["outcomes"].tolist(), arrays["distances"].tolist(), residuals, strict=True)
    return [
        ("" if outcome == Outcome.CONVERGED.value else f"{outcome}\n")
        + f"{gallery.short_number(distance)} away\nr {gallery.short_number(residual, digits=2)}"
        for outcome, distance, residual in values
    ]


def _tell(arrays: Arrays, sources: Selection, targets: Selection, latent_map: LatentMap) -> Finding:
    residuals = relative(arrays["residual_norms"], arrays["target_latents"])
    outcomes: list[str] = arrays["outcomes"].tolist()
    good = arrays["outcomes"] == Outcome.CONVERGED.value
    cells = zip(
        sources.words,
        targets.words,
        outcomes,
        (scientific(residual) for residual in residuals.tolist()),
        (f"{distance:.2f}" for distance in arrays["distances"].tolist()),
        map(str, arrays["num_jacobians"].tolist()),
        strict=True,
    )
    reached = int(good.sum())
    summary = f"{reached} of {len(outcomes)} images reached the latent of their target"
    if reached:
        summary += (
            f", off by {scientific(float(residuals[good].max()))} of its size at most, "
            f"{median(arrays['distances'][good]):.2f} away from where they started (median)"
        )
    columns = ("image", "target", "outcome", "|r|/|z|", "distance", "Jacobians")
    return Finding(columns, tuple(cells), f"{summary}.", advise(outcomes, latent_map), (), reached)
