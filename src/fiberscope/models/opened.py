"""What a door of models gives: the network, and what is known of the images that it takes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, TypeVar

import torch
from torch import nn

from fiberscope.models.preprocessing import Preprocessing
from fiberscope.problem.errors import ModelError

RANDOM = Path("random")
_Built = TypeVar("_Built", bound=nn.Module)


class Opened(NamedTuple):
    """A network, the shape of what it takes where its file or its name says it, and what is done to images before.

    ``weights`` says in words where they are from.
    """

    module: nn.Module
    input_shape: tuple[int, ...] | None
    preprocessing: Preprocessing
    weights: str


def build_random(build: Callable[[], _Built]) -> _Built:
    """Build a network with the first weights of seed 0; torch's global generator is left as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return build()


def no_weights(model: str, looked_at: str) -> ModelError:
    """What is said of a name whose weights are not on this machine: nothing is downloaded unasked."""
    return ModelError(
        f"model {model!r}: its weights are not on this machine ({looked_at}), and nothing is downloaded unasked. Give "
        "them by --weights FILE, fetch them into that cache with the package's own tools, or ask for random ones by "
        "--weights random"
    )
