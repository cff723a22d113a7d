"""Selecting some of a layer's numbers as the latent: channels, a token, a probe direction, a few features."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from fiberscope.problem.errors import FiberscopeError, ModelError
from fiberscope.problem.layers import CutModule, as_rows

Select = int | slice | Sequence[int] | Tensor | Callable[[Tensor], Tensor]
"""Numbers of a layer: places along its first axis behind the batch, a matrix, or a function of its output."""


class Selected(nn.Module):
    """A module of whose output some numbers are the latent.

    An int, a slice, a list of ints or a mask picks along the first axis behind the batch: channels of a convolution,
    tokens of a transformer, single numbers of a vector. A floating matrix (k, p), or one row of it (p,), is multiplied
    with the output: with the p numbers of a vector, of each token, or of the channels at each place. A function takes
    the output as it is, batch first, also a tuple, and returns what to keep of it.
    """

    def __init__(self, module: Callable[[Tensor], Tensor], select: Select) -> None:
        super().__init__()
        self.module = module
        self.select, self.matrix = select, _matrix(select)
        self.training = bool(getattr(module, "training", False))  # not train(): that would reach into the module

    def forward(self, images: Tensor) -> Any:
        """The numbers selected, a row an image; what is no tensor as it is, for the probe to tell."""
        whole = isinstance(self.module, CutModule) and len(self.module.layers) == 1
        output = self.module.output(images) if whole and isinstance(self.module, CutModule) else self.module(images)
        if isinstance(output, Tensor) and output.ndim == 1:
            output = output[:, None]
        if not isinstance(self.select, int | slice | Sequence | Tensor):
            output = self.select(output)  # as the layer gives it, which may be a tuple
            return as_rows(output) if isinstance(output, Tensor) else output
        if not isinstance(output, Tensor) or output.ndim < 2:
            return output  # the probe says what is wrong with it
        if self.matrix is not None:
            return as_rows(_times(output, self.matrix.to(output)))
        return as_rows(_picked(output, self.select))


def _matrix(select: Select) -> Tensor | None:
    if isinstance(select, Tensor) and select.is_floating_point():
        if select.ndim not in (1, 2) or select.numel() == 0 or not bool(select.isfinite().all()):
            raise FiberscopeError(
                f"select: expected a finite matrix (k, p) or a direction (p,), found shape {tuple(select.shape)}"
                f"{'' if bool(select.isfinite().all()) else ' with NaN or infinity'}."
            )
        return select.detach().reshape(-1, select.shape[-1])
    if isinstance(select, bool | str) or not (isinstance(select, int | slice | Sequence | Tensor) or callable(select)):
        raise FiberscopeError(
            "select: expected places (3, [0, 5], slice(0, 8), a mask), a floating matrix (k, p), or a function of the "
            f"layer's output, found {select!r}."
        )
    return None


def _times(output: Tensor, matrix: Tensor) -> Tensor:
    k, p = matrix.shape
    if output[0].numel() == p:
        return output.flatten(1) @ matrix.mT
    if output.ndim > 2 and output.shape[-1] == p and output.shape[1] != p:
        return output @ matrix.mT
    if output.ndim > 2 and output.shape[1] == p and output.shape[-1] != p:
        return (output.flatten(2).mT @ matrix.mT).mT
    raise ModelError(
        f"select: a matrix of {k} x {p} fits no axis of the layer's output {tuple(output.shape[1:])}, or two of them. "
        f"Give it as many columns as the output has numbers ({output[0].numel()}), numbers a token, or channels; or "
        "give a function of the output."
    )


def _picked(output: Tensor, select: int | slice | Sequence[int] | Tensor) -> Tensor:
    size = output.shape[1]
    places = torch.arange(size, device=output.device)
    try:
        if isinstance(select, slice):
            chosen = places[select]
        else:
            listed = torch.as_tensor(select, device=output.device)
            chosen = places[listed if listed.numel() else listed.long()].reshape(-1)
    except (IndexError, TypeError, ValueError, RuntimeError) as error:
        raise ModelError(
            f"select: the layer's output {tuple(output.shape[1:])} has {size} places along its first axis, from 0 to "
            f"{size - 1}; found {select!r}."
        ) from error
    if chosen.numel() == 0:
        raise ModelError(f"select: nothing is selected of {size} places; found {select!r}.")
    return output.index_select(1, chosen)
