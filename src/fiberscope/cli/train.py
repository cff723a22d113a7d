"""`fiberscope train`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

from fiberscope.cli.options import Flat
from fiberscope.cli.terminal import say, show_files, training_bar

if TYPE_CHECKING:
    from fiberscope.models import ModelCard, TrainingConfig

Activation: TypeAlias = Literal["relu", "gelu", "silu", "tanh", "softplus"]


@dataclass(frozen=True)
class Recipe:
    """What decides the weights of a classifier; the defaults are those of mnist-classifier, which ships."""

    latent_size: int = 8
    """Numbers in the latent."""

    activation: Activation = "relu"
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

    robust_radius: float = 0.0
    """Train on the worst image within this Euclidean distance of each digit (pixels from 0 to 1); 0 is off."""

    robust_steps: int = 3
    """Steps of gradient ascent that look for the worst image; each costs half a step of training."""


@dataclass(frozen=True)
class AutoencoderRecipe:
    """What decides the weights of an autoencoder; the defaults are those of mnist-autoencoder, which ships."""

    latent_size: int = 16
    """Numbers in the latent."""

    activation: Activation = "silu"
    """Nonlinearity; all but relu make encoder and decoder smooth."""

    epochs: int = 10
    """Passes over the training digits."""

    seed: int = 0
    """Seed of the first weights and of the order of digits."""

    batch_size: int = 100
    """Digits in each step of the optimiser."""

    learning_rate: float = 2e-3
    """Peak of the learning rate."""

    weight_decay: float = 0.0
    """Decoupled weight decay of AdamW."""

    max_shift: int = 0
    """Largest random shift of a training digit along each axis, in pixels."""


@dataclass(frozen=True)
class GeneratorRecipe:
    """What decides the weights of a generator; the defaults are those of mnist-generator, which ships."""

    latent_size: int = 24
    """Numbers from which an image is made."""

    activation: Activation = "silu"
    """Nonlinearity; all but relu make the generator smooth."""

    epochs: int = 15
    """Passes over the training digits."""

    seed: int = 0
    """Seed of the first weights, of the order of digits and of the noise on latents."""

    batch_size: int = 100
    """Digits in each step of the optimiser."""

    learning_rate: float = 2e-3
    """Peak of the learning rate."""

    weight_decay: float = 0.0
    """Decoupled weight decay of AdamW."""

    max_shift: int = 0
    """Largest random shift of a training digit along each axis, in pixels."""

    kl_weight: float = 1.0
    """Weight of the divergence from the prior; less makes images sharper, and fewer samples read as digits."""


@dataclass(frozen=True)
class Place:
    """Where the model goes and the digits come from."""

    out: Path = Path("runs/models")
    """Folder for these files, which --model of the other commands takes."""

    data_dir: Path | None = None
    """Folder with the MNIST files; by default where `fiberscope data fetch mnist` puts them."""

    force: bool = False
    """Replace a finished model of that name."""


def classifier(*, recipe: Flat[Recipe] = Recipe(), name: str = "classifier", place: Flat[Place] = Place()) -> None:
    """Train a classifier of MNIST digits; killed or interrupted, the same command goes on where it stopped.

    Parameters
    ----------
    name
        Name of the model: its files are NAME.safetensors and NAME.json.
    """
    from fiberscope.models import ClassifierConfig, train_classifier

    card = _train(train_classifier, ClassifierConfig(**vars(recipe)), name, place)
    say(f"{name} reads {100 * card.quality['accuracy']:.2f} % of the test digits right.")
    _show_model(name, place)


def autoencoder(
    *, recipe: Flat[AutoencoderRecipe] = AutoencoderRecipe(), name: str = "autoencoder", place: Flat[Place] = Place()
) -> None:
    """Train an autoencoder of MNIST digits; killed or interrupted, the same command goes on where it stopped.

    Parameters
    ----------
    name
        Name of the model: its files are NAME.safetensors and NAME.json.
    """
    from fiberscope.models import AutoencoderConfig, train_autoencoder

    card = _train(train_autoencoder, AutoencoderConfig(**vars(recipe)), name, place)
    say(f"{name} gives the test digits back with a mean squared error of {card.quality['mean_squared_error']:.4f}.")
    _show_model(name, place)


def generator(
    *, recipe: Flat[GeneratorRecipe] = GeneratorRecipe(), name: str = "generator", place: Flat[Place] = Place()
) -> None:
    """Train a generator of digits like those of MNIST; killed or interrupted, the same command goes on.

    Parameters
    ----------
    name
        Name of the model: its files are NAME.safetensors and NAME.json.
    """
    from fiberscope.models import GeneratorConfig, train_generator

    card = _train(train_generator, GeneratorConfig(**vars(recipe)), name, place)
    say(
        f"{name} has an evidence bound of {card.quality['elbo']:.1f} nats a test digit; mnist-classifier reads "
        f"{100 * card.quality['samples_read']:.1f} % of its samples with more than 90 % confidence."
    )
    _show_model(name, place)


def _train(trainer: Callable[..., ModelCard], config: TrainingConfig, name: str, place: Place) -> ModelCard:
    from fiberscope.data import mnist

    train, test = mnist("train", place.data_dir), mnist("test")
    with _resumable(), training_bar() as on_progress:
        return trainer(train, test, config=config, out=place.out, name=name, force=place.force, on_progress=on_progress)


def _show_model(name: str, place: Place) -> None:
    show_files([place.out / f"{name}.safetensors", place.out / f"{name}.json"])


@contextmanager
def _resumable() -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        raise KeyboardInterrupt(
            "interrupted: finished epochs are kept, and the same command goes on from there"
        ) from None
