"""The card beside the weights: what the network is, how it came about, what it can do."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from fiberscope.models.architectures import ARCHITECTURES
from fiberscope.models.json_rules import finite, record, shown, table, whole, words
from fiberscope.models.training_config import ClassifierConfig, TrainingConfig
from fiberscope.problem.errors import ModelError


@dataclass(frozen=True)
class ModelCard:
    """A trained network; `quality` is measured on the test set, `sha256` is that of the weights file."""

    name: str
    architecture: str
    training: TrainingConfig
    train_data: str
    test_data: str
    quality: Mapping[str, float]
    num_parameters: int
    command: str
    reproducibility: str
    torch_version: str
    sha256: str


def write_card(card: ModelCard) -> bytes:
    """Write the card as JSON, for a file beside the weights."""
    return (json.dumps(asdict(card), indent=2) + "\n").encode()


def read_card(path: Path) -> ModelCard:
    """Reads a card back; raises ModelError when the file is no card."""
    try:
        found = _as_written_now(json.loads(path.read_bytes()))
        _check_keys(found, ModelCard)
        card = _CARD(found)
        if card["architecture"] not in ARCHITECTURES:
            raise ValueError(f"architecture {card['architecture']!r} is none of {', '.join(ARCHITECTURES)}")
        config = ARCHITECTURES[card["architecture"]].config
        _check_keys(found["training"], config)
        return ModelCard(**{**card, "training": config(**card["training"])})
    except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
        raise ModelError(
            f"{path} is not the card of a model trained by fiberscope ({error}); train it again, or give a "
            "network of your own as file.py:factory"
        ) from error


def _as_written_now(found: object) -> dict[str, Any]:
    """The card as this version writes it: version 0.1 knew plain classifiers only, and one measure of quality."""
    if not isinstance(found, dict):
        raise ValueError("it holds no names with values")
    if "test_accuracy" in found:
        found["quality"] = {"accuracy": found.pop("test_accuracy")}
        plain = ClassifierConfig()
        then = {"robust_radius": plain.robust_radius, "robust_steps": plain.robust_steps}
        found["training"] = {**then, **found["training"]}
    return found


def _check_keys(found: object, wanted: type[ModelCard | TrainingConfig]) -> None:
    names = {field.name for field in fields(wanted)}
    keys = set(found) if isinstance(found, dict) else set()
    if keys != names:
        raise ValueError(f"missing: {sorted(names - keys)}, unknown: {shown(sorted(keys - names))}")


_COUNT = whole(0, 2**40)
_TRAINING = {
    **{field.name: finite for kind in ARCHITECTURES.values() for field in fields(kind.config)},
    **dict.fromkeys(("epochs", "batch_size", "max_shift", "robust_steps"), _COUNT),
    "seed": whole(0, 2**64 - 1),
    "latent_size": whole(1, 2**14),
    "activation": words,
}
_CARD = record(
    {
        **dict.fromkeys((field.name for field in fields(ModelCard)), words),
        "training": record({}, _TRAINING),
        "quality": table(words, finite),
        "num_parameters": _COUNT,
    }
)
