"""The state of an unfinished training run, in one file that is written whole."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import NamedTuple

import safetensors
import safetensors.torch
from torch import Tensor, nn
from torch.optim import Optimizer

from fiberscope.models.json_rules import record, table, whole, words
from fiberscope.models.training_config import TrainingConfig
from fiberscope.problem.errors import FiberscopeError, ModelError
from fiberscope.whole_file import write_whole


class RunIdentity(NamedTuple):
    """What a run must share with the one it continues."""

    architecture: str
    training: TrainingConfig
    train_data: str
    test_data: str

    def as_json(self) -> dict[str, object]:
        """Flatten to names and plain values."""
        rest = {"architecture": self.architecture, "train_data": self.train_data, "test_data": self.test_data}
        return {**asdict(self.training), **rest}


def save_checkpoint(
    path: Path, *, network: nn.Module, optimizer: Optimizer, epochs_done: int, identity: RunIdentity
) -> None:
    """Write weights and optimiser state as tensors, counters and identity as JSON in the file's header."""
    tensors = {f"network.{name}": tensor for name, tensor in network.state_dict().items()}
    for index, state in optimizer.state_dict()["state"].items():
        tensors.update({f"optimizer.{index}.{name}": tensor for name, tensor in state.items()})
    counters = json.dumps({"epochs_done": epochs_done, "identity": identity.as_json()})
    # one file, one rename: counters and tensors can never be of two different epochs
    write_whole(safetensors.torch.save(tensors, metadata={"counters": counters}), path)


def load_checkpoint(path: Path, *, network: nn.Module, optimizer: Optimizer, identity: RunIdentity) -> int:
    """Restore network and optimiser in place, and return how many epochs are done.

    Raises FiberscopeError when the checkpoint belongs to a run with another configuration or other data.
    """
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  (not a dict)
            counters = _COUNTERS(json.loads((file.metadata() or {})["counters"]))
    except (OSError, KeyError, ValueError, RecursionError, safetensors.SafetensorError) as error:
        raise ModelError(f"{path} is not a whole checkpoint ({error}); delete it to start over") from error
    _check_identity(path, found=counters["identity"], wanted=identity.as_json())
    state: dict[int, dict[str, Tensor]] = {}
    try:
        network.load_state_dict(_below("network.", tensors))
        for key, tensor in _below("optimizer.", tensors).items():
            index, name = key.split(".")
            state.setdefault(int(index), {})[name] = tensor
        optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
    except (RuntimeError, ValueError, KeyError) as error:
        raise ModelError(f"{path} holds the tensors of another run; delete it to start over") from error
    return int(counters["epochs_done"])


def _check_identity(path: Path, *, found: Mapping[str, object], wanted: Mapping[str, object]) -> None:
    differences = [
        f"{name} {found.get(name)!r} there, {value!r} now" for name, value in wanted.items() if found.get(name) != value
    ]
    if differences:
        raise FiberscopeError(
            f"{path} is the checkpoint of another run: {'; '.join(differences)}. Finish that run with its "
            "own options, or train under another name, or delete the checkpoint to start over"
        )


def _below(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {key.removeprefix(prefix): tensor for key, tensor in tensors.items() if key.startswith(prefix)}


_COUNTERS = record({"epochs_done": whole(0, 2**40), "identity": table(words, lambda value: value)})
