"""The nearest training digits, after ink, set upright, blurred and told in forty numbers."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from fiberscope.judges.ink import blur, ink, upright

_NUMBERS = 40
_NEIGHBOURS = 8
_LEVELS = 127  # of a signed byte
_BLURS = 3
_FLOOR = 0.02  # votes of a class without a neighbour
_LEAST_INK = 12.0  # pixels; the thinnest test digit has 35, and blank paper would pass for a thin stroke
_USUAL = 0.99  # of the held-back digits have a neighbour within this reach; at twice the square, votes count half


class Neighbours(nn.Module):
    """Votes of the nearest codes, by a Gaussian kernel on their distance; codes are bytes, so that they can ship.

    Far from all digits the votes fade, so that the judge abstains on images that are none.

    References:
        Cover and Hart (1967), Nearest neighbor pattern classification.
    """

    mean: Tensor
    components: Tensor
    scale: Tensor
    codes: Tensor
    labels: Tensor
    reach: Tensor

    def __init__(self, voters: int):
        super().__init__()
        self.register_buffer("mean", torch.zeros(784))
        self.register_buffer("components", torch.zeros(784, _NUMBERS))
        self.register_buffer("scale", torch.ones(()))
        self.register_buffer("codes", torch.zeros(voters, _NUMBERS, dtype=torch.int8))
        self.register_buffer("labels", torch.zeros(voters, dtype=torch.uint8))
        self.register_buffer("reach", torch.ones(()))

    def forward(self, images: Float[Tensor, "batch 1 28 28"]) -> Float[Tensor, "batch 10"]:
        """Logarithms of the votes, with a floor for classes without a neighbour."""
        squares, places = self.squares(images).topk(_NEIGHBOURS, largest=False)
        votes = squares.new_zeros(len(images), 10)
        weight = torch.exp(-(squares - squares[:, :1]) / (0.5 * squares[:, :1] + 1))
        votes.scatter_add_(1, self.labels[places].long(), weight)
        is_written = ink(images).sum(dim=(2, 3)) > _LEAST_INK
        trust = torch.sigmoid(5 * (2 - squares[:, :1] / self.reach)) * is_written
        return torch.log(trust * votes + _FLOOR)

    def squares(self, images: Float[Tensor, "batch 1 28 28"]) -> Float[Tensor, "batch voter"]:
        """Squared distances to the codes that vote."""
        here = (features(images) - self.mean) @ self.components
        return torch.cdist(here, self.codes * self.scale).square()


def features(images: Float[Tensor, "batch 1 28 28"]) -> Float[Tensor, "batch 784"]:
    """Ink, upright and blurred."""
    return blur(upright(ink(images)), _BLURS).flatten(1)


@torch.no_grad()
def fit_neighbours(
    images: Float[Tensor, "digit 1 28 28"], labels: Int64[Tensor, " digit"], *, voters: int
) -> Neighbours:
    """Keep the codes of the first so many digits by principal components; the others say how far is far.

    References:
        Jolliffe (2002), Principal Component Analysis.
    """
    judge = Neighbours(voters)
    rows = torch.cat([features(part) for part in torch.split(images[:voters], 1000)])
    judge.mean.copy_(rows.mean(dim=0))
    _, vectors = torch.linalg.eigh((rows - judge.mean).T @ (rows - judge.mean))
    judge.components.copy_(vectors[:, -_NUMBERS:].flip(1))
    codes = (rows - judge.mean) @ judge.components
    judge.scale.copy_(codes.abs().max() / _LEVELS)
    judge.codes.copy_((codes / judge.scale).round())
    judge.labels.copy_(labels[:voters])
    rest = torch.cat([judge.squares(part).amin(dim=1) for part in torch.split(images[voters:], 250)])
    judge.reach.copy_(rest.quantile(_USUAL))
    return judge
