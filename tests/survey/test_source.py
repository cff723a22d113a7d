"""Images of a survey, with the classes that lie in their file or beside it."""

import numpy as np

from fiberscope.survey.source import open_source


def write_idx(path, array):
    header = bytes([0, 0, 8, array.ndim]) + b"".join(size.to_bytes(4, "big") for size in array.shape)
    path.write_bytes(header + array.astype(np.uint8).tobytes())


def test_images_of_an_idx_file_have_the_classes_that_lie_beside_it(tmp_path):
    images, labels = tmp_path / "letters-images-idx3-ubyte", tmp_path / "letters-labels-idx1-ubyte"
    write_idx(images, np.zeros((4, 28, 28)))
    alone = open_source(str(images), shape=(1, 28, 28))
    assert alone.read(range(4)).labels == (None,) * 4
    assert alone.labelled is None
    write_idx(labels, np.array([0, 1, 2, 1]))
    beside = open_source(str(images), shape=(1, 28, 28))
    assert beside.read(range(1, 3)).labels == (1, 2)
    assert beside.read(range(1)).titles == ("class 0\nletters-images-idx3-ubyte 0",)
    assert beside.labelled is not None


def test_an_archive_has_its_classes_whatever_its_name(tmp_path):
    with (tmp_path / "digits.data").open("wb") as file:
        np.savez(file, images=np.zeros((2, 28, 28), np.uint8), labels=np.arange(2))
    assert open_source(str(tmp_path / "digits.data"), shape=(1, 28, 28)).read(range(2)).labels == (0, 1)


def test_digits_of_mnist_alone_are_called_digits():
    assert open_source("mnist:test", shape=(1, 28, 28)).read(range(1)).titles == ("digit 7\ntest 0",)
