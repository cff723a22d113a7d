"""A judge: a classifier that is independent of the network under study and says how sure it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float, Num
from numpy import ndarray
from torch import Tensor, nn

from fiberscope.judges.cards import JudgeCard
from fiberscope.problem.errors import FiberscopeError

_BATCH = 250  # images at a time: the activations of a judge stay in the cache


@runtime_checkable
class Judge(Protocol):
    """What a panel asks of each of its members; images are (batch, 1, 28, 28) in [0, 1] for those that ship."""

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def num_classes(self) -> int: ...  # noqa: D102

    def probabilities(self, images: Float[Tensor, "batch channel height width"]) -> Float[Tensor, "batch classes"]:
        """Calibrated probabilities of the classes, a row for each image."""
        ...


@dataclass(frozen=True, eq=False)
class ModuleJudge:
    """A network that returns logits, as a judge; logits are divided by the temperature. Those that ship have a card."""

    module: nn.Module
    name: str
    num_classes: int
    temperature: float = 1.0
    card: JudgeCard | None = None

    def probabilities(self, images: Float[Tensor, "batch channel height width"]) -> Float[Tensor, "batch classes"]:
        """Softmax of the network's logits over the temperature."""
        return torch.softmax(self.logits(images) / self.temperature, dim=1)

    @torch.no_grad()
    def logits(self, images: Float[Tensor, "batch channel height width"]) -> Float[Tensor, "batch classes"]:
        """What the network returns, for a few images at a time."""
        if not len(images):
            return images.new_zeros(0, self.num_classes)
        return torch.cat([self.module(part) for part in torch.split(images, _BATCH)])


def from_module(module: nn.Module, name: str, *, num_classes: int = 10, temperature: float = 1.0) -> ModuleJudge:
    """Make a judge of a torch classifier that returns logits; the module is put into eval mode.

    Raises FiberscopeError when the temperature is not positive or there are fewer than two classes.
    """
    if not 0 < temperature < float("inf"):
        raise FiberscopeError(f"temperature is {temperature}, wanted a positive number: 1 keeps the logits")
    if num_classes < 2:
        raise FiberscopeError(f"num_classes is {num_classes}, wanted at least 2: give the length of a row of logits")
    return ModuleJudge(module.eval(), name, num_classes, temperature)


def as_batch(images: Num[Tensor, "..."] | Num[ndarray, "..."]) -> Float[Tensor, "batch channel height width"]:
    """Read images in [0, 1] given as (n, h, w) or (n, c, h, w), a tensor or an array, as float32 tensors.

    Raises FiberscopeError for another shape, values that are not finite or values outside [0, 1].
    """
    stack = torch.as_tensor(np.asarray(images)) if isinstance(images, ndarray) else images.detach().cpu()
    stack = stack.unsqueeze(1) if stack.ndim == 3 else stack
    if stack.ndim != 4:
        raise FiberscopeError(
            f"images has shape {tuple(images.shape)}, wanted (n, h, w) or (n, channels, h, w): add the axis"
        )
    stack = stack.to(torch.float32)
    if not bool(torch.isfinite(stack).all()):
        rows = (~torch.isfinite(stack).flatten(1).all(dim=1)).nonzero().flatten().tolist()
        raise FiberscopeError(f"images holds values that are not finite in rows {rows[:8]}: leave these rows out")
    if stack.numel() and (float(stack.min()) < -_SLACK or float(stack.max()) > 1 + _SLACK):
        raise FiberscopeError(
            f"images has values from {float(stack.min()):.3g} to {float(stack.max()):.3g}, wanted [0, 1]: divide by "
            "255, or rescale the box to [0, 1]"
        )
    return stack.clamp(0, 1)


_SLACK = 0.5 / 255  # half a grey level: rounding leaves [0, 1] by less, a forgotten rescaling by more
