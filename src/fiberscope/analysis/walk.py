"""Walks along fibers: images change, the latent does not; and the straight lines that drift off, to compare with."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from fiberscope.analysis.begin import begin, open_output
from fiberscope.analysis.choices import NetworkChoice, RunChoice, WalkChoice
from fiberscope.analysis.directions import Compass, open_compass
from fiberscope.analysis.finding import Finding, advise, median, relative, scientific
from fiberscope.analysis.output import Arrays, kept_when_interrupted, run_batches, write_output
from fiberscope.analysis.selection import Selection, select
from fiberscope.analysis.walk_pictures import draw_drift, draw_film
from fiberscope.geometry.jacobian import jacobian
from fiberscope.geometry.tangent import split_tangent
from fiberscope.moves.outcome import Outcome
from fiberscope.moves.walk import walk, walk_straight
from fiberscope.problem import Fiber, FiberscopeError, LatentMap


def run_walk(
    choice: WalkChoice,
    network: NetworkChoice,
    run: RunChoice,
    *,
    command: str = "",
    on_batch: Callable[[int, int], None] = lambda done, of: None,
) -> Finding:
    """Walk from each image along its own fiber in each chosen direction, corrected and straight.

    Raises FiberscopeError for a choice that cannot be met, and Interrupted at Ctrl-C.
    """
    if not 0 < choice.length < math.inf or choice.steps < 1:
        raise FiberscopeError(
            f"length, steps: expected a positive length and at least one step, found {choice.length} and "
            f"{choice.steps}."
        )
    beginning = begin(choice, network, run, command=command)
    latent_map = beginning.network.latent_map
    images = select(choice.images, shape=latent_map.input_shape)
    compass = open_compass(choice, latent_map, images, seed=run.seed)
    count = choice.directions
    output = open_output("walk", run, beginning, num_rows=count * len(images.names))
    with kept_when_interrupted(output):
        arrays = run_batches(
            output,
            lambda rows: _explore(choice, latent_map, images, compass, slice(rows.start // count, rows.stop // count)),
            batch_size=run.batch_size * count,
            on_batch=on_batch,
        )
        pictures = {"walk": lambda: draw_film(arrays, choice), "drift": lambda: draw_drift(arrays)}
        files = write_output(output, arrays, pictures)
    return _tell(arrays, latent_map)._replace(files=files)


def _explore(choice: WalkChoice, latent_map: LatentMap, images: Selection, compass: Compass, part: slice) -> Arrays:
    """All walks from the images of the part, those of the first image first."""
    here, count = images.part(part), choice.directions
    starts = here.images.to(latent_map.device, latent_map.dtype)
    basis = compass(split_tangent(jacobian(latent_map, starts)), part)
    headings, starts = basis.directions.flatten(0, 1), starts.repeat_interleave(count, dim=0)
    fiber = Fiber.through(latent_map, starts)
    path = walk(fiber, starts, headings, length=choice.length, num_steps=choice.steps)
    line = walk_straight(fiber, starts, headings, length=choice.length, num_steps=choice.steps)
    tensors = {
        "points": path.points.transpose(0, 1),
        "sources": starts,
        "target_latents": fiber.targets(len(starts)),
        "directions": headings.reshape(starts.shape),
        "weights": basis.weights.flatten(),
        "residual_norms": path.residual_norm.T,
        "arc_lengths": path.arc_length.T,
        "distances": (path.points[-1] - starts).flatten(1).norm(dim=1),
        "tolerances": path.tolerance,
        "straight_residual_norms": line.residual_norm.T,
        "straight_distances": line.arc_length.T,
    }
    return {
        **{name: tensor.detach().cpu().numpy() for name, tensor in tensors.items()},
        "outcomes": np.array([outcome.value for outcome in path.outcome]),
        "source_names": np.repeat(np.array(here.words), count),
        "direction_numbers": np.tile(np.arange(1, count + 1), len(here.names)),
    }


def _tell(arrays: Arrays, latent_map: LatentMap) -> Finding:
    worst = relative(arrays["residual_norms"], arrays["target_latents"]).max(axis=1)
    straight = relative(arrays["straight_residual_norms"], arrays["target_latents"])[:, -1]
    walked = arrays["arc_lengths"][:, -1]
    outcomes: list[str] = arrays["outcomes"].tolist()
    good = arrays["outcomes"] == Outcome.CONVERGED.value
    cells = zip(
        arrays["source_names"].tolist(),
        map(str, arrays["direction_numbers"].tolist()),
        outcomes,
        (scientific(residual) for residual in worst.tolist()),
        (f"{length:.2f}" for length in walked.tolist()),
        (f"{distance:.2f}" for distance in arrays["distances"].tolist()),
        strict=True,
    )
    whole = int(good.sum())
    stayed = f"; the latent stayed within {scientific(float(worst[good].max()))} of its size" if whole else ""
    summary = (
        f"{whole} of {len(outcomes)} walks went their whole length{stayed}. Straight lines end "
        f"{scientific(median(straight))} off (median)."
    )
    columns = ("image", "direction", "outcome", "|r|/|z| at most", "walked", "distance")
    return Finding(columns, tuple(cells), summary, advise(outcomes, latent_map), (), whole)
