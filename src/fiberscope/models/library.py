"""Networks that ship or were trained here, by name or by path."""

from __future__ import annotations

import difflib
import hashlib
from pathlib import Path
from typing import overload

from torch import nn

from fiberscope.models.architectures import ARCHITECTURES, Kind, Network, build
from fiberscope.models.cards import ModelCard, read_card
from fiberscope.models.weights import freeze, load_weights
from fiberscope.problem.errors import ModelError

_SHIPPED = Path(__file__).parent / "shipped"


def available() -> tuple[str, ...]:
    """Names of the networks that ship."""
    return tuple(sorted(path.stem for path in _SHIPPED.glob("*.json")))


@overload
def load(name_or_path: str | Path) -> Network: ...
@overload
def load(name_or_path: str | Path, kind: type[Kind]) -> Kind: ...
def load(name_or_path: str | Path, kind: type[nn.Module] | None = None) -> Network:
    """Load a network that ships, by name, or one trained here, by its weights, its card or their folder.

    It is in eval mode and its parameters require no gradient. Where only one kind of network will do, name its class.

    Raises ModelError when there is no such network, its files do not belong together, or it is of another kind.
    """
    card_path = _find_card(name_or_path)
    network_card = read_card(card_path)
    weights = card_path.with_suffix(".safetensors")
    if not weights.is_file():
        raise ModelError(f"{weights} is missing beside its card; copy both, or train the model again")
    if hashlib.sha256(weights.read_bytes()).hexdigest() != network_card.sha256:
        raise ModelError(
            f"{weights} is truncated or altered: its SHA-256 is not the one on its card; copy both again, or "
            f"train again with `{network_card.command}`"
        )
    architecture = ARCHITECTURES[network_card.architecture].network
    if kind is not None and kind is not architecture:
        raise ModelError(
            f"model {str(name_or_path)!r} is a {architecture.__name__}, wanted a {kind.__name__}; {_names_of(kind)}"
        )
    network = build(architecture, network_card.training)
    load_weights(network, weights)
    freeze(network)
    return network


def card(name_or_path: str | Path) -> ModelCard:
    """Read the card of a network that `load` would load."""
    return read_card(_find_card(name_or_path))


def _names_of(kind: type[nn.Module]) -> str:
    names = [name for name in available() if card(name).architecture == kind.__name__]
    return f"of those that ship, choose {' or '.join(names)}" if names else "train one"


def _find_card(name_or_path: str | Path) -> Path:
    path = Path(name_or_path)
    if name_or_path in available():
        return _SHIPPED / f"{name_or_path}.json"
    if path.is_dir():
        return _card_in(path)
    if not path.exists():
        close = difflib.get_close_matches(str(name_or_path), available(), cutoff=0.4)
        guess = f" Did you mean {close[0]}?" if close else ""
        raise ModelError(
            f"model {str(name_or_path)!r} is neither a name that ships ({', '.join(available())}) nor a path "
            f"that exists.{guess} A network of your own is file.py:factory"
        )
    if path.suffix not in (".safetensors", ".json"):
        raise ModelError(f"model {path} is neither .safetensors nor .json; a network of your own is file.py:factory")
    beside = path.with_suffix(".json")
    if not beside.is_file():
        raise ModelError(
            f"{path} has no card {beside.name} beside it, so its architecture is unknown; copy the card too, "
            "or give the network as file.py:factory and this file as its weights"
        )
    return beside


def _card_in(folder: Path) -> Path:
    cards = sorted(path for path in folder.glob("*.json") if path.with_suffix(".safetensors").is_file())
    if len(cards) == 1:
        return cards[0]
    if cards:
        names = ", ".join(path.name for path in cards)
        raise ModelError(f"folder {folder} holds several models ({names}); name one of these files")
    unfinished = any(folder.glob("*.checkpoint.safetensors"))
    remedy = "its training is not finished: run that command again" if unfinished else "name another folder"
    raise ModelError(f"folder {folder} holds no finished model (NAME.safetensors with NAME.json); {remedy}")
