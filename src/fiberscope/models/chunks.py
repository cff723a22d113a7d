"""Networks that were exported for one size of batch."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from fiberscope.problem.errors import ModelError

DYNAMIC_BATCH = 'torch.export.export(model.eval(), (images,), dynamic_shapes=({0: torch.export.Dim("batch")},))'

PROBED = 3
"""Images of the largest batch that `any_batch` tries."""


class Chunked(nn.Module):
    """A module that takes `size` images at a time, for a batch of any size; the last chunk is filled up."""

    def __init__(self, module: nn.Module, size: int):
        super().__init__()
        self.module = module
        self.size = size

    def forward(self, images: Tensor) -> Tensor:
        """The module's output for each image."""
        return torch.cat([self._run(chunk) for chunk in torch.split(images, self.size)])

    def _run(self, chunk: Tensor) -> Tensor:
        missing = self.size - len(chunk)
        filler = chunk[-1:] if len(chunk) else chunk.new_zeros((1, *chunk.shape[1:]))
        filled = torch.cat([chunk, filler.expand(missing, *chunk.shape[1:])]) if missing else chunk
        outputs: Tensor = self.module(filled)
        return outputs[: len(chunk)]


def any_batch(module: nn.Module, input_shape: tuple[int, ...]) -> bool:
    """Tell whether a module takes batches of different sizes, and makes the same of an image in each of them."""
    images = _draw(module, (PROBED, *input_shape))
    try:
        with torch.no_grad():
            alone, found = module(images[:1]), module(images)
        scale = float(alone.abs().max()) if alone.numel() else 0.0
        return found.shape == (PROBED, *alone.shape[1:]) and torch.allclose(
            found[:1], alone, rtol=0, atol=2e3 * torch.finfo(alone.dtype).eps * scale, equal_nan=True
        )
    except Exception:  # whatever a graph of fixed sizes stumbles over
        return False


def refuse_failing_pass(module: nn.Module, input_shape: tuple[int, ...]) -> None:
    """Raise ModelError where a pass over one image fails, or does not give numbers of that image."""
    try:
        with torch.no_grad():
            found = module(_draw(module, (1, *input_shape)))
    except Exception as error:  # of a network from elsewhere, whatever it trips over
        reason = next(iter(str(error).splitlines()), "no reason given")
        raise ModelError(
            f"model: a pass over an image {input_shape} fails ({type(error).__name__}: {reason}). The file may be "
            "damaged: copy or export it again, or give the network itself as file.py:factory"
        ) from error
    if not isinstance(found, Tensor) or not found.ndim or len(found) != 1:
        raise ModelError(
            "model: its output has no rows for images, wanted (batch, ...); take another output or export it again"
        )


def _draw(module: nn.Module, shape: tuple[int, ...]) -> Tensor:
    like = next((it for it in [*module.parameters(), *module.buffers()] if it.is_floating_point()), torch.empty(0))
    return torch.rand(shape, generator=torch.Generator().manual_seed(0)).to(like)
