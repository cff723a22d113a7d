"""Most and least visible directions: plenoptic's eigendistortions beside a Jacobian and its split.

Singular values are compared with those of the same network in float64, and the least visible direction of each method
by how visible it is: ``|J v| / (|v| sigma_1)``, 0 for a direction that cannot be seen.

References:
    Berardino, Laparra, Ballé and Simoncelli (2017), Eigen-distortions of hierarchical representations.
"""

from __future__ import annotations

import contextlib
import copy
import io
import warnings
from typing import NamedTuple

import torch
from benchmarks.speed.networks import Network, digits
from benchmarks.speed.sizes import Size
from benchmarks.speed.timing import Contestant, ratios, side_by_side
from torch import Tensor

import fiberscope as fs

OURS = "fiberscope, one image"
BATCH = "fiberscope, an image of a batch"


class _Method(NamedTuple):
    method: str
    count: int
    extra: dict[str, int]


class _Found(NamedTuple):
    values: Tensor
    least: Tensor | None


def measure(network: Network, size: Size) -> dict[str, object]:
    images, m = digits()[: size.direction_images], network.latent_map.latent_size
    batch = digits()[:64]
    methods = {
        "exact": _Method("exact", m, {}),
        "randomized_svd, its defaults": _Method("randomized_svd", 1, {"k": 1}),
        "randomized_svd, all m": _Method("randomized_svd", m, {"k": m}),
        "power, its defaults": _Method("power", 1, {"k": 1}),
    }
    contestants = {
        OURS: Contestant(lambda: [_split(network, image) for image in images.split(1)], 1 / len(images)),
        BATCH: Contestant(lambda: fs.split_tangent(fs.jacobian(network.latent_map, batch)), 1 / len(batch)),
    }
    if _peer_is_here():
        for name, method in methods.items():
            some = images[: size.power_images] if method.method == "power" else images
            if len(some):
                run = lambda method=method, some=some: [_peer(network, image, method) for image in some.split(1)]  # noqa: E731
                contestants[name] = Contestant(run, 1 / len(some), 1 if method.method == "power" else None)
    seconds = side_by_side(contestants, repeats=size.repeats)
    judged = {OURS: _judge(network, images[:1], _ours(network, images[:1]))}
    judged |= {
        name: _judge(network, images[:1], _peer(network, images[:1], methods[name]))
        for name in contestants
        if name in methods
    }
    return {"images": len(images), "seconds": seconds, "ratios": ratios(seconds, under=OURS), "agreement": judged}


def _peer_is_here() -> bool:
    try:
        import plenoptic  # noqa: F401, PLC0415  (a peer, in the environment of the benchmark only)
    except ImportError:
        return False
    return True


def _split(network: Network, image: Tensor) -> fs.TangentSplit:
    return fs.split_tangent(fs.jacobian(network.latent_map, image))


def _ours(network: Network, image: Tensor) -> _Found:
    split = _split(network, image)
    noise = torch.randn(1, network.latent_map.input_size, generator=torch.Generator().manual_seed(0))
    return _Found(split.singular_values[0], split.project_tangent(noise)[0])


def _peer(network: Network, image: Tensor, method: _Method) -> _Found:
    import plenoptic  # noqa: PLC0415

    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        torch.manual_seed(0)
        found = plenoptic.Eigendistortion(image.clone(), network.module)
        found.synthesize(method=method.method, **method.extra)
    values = found.eigenvalues.reshape(-1)[: method.count].clamp_min(0).sqrt()
    least = found.eigendistortions[-1].flatten() if method.method != "randomized_svd" else None
    return _Found(values, least)


def _judge(network: Network, image: Tensor, found: _Found) -> dict[str, float | int | None]:
    exact = copy.deepcopy(network.module).double()
    jacobian = torch.autograd.functional.jacobian(lambda x: exact(x)[0], image.double()).flatten(1)
    true = torch.linalg.svdvals(jacobian)
    values = found.values.double()
    seen = None
    if found.least is not None:
        least = found.least.double()
        seen = float((jacobian @ least).norm() / least.norm() / true[0])
    return {
        "singular values": len(values),
        "greatest error, relative to the largest": float((values - true[: len(values)]).abs().max() / true[0]),
        "visibility of the least visible": seen,
    }
