"""Networks that were exported for one size of batch."""

from __future__ import annotations

import torch
from torch import Tensor, nn

DYNAMIC_BATCH = 'torch.export.export(model.eval(), (images,), dynamic_shapes=({0: torch.export.Dim("batch")},))'


class Chunked(nn.Module):
    """A module that takes `size` images at a time, for a batch of any size; the last chunk is filled up."""

    def __init__(self, module: nn.Module, size: int):
        super().__init__()
        self.module = module
        self.size = size

    def forward(self, images: Tensor) -> Tensor:
        """What the module makes of each image."""
        return torch.cat([self._run(chunk) for chunk in torch.split(images, self.size)])

    def _run(self, chunk: Tensor) -> Tensor:
        missing = self.size - len(chunk)
        filled = torch.cat([chunk, chunk[-1:].expand(missing, *chunk.shape[1:])]) if missing else chunk
        outputs: Tensor = self.module(filled)
        return outputs[: len(chunk)]


def any_batch(module: nn.Module, input_shape: tuple[int, ...], size: int) -> bool:
    """Whether a module that takes `size` images takes other numbers too, and makes the same of each of them."""
    like = next((it for it in [*module.parameters(), *module.buffers()] if it.is_floating_point()), torch.empty(0))
    draw = torch.Generator().manual_seed(0)
    images = torch.rand((2 * size + 1, *input_shape), generator=draw).to(like)
    with torch.no_grad():
        expected = module(images[:size])
        try:
            found = module(images)
        except Exception:  # whatever a graph of fixed sizes stumbles over
            return False
    scale = float(expected.abs().max()) if expected.numel() else 0.0
    return found.shape == (2 * size + 1, *expected.shape[1:]) and torch.allclose(
        found[:size], expected, rtol=0, atol=2e3 * torch.finfo(expected.dtype).eps * scale
    )
