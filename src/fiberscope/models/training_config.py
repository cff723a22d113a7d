"""What decides the outcome of a training run."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import ClassVar

from fiberscope.models.networks import ACTIVATIONS
from fiberscope.problem.errors import FiberscopeError


@dataclass(frozen=True)
class TrainingConfig:
    """The choices of any training run: the same choices on the same machine give the same weights.

    `learning_rate` is the peak of the schedule, `max_shift` the largest random shift of a training image
    along each axis, in pixels.
    """

    kind: ClassVar[str]

    latent_size: int
    activation: str
    epochs: int
    seed: int
    batch_size: int
    learning_rate: float
    weight_decay: float
    max_shift: int

    def __post_init__(self) -> None:
        for name, least in _LEAST.items():
            if getattr(self, name, least) < least:
                raise FiberscopeError(f"{name} is {getattr(self, name)}; it must be at least {least}")
        if self.learning_rate <= 0:
            raise FiberscopeError(f"learning_rate is {self.learning_rate}; it must be positive")
        if self.activation not in ACTIVATIONS:
            raise FiberscopeError(f"activation is {self.activation!r}; choose one of {', '.join(ACTIVATIONS)}")

    def command(self, name: str) -> str:
        """Write the command line that repeats the run on MNIST."""
        always = ("latent_size", "activation", "epochs", "seed")
        shown = [f.name for f in fields(self) if f.name in always or getattr(self, f.name) != f.default]
        options = [f"--{field.replace('_', '-')} {getattr(self, field)}" for field in shown]
        return " ".join([f"fiberscope train {self.kind}", *options, f"--name {name}"])


@dataclass(frozen=True)
class ClassifierConfig(TrainingConfig):
    """The choices of a classifier.

    With a `robust_radius` (Euclidean, over pixels in [0, 1]) each training image gives way to the worst image within
    it that `robust_steps` of gradient ascent find.
    """

    kind: ClassVar[str] = "classifier"

    latent_size: int = 8
    activation: str = "relu"
    epochs: int = 15
    seed: int = 0
    batch_size: int = 100
    learning_rate: float = 3e-3
    weight_decay: float = 0.01
    max_shift: int = 2
    robust_radius: float = 0.0
    robust_steps: int = 3


@dataclass(frozen=True)
class AutoencoderConfig(TrainingConfig):
    """The choices of an autoencoder."""

    kind: ClassVar[str] = "autoencoder"

    latent_size: int = 16
    activation: str = "silu"
    epochs: int = 10
    seed: int = 0
    batch_size: int = 100
    learning_rate: float = 2e-3
    weight_decay: float = 0.0
    max_shift: int = 0


@dataclass(frozen=True)
class GeneratorConfig(TrainingConfig):
    """The choices of a generator; `kl_weight` 1 is the likelihood's own, less is sharper and fills the prior less."""

    kind: ClassVar[str] = "generator"

    latent_size: int = 24
    activation: str = "silu"
    epochs: int = 15
    seed: int = 0
    batch_size: int = 100
    learning_rate: float = 2e-3
    weight_decay: float = 0.0
    max_shift: int = 0
    kl_weight: float = 1.0


_LEAST = {
    "latent_size": 1,
    "epochs": 1,
    "seed": 0,
    "batch_size": 1,
    "weight_decay": 0,
    "max_shift": 0,
    "robust_radius": 0,
    "robust_steps": 1,
    "kl_weight": 0,
}
