"""Networks that ship or train here, and the door for a user's own."""

from fiberscope.models.architectures import Network
from fiberscope.models.cards import ModelCard
from fiberscope.models.compose import Composition, compose
from fiberscope.models.direction import Direction
from fiberscope.models.leaky import Awake, Leaky, leaky_series
from fiberscope.models.library import available, card, load
from fiberscope.models.networks import ACTIVATIONS, Autoencoder, Classifier, Generator
from fiberscope.models.opened import Opened
from fiberscope.models.preprocessing import Preprocessing, prepare
from fiberscope.models.resolve import open_model, resolve
from fiberscope.models.train import Progress
from fiberscope.models.train_autoencoder import train_autoencoder
from fiberscope.models.train_classifier import train_classifier
from fiberscope.models.train_generator import train_generator
from fiberscope.models.training_config import AutoencoderConfig, ClassifierConfig, GeneratorConfig, TrainingConfig
from fiberscope.models.user_model import load_user

__all__ = [
    "ACTIVATIONS",
    "Autoencoder",
    "AutoencoderConfig",
    "Awake",
    "Classifier",
    "ClassifierConfig",
    "Composition",
    "Direction",
    "Generator",
    "GeneratorConfig",
    "Leaky",
    "ModelCard",
    "Network",
    "Opened",
    "Preprocessing",
    "Progress",
    "TrainingConfig",
    "available",
    "card",
    "compose",
    "leaky_series",
    "load",
    "load_user",
    "open_model",
    "prepare",
    "resolve",
    "train_autoencoder",
    "train_classifier",
    "train_generator",
]
