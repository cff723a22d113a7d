"""The boundary of a tube: how far one can go straight along a direction before the latent has moved too far."""

from __future__ import annotations

import math
from collections.abc import Callable
from enum import Enum
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from fiberscope.geometry.box_ray import BoxRay, box_ray
from fiberscope.geometry.jacobian import linearise
from fiberscope.moves.arguments import check_tensor, is_number
from fiberscope.moves.setup import set_up
from fiberscope.moves.verdict import measure
from fiberscope.problem import FiberscopeError, LatentMap, Tube
from fiberscope.problem.modes import undisturbed

_DENSITY = 16  # samples to each linear prediction, and to each multiple of the distance gone: first exits are seen
_LEAST_STEP = 1e-5  # of the whole way
_HALVINGS = 16
_ROUNDING = 64  # units of rounding of the Jacobian: what is slower is a direction that the network cannot see
_CHUNK = 4096  # images in one forward pass
_RETREATS = 20  # halvings of the way to a point that rounding puts outside, before its image itself stands in


class End(Enum):
    """What ended a ray: the surface of the tube, a corner of the box, or the length it was given."""

    SURFACE = "surface"
    BOX = "box"
    LENGTH = "length"


class Boundary(NamedTuple):
    """The last point inside the tube along each direction (``way``) from each image, and the linear pictures of it.

    ``distance`` is Euclidean over coordinates. ``linear`` is where the linearisation puts the surface if there were no
    box, ``radius / |J v|`` in the middle of a tube: infinite for what the network cannot see. ``linear_in_box`` follows
    the same clipped ray as the point does, and ends where that ends, so that ``distance / linear_in_box`` is 1 for
    every linear map: what differs from 1 is the bending of the network alone.
    """

    points: Float[Tensor, "way batch ..."]
    distance: Float[Tensor, "way batch"]
    residual_norm: Float[Tensor, "way batch"]
    linear: Float[Tensor, "way batch"]
    linear_in_box: Float[Tensor, "way batch"]
    end: tuple[tuple[End, ...], ...]
    surrogate_gradient: bool = False

    @property
    def at_surface(self) -> Bool[Tensor, "way batch"]:
        """Whether the tube ended the ray, not the box."""
        flags = [[end is End.SURFACE for end in way] for way in self.end]
        return torch.tensor(flags, dtype=torch.bool, device=self.distance.device).view(self.distance.shape)


@undisturbed
def boundary(
    tube: Tube,
    images: Float[Tensor, "batch ..."],
    directions: Float[Tensor, "way batch ..."],
    *,
    length: float = math.inf,
    frozen: Bool[Tensor, "..."] | None = None,
) -> Boundary:
    """Go straight from each image along each of its directions until ``|f(x) - target|`` first reaches the radius.

    A pixel that meets its bound stays there while the others go on (``clip(x + t v)``); when none is left, the box has
    ended the ray. ``length`` limits the search, and has to be given where the box does not. The first exit is found by
    samples as dense as a sixteenth of the linear prediction, or of the distance gone where that is more, and
    bisection; an excursion shorter than that, with return, is missed. Points lie inside the surface by a thousandth
    of the radius. Raises `FiberscopeError` for images outside the tube.

    References:
        Moosavi-Dezfooli, Fawzi and Frossard (2016), DeepFool, section 2 (the same question for a class boundary).
    """
    rows, task, bound = set_up(tube, images, frozen=frozen, rtol=None, atol=0.0)
    latent_map = tube.latent_map
    headings = _check_directions(latent_map, directions, rows)
    batch, ways = len(rows), len(headings)
    centred = tube.residual(rows)
    _check_inside(measure(latent_map, rows, task.targets, bound).most, bound)
    jacobian = linearise(latent_map, rows).jacobian
    speed = torch.einsum("bmn,wbn->wbm", jacobian, headings)
    least = _ROUNDING * torch.finfo(rows.dtype).eps * jacobian.norm(dim=(1, 2))
    speed = torch.where((speed.norm(dim=2) > least)[:, :, None], speed, 0.0)
    linear = _linear_exit(centred, speed, bound).flatten()
    every = torch.arange(batch, device=rows.device).repeat(ways)
    ray = box_ray(rows[every], headings.flatten(0, 1), task.lower[every], task.upper[every])
    limit = _limit(ray, length)

    def true_norm(points: Float[Tensor, "ray k n"], live: Tensor) -> Float[Tensor, "ray k"]:
        norm: Tensor = (_latents(latent_map, points) - task.targets[every[live], None]).norm(dim=2)
        return norm

    def linear_norm(points: Float[Tensor, "ray k n"], live: Tensor) -> Float[Tensor, "ray k"]:
        change = (points - ray.rows[live, None]) @ jacobian[every[live]].transpose(1, 2)
        norm: Tensor = (change + centred[every[live], None]).norm(dim=2)
        return norm

    gone, left = _first_exit(true_norm, ray, task.radius[every], linear, limit)
    predicted, _ = _first_exit(linear_norm, ray, task.radius[every], linear, limit)
    points, norm = _stay_inside(latent_map, ray, gone, task.targets[every], bound[every])
    shape = (ways, batch)
    return Boundary(
        latent_map.unflatten(points).view(*shape, *latent_map.input_shape),
        (points - ray.rows).norm(dim=1).view(shape),
        norm.view(shape),
        linear.view(shape),
        predicted.view(shape),
        _ends(left.view(shape), (ray.reach <= limit).view(shape)),
        latent_map.surrogate_gradient,
    )


