"""A normalising flow: an invertible smooth map between latents whose volume change is known."""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

_LAYERS = 8
_HIDDEN = 128
_LARGEST = 2.0  # of the logarithm of a layer's stretch: no layer can tear space apart


class Unfolded(NamedTuple):
    """Rows before the flow, and log |det| of the derivative of its inverse there."""

    rows: Float[Tensor, "batch k"]
    log_volume: Float[Tensor, " batch"]


class Flow(nn.Module):
    """Affine coupling layers: each scales and shifts one half of the numbers by functions of the other half.

    It begins as the identity up to the order of the halves. The activation is smooth whatever that of the network is:
    a flow with kinks would put kinks into every fiber.

    References:
        Dinh, Sohl-Dickstein and Bengio (2017), Density estimation using real NVP.
    """

    def __init__(self, size: int):
        super().__init__()
        self.kept = size // 2
        kept, changed = self.kept, size - self.kept
        sizes = [(kept, changed) if layer % 2 == 0 else (changed, kept) for layer in range(_LAYERS)]
        self.layers = nn.ModuleList(_coupling(*pair) for pair in sizes)

    def forward(self, rows: Float[Tensor, "batch k"]) -> Float[Tensor, "batch k"]:
        """From standard normal rows to rows as the posterior has them."""
        halves = self._split(rows)
        for index, layer in enumerate(self.layers):
            still, moved = halves[index % 2], halves[1 - index % 2]
            shift, log_scale = _shift_and_log_scale(layer(still))
            moved = moved * torch.exp(log_scale) + shift
            halves = (still, moved) if index % 2 == 0 else (moved, still)
        return torch.cat(halves, dim=1)

    def inverse(self, rows: Float[Tensor, "batch k"]) -> Unfolded:
        """The rows that the flow brings to these."""
        halves = self._split(rows)
        log_volume = rows.new_zeros(len(rows))
        for index, layer in reversed(list(enumerate(self.layers))):
            still, moved = halves[index % 2], halves[1 - index % 2]
            shift, log_scale = _shift_and_log_scale(layer(still))
            moved = (moved - shift) * torch.exp(-log_scale)
            log_volume = log_volume - log_scale.sum(dim=1)
            halves = (still, moved) if index % 2 == 0 else (moved, still)
        return Unfolded(torch.cat(halves, dim=1), log_volume)

    def _split(self, rows: Float[Tensor, "batch k"]) -> tuple[Tensor, Tensor]:
        return rows[:, : self.kept], rows[:, self.kept :]


def _coupling(still: int, moved: int) -> nn.Sequential:
    last = nn.Linear(_HIDDEN, 2 * moved)
    nn.init.zeros_(last.weight)
    nn.init.zeros_(last.bias)
    return nn.Sequential(nn.Linear(still, _HIDDEN), nn.SiLU(), nn.Linear(_HIDDEN, _HIDDEN), nn.SiLU(), last)


def _shift_and_log_scale(outputs: Float[Tensor, "batch outputs"]) -> tuple[Tensor, Tensor]:
    shift, raw = outputs.chunk(2, dim=1)
    return shift, _LARGEST * torch.tanh(raw / _LARGEST)
