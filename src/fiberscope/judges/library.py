"""Judges that ship or were trained here, and the panel that they form."""

from __future__ import annotations

import hashlib
from pathlib import Path

import safetensors
import safetensors.torch
from torch import nn

from fiberscope.judges.cards import JudgeCard, read_card
from fiberscope.judges.judge import ModuleJudge, from_module
from fiberscope.judges.neighbours import Neighbours
from fiberscope.judges.panel import Panel
from fiberscope.judges.recipes import RECIPES
from fiberscope.problem.errors import ModelError

_SHIPPED = Path(__file__).parent / "shipped"


def shipped_panel(folder: Path = _SHIPPED) -> Panel:
    """Load the judges of MNIST digits that ship, or those that `fiberscope train judges` left in a folder.

    Raises ModelError when a file is missing, damaged or does not belong to its card.
    """
    judges = tuple(load_judge(name, folder) for name in RECIPES)
    memories = tuple(judge.module for judge in judges if isinstance(judge.module, Neighbours))
    return Panel(judges, weights=tuple(recipe.weight for recipe in RECIPES.values()), memories=memories)


def load_judge(name: str, folder: Path = _SHIPPED) -> ModuleJudge:
    """Load one judge by its name.

    Raises ModelError when a file is missing, damaged or does not belong to its card.
    """
    card = judge_card(name, folder)
    path = folder / f"{name}.safetensors"
    try:
        content = path.read_bytes()
        if hashlib.sha256(content).hexdigest() != card.sha256:
            raise ValueError("its SHA-256 is not the one on its card")
        module: nn.Module = RECIPES[name].build()
        # buffers of bytes ship as they are, weights as half floats
        module.load_state_dict(safetensors.torch.load(content))
    except (OSError, ValueError, RuntimeError, safetensors.SafetensorError) as error:
        raise ModelError(f"{path} is missing or altered ({error}); train it again with `{card.command}`") from error
    return from_module(module.requires_grad_(requires_grad=False), name, temperature=card.temperature)


def judge_card(name: str, folder: Path = _SHIPPED) -> JudgeCard:
    """Read the card of a judge.

    Raises ModelError when there is no such judge or its card is damaged.
    """
    if name not in RECIPES:
        raise ModelError(f"judge {name!r} is none of {', '.join(RECIPES)}")
    return read_card(folder / f"{name}.json")
