"""The fit between a model of Hugging Face and the tensors of its files."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from torch import nn

from fiberscope.models.hub.described import Described
from fiberscope.models.hub.files import Declared
from fiberscope.problem.errors import ModelError

_SHOWN = 4  # tensors named in a message


def check_shapes(empty: nn.Module, tensors: Mapping[str, Declared], model: Described) -> None:
    """Raises ModelError where a tensor of the files has another shape than in the network."""
    unlike = [
        f"{name} is {tensors[name].shape}, wanted {tuple(tensor.shape)}"
        for name, tensor in empty.state_dict().items()
        if name in tensors and tensors[name].shape != tuple(tensor.shape)
    ]
    if unlike:
        raise ModelError(
            f"model 'hf:{model.name}': its weights are not of the network that {model.path} describes: "
            f"{first_few(unlike)}. Fetch the folder again"
        )


def unused(module: nn.Module, names: Sequence[str], model: Described) -> str:
    """Tells the weights of the file that the network leaves; raises ModelError where they are blocks of its own."""
    if not names:
        return ""
    own = {_pattern(name) for name in module.state_dict()}
    blocks = [name for name in names if "*" in _pattern(name) and _pattern(name) in own]
    if blocks:
        raise ModelError(
            f"model 'hf:{model.name}': its file has more blocks than {model.path} describes ({first_few(blocks)}), so "
            "the two are not of one model. Fetch the folder again"
        )
    return f"; {model.kind.__name__} does not use {first_few(names)} of its file"


def _pattern(name: str) -> str:
    return re.sub(r"(?<=\.)\d+(?=\.)", "*", name)


def first_few(names: Sequence[str]) -> str:
    """Lists the first names, and how many more there are."""
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
