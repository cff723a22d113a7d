"""A model of transformers as a map from images to one tensor."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from fiberscope.problem.errors import ModelError


class ImageModel(nn.Module):
    """A model of transformers that returns one tensor: its logits, its embedding or its pooled output.

    `network` is the model; one of images and text is asked for the embedding of images.
    """

    def __init__(self, network: nn.Module):
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> Tensor:
        """Returns the logits, embeddings or pooled outputs of the images."""
        network: Any = self.network
        output = (network.get_image_features if of_two_towers(type(network)) else network)(pixel_values=images)
        if isinstance(output, Tensor):  # up to transformers 4
            return output
        for name in ("logits", "image_embeds", "pooler_output"):
            found = getattr(output, name, None)
            if isinstance(found, Tensor):
                return found.flatten(1)
        raise ModelError(
            f"model: {type(self.network).__name__} returns {', '.join(output.keys())}, neither logits nor an embedding "
            "nor a pooled output; name a layer by --layer"
        )


def of_two_towers(kind: type) -> bool:
    """Tells a model of images and text, which has an embedding for each."""
    return hasattr(kind, "get_image_features") and hasattr(kind, "get_text_features")
