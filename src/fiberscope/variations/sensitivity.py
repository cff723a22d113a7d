"""How visible each variation is to a network, next to a change of class and to random directions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from fiberscope.geometry.jacobian import linearise
from fiberscope.problem import FiberscopeError, LatentMap
from fiberscope.problem.modes import undisturbed
from fiberscope.variations.variation import Variation, rounding_of

_CHUNK_BYTES = 64 * 2**20


class Yardsticks(NamedTuple):
    """Directions to compare with, each of length 1: from image to image of another class, and white noise."""

    class_changes: Float[Tensor, "change n"]
    random: Float[Tensor, "random n"]


class Sensitivity(NamedTuple):
    """Relative sensitivity of the latent to each variation at each image.

    ``relative`` is ``|J t| / |t|`` for the tangent t, divided by the median of the same over changes of class at that
    image: 1 is as visible as a change of class, 0 invisible. ``random`` is the median over random directions in the
    same unit, and ``class_change`` that unit. ``length`` is ``|t|``, pixel values per unit of amount. Where
    ``undefined``, the image has no tangent, or no change of class is visible there, and ``relative`` is NaN.
    """

    names: tuple[str, ...]
    relative: Float[Tensor, "variation batch"]
    random: Float[Tensor, " batch"]
    class_change: Float[Tensor, " batch"]
    length: Float[Tensor, "variation batch"]
    undefined: Bool[Tensor, "variation batch"]
    surrogate_gradient: bool = False

    @property
    def sentence(self) -> str:
        """What is marked as undefined, and why; empty if nothing is."""
        dead = ~(self.class_change > 0)
        parts = [
            f"{name} does not change {int(rows.sum())} of {len(rows)} images (a tangent of length zero)"
            for name, rows in zip(self.names, self.undefined & ~dead & (self.length == 0), strict=True)
            if bool(rows.any())
        ]
        if bool(dead.any()):
            parts.append(
                f"at {int(dead.sum())} of {len(dead)} images the latent does not move with a change of class, or has "
                "no finite Jacobian"
            )
        return "; ".join(parts) + "." if parts else ""


@undisturbed
def yardsticks(
    latent_map: LatentMap,
    images: Float[Tensor, "image ..."],
    labels: Int[Tensor, " image"],
    *,
    count: int = 200,
    generator: torch.Generator,
) -> Yardsticks:
    """So many differences of random pairs of reference images from different classes, and as many random directions.

    Raises `FiberscopeError` for references that are all of one class.
    """
    rows = latent_map.flatten(latent_map.check_images(images)).detach()
    if len(labels) != len(rows):
        raise FiberscopeError(f"labels: {len(labels)} for {len(rows)} images. Give one label for each.")
    classes = set(labels.tolist())
    if count < 1 or len(classes) < 2:
        raise FiberscopeError(
            f"count, labels: {count} pairs from {len(classes)} classes. Ask for at least one pair, from "
            "reference images of at least two classes."
        )
    labels = labels.cpu()
    # Each draw takes a first image, then one among those of other classes.
    first = torch.randint(len(rows), (count,), generator=generator)
    others = (labels[first][:, None] != labels).double()
    second = torch.multinomial(others, 1, generator=generator)[:, 0]
    noise = torch.randn(count, rows.shape[1], dtype=torch.float64, generator=generator).to(rows)
    normalise = torch.nn.functional.normalize
    return Yardsticks(normalise(rows[second.to(rows.device)] - rows[first.to(rows.device)]), normalise(noise))


@undisturbed
def sensitivity(
    latent_map: LatentMap,
    images: Float[Tensor, "batch ..."],
    variations: Sequence[Variation],
    *,
    yardstick: Yardsticks,
    jacobian: Float[Tensor, "batch m n"] | None = None,
) -> Sensitivity:
    """``|J t| / |t|`` of each variation at each image, in units of a change of class at that image.

    ``jacobian`` is what `fs.jacobian` found at these images, for a caller that has it already; most of the time goes
    into it. Images without a tangent, such as blank ones, are marked and spoil no other. Raises `FiberscopeError` for
    images that the map does not take, functions that are no variation, and a Jacobian of other images or another map.
    """
    rows = latent_map.flatten(latent_map.check_images(images)).detach()
    if jacobian is not None:
        _check_jacobian(jacobian, latent_map, rows)
    if not variations:
        raise FiberscopeError("variations: none given. Take some from catalogue(shape).")
    for directions in yardstick:
        if directions.ndim != 2 or directions.shape[1] != rows.shape[1]:
            raise FiberscopeError(
                f"yardstick: directions of shape {tuple(directions.shape)}, wanted (count, {rows.shape[1]}). Make them "
                "with yardsticks(latent_map, images, labels, ...) for the same map."
            )
    widest = max(latent_map.latent_size, len(variations))
    size = max(1, _CHUNK_BYTES // (widest * latent_map.input_size * rows.element_size()))
    parts = [
        _visibility(
            linearise(latent_map, rows[part]).jacobian if jacobian is None else jacobian[part].detach(),
            latent_map.unflatten(rows[part]),
            variations,
            yardstick,
        )
        for part in (slice(start, start + size) for start in range(0, max(1, len(rows)), size))
    ]
    seen, length, change, random = (torch.cat([part[i] for part in parts], dim=-1) for i in range(4))
    undefined = (length == 0) | ~(change > 0) | ~seen.isfinite()
    return Sensitivity(
        tuple(variation.name for variation in variations),
        torch.where(undefined, torch.nan, seen / change),
        torch.where(change > 0, random / change, torch.nan),
        change,
        length,
        undefined,
        latent_map.surrogate_gradient,
    )


def _check_jacobian(jacobian: Tensor, latent_map: LatentMap, rows: Float[Tensor, "batch n"]) -> None:
    wanted = (len(rows), latent_map.latent_size, latent_map.input_size)
    if tuple(jacobian.shape) != wanted or jacobian.dtype != rows.dtype or jacobian.device != rows.device:
        raise FiberscopeError(
            f"jacobian: {jacobian.dtype} of shape {tuple(jacobian.shape)} on {jacobian.device}, wanted {rows.dtype} of "
            f"shape {wanted} on {rows.device}. Make it with fs.jacobian(latent_map, images) for these images."
        )


class _Visibility(NamedTuple):
    seen: Float[Tensor, "variation batch"]
    length: Float[Tensor, "variation batch"]
    change: Float[Tensor, " batch"]
    random: Float[Tensor, " batch"]


def _visibility(
    jacobian: Float[Tensor, "batch m n"],
    images: Float[Tensor, "batch ..."],
    variations: Sequence[Variation],
    yardstick: Yardsticks,
) -> _Visibility:
    tangents = torch.stack([variation.tangent(images).flatten(1) for variation in variations], dim=1)
    length = tangents.norm(dim=2)
    # A tangent that would move the image by no more than rounding over all its range is none.
    ranges = length.new_tensor([variation.high - variation.low for variation in variations])
    length = torch.where(length * ranges > rounding_of(images)[:, None], length, 0.0)
    seen = _norms(jacobian @ tangents.transpose(1, 2)) / torch.where(length > 0, length, torch.inf)
    change, random = (_norms(jacobian @ directions.T).median(dim=1).values for directions in yardstick)
    return _Visibility(seen.T, length.T, change, random)


def _norms(columns: Float[Tensor, "batch m k"]) -> Float[Tensor, "batch k"]:
    # torch's own norm over a dimension that is not the last is 40 times slower.
    return columns.square().sum(dim=1).sqrt()
