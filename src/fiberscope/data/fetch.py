"""Downloading MNIST, once, into the user's cache."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from io import BytesIO
from pathlib import Path

import pooch

from fiberscope.data.mnist_files import FILES, MnistFile, find, is_original, unpack, user_cache
from fiberscope.problem.errors import FiberscopeError
from fiberscope.whole_file import write_whole

MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist",
    "https://storage.googleapis.com/cvdf-datasets/mnist",
    "https://raw.githubusercontent.com/fgnt/mnist/master",
)
_TIMEOUT = 30  # seconds of silence before a mirror is given up


def fetch_mnist(
    *,
    root: str | Path | None = None,
    mirrors: Sequence[str] = MIRRORS,
    on_file: Callable[[str], None] = lambda name: None,
) -> Path:
    """Download the four files of MNIST (11 MB) that the folder does not hold yet, and return the folder.

    `root` is the user's cache unless given; `on_file` is called with a file's name before its download. A
    file appears in the folder whole and checked, or not at all.

    Raises FiberscopeError when no mirror delivers a file or the folder cannot be written.
    """
    folder = user_cache() if root is None else Path(root)
    for file in (file for pair in FILES.values() for file in pair):
        if not _is_there(folder, file):
            on_file(file.name)
            write_whole(_download(file, mirrors, folder), folder / f"{file.name}.gz")
    return folder


def _is_there(folder: Path, file: MnistFile) -> bool:
    place = find(file, folder)
    return place is not None and is_original(unpack(place.read_bytes()), file)


def _download(file: MnistFile, mirrors: Sequence[str], folder: Path) -> bytes:
    """Return the packed bytes from the first mirror that has the original."""
    failures = []
    for mirror in mirrors:
        url = f"{mirror}/{file.name}.gz"
        # in memory, the largest file has 10 MB: a killed download leaves nothing behind
        received = BytesIO()
        try:
            pooch.HTTPDownloader(timeout=_TIMEOUT)(url, received, None)
        except (OSError, ValueError) as error:  # every error of the requests library is an OSError
            failures.append(f"  {url}: {error}")
            continue
        if is_original(unpack(received.getvalue()), file):
            return received.getvalue()
        failures.append(f"  {url}: what came is truncated or altered (its MD5 is not {file.md5})")
    names = ", ".join(f"{file.name}.gz" for pair in FILES.values() for file in pair)
    tried = "\n".join(failures)
    raise FiberscopeError(
        f"{file.name}.gz could not be downloaded:\n{tried}\n"
        f"Without network, copy {names} (or the unpacked files) from another machine into {folder}, "
        "or into any folder that the environment variable FIBERSCOPE_DATA names."
    )
