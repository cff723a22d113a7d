"""`fiberscope data fetch`."""

from __future__ import annotations

from pathlib import Path

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
