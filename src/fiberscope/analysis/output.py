"""What a run leaves behind: arrays, pictures and their provenance, and a partial result when it is interrupted."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fiberscope.analysis.provenance import Provenance, timed, write_provenance
from fiberscope.analysis.run_folder import RunFolder
from fiberscope.gallery import to_png

Arrays = Mapping[str, NDArray[Any]]  # by name; the first axis of each counts the rows of the run


class Interrupted(KeyboardInterrupt):
    """Ctrl-C in mid-run; the message says what was kept."""


@dataclass(frozen=True)
class Output:
    """Where a run writes, how its files are called, how many rows it is to have, and where it comes from."""

    folder: RunFolder
    name: str
    num_rows: int
    provenance: Provenance

    @property
    def partial(self) -> str:
        """The file that holds the finished batches while the run goes on."""
        return f"{self.name}.partial.npz"


def run_batches(
    output: Output, work: Callable[[slice], Arrays], *, batch_size: int, on_batch: Callable[[int, int], None]
) -> Arrays:
    """Do the work a batch at a time and return the arrays of all rows; what is done is on disk after every batch."""
    output.folder.remove(output.partial)
    done: list[Arrays] = []
    for start in range(0, output.num_rows, batch_size):
        batch = slice(start, min(start + batch_size, output.num_rows))
        with timed(output.provenance.seconds, "explore"):
            done.append(work(batch))
        output.folder.write(output.partial, _to_npz(_join(done)))
        on_batch(batch.stop, output.num_rows)
    return _join(done)


def write_output(output: Output, arrays: Arrays, pictures: Mapping[str, Callable[[], Image.Image]]) -> tuple[Path, ...]:
    """Write arrays, pictures by name and, last, the provenance; the partial result goes when the whole one is there."""
    with timed(output.provenance.seconds, "draw"):
        # All are drawn before one is written: an interruption finds the partial result or the whole one.
        drawn = {f"{name}.png": to_png(draw()) for name, draw in pictures.items()}
    contents = {f"{output.name}.npz": _to_npz(arrays), **drawn}
    paths = [output.folder.write(name, content) for name, content in contents.items()]
    output.folder.remove(output.partial)
    return (*paths, write_provenance(output.folder, output.provenance, files=list(contents)))


@contextmanager
def kept_when_interrupted(output: Output) -> Iterator[None]:
    """Turn Ctrl-C inside the block into `Interrupted`, with a provenance for what is on disk by then."""
    try:
        yield
    except KeyboardInterrupt:
        raise Interrupted(_account(output)) from None


def _account(output: Output) -> str:
    partial = output.folder.path / output.partial
    if not partial.exists():
        return "interrupted before the first batch was finished: nothing was kept; a smaller --batch-size keeps earlier"
    write_provenance(output.folder, output.provenance, files=[output.partial], finished=False)
    return f"interrupted: {_count_rows(partial)} of {output.num_rows} rows were finished and kept in {partial}"


def _count_rows(path: Path) -> int:
    with np.load(path, allow_pickle=False) as archive:
        return len(archive["outcomes"])


def _join(parts: Sequence[Arrays]) -> Arrays:
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _to_npz(arrays: Arrays) -> bytes:
    buffer = BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()
