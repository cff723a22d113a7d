"""Names and files that another door takes, or none: what they are, and what to write instead."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from fiberscope.models.library import available
from fiberscope.problem.errors import MissingPackageError, ModelError

_DOORS = {
    "timm": "timm",
    "torchvision": "torchvision",
    "tv": "torchvision",
    "hf": "hf",
    "hf-hub": "hf",
    "huggingface": "hf",
    "transformers": "hf",
}
_GIVE_NETWORK = "give the network itself as --model file.py:factory"
_CHECKPOINT = (
    f"a file of weights, which names no network: {_GIVE_NETWORK}, timm:NAME or torchvision:NAME, and beside it by "
    "--weights the tensors alone, as torch.save(model.state_dict(), 'weights.pt') writes them"
)
_FILES: Mapping[str, str] = {
    ".h5": "a network of Keras: convert it by python -m tf2onnx.convert --keras {file} --output net.onnx, and give "
    "--model net.onnx",
    ".keras": "a network of Keras: convert it by keras.models.load_model({file!r}).export('net.onnx', format='onnx'), "
    "and give --model net.onnx",
    ".pb": "a graph of TensorFlow: convert its folder by python -m tf2onnx.convert --saved-model FOLDER --output "
    "net.onnx, and give --model net.onnx",
    ".tflite": "a network of TensorFlow Lite: convert it by python -m tf2onnx.convert --tflite {file} --output "
    "net.onnx, and give --model net.onnx (one of integers rounds, and has no gradient)",
    ".bin": f"{_CHECKPOINT}. A folder of Hugging Face is --model hf:FOLDER",
    ".safetensors": f"a file of weights, which names no network: {_GIVE_NETWORK}, timm:NAME or torchvision:NAME, and "
    "this file by --weights beside it. A folder of Hugging Face is --model hf:FOLDER",
    ".pkl": f"a pickle, which could run code that it brings: {_GIVE_NETWORK}",
    ".joblib": f"a pickle, which could run code that it brings: {_GIVE_NETWORK}",
    ".mlmodel": f"a network of Core ML, which does not lead back to torch: {_GIVE_NETWORK} or as .onnx",
    ".engine": f"compiled by TensorRT, which keeps no gradient: {_GIVE_NETWORK} or as .onnx",
    ".gguf": f"of quantised weights, which have no gradient: {_GIVE_NETWORK}",
}


def refuse_misnamed(model: str, fetched: Collection[str]) -> None:
    """Raises ModelError for what is meant for another door, or for none, with what to write; passes everything else.

    ``fetched`` are the names of networks that can be fetched.
    """
    path = Path(model)
    if model in available() or model in fetched:
        return
    if path.is_dir():
        if (path / "config.json").is_file() and not (path / "config.safetensors").is_file():
            _refuse(model, "is a folder of Hugging Face", [f"hf:{model}"])
        return
    suffix = path.suffix.lower()
    if suffix in _FILES and not path.with_suffix(".json").is_file():
        raise ModelError(f"model {model} is {_FILES[suffix].format(file=model)}")
    if path.exists():
        return
    _refuse_other_separator(model)
    if not difflib.get_close_matches(model, available(), cutoff=0.8):
        close = difflib.get_close_matches(model, fetched, n=1, cutoff=0.8)
        if close:
            _refuse(model, "is no network that was fetched here", close)
        _refuse_bare_name(model)


def _refuse_other_separator(model: str) -> None:
    """Refuses "torchvision/resnet18", "Timm:resnet18", "hf/owner/name", "owner/name" and the like."""
    door, *rest = re.split("[:/]", re.sub(r"^torchvision\.models\.", "torchvision:", model), maxsplit=1)
    name = "".join(rest)
    if not name:
        return
    close = difflib.get_close_matches(door.lower(), _DOORS, n=1, cutoff=0.75)
    if close:
        _refuse(model, "has another form than names here", [f"{_DOORS[close[0]]}:{name}"])
    if re.fullmatch(r"[\w.-]+/[\w.-]+", model) and not Path(model).suffix:
        _refuse(model, "is no path that exists, and could be a name of the Hugging Face hub", [f"hf:{model}"])


def _refuse_bare_name(model: str) -> None:
    """Refuses a name, or nearly a name, of torchvision or timm."""
    lists = dict(_lists())
    known = [
        door for door, names in lists.items() if model in names or (door == "timm" and model.partition(".")[0] in names)
    ]
    if known:
        _refuse(model, f"is a name of {' and '.join(known)}", [f"{door}:{model}" for door in known])
    if Path(model).suffix or not re.fullmatch(r"[\w-]{3,}", model):
        return
    close = {door: difflib.get_close_matches(model.lower(), names, n=1, cutoff=0.8) for door, names in lists.items()}
    guesses = [f"{door}:{names[0]}" for door, names in close.items() if names]
    if guesses:
        _refuse(model, "is no network that ships, and close to names elsewhere", guesses)


def _lists() -> Sequence[tuple[str, Sequence[str]]]:
    found: list[tuple[str, Sequence[str]]] = []
    with suppress(MissingPackageError):
        from fiberscope.models.torchvision_names import names  # noqa: PLC0415  (it needs an extra)

        found.append(("torchvision", names()))
    with suppress(MissingPackageError):
        from fiberscope.models.timm_names import names as names_of_timm  # noqa: PLC0415

        found.append(("timm", names_of_timm()))
    return found


def _refuse(model: str, why: str, instead: Sequence[str]) -> None:
    raise ModelError(f"model {model!r} {why}: write {' or '.join(f'--model {each}' for each in instead)}")
