"""Checking that the gradient of a map is its derivative."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel

from fiberscope.problem.forward_mode import NoForwardModeError, push_forward

_TOLERANCE = 0.02  # relative error of a directional derivative that is taken for none
_ROUNDING = 100.0  # units of rounding in a latent: sixteen architectures with twenty seeds each stay below a tenth
_STEPS = (1e-3, 0.03)  # least and greatest, in units of a pixel's range
_FINE_STEPS = (1e-7, 1e-5)  # the same in float64
_DRAWS = 2  # that have to agree; after a disagreement _MORE others decide, since a draw may straddle a kink
_MORE = 5
_BETWEEN = 4  # points on the way from one image to the next at which the derivative is looked for
_CROWD = 64  # more images, where latents do not move between a few
_LOOKED_AT = 8  # latents that are suspected to jump
_HALVINGS = 20  # of the way between two images
_WHOLE_FOR = 4  # of the last halvings that a jump stays whole
_PLACES = 64  # on a way, by which what is odd on it is narrowed down
_ZOOMS = 3

Rows = Callable[[Float[Tensor, "batch ..."]], Float[Tensor, "batch m"]]


class Disagreement(NamedTuple):
    """The root mean square, over images, of what the gradient predicts and of what the map does."""

    predicted: float
    found: float


def find_disagreement(
    function: Rows, images: Float[Tensor, "batch ..."], *, fine: Rows | None = None
) -> Disagreement | None:
    """Compares the gradient with differences of the map along random changes of the images; None where they agree.

    A random combination u of latents and a random change v of pixels give one number an image, ``uᵀ J v`` by
    backpropagation and by a central difference. Differences are taken of ``fine``, the same map in float64, where there
    is one: its steps are so small that hardly a kink of a piecewise-linear network lies within them. Without it the
    bending between the two halves of a step is allowed for. A draw may straddle a kink all the same, so after a
    disagreement a majority of further draws with other steps decides.
    """
    generator = torch.Generator().manual_seed(1)
    seen = [_compare(function, fine, images, generator, factor=1.0) for _ in range(_DRAWS)]
    if not any(seen):
        return None
    seen += [_compare(function, fine, images, generator, factor=4.0 ** (place % 3 - 1)) for place in range(_MORE)]
    failed = [each for each in seen if each]
    return failed[0] if 2 * len(failed) > len(seen) else None


def find_steps(function: Rows, images: Float[Tensor, "batch ..."]) -> list[int]:
    """Finds latents that jump where their derivative is zero, as those behind an operator that rounds.

    Such a latent differs between two images although its derivative is zero all the way from one to the other, and
    halving the way again and again leaves the whole change in one half. Latents that are dead do not differ.
    """
    suspects = _still(function, images, images.roll(1, dims=0))
    if not bool(suspects.any()):
        return []
    # Where nothing moves between a few images, many are looked at, also some outside of [0, 1].
    generator = torch.Generator().manual_seed(4)
    noise = torch.rand((_CROWD, *images.shape[1:]), generator=generator, dtype=torch.float64).to(images)
    reach, base = (torch.rand(_CROWD, generator=generator, dtype=torch.float64).to(images) for _ in range(2))
    column = (-1, *(1 for _ in images.shape[1:]))
    crowd = torch.cat([images, (2 * reach).reshape(column) * (noise - 0.5) + (2 * base - 0.5).reshape(column)])
    latents = torch.cat([_latents(function, part) for part in torch.split(crowd, len(images))])
    low, high = latents.argmin(dim=0), latents.argmax(dim=0)
    moved = latents.amax(dim=0) - latents.amin(dim=0) > _noise(latents)
    found = (suspects & moved & latents.isfinite().all(dim=0)).nonzero()[:, 0].tolist()
    return [each for each in found[:_LOOKED_AT] if _jumps(function, crowd[low[each]], crowd[high[each]], each)]


def find_jump(function: Rows, images: Float[Tensor, "batch ..."]) -> int | None:
    """Finds a latent that jumps on the way between two images, also where its derivative is not zero.

    The change between neighbouring places that is most unlike the others is looked at more closely, again and again: a
    kink fades with the distance of the places, a jump stays.
    """
    odd, _ = _oddness(function, images[:1], images[1:2])
    suspects: list[int] = odd.amax(dim=0).argsort(descending=True)[:_LOOKED_AT].tolist()
    return next((each for each in suspects if _persists(function, images[:1], images[1:2], each)), None)


def _persists(function: Rows, start: Tensor, end: Tensor, latent: int) -> bool:
    """Whether what is odd about a latent on the way stays when looked at more closely."""
    before, stays = torch.inf, False
    for _ in range(_ZOOMS):
        odd, points = _oddness(function, start, end)
        place = int(odd[:, latent].argmax())
        start, end, most = points[place : place + 1], points[place + 1 : place + 2], float(odd[place, latent])
        stays, before = most > before / 2, most
    ends = _latents(function, torch.cat([start, end]))
    return stays and before > _noise(ends)


def _oddness(function: Rows, start: Tensor, end: Tensor) -> tuple[Float[Tensor, "place m"], Tensor]:
    """How unlike their median the changes between neighbouring places are, and the places."""
    ways = torch.linspace(0, 1, _PLACES + 1, dtype=start.dtype, device=start.device).tolist()
    points = torch.cat([torch.lerp(start, end, way) for way in ways])
    changes = torch.cat([_latents(function, part) for part in torch.split(points, 3)]).diff(dim=0)
    return (changes - changes.median(dim=0).values).abs(), points


def _still(function: Rows, starts: Float[Tensor, "batch ..."], ends: Float[Tensor, "batch ..."]) -> Tensor:
    """Latents whose derivative is zero at all points looked at on the way from some images to others."""
    still = torch.ones(_latents(function, starts).shape[1], dtype=torch.bool, device=starts.device)
    for place in range(_BETWEEN):
        derivative = _derivative(function, torch.lerp(starts, ends, (place + 0.5) / _BETWEEN), ends - starts)
        still &= (derivative == 0).all(dim=0)
        if not bool(still.any()):
            break
    return still


def forward_disagrees(function: Rows, images: Float[Tensor, "batch ..."]) -> bool:
    """Tells whether forward mode gives another derivative than backpropagation; False where there is none."""
    generator = torch.Generator().manual_seed(2)
    direction = _signs(images.shape, generator).to(images)
    try:
        change = push_forward(function, images, direction).change
    except NoForwardModeError:
        return False
    weights = _signs(change.shape, generator).to(images)
    pulled = _pull(function, images, weights)
    forward, reverse = (weights * change).sum(dim=1), (pulled * direction).flatten(1).sum(dim=1)
    allowed = _TOLERANCE * pulled.flatten(1).norm(dim=1) + _ROUNDING * torch.finfo(images.dtype).eps * change.norm(
        dim=1
    )
    return bool(((forward - reverse).norm() > allowed.norm()).item())


def _compare(
    function: Rows, fine: Rows | None, images: Float[Tensor, "batch ..."], generator: torch.Generator, *, factor: float
) -> Disagreement | None:
    direction = _signs(images.shape, generator).to(images)
    latents = _latents(function, images)
    weights = _signs(latents.shape, generator).to(images)
    pulled = _pull(function, images, weights)
    predicted = (pulled * direction).flatten(1).double().sum(dim=1)
    size = pulled.flatten(1).double().norm(dim=1)
    points = images if fine is None else images.double()
    rounding = _ROUNDING * torch.finfo(points.dtype).eps * (latents.norm(dim=1).double() + size)
    step = factor * _step(size, rounding, _STEPS if fine is None else _FINE_STEPS)
    before, here, after = (_latents(fine or function, points + k * step * direction).double() for k in (-1, 0, 1))
    backward, forward = ((weights.double() * way).sum(dim=1) / step for way in (here - before, after - here))
    found = (backward + forward) / 2
    allowed = _TOLERANCE * size + rounding / step
    if fine is None:
        allowed = allowed + (forward - backward).abs()
    if not bool(found.isfinite().all() & predicted.isfinite().all()):
        return None  # beside a pole: other draws tell
    if float((found - predicted).norm()) <= float(allowed.norm()):
        return None
    return Disagreement(float(predicted.square().mean().sqrt()), float(found.square().mean().sqrt()))


def _step(size: Tensor, rounding: Tensor, bounds: tuple[float, float]) -> float:
    """The smallest step whose rounding is within the tolerance, in units of a pixel's range."""
    alive = size > 0  # where the gradient is zero a step that is not small would wake what is dead
    wanted = float((rounding / (_TOLERANCE * size))[alive].median()) if bool(alive.any()) else 0.0
    return min(max(wanted, bounds[0]), bounds[1])


