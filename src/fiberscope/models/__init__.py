"""Networks that ship or train here, and the door for a user's own."""

from fiberscope.models.cards import ModelCard
from fiberscope.models.library import available, card, load
from fiberscope.models.networks import ACTIVATIONS, Classifier
from fiberscope.models.resolve import resolve
from fiberscope.models.train import Progress, train_classifier
from fiberscope.models.training_config import TrainingConfig
from fiberscope.models.user_model import load_user

__all__ = [
    "ACTIVATIONS",
    "Classifier",
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