def _check_directions(latent_map: LatentMap, directions: Tensor, rows: Float[Tensor, "batch n"]) -> Tensor:
    check_tensor("directions", directions)
    wanted = (directions.shape[0] if directions.ndim else 0, *rows.shape)
    if directions.ndim < 3 or directions.shape[1] != len(rows) or math.prod(directions.shape[2:]) != rows.shape[1]:
        raise FiberscopeError(
            f"directions: expected (ways, {len(rows)}, {', '.join(map(str, latent_map.input_shape))}), for each way "
            f"one direction an image, found {tuple(directions.shape)}. For a single way give directions[None]."
        )
    flat = directions.detach().reshape(wanted).to(rows)
    norm = flat.norm(dim=2)
    bad = (~norm.isfinite() | (norm == 0)).nonzero().tolist()
    if bad:
        raise FiberscopeError(
            f"directions: zero or not finite for way {bad[0][0]} of image {bad[0][1]} ({len(bad)} of {norm.numel()} "
            "are). Leave out what does not change the image."
        )
    return torch.nn.functional.normalize(flat, dim=2)


def _check_inside(norm: Float[Tensor, " batch"], radius: Float[Tensor, " batch"]) -> None:
    outside = ~(norm <= radius)
    if bool(outside.any()):
        row = int(outside.nonzero()[0, 0])
        raise FiberscopeError(
            f"images: row {row} lies outside the tube: |f(x) - target| is {float(norm[row]):.4g}, the radius "
            f"{float(radius[row]):.4g}. Begin at the image whose latent is the target, or at a point of project."
        )


def _linear_exit(
    centred: Float[Tensor, "batch m"], speed: Float[Tensor, "way batch m"], radius: Float[Tensor, " batch"]
) -> Float[Tensor, "way batch"]:
    """Where ``|centred + s speed|`` is the radius: the larger root of a quadratic."""
    square = speed.square().sum(dim=2)
    half = (speed * centred).sum(dim=2)
    inside = (radius.square() - centred.square().sum(dim=1)).clamp_min(0)
    root = (half.square() + square * inside).sqrt()
    return torch.where(square > 0, (root - half) / square, torch.inf)


def _limit(ray: BoxRay, length: float) -> Float[Tensor, " ray"]:
    if not is_number(length) or not length > 0:
        raise FiberscopeError(f"length: expected a positive distance to search, found {length!r}.")
    limit = ray.reach.clamp_max(length)
    if bool(limit.isinf().any()):
        raise FiberscopeError("length: the box does not bound every ray. Say how far to search, such as length=100.0.")
    return limit


