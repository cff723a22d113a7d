"""The door for a user's own network: a factory in a Python file, and weights beside it."""

from __future__ import annotations

import difflib
import hashlib
import importlib.util
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

from torch import nn

from fiberscope.models.weights import freeze, load_weights
from fiberscope.problem.errors import ModelError


def load_user(spec: str, weights: Path | None = None) -> nn.Module:
    """Build the network of "file.py:factory" by calling factory(), and load its weights if a file is given.

    It is in eval mode and its parameters require no gradient. Without `weights` it keeps those that the
    factory gave it. While the file runs, it can import its neighbours.

    Raises ModelError when the file, the factory or the weights do not give a torch module.
    """
    network = load_object(spec, kind="model", thing="your network")
    path, _, factory_name = spec.rpartition(":")
    if not isinstance(network, nn.Module):
        raise ModelError(
            f"{path}: {factory_name}() returned {type(network).__name__}, wanted torch.nn.Module; return the network"
        )
    if weights is not None:
        load_weights(network, weights)
    freeze(network)
    return network


def load_object(spec: str, *, kind: str = "measure", thing: str = "it") -> object:
    """Whatever the factory of "file.py:factory" returns; ``kind`` and ``thing`` name it in what is raised.

    Raises ModelError when the file or the factory is missing or fails.
    """
    file_name, _, factory_name = spec.rpartition(":")
    path = Path(file_name)
    if not file_name or not factory_name:
        raise ModelError(f"{kind} {spec!r} is not file.py:factory; name the function that returns {thing}")
    if not path.is_file():
        raise ModelError(f"{kind} {spec!r}: there is no file {path}; check the path before the colon")
    with _neighbours_importable(path):
        module = _run_file(path)
        factory = _find(factory_name, module, path, thing)
        with _users_errors(path, f"{factory_name}()"):
            return factory()


@contextmanager
def _neighbours_importable(path: Path) -> Iterator[None]:
    folder = str(path.resolve().parent)
    sys.path.append(folder)  # at the end: a neighbour named like an installed package does not hide it
    try:
        yield
    finally:
        sys.path.remove(folder)


@contextmanager
def _users_errors(path: Path, what: str) -> Iterator[None]:
    """Show an error of the user's code with its line, not with the frames of this package."""
    try:
        yield
    except (Exception, SystemExit) as error:
        frames = traceback.extract_tb(error.__traceback__)
        lines = [frame.lineno for frame in frames if Path(frame.filename) == path.resolve()]
        where = f", line {lines[-1]}" if lines else ""
        raise ModelError(
            f"{path}{where}: {what} failed with {type(error).__name__}: {error}; mend the file and try again"
        ) from error


def _run_file(path: Path) -> ModuleType:
    # a name of its own for each file: no two files, and no installed package, can be taken for one another
    name = f"_fiberscope_user_{hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:16]}"
    spec = importlib.util.spec_from_file_location(name, path.resolve())
    if spec is None or spec.loader is None:
        raise ModelError(f"{path} is no Python file; name a file that ends in .py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses and pickles in the file look their module up
    with _users_errors(path, "importing it"):
        spec.loader.exec_module(module)
    return module


def _find(factory_name: str, module: ModuleType, path: Path, thing: str) -> Callable[[], object]:
    factory: Callable[[], object] | None = getattr(module, factory_name, None)
    if callable(factory):
        return factory
    names = [name for name, value in vars(module).items() if callable(value) and not name.startswith("_")]
    close = difflib.get_close_matches(factory_name, names) or names
    raise ModelError(
        f"{path} has no function {factory_name}; it has {', '.join(close) or 'no function at all'}: name the "
        f"one that returns {thing}"
    )
