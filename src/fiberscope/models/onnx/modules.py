"""ONNX operators as torch modules of our own: those that onnx2torch lacks, or takes for something else."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

Attributes = Mapping[str, Any]

_DTYPES = {
    2: torch.uint8,
    3: torch.int8,
    5: torch.int16,
    6: torch.int32,
    7: torch.int64,
    9: torch.bool,
}  # by their numbers in ONNX
_FLOATS = (1, 10, 11, 16)


class Cast(nn.Module):
    """Another type of numbers; floats stay in the precision of the network, which is one throughout."""

    like: Tensor

    def __init__(self, to: int):
        super().__init__()
        self.to_type = None if to in _FLOATS else _DTYPES[to]
        self.register_buffer("like", torch.empty(0), persistent=False)

    def forward(self, tensor: Tensor) -> Tensor:
        """The numbers in that type."""
        if self.to_type is not None:
            return tensor.to(self.to_type)
        return tensor if tensor.is_floating_point() else tensor.to(self.like.dtype)


class ConstantOfShape(nn.Module):
    """One number as often as a shape asks for; a float is in the precision of the network."""

    value: Tensor

    def __init__(self, value: Tensor):
        super().__init__()
        self.register_buffer("value", value.reshape(()))

    def forward(self, shape: Tensor) -> Tensor:
        """A tensor of that shape."""
        return self.value.expand(shape.tolist())


class LpNormalization(nn.Module):
    """Vectors along an axis divided by their sum of magnitudes (p = 1) or length (p = 2); zero stays zero."""

    def __init__(self, axis: int, p: int):
        super().__init__()
        self.axis = axis
        self.p = p

    def forward(self, tensor: Tensor) -> Tensor:
        """The vectors, of norm one."""
        norm = torch.linalg.vector_norm(tensor, self.p, dim=self.axis, keepdim=True)
        return tensor / torch.where(norm == 0, torch.ones_like(norm), norm)


class ThresholdedReLU(nn.Module):
    """Numbers above alpha as they are, zero for all others."""

    def __init__(self, alpha: float):
        super().__init__()
        self.alpha = alpha

    def forward(self, tensor: Tensor) -> Tensor:
        """What is left of the numbers."""
        return torch.where(tensor > self.alpha, tensor, torch.zeros_like(tensor))


class Slice(nn.Module):
    """Part of a tensor along some of its axes, backwards where a step is negative."""

    def forward(
        self, tensor: Tensor, starts: Tensor, ends: Tensor, axes: Tensor | None = None, steps: Tensor | None = None
    ) -> Tensor:
        """The part from each start to each end."""
        first, last = starts.tolist(), ends.tolist()
        along = range(len(first)) if axes is None else axes.tolist()
        strides = [1] * len(first) if steps is None else steps.tolist()
        for start, end, axis, step in zip(first, last, along, strides, strict=True):
            places = range(tensor.shape[axis])[start:end:step]
            if step == 1:
                tensor = tensor.narrow(axis, places.start, len(places))
            else:
                tensor = tensor.index_select(axis, torch.tensor(list(places), device=tensor.device))
        return tensor


OWN: Mapping[str, Callable[[Attributes], nn.Module]] = {
    "Cast": lambda given: Cast(given["to"]),
    "ConstantOfShape": lambda given: ConstantOfShape(given.get("value", torch.zeros(()))),
    "Gelu": lambda given: nn.GELU(given.get("approximate", "none")),
    "LpNormalization": lambda given: LpNormalization(given.get("axis", -1), given.get("p", 2)),
    "Mish": lambda given: nn.Mish(),
    "Slice": lambda given: Slice(),
    "ThresholdedRelu": lambda given: ThresholdedReLU(given.get("alpha", 1.0)),
}
"""What makes the module of an operator of its attributes; its inputs are those of the module's forward."""
