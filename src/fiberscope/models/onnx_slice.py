"""ONNX's Slice in torch: onnx2torch indexes with a list, which torch is about to take for something else."""

from __future__ import annotations

import torch
from torch import Tensor, nn


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


def replace_slices(module: nn.Module) -> None:
    """Put this in the place of every Slice that onnx2torch made with its bounds as inputs."""
    for name, child in list(module.named_children()):
        if type(child).__name__ == "OnnxSlice":
            module.add_module(name, Slice())
