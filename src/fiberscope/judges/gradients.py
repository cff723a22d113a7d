"""A linear judge on histograms of gradients: which way strokes run, cell by cell."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float, Int64
from sklearn.linear_model import LogisticRegression
from torch import Tensor, nn
from torch.nn import functional

from fiberscope.judges.ink import ink

_DIRECTIONS = 9
_CELLS = 7
_PAD = 2
_CELL = 4  # pixels
_TENT = (1.0, 2.0, 3.0, 4.0, 3.0, 2.0, 1.0)  # a gradient counts for the cells on both sides of it


class Gradients(nn.Module):
    """Logistic regression on the histograms of the ink."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(_DIRECTIONS * _CELLS**2, 10)

    def forward(self, images: Float[Tensor, "batch 1 28 28"]) -> Float[Tensor, "batch 10"]:
        """Logits of the ten digits."""
        logits: Tensor = self.linear(histograms(ink(images)))
        return logits


def histograms(images: Float[Tensor, "batch 1 28 28"]) -> Float[Tensor, "batch feature"]:
    """Gradients by direction and place, each cell relative to the strength around it.

    References:
        Dalal and Triggs (2005), Histograms of oriented gradients for human detection.
    """
    padded = functional.pad(images, [_PAD] * 4)
    smooth = 0.5 * padded + 0.5 * functional.avg_pool2d(padded, 3, 1, 1)
    right = smooth[..., 1:-1, 2:] - smooth[..., 1:-1, :-2]
    down = smooth[..., 2:, 1:-1] - smooth[..., :-2, 1:-1]
    strength = (right.square() + down.square()).sqrt()
    turn = torch.atan2(down, right).remainder(2 * math.pi) * (_DIRECTIONS / (2 * math.pi))
    first, share = turn.floor(), turn - turn.floor()
    bins = torch.cat([strength * (first.remainder(_DIRECTIONS) == d) for d in range(_DIRECTIONS)], dim=1)
    # a direction between two bins counts for both
    fresh, shared = bins * (1 - share), (bins * share).roll(1, dims=1)
    tent = images.new_tensor(_TENT) / 4
    kernel = (tent[:, None] * tent).expand(_DIRECTIONS, 1, -1, -1)
    cells = functional.conv2d(fresh + shared, kernel, stride=_CELL, padding=2, groups=_DIRECTIONS)
    around = functional.avg_pool2d(cells.square().sum(dim=1, keepdim=True), 3, 1, 1).sqrt()
    return (cells / (around + 0.3)).clamp_max(0.6).flatten(1)


def fit_gradients(images: Float[Tensor, "digit 1 28 28"], labels: Int64[Tensor, " digit"]) -> Gradients:
    """Fit the regression with scikit-learn; the solver is deterministic."""
    rows = torch.cat([histograms(ink(part)) for part in torch.split(images, 1000)])
    found = LogisticRegression(C=0.3, max_iter=100).fit(rows.double().numpy(), labels.numpy())
    with torch.random.fork_rng(devices=[]):  # the first weights, drawn from the caller's generator, are not used
        judge = Gradients().requires_grad_(requires_grad=False)
    judge.linear.weight.copy_(torch.from_numpy(found.coef_))
    judge.linear.bias.copy_(torch.from_numpy(found.intercept_))
    return judge
