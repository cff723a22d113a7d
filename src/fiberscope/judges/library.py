"""Judges that ship or were trained here, and the panel that they form."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import safetensors
import safetensors.torch
import torch
from torch import nn

from fiberscope.judges.cards import JudgeCard, read_card
from fiberscope.judges.judge import ModuleJudge, from_module
from fiberscope.judges.memory import Memory
from fiberscope.judges.panel import Panel
from fiberscope.judges.recipes import MEMORY, RECIPES, THRESHOLD
from fiberscope.problem.errors import ModelError

_SHIPPED = Path(__file__).parent / "shipped"


def shipped_panel(folder: Path = _SHIPPED) -> Panel:
    """Load the judges of MNIST digits that ship, or those that `fiberscope train judges` left in a folder.

    Raises ModelError when a file is missing, damaged or does not belong to its card.
    """
    judges = tuple(load_judge(name, folder) for name in RECIPES)
    weights = tuple(recipe.weight for recipe in RECIPES.values())
    return Panel(judges, weights=weights, threshold=THRESHOLD, memories=(_memory(folder),))


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
        tensors = safetensors.torch.load(content)
        with torch.random.fork_rng(devices=[]):  # first weights are drawn from the caller's generator otherwise
            module: nn.Module = RECIPES[name].build(tensors)
        module.load_state_dict(tensors)
    except (OSError, KeyError, ValueError, RuntimeError, safetensors.SafetensorError) as error:
        raise ModelError(f"{path} is missing or altered ({error}); train it again with `{card.command}`") from error
    judge = from_module(module.requires_grad_(requires_grad=False), name, temperature=card.temperature)
    return replace(judge, card=card)


def judge_card(name: str, folder: Path = _SHIPPED) -> JudgeCard:
    """Read the card of a judge.

    Raises ModelError when there is no such judge or its card is damaged.
    """
    if name not in RECIPES:
        raise ModelError(f"judge {name!r} is none of {', '.join(RECIPES)}")
    return read_card(folder / f"{name}.json")


def _memory(folder: Path) -> Memory:
    path = folder / MEMORY
    try:
        return Memory(safetensors.torch.load_file(path)["signatures"])
    except (OSError, KeyError, safetensors.SafetensorError) as error:
        raise ModelError(f"{path} is missing or altered ({error}); run `fiberscope train judges` again") from error
