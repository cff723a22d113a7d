"""The card beside the weights: what the network is, how it came about, what it can do."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from fiberscope.models.training_config import TrainingConfig
from fiberscope.problem.errors import ModelError


@dataclass(frozen=True)
class ModelCard:
    """A trained Classifier; `test_accuracy` is a fraction, `sha256` is that of the weights file."""

    name: str
    architecture: str
    training: TrainingConfig
    train_data: str
    test_data: str
    test_accuracy: float
    num_parameters: int
    command: str
    reproducibility: str
    torch_version: str
    sha256: str


def write_card(card: ModelCard) -> bytes:
    """Write the card as JSON, for a file beside the weights."""
    return (json.dumps(asdict(card), indent=2) + "\n").encode()


def read_card(path: Path) -> ModelCard:
    """Read a card back; raises ModelError when the file is no card."""
    try:
        found = json.loads(path.read_bytes())
        _check_keys(found, ModelCard)
        _check_keys(found["training"], TrainingConfig)
        return ModelCard(**{**found, "training": TrainingConfig(**found["training"])})
    except (OSError, ValueError, TypeError) as error:
        raise ModelError(
            f"{path} is not the card of a model trained by fiberscope ({error}); train it again, or give a "
            "network of your own as file.py:factory"
        ) from error


def _check_keys(found: object, wanted: type[ModelCard | TrainingConfig]) -> None:
    names = {field.name for field in fields(wanted)}
    keys = set(found) if isinstance(found, dict) else set()
    if keys != names:
        raise ValueError(f"missing: {sorted(names - keys)}, unknown: {sorted(keys - names)}")
