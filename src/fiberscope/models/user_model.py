"""The door for a user's own network: a factory in a Python file, and weights beside it."""

from __future__ import annotations

import difflib
import hashlib
import importlib.util
import inspect
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from types import ModuleType

from torch import nn

from fiberscope.models.plain_network import plain_network, refuse_without_values
from fiberscope.models.weights import freeze, load_weights
from fiberscope.problem.errors import ModelError


def load_user(spec: str, weights: Path | None = None) -> nn.Module:
    """Builds the network of "file.py:factory" by calling factory(), and loads its weights if a file is given.

    It is in eval mode and its parameters require no gradient. Without `weights` it keeps those that the
    factory gave it. While the file runs, it can import its neighbours.

    Raises ModelError when the file, the factory or the weights do not give a torch module.
    """
    return open_user(spec, weights)[0]


def open_user(spec: str, weights: Path | None = None) -> tuple[nn.Module, str]:
    """The network of `load_user`, and in words where its weights are from."""
    found = load_object(spec, kind="model", thing="your network")
    path, _, factory_name = spec.rpartition(":")
    network = plain_network(found, f"{path}: {factory_name}()")
    origin = "its factory" if weights is None else load_weights(network, weights)
    refuse_without_values(network, f"{path}: {factory_name}()")
    freeze(network)
    return network, origin


def load_object(spec: str, *, kind: str = "measure", thing: str = "it") -> object:
    """Whatever the factory of "file.py:factory" returns; ``kind`` and ``thing`` name it in what is raised.

    What the file prints goes to standard error, so that the output of a command stays its own. Raises ModelError when
    the file or the factory is missing, fails, or wants arguments.
    """
    file_name, _, factory_name = spec.rpartition(":")
    path = Path(file_name)
    if not file_name or not factory_name:
        raise ModelError(f"{kind} {spec!r} is not file.py:factory; name the function that returns {thing}")
    if not path.is_file():
        raise ModelError(f"{kind} {spec!r}: there is no file {path}; check the path before the colon")
    with _neighbours_importable(path), redirect_stdout(sys.stderr):
        module = _run_file(path)
        factory = _find(factory_name, module, path, thing)
        _refuse_arguments(factory, f"{path}: {factory_name}")
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
        # As it is written: compiled code that lies beside it may be of something else, which nobody has read.
        exec(compile(path.read_bytes(), str(path.resolve()), "exec", dont_inherit=True), vars(module))
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


def _refuse_arguments(factory: Callable[[], object], name: str) -> None:
    try:
        parameters = inspect.signature(factory).parameters.values()
    except (TypeError, ValueError):  # of what is written in C
        return
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    wanted = [each.name for each in parameters if each.default is inspect.Parameter.empty and each.kind in kinds]
    if wanted:
        raise ModelError(
            f"{name} wants {', '.join(wanted)}, and is called without arguments; give them defaults, or name a "
            "function without arguments that calls it"
        )
