"""The door for programs that torch.export wrote: .pt2."""

from __future__ import annotations

import warnings
from pathlib import Path

import torch
from torch import nn

from fiberscope.models.chunks import DYNAMIC_BATCH, Chunked
from fiberscope.models.opened import Opened
from fiberscope.models.preprocessing import Preprocessing
from fiberscope.models.program_archive import refuse_what_could_run_code
from fiberscope.models.weights import freeze
from fiberscope.problem.errors import ModelError


def open_exported(path: Path) -> Opened:
    """The module of an exported program, with its layers by their names, and the shape of one image.

    A program that was exported for one size of batch is run in chunks of it. Raises ModelError where the file is
    missing, damaged, could run code of its own, or does not take one tensor of floats.
    """
    if not path.is_file():
        raise ModelError(f"model {path} does not exist; check the path")
    refuse_what_could_run_code(path)
    with warnings.catch_warnings():  # torch warns of its own insides
        warnings.simplefilter("ignore")
        try:
            program = torch.export.load(path)
            sizes = _input_sizes(path, program)
            module: nn.Module = torch.export.unflatten(program)
        except ModelError:
            raise
        except Exception as error:  # whatever another version of torch wrote
            raise ModelError(
                f"model {path} cannot be read by torch {torch.__version__} ({type(error).__name__}: {error}); export "
                f"it again with this version: {DYNAMIC_BATCH}"
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
