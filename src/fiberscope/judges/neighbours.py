"""The nearest training digits, after ink, set upright, blurred and told in forty numbers; and a memory of them."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor, nn

from fiberscope.judges.ink import blur, ink, upright

_NUMBERS = 40
_NEIGHBOURS = 8
_LEVELS = 127  # of a signed byte
_BLURS = 3
_NEAR = 0.5  # a distance that only a copy of the same digit has: two different ones lie above it


class Neighbours(nn.Module):
    """Votes of the nearest codes, by a Gaussian kernel on their distance; codes are bytes, so that they can ship.

    References:
        Cover and Hart (1967), Nearest neighbor pattern classification.
    """

    mean: Tensor
    components: Tensor
    scale: Tensor
    codes: Tensor
    labels: Tensor
    voters: Tensor

    def __init__(self, count: int, voters: int):
        super().__init__()
        self.register_buffer("mean", torch.zeros(784))
        self.register_buffer("components", torch.zeros(784, _NUMBERS))
        self.register_buffer("scale", torch.ones(()))
        self.register_buffer("codes", torch.zeros(count, _NUMBERS, dtype=torch.int8))
        self.register_buffer("labels", torch.zeros(count, dtype=torch.uint8))
        self.register_buffer("voters", torch.tensor(voters))

    def forward(self, images: Float[Tensor, "batch 1 28 28"]) -> Float[Tensor, "batch 10"]:
        """Logarithms of the votes, with a floor for classes without a neighbour."""
        voters = int(self.voters)
        squares, places = self._squares(images)[:, :voters].topk(_NEIGHBOURS, largest=False)
        votes = squares.new_zeros(len(images), 10)
        weight = torch.exp(-(squares - squares[:, :1]) / (0.5 * squares[:, :1] + 1))
        votes.scatter_add_(1, self.labels[places].long(), weight)
        return torch.log(votes + 0.02)

    def seen(self, images: Float[Tensor, "batch 1 28 28"]) -> Bool[Tensor, " batch"]:
        """Rows whose code is that of a training digit, or so near that only a copy can be it."""
        return self._squares(images).amin(dim=1) <= _NEAR**2

    def _squares(self, images: Float[Tensor, "batch 1 28 28"]) -> Float[Tensor, "batch code"]:
        here = (features(images) - self.mean) @ self.components
        return torch.cdist(here, self.codes * self.scale).square()


def features(images: Float[Tensor, "batch 1 28 28"]) -> Float[Tensor, "batch 784"]:
    """Ink, upright and blurred."""
    return blur(upright(ink(images)), _BLURS).flatten(1)


@torch.no_grad()
def fit_neighbours(
    images: Float[Tensor, "digit 1 28 28"], labels: Int64[Tensor, " digit"], *, voters: int
) -> Neighbours:
    """Keep the codes of all digits by principal components; the first so many of them vote, all are remembered."""
    judge = Neighbours(len(images), voters)
    rows = torch.cat([features(part) for part in torch.split(images, 1000)])
    judge.mean.copy_(rows.mean(dim=0))
    _, vectors = torch.linalg.eigh((rows - judge.mean).T @ (rows - judge.mean))
    judge.components.copy_(vectors[:, -_NUMBERS:].flip(1))
    codes = (rows - judge.mean) @ judge.components
    judge.scale.copy_(codes.abs().max() / _LEVELS)
    judge.codes.copy_((codes / judge.scale).round())
    judge.labels.copy_(labels)
    return judge
