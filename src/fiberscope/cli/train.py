"""`fiberscope train`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from fiberscope.cli.options import Flat
from fiberscope.cli.terminal import say, show_files, training_bar


@dataclass(frozen=True)
class Recipe:
    """What decides the weights; the defaults are those of mnist-classifier, which ships."""

    latent_size: int = 8
    """Numbers in the latent."""

    activation: Literal["relu", "gelu", "silu", "tanh", "softplus"] = "relu"
    """Nonlinearity; all but relu make the latent map smooth."""

    epochs: int = 15
    """Passes over the training digits."""

    seed: int = 0
    """Seed of the first weights and of the order of digits."""

    batch_size: int = 100
    """Digits in each step of the optimiser."""

    learning_rate: float = 3e-3
    """Peak of the learning rate."""

    weight_decay: float = 0.01
    """Decoupled weight decay of AdamW."""

    max_shift: int = 2
    """Largest random shift of a training digit along each axis, in pixels."""


def classifier(
    *,
    recipe: Flat[Recipe] = Recipe(),
    name: str = "classifier",
    out: Path = Path("runs/models"),
    data_dir: Path | None = None,
    force: bool = False,
) -> None:
    """Train a classifier of MNIST digits; killed or interrupted, the same command goes on where it stopped.

    Parameters
    ----------
    name
        Name of the model: its files are NAME.safetensors and NAME.json.
    out
        Folder for these files, which --model of the other commands takes.
    data_dir
        Folder with the MNIST files; by default where `fiberscope data fetch mnist` puts them.
    force
        Replace a finished model of that name.
    """
    from fiberscope.data import mnist
    from fiberscope.models import ClassifierConfig, train_classifier

    config = ClassifierConfig(**vars(recipe))
    train, test = mnist("train", data_dir), mnist("test")
    with _resumable(), training_bar() as on_progress:
        card = train_classifier(train, test, config=config, out=out, name=name, force=force, on_progress=on_progress)
    say(f"{card.name} reads {100 * card.quality['accuracy']:.2f} % of the test digits right.")
    show_files([out / f"{name}.safetensors", out / f"{name}.json"])


@contextmanager
def _resumable() -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        raise KeyboardInterrupt(
            "interrupted: finished epochs are kept, and the same command goes on from there"
        ) from None
