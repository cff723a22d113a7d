"""The door for programs that torch.export wrote: .pt2."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import fx, nn
from torch._subclasses.fake_tensor import FakeTensorMode

from fiberscope.models.chunks import DYNAMIC_BATCH, Chunked
from fiberscope.models.exported.archive import write_anew
from fiberscope.models.json_rules import shown
from fiberscope.models.opened import Opened
from fiberscope.models.preprocessing import Preprocessing
from fiberscope.models.weights import freeze
from fiberscope.problem.errors import ModelError

_LARGEST = 2**28  # numbers that one step makes of one image: 1 GiB in single precision


def open_exported(path: Path) -> Opened:
    """The module of an exported program, with its layers by their names, and the shape of one image.

    A program that was exported for one size of batch is run in chunks of it. Raises ModelError where the file is
    missing, damaged, could run code of its own, does not take one tensor of floats, or fills the memory.
    """
    if not path.is_file():
        raise ModelError(f"model {path} does not exist; check the path")
    with _silent(), write_anew(path) as copy:
        try:
            from torch.export.pt2_archive._package import load_pt2  # noqa: PLC0415  (older versions lack it)

            # torch.export.load would fall back on unpickling an older format
            program = load_pt2(copy).exported_programs["model"]
            sizes = _input_sizes(path, program)
            _refuse_too_large(path, program, sizes)
            module: nn.Module = torch.export.unflatten(program)
        except ModelError:
            raise
        except Exception as error:  # whatever another version of torch wrote
            raise ModelError(
                f"model {path} cannot be read by torch {torch.__version__} ({_brief(error)}); export it again with "
                f"this version: {DYNAMIC_BATCH}"
            ) from error
    freeze(module)
    batch, shape = sizes[0], tuple(size for size in sizes[1:] if size is not None)
    if batch is not None:
        module = Chunked(module, batch)
    return Opened(module, shape, Preprocessing(), "its own")


def _input_sizes(path: Path, program: torch.export.ExportedProgram) -> tuple[int | None, ...]:
    """Sizes of the images, with None for a batch of any size."""
    names = program.graph_signature.user_inputs
    inputs = [node.meta["val"] for node in program.graph.nodes if node.op == "placeholder" and node.name in names]
    if len(inputs) != 1 or not isinstance(inputs[0], torch.Tensor):
        raise ModelError(
            f"model {path} takes {len(names)} inputs, wanted one, the images; export it again: {DYNAMIC_BATCH}"
        )
    if not inputs[0].is_floating_point():
        raise ModelError(
            f"model {path} takes {inputs[0].dtype}, and nothing can be differentiated through integers; export it "
            "again from where it has floats"
        )
    sizes = tuple(size if isinstance(size, int) else None for size in inputs[0].shape)
    if len(sizes) < 2 or None in sizes[1:]:
        raise ModelError(
            f"model {path} takes tensors {tuple(inputs[0].shape)}, wanted (batch, *shape of one image) with the batch "
            f"alone of any size; export it again: {DYNAMIC_BATCH}"
        )
    return sizes


def _refuse_too_large(path: Path, program: torch.export.ExportedProgram, sizes: tuple[int | None, ...]) -> None:
    """Runs the graph on sizes alone, so that nothing is allocated."""
    shape = [2 if size is None else size for size in sizes]
    signature = program.graph_signature
    stored = {**program.state_dict, **program.constants}
    places = {**signature.inputs_to_parameters, **signature.inputs_to_buffers}
    places.update(signature.inputs_to_lifted_tensor_constants)
    with FakeTensorMode(allow_fallback_kernels=False) as mode, torch.no_grad():
        inputs: list[torch.Tensor] = []
        for node in program.graph.nodes:
            if node.op == "placeholder" and node.name in places:
                inputs.append(mode.from_tensor(stored[places[node.name]]))
            elif node.op == "placeholder":
                inputs.append(torch.empty(shape, dtype=node.meta["val"].dtype))
        run = _Sizes(program.graph_module, _LARGEST * shape[0])
        try:
            run.run(*inputs)
        except _TooLargeError:
            raise ModelError(
                f"model {path} makes a tensor {run.found} of its images, which would fill the memory; give the network "
                "as file.py:factory where that is meant"
            ) from None


class _TooLargeError(Exception):
    pass


class _Sizes(fx.Interpreter):
    def __init__(self, module: fx.GraphModule, largest: int):
        super().__init__(module)
        self.largest = largest
        self.found: tuple[int, ...] = ()

    def run_node(self, n: fx.Node) -> Any:
        result = super().run_node(n)
        for each in result if isinstance(result, tuple | list) else (result,):
            if isinstance(each, torch.Tensor) and each.numel() > self.largest:
                self.found = tuple(each.shape)
                raise _TooLargeError
        return result


@contextmanager
def _silent() -> Iterator[None]:
    """Keeps back what torch warns and logs of its own insides, tracebacks among it; the refusal says enough."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)


def _brief(error: Exception) -> str:
    lines = str(error).splitlines() or [""]
    return f"{type(error).__name__}: {shown(lines[0])[1:-1]}"
