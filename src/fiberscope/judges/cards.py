"""The card beside a judge's weights: what it is, how it came about, how good and how honest it is."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from fiberscope.problem.errors import ModelError


@dataclass(frozen=True)
class JudgeCard:
    """A trained judge; accuracy and calibration error are measured on the test set, as fractions.

    ``sha256`` is that of the weights file, ``temperature`` divides the logits.
    """

    name: str
    architecture: str
    description: str
    train_data: str
    test_data: str
    test_accuracy: float
    calibration_error: float
    temperature: float
    num_parameters: int
    command: str
    reproducibility: str
    torch_version: str
    sha256: str


def write_card(card: JudgeCard) -> bytes:
    """Write the card as JSON, for a file beside the weights."""
    return (json.dumps(asdict(card), indent=2) + "\n").encode()


def read_card(path: Path) -> JudgeCard:
    """Read a card back; raises ModelError when the file is no card of a judge."""
    try:
        found = json.loads(path.read_bytes())
        wanted = {field.name for field in fields(JudgeCard)}
        if not isinstance(found, dict) or set(found) != wanted:
            raise ValueError(f"wanted the names {sorted(wanted)}")
        return JudgeCard(**found)
    except (OSError, ValueError) as error:
        raise ModelError(
            f"{path} is not the card of a judge ({error}); train judges with `fiberscope train judges`, or wrap a "
            "network of your own with fiberscope.judges.from_module"
        ) from error
