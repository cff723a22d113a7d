"""Reading images: MNIST, pictures, folders, npz, IDX."""

from fiberscope.data.faces import faces
from fiberscope.data.fetch import MIRRORS, fetch_mnist
from fiberscope.data.labelled import LabelledImages, one_per_class
from fiberscope.data.labelled_load import load_labelled
from fiberscope.data.listing import image_files
from fiberscope.data.load import NamedImages, load_images
from fiberscope.data.mnist import MnistBytes, mnist, mnist_bytes
from fiberscope.data.pinned_package import PinnedPackage, fetch_package, find_package
from fiberscope.data.pinned_packages import PACKAGES, package_named

__all__ = [
    "MIRRORS",
    "PACKAGES",
    "LabelledImages",
    "MnistBytes",
    "NamedImages",
    "PinnedPackage",
    "faces",
    "fetch_mnist",
    "fetch_package",
    "find_package",
    "image_files",
    "load_images",
    "load_labelled",
    "mnist",
    "mnist_bytes",
    "one_per_class",
    "package_named",
]
