"""Training the judges, one after the other; a finished one is not trained again."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import safetensors.torch
import torch

from fiberscope.judges.calibration import calibration_error, fit_temperature
from fiberscope.judges.cards import JudgeCard, read_card, write_card
from fiberscope.judges.judge import from_module
from fiberscope.judges.memory import remember
from fiberscope.judges.recipes import MEMORY, RECIPES, Lesson, split
from fiberscope.models.train import REPRODUCIBILITY, Labelled
from fiberscope.problem.errors import FiberscopeError
from fiberscope.whole_file import write_whole

_ORDER_SEED = 2024
_FEWEST = 100
_COMMAND = "fiberscope train judges"


class JudgeProgress(NamedTuple):
    """Which judge is at work, and how many of its steps are done; a judge without steps counts as one."""

    judge: str
    done: int
    total: int


def train_judges(
    train: Labelled,
    test: Labelled,
    *,
    out: Path,
    on_progress: Callable[[JudgeProgress], None] = lambda progress: None,
) -> tuple[JudgeCard, ...]:
    """Train every judge whose card is not yet in `out`, calibrate it on digits held back, and write it there.

    Beside them stands what tells the training digits again.

    Raises FiberscopeError when there are too few training digits to hold any back, and ModelError when a card
    that is there cannot be read.
    """
    if len(train.labels) < _FEWEST:
        raise FiberscopeError(f"train has {len(train.labels)} digits, wanted at least {_FEWEST}: some are held back")
    signatures = remember(train.images).signatures
    write_whole(safetensors.torch.save({"signatures": signatures}), out / MEMORY)
    return tuple(_finished(name, out) or _train(name, train, test, out, on_progress) for name in RECIPES)


def _finished(name: str, out: Path) -> JudgeCard | None:
    path = out / f"{name}.json"
    return read_card(path) if path.exists() else None


def _train(
    name: str, train: Labelled, test: Labelled, out: Path, on_progress: Callable[[JudgeProgress], None]
) -> JudgeCard:
    order, fitted = split(len(train.labels), _ORDER_SEED)
    images, labels, recipe = train.images[order], train.labels[order], RECIPES[name]
    lesson = Lesson(
        images, labels, fitted, seed=_seed(name), on_step=lambda done, of: on_progress(JudgeProgress(name, done, of))
    )
    module = recipe.fit(lesson)
    shipped = {
        name: tensor.half() if tensor.is_floating_point() else tensor for name, tensor in module.state_dict().items()
    }
    module.load_state_dict(shipped)  # what is measured is what ships
    on_progress(JudgeProgress(name, 1, 1))
    logits = from_module(module, name).logits(images[fitted:])
    temperature = fit_temperature(logits, labels[fitted:])
    said = from_module(module, name, temperature=temperature).probabilities(test.images)
    weights = safetensors.torch.save(shipped)
    card = JudgeCard(
        name=name,
        architecture=type(module).__name__,
        description=recipe.description,
        train_data=f"{train.name}, {fitted} of {len(labels)} images, {len(labels) - fitted} held back for calibration",
        test_data=f"{test.name}, {len(test.labels)} images",
        test_accuracy=float((said.argmax(dim=1) == test.labels).double().mean()),
        calibration_error=calibration_error(said, test.labels),
        temperature=temperature,
        num_parameters=sum(tensor.numel() for tensor in module.state_dict().values()),
        command=_COMMAND,
        reproducibility=REPRODUCIBILITY,
        torch_version=torch.__version__,
        sha256=hashlib.sha256(weights).hexdigest(),
    )
    write_whole(weights, out / f"{name}.safetensors")
    write_whole(write_card(card), out / f"{name}.json")
    return card


def _seed(name: str) -> int:
    return 7000 + list(RECIPES).index(name)