def _first_exit(
    norm: Callable[[Tensor, Tensor], Tensor],
    ray: BoxRay,
    radius: Float[Tensor, " ray"],
    linear: Float[Tensor, " ray"],
    limit: Float[Tensor, " ray"],
) -> tuple[Float[Tensor, " ray"], Bool[Tensor, " ray"]]:
    """The distance at which each ray is last known inside before it first leaves, and whether it leaves."""
    least = (linear.minimum(limit) / _DENSITY).maximum(_LEAST_STEP * limit)
    inner, outer = torch.zeros_like(limit), limit.clone()
    left = torch.zeros_like(limit, dtype=torch.bool)
    live = (limit > 0).nonzero()[:, 0]
    while live.numel():
        stations = [inner[live]]
        for _ in range(_DENSITY):
            onward = stations[-1] + least[live].maximum(stations[-1] / _DENSITY)
            stations.append(onward.minimum(limit[live]))
        path = torch.stack(stations, dim=1)
        out = ~(norm(_part(ray, live).at(path[:, 1:]), live) <= radius[live, None])
        first = torch.where(out.any(dim=1), out.int().argmax(dim=1), _DENSITY)[:, None]
        inner[live] = path.gather(1, first)[:, 0]
        outer[live] = path.gather(1, (first + 1).clamp_max(_DENSITY))[:, 0]
        left[live] = out.any(dim=1)
        live = live[~left[live] & (inner[live] < limit[live])]
    _bisect(norm, ray, radius, inner, outer, left.nonzero()[:, 0])
    return inner, left


def _bisect(
    norm: Callable[[Tensor, Tensor], Tensor], ray: BoxRay, radius: Tensor, inner: Tensor, outer: Tensor, rows: Tensor
) -> None:
    """Narrow the brackets of these rows, in place; the inner end stays inside."""
    part = _part(ray, rows)
    for _ in range(_HALVINGS if rows.numel() else 0):
        middle = (inner[rows] + outer[rows]) / 2
        inside = norm(part.at(middle[:, None]), rows)[:, 0] <= radius[rows]
        inner[rows] = torch.where(inside, middle, inner[rows])
        outer[rows] = torch.where(inside, outer[rows], middle)


def _stay_inside(
    latent_map: LatentMap,
    ray: BoxRay,
    gone: Float[Tensor, " ray"],
    targets: Float[Tensor, "ray m"],
    bound: Float[Tensor, " ray"],
) -> tuple[Float[Tensor, "ray n"], Float[Tensor, " ray"]]:
    """Points at these distances and their residuals; a point that is outside in a pass of its own goes back."""
    for _ in range(_RETREATS):
        points = ray.at(gone[:, None])[:, 0].contiguous()
        norm = measure(latent_map, points, targets, bound).most
        outside = ~(norm <= bound)
        if not bool(outside.any()):
            return points, norm
        gone = torch.where(outside, gone / 2, gone)
    points = torch.where(outside[:, None], ray.rows, points).contiguous()
    return points, measure(latent_map, points, targets, bound).most


def _part(ray: BoxRay, rows: Tensor) -> BoxRay:
    return BoxRay(*(part[rows] for part in ray))


def _latents(latent_map: LatentMap, points: Float[Tensor, "ray k n"]) -> Float[Tensor, "ray k m"]:
    with torch.no_grad():
        found = torch.cat([latent_map(part) for part in torch.split(points.flatten(0, 1), _CHUNK)])
    return found.view(*points.shape[:2], found.shape[1])


def _ends(left: Bool[Tensor, "way batch"], boxed: Bool[Tensor, "way batch"]) -> tuple[tuple[End, ...], ...]:
    ends = torch.where(left, 0, torch.where(boxed, 1, 2)).tolist()
    kinds = (End.SURFACE, End.BOX, End.LENGTH)
    return tuple(tuple(kinds[end] for end in way) for way in ends)
