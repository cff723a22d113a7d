"""Jacobians of many digits: fiberscope, torch's own ways, bare vector-Jacobian products, the floor of arithmetic."""

from __future__ import annotations

from collections.abc import Callable

import torch
from benchmarks.speed.networks import Network, digits
from benchmarks.speed.sizes import Size
from benchmarks.speed.timing import Contestant, clock, ratios, side_by_side
from torch import Tensor, nn
from torch.autograd.functional import jacobian as autograd_jacobian
from torch.func import jacfwd, jacrev, vmap

import fiberscope as fs

OURS = "fiberscope"
BARE = "m bare vector-Jacobian products"
FLOOR = "m + 1 forward passes"
_CHUNKS = (16, 32, 64, 128, 256, 512)


def measure(network: Network, size: Size) -> dict[str, object]:
    """Seconds for all digits, ratios to fiberscope's, and by how much each Jacobian differs from fiberscope's."""
    images = digits()[: size.jacobian_images]
    few = images[: size.forward_mode_images]
    chunk = best_chunk(lambda part: bare_products(network.module, part), images)
    chunk_reverse = best_chunk(lambda part: by_jacrev(network.module, part), images)
    contestants = {
        OURS: Contestant(lambda: fs.jacobian(network.latent_map, images)),
        BARE: Contestant(lambda: in_chunks(lambda part: bare_products(network.module, part), images, chunk)),
        FLOOR: Contestant(lambda: _forward_passes(network, images)),
        "vmap(jacrev)": Contestant(lambda: by_jacrev(network.module, images)),
        "vmap(jacrev), best chunk": Contestant(
            lambda: in_chunks(lambda part: by_jacrev(network.module, part), images, chunk_reverse)
        ),
        "vmap(jacfwd)": Contestant(lambda: _by_jacfwd(network.module, few), scale=len(images) / len(few), most=1),
        "autograd.functional.jacobian": Contestant(lambda: _by_autograd(network.module, images, vectorize=False)),
        "autograd.functional.jacobian, vectorize": Contestant(
            lambda: _by_autograd(network.module, images, vectorize=True)
        ),
    }
    seconds = side_by_side(contestants, repeats=size.repeats)
    return {
        "images": len(images),
        "chunks": {BARE: chunk, "vmap(jacrev), best chunk": chunk_reverse, "vmap(jacfwd), images": len(few)},
        "seconds": seconds,
        "ratios": ratios(seconds, under=OURS),
        "greatest relative difference": _differences(network, few),
    }


def bare_products(module: nn.Module, images: Tensor) -> list[Tensor]:
    """One forward pass and m vector-Jacobian products of a batch, whose results are only collected."""
    points = images.detach().requires_grad_(True)
    latents = module(points)
    wishes = torch.eye(latents.shape[1]).unsqueeze(1).expand(-1, len(points), -1)
    last = len(wishes) - 1
    return [torch.autograd.grad(latents, points, wish, retain_graph=i < last)[0] for i, wish in enumerate(wishes)]


def by_jacrev(module: nn.Module, images: Tensor) -> Tensor:
    return vmap(jacrev(lambda image: module(image[None])[0]))(images)


def in_chunks(run: Callable[[Tensor], object], images: Tensor, size: int) -> list[object]:
    return [run(part) for part in images.split(size)]


def best_chunk(run: Callable[[Tensor], object], images: Tensor) -> int:
    """The chunk that is quickest on these images: a loop by hand would be tuned to the machine's cache, too."""
    sizes = [size for size in _CHUNKS if size <= len(images)] or [len(images)]
    in_chunks(run, images, sizes[0])
    times = {size: min(clock(lambda size=size: in_chunks(run, images, size)) for _ in range(3)) for size in sizes}
    return min(sizes, key=times.__getitem__)


def _by_jacfwd(module: nn.Module, images: Tensor) -> Tensor:
    # All n tangents of all images at once would take gigabytes; so would those of a view, laid out like its whole base.
    one = jacfwd(lambda image: module(image[None])[0])
    return torch.cat([vmap(one)(part.clone()) for part in images.split(8)])


def _by_autograd(module: nn.Module, images: Tensor, *, vectorize: bool) -> Tensor:
    # Rows are independent, so the Jacobian of the sum over the batch holds the Jacobian of each image.
    return autograd_jacobian(lambda points: module(points).sum(dim=0), images, vectorize=vectorize).transpose(0, 1)


@torch.no_grad()
def _forward_passes(network: Network, images: Tensor) -> None:
    for _ in range(network.latent_map.latent_size + 1):
        network.module(images)


def _differences(network: Network, images: Tensor) -> dict[str, float]:
    ours = fs.jacobian(network.latent_map, images)
    others = {
        BARE: torch.stack(bare_products(network.module, images), dim=1),
        "vmap(jacrev)": by_jacrev(network.module, images),
        "vmap(jacfwd)": _by_jacfwd(network.module, images),
        "autograd.functional.jacobian": _by_autograd(network.module, images, vectorize=False),
    }
    size = float(ours.norm())
    return {name: float((other.reshape_as(ours) - ours).norm()) / size for name, other in others.items()}
