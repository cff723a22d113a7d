"""The networks that ship and train here: small, cheap to differentiate, without noise layers.

There is no batch normalisation and no dropout: a fiber needs a map that sends an image to the same latent every time,
alone or in a batch.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping

from jaxtyping import Float
from torch import Tensor, nn

from fiberscope.models.flow import Flow
from fiberscope.problem.errors import ModelError

ACTIVATIONS: Mapping[str, type[nn.Module]] = {
    "relu": nn.ReLU,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "tanh": nn.Tanh,
    "softplus": nn.Softplus,
}


class Classifier(nn.Module):
    """A convolutional classifier of 28 x 28 digits whose `encoder` ends in a plain linear latent."""

    def __init__(self, *, latent_size: int = 8, activation: str = "relu"):
        super().__init__()
        _check(latent_size, activation)
        self.latent_size = latent_size
        self.encoder = _encoder(latent_size, activation)
        self.head = nn.Linear(latent_size, 10)

    def forward(self, images: Float[Tensor, "batch 1 28 28"]) -> Float[Tensor, "batch 10"]:
        """Logits of the ten digits for images with intensities in [0, 1]."""
        logits: Tensor = self.head(self.encoder(images))
        return logits


class Autoencoder(nn.Module):
    """An `encoder` of 28 x 28 digits into a plain linear latent, and a `decoder` back to intensities in [0, 1]."""

    def __init__(self, *, latent_size: int = 16, activation: str = "silu"):
        super().__init__()
        _check(latent_size, activation)
        self.latent_size = latent_size
        self.encoder = _loud(_encoder(latent_size, activation))
        self.decoder = _loud(_decoder(latent_size, activation))

    def forward(self, images: Float[Tensor, "batch 1 28 28"]) -> Float[Tensor, "batch 1 28 28"]:
        """Images as the latent remembers them."""
        again: Tensor = self.decoder(self.encoder(images))
        return again


class Generator(nn.Module):
    """A variational autoencoder of 28 x 28 digits: standard normal latents become digits.

    `decoder` is deterministic and as smooth as its activation. Its first layer is a learned flow, so that the latents
    which the encoder uses fill the standard normal distribution without holes, and samples of it are digits.

    References:
        Kingma and Welling (2014), Auto-encoding variational Bayes.
        Chen et al. (2017), Variational lossy autoencoder, section 3.2 (the flow as a prior).
    """

    def __init__(self, *, latent_size: int = 24, activation: str = "silu"):
        super().__init__()
        _check(latent_size, activation)
        self.latent_size = latent_size
        self.encoder = _MeanEncoder(latent_size, activation)
        self.painter = _loud(_decoder(latent_size, activation))

    @property
    def decoder(self) -> nn.Module:
        """From latents to images with intensities in [0, 1]."""
        return nn.Sequential(self.encoder.flow, self.painter)

    def forward(self, images: Float[Tensor, "batch 1 28 28"]) -> Float[Tensor, "batch 1 28 28"]:
        """Images as their latents remember them."""
        again: Tensor = self.decoder(self.encoder(images))
        return again


class _MeanEncoder(nn.Module):
    """From images to the latents that stand for them: the flow backwards from the mean of the posterior."""

    def __init__(self, latent_size: int, activation: str):
        super().__init__()
        self.posterior = _loud(_encoder(2 * latent_size, activation))
        self.flow = Flow(latent_size)

    def forward(self, images: Float[Tensor, "batch 1 28 28"]) -> Float[Tensor, "batch k"]:
        mean, _ = self.posterior(images).chunk(2, dim=1)
        return self.flow.inverse(mean).rows


def _encoder(outputs: int, activation: str) -> nn.Sequential:
    """From images to numbers; its 4,904 hidden units keep a Jacobian by backpropagation cheap."""
    nonlinearity = ACTIVATIONS[activation]
    return nn.Sequential(
        OrderedDict(
            conv1=nn.Conv2d(1, 16, kernel_size=5, stride=2, padding=2),  # 16 x 14 x 14
            activation1=nonlinearity(),
            conv2=nn.Conv2d(16, 32, kernel_size=5, stride=2, padding=2),  # 32 x 7 x 7
            activation2=nonlinearity(),
            flatten=nn.Flatten(),
            fc1=nn.Linear(32 * 7 * 7, 200),
            activation3=nonlinearity(),
            fc2=nn.Linear(200, outputs),
        )
    )


def _decoder(inputs: int, activation: str) -> nn.Sequential:
    """From numbers to images; shuffled channels double the side for half the time of a transposed convolution."""
    nonlinearity = ACTIVATIONS[activation]
    return nn.Sequential(
        OrderedDict(
            fc1=nn.Linear(inputs, 200),
            activation1=nonlinearity(),
            fc2=nn.Linear(200, 32 * 7 * 7),
            activation2=nonlinearity(),
            grid=nn.Unflatten(1, (32, 7, 7)),
            conv1=nn.Conv2d(32, 4 * 24, kernel_size=3, padding=1),
            double1=nn.PixelShuffle(2),  # 24 x 14 x 14
            activation3=nonlinearity(),
            conv2=nn.Conv2d(24, 4 * 8, kernel_size=3, padding=1),
            double2=nn.PixelShuffle(2),  # 8 x 28 x 28
            activation4=nonlinearity(),
            conv3=nn.Conv2d(8, 1, kernel_size=3, padding=1),
            intensity=nn.Sigmoid(),
        )
    )


def _loud(layers: nn.Sequential) -> nn.Sequential:
    """First weights that keep the size of signals from layer to layer; under torch's own, ten layers fade them out."""
    for layer in layers:
        if isinstance(layer, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
    return layers


def _check(latent_size: int, activation: str) -> None:
    if latent_size < 1:
        raise ModelError(f"latent_size is {latent_size}; a latent has at least 1 number")
    if activation not in ACTIVATIONS:
        raise ModelError(f"activation is {activation!r}; choose one of {', '.join(ACTIVATIONS)}")
