"""Networks that ship or train here, and the door for a user's own."""

from fiberscope.models.cards import ModelCard
from fiberscope.models.library import available, card, load
from fiberscope.models.networks import ACTIVATIONS, Classifier
from fiberscope.models.resolve import resolve
from fiberscope.models.train import Progress
from fiberscope.models.train_classifier import train_classifier
from fiberscope.models.training_config import ClassifierConfig, TrainingConfig
from fiberscope.models.user_model import load_user

__all__ = [
    "ACTIVATIONS",
    "Classifier",
    "ClassifierConfig",
    "ModelCard",
    "Progress",
    "TrainingConfig",
    "available",
    "card",
    "load",
    "load_user",
    "resolve",
    "train_classifier",
]
