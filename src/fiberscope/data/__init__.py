"""Reading images: MNIST, PNG files, folders, npz."""

from fiberscope.data.fetch import MIRRORS, fetch_mnist
from fiberscope.data.labelled import LabelledImages, one_per_class
from fiberscope.data.labelled_load import load_labelled
from fiberscope.data.load import NamedImages, load_images
from fiberscope.data.mnist import MnistBytes, mnist, mnist_bytes

__all__ = [
    "MIRRORS",
    "LabelledImages",
    "MnistBytes",
    "NamedImages",
    "fetch_mnist",
    "load_images",
    "load_labelled",
    "mnist",
    "mnist_bytes",
    "one_per_class",
]
