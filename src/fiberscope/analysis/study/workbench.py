"""What is done of an unfinished answer: each piece on disk as soon as it is there, until the answer itself is."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import safetensors
import safetensors.torch
import torch
from torch import Tensor

from fiberscope.problem import FiberscopeError
from fiberscope.whole_file import write_whole

_NAME = ".workbench"  # hidden: it is no part of a result


@dataclass(frozen=True)
class Workbench:
    """Pieces of answers beside the result of a run, for questions that take so long that a piece is worth keeping.

    Only for a study whose identity is that of the pieces: `run_study` clears what another one left.
    """

    run: Path

    def once(self, name: str, find: Callable[[], Mapping[str, Tensor]]) -> dict[str, Tensor]:
        """The piece of that name: from disk when an interrupted run found it, otherwise found now and kept.

        A piece that cannot be read is found again, and one that cannot be kept is only not kept.
        """
        path = self.run / _NAME / f"{name}.safetensors"
        with suppress(OSError, safetensors.SafetensorError):
            return safetensors.torch.load(path.read_bytes())
        found = {key: _own(value) for key, value in find().items()}
        with suppress(FiberscopeError):
            write_whole(safetensors.torch.save(found), path)
        return found

    def clear(self) -> None:
        """Remove every piece; raises FiberscopeError where that is refused, for the next study must not find them."""
        try:
            shutil.rmtree(self.run / _NAME)
        except FileNotFoundError:
            return
        except OSError as error:
            raise FiberscopeError(f"{self.run / _NAME} cannot be removed ({error}); remove it, and go on") from error


def _own(tensor: Tensor) -> Tensor:
    """A copy in memory of its own, which the file format asks for."""
    return tensor.detach().cpu().clone(memory_format=torch.contiguous_format)
