"""The network that ships and trains here: small, smooth to differentiate, without noise layers."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping

from jaxtyping import Float
from torch import Tensor, nn

from fiberscope.problem.errors import ModelError

ACTIVATIONS: Mapping[str, type[nn.Module]] = {
    "relu": nn.ReLU,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "tanh": nn.Tanh,
    "softplus": nn.Softplus,
}


class Classifier(nn.Module):
    """A convolutional classifier of 28 x 28 digits whose `encoder` ends in a plain linear latent.

    Its 4,904 hidden units keep a Jacobian by backpropagation cheap. There is no batch normalisation and no
    dropout: a fiber needs a map that sends an image to the same latent every time, alone or in a batch.
    """

    def __init__(self, *, latent_size: int = 8, activation: str = "relu"):
        super().__init__()
        if latent_size < 1:
            raise ModelError(f"latent_size is {latent_size}; a latent has at least 1 number")
        if activation not in ACTIVATIONS:
            raise ModelError(f"activation is {activation!r}; choose one of {', '.join(ACTIVATIONS)}")
        nonlinearity = ACTIVATIONS[activation]
        self.encoder = nn.Sequential(
            OrderedDict(
                conv1=nn.Conv2d(1, 16, kernel_size=5, stride=2, padding=2),  # 16 x 14 x 14
                activation1=nonlinearity(),
                conv2=nn.Conv2d(16, 32, kernel_size=5, stride=2, padding=2),  # 32 x 7 x 7
                activation2=nonlinearity(),
                flatten=nn.Flatten(),
                fc1=nn.Linear(32 * 7 * 7, 200),
                activation3=nonlinearity(),
                fc2=nn.Linear(200, latent_size),
            )
        )
        self.head = nn.Linear(latent_size, 10)

    def forward(self, images: Float[Tensor, "batch 1 28 28"]) -> Float[Tensor, "batch 10"]:
        """Logits of the ten digits for images with intensities in [0, 1]."""
        logits: Tensor = self.head(self.encoder(images))
        return logits
