"""One front door for every network that a user can name."""

from __future__ import annotations

from pathlib import Path

from torch import nn

from fiberscope.models.library import load
from fiberscope.models.user_model import load_user
from fiberscope.problem.errors import ModelError


def resolve(model: str, weights: Path | None = None) -> nn.Module:
    """Load a network by "file.py:factory", with weights if given, or by the name or path of one trained here.

    Raises ModelError when there is no such network, or weights are given where it has its own.
    """
    if ".py:" in model:
        return load_user(model, weights)
    if model.endswith(".py"):
        raise ModelError(f"model {model!r} lacks its factory; write {model}:NAME, where NAME() returns your network")
    if weights is not None:
        raise ModelError(
            f"weights {weights} are given, but model {model!r} has its own; leave the weights out, or give "
            "the network as file.py:factory"
        )
    return load(model)