def _jumps(function: Rows, near: Tensor, far: Tensor, latent: int) -> bool:
    """Halves the way between two images, keeping the half with more of the change: a jump is never halved itself."""
    near, far = near[None], far[None]
    ends = [_latents(function, each) for each in (near, far)]
    low, high = (float(each[0, latent]) for each in ends)
    noise, whole_for = max(_noise(each) for each in ends), 0
    for _ in range(_HALVINGS):
        middle, before = torch.lerp(near, far, 0.5), abs(high - low)
        value = float(_latents(function, middle)[0, latent])
        if abs(value - low) >= abs(high - value):
            far, high = middle, value
        else:
            near, low = middle, value
        whole_for = whole_for + 1 if before - abs(high - low) <= noise / 4 else 0
    return whole_for >= _WHOLE_FOR and abs(high - low) > noise and bool(_still(function, near, far)[latent])


def _derivative(function: Rows, points: Tensor, directions: Tensor) -> Float[Tensor, "batch some"]:
    """Derivatives along the way, one a latent; of a random combination of latents where backward is not differentiable.

    By differentiating the pullback: the first use of forward mode costs more than a second.
    """
    with torch.enable_grad(), sdpa_kernel(SDPBackend.MATH):
        leaf = points.detach().clone().requires_grad_(True)
        latents = function(leaf)
        covectors = torch.ones_like(latents, requires_grad=True)
        pulled = _grad(latents, leaf, covectors, create_graph=True)
        try:
            return _grad(pulled, covectors, directions).detach()
        except (NotImplementedError, RuntimeError):
            return pulled.detach().flatten(1).abs().sum(dim=1, keepdim=True)


def _grad(output: Tensor, at: Tensor, weights: Tensor, *, create_graph: bool = False) -> Tensor:
    """Gradient of a weighed output, zero where it does not depend on what it is asked for."""
    if not output.requires_grad:
        return torch.zeros_like(at)
    (found,) = torch.autograd.grad(output, at, weights, create_graph=create_graph, allow_unused=True)
    return torch.zeros_like(at) if found is None else found


def _latents(function: Rows, images: Tensor) -> Float[Tensor, "batch m"]:
    with torch.no_grad():
        return function(images).detach()


def _pull(function: Rows, images: Tensor, weights: Float[Tensor, "batch m"]) -> Float[Tensor, "batch ..."]:
    with torch.enable_grad():
        leaf = images.detach().clone().requires_grad_(True)
        return _grad(function(leaf), leaf, weights).detach()


def _noise(latents: Tensor) -> float:
    return _ROUNDING * torch.finfo(latents.dtype).eps * float(latents.abs().amax())


def _signs(shape: torch.Size, generator: torch.Generator) -> Tensor:
    return torch.randint(0, 2, tuple(shape), generator=generator) * 2 - 1
