"""fiberscope's nearest images: seconds, blindness and stationarity, and the same after ten times the work."""

from __future__ import annotations

import inspect

from benchmarks.speed.networks import Network, pairs_of_digits
from benchmarks.speed.sizes import Size
from benchmarks.speed.timing import clock

import fiberscope as fs

STATIONARITY = 0.1


def measure(network: Network, size: Size) -> dict[str, object]:
    """The image on one digit's fiber that is nearest to another digit: to stationarity 0.1, by default, and beyond."""
    steps = inspect.signature(fs.nearest).parameters["num_steps"].default
    _run(network, 2, steps, STATIONARITY)
    return {
        "pairs": size.nearest_pairs,
        "to stationarity 0.1": _run(network, size.nearest_pairs, steps, STATIONARITY),
        "by default": _run(network, size.nearest_pairs, steps, None),
        "ten times the steps": _run(network, size.nearest_pairs, 10 * steps, 0.0),
    }


def _run(network: Network, count: int, steps: int, gtol: float | None) -> dict[str, object]:
    pairs = pairs_of_digits(network, count)
    fiber = fs.Fiber(network.latent_map, pairs.latents)
    found = []

    def run() -> None:
        if gtol is None:
            found.append(fs.nearest(fiber, pairs.starts, num_steps=steps))
        else:
            found.append(fs.nearest(fiber, pairs.starts, num_steps=steps, gtol=gtol))

    seconds = [clock(run) for _ in range(3 if steps <= 60 else 1)]
    near = found[-1]
    apart = (pairs.starts - pairs.others).flatten(1).norm(dim=1)
    return {
        "num_steps": steps,
        "seconds": seconds,
        "blindness ratio, mean": float((near.distance / apart).mean()),
        "stationarity, median": float(near.stationarity.nanmedian()),
        "share at stationarity 0.1": float((near.stationarity <= STATIONARITY).double().mean()),
        "slope, median": float(near.slope.nanmedian()),
        "share at slope 0.1": float((near.slope <= STATIONARITY).double().mean()),
        "share on the fiber": float((near.residual_norm <= near.tolerance).double().mean()),
        "Jacobians an image, mean": float(near.num_jacobians.double().mean()),
    }
