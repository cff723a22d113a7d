"""A generator before a network: the latent map from the generator's latents."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn

from fiberscope.problem.errors import ModelError


class Composition(nn.Module):
    """`network` after `decoder`: from the generator's `num_coordinates` latents to what the network keeps of the image.

    Raises ModelError when the images that the decoder makes are not what the network takes.
    """

    def __init__(self, decoder: nn.Module, network: nn.Module, *, num_coordinates: int):
        super().__init__()
        self.decoder = decoder
        self.network = network
        self.num_coordinates = num_coordinates
        _check_fit(decoder, network, num_coordinates)

    def forward(self, coordinates: Float[Tensor, "batch k"]) -> Float[Tensor, "batch m"]:
        """Latents of the images at these coordinates."""
        latents: Tensor = self.network(self.decoder(coordinates))
        return latents


def compose(generator: nn.Module, network: nn.Module) -> Composition:
    """Put a generator, with its `decoder` and `latent_size`, before a network or its encoder.

    Raises ModelError when the generator lacks one of them, or its images do not fit the network.
    """
    decoder, size = getattr(generator, "decoder", None), getattr(generator, "latent_size", None)
    if not isinstance(decoder, nn.Module) or not isinstance(size, int):
        raise ModelError(
            f"generator: a {type(generator).__name__} has no decoder (a module) with its latent_size (an int); give "
            "it both, or put its parts together as Composition(decoder, network, num_coordinates=...)"
        )
    return Composition(decoder, network, num_coordinates=size)


@torch.no_grad()
def _check_fit(decoder: nn.Module, network: nn.Module, num_coordinates: int) -> None:
    parameter = next(decoder.parameters(), torch.zeros(()))
    coordinates = parameter.new_zeros(2, num_coordinates)
    try:
        images = decoder(coordinates)
    except Exception as error:
        raise ModelError(
            f"generator: its decoder refuses {num_coordinates} coordinates a row ({_words(error)}); "
            "give the number that it takes"
        ) from error
    try:
        network(images)
    except Exception as error:
        raise ModelError(
            f"generator: its images are {tuple(images.shape[1:])} of {images.dtype} on {images.device}, and the "
            f"network does not take them ({_words(error)}); give a generator of such images as the "
            "network was made for, in its dtype and on its device"
        ) from error


def _words(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else 'no reason given'}"
