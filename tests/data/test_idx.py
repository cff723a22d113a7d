import gzip
import struct

import numpy as np
import pytest
import torch

from fiberscope.data import load_images, load_labelled
from fiberscope.problem.errors import FiberscopeError

SHAPE = (1, 5, 4)
IMAGES = np.random.default_rng(0).integers(256, size=(6, 5, 4), dtype=np.uint8)
LABELS = np.array([0, 1, 1, 2, 0, 2], np.uint8)
TYPES = {np.dtype(np.uint8): 0x08, np.dtype(np.int32): 0x0C, np.dtype(np.float32): 0x0D}


def pack(array, *, sizes=None, packed=False):
    sizes = array.shape if sizes is None else sizes
    header = bytes([0, 0, TYPES[array.dtype], len(sizes)]) + struct.pack(f">{len(sizes)}I", *sizes)
    content = header + array.astype(array.dtype.newbyteorder(">")).tobytes()
    return gzip.compress(content) if packed else content


@pytest.mark.parametrize("packed", [False, True], ids=["unpacked", "packed"])
@pytest.mark.parametrize(
    ("images", "labels"),
    [
        ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
        ("emnist-letters-test-images-idx3-ubyte", "emnist-letters-test-labels-idx1-ubyte"),
        ("train-images.idx3-ubyte", "train-labels.idx1-ubyte"),
        ("pictures", "kinds"),
    ],
)
def test_sets_in_the_format_of_mnist_are_labelled_images_whatever_they_are_called(tmp_path, images, labels, packed):
    ending = ".gz" if packed else ""
    path = tmp_path / f"{images}{ending}"
    path.write_bytes(pack(IMAGES, packed=packed))
    (tmp_path / f"{labels}{ending}").write_bytes(pack(LABELS, packed=packed))
    for found in (load_labelled(path, shape=SHAPE), load_labelled(tmp_path, shape=SHAPE)):
        assert torch.equal(found.images, torch.from_numpy(IMAGES / np.float32(255))[:, None])
        assert found.labels.tolist() == LABELS.tolist()
    assert load_images(path, shape=SHAPE).names[:2] == (f"{path.name}[0]", f"{path.name}[1]")


def test_labels_of_several_columns_are_those_of_qmnist(tmp_path):
    columns = np.stack([LABELS.astype(np.int32), *np.full((7, 6), 1000, np.int32)], axis=1)
    (tmp_path / "qmnist-test-images-idx3-ubyte").write_bytes(pack(IMAGES))
    (tmp_path / "qmnist-test-labels-idx2-int").write_bytes(pack(columns))
    assert load_labelled(tmp_path, shape=SHAPE).labels.tolist() == LABELS.tolist()


def test_images_with_channels_and_flat_ones_are_read_by_their_axes(tmp_path):
    path = tmp_path / "colours-idx4-ubyte"
    path.write_bytes(pack(IMAGES.reshape(2, 3, 5, 4)))
    assert load_images(path, shape=(3, 5, 4)).images.shape == (2, 3, 5, 4)
    path.write_bytes(pack(IMAGES.reshape(6, 20)))
    with pytest.raises(FiberscopeError, match=r"its images are flat; give array\.reshape\(-1, 1, 5, 4\)"):
        load_images(path, shape=SHAPE)


@pytest.mark.parametrize("packed", [False, True], ids=["unpacked", "packed"])
@pytest.mark.parametrize("content", [IMAGES[:4], np.concatenate([IMAGES, IMAGES[:1]])], ids=["too few", "too many"])
def test_a_file_that_does_not_hold_what_its_header_declares_is_refused(tmp_path, content, packed):
    (tmp_path / "t10k-images-idx3-ubyte").write_bytes(pack(content, sizes=IMAGES.shape, packed=packed))
    words = "is truncated or damaged" if len(content) < 6 else "goes on behind the numbers"
    with pytest.raises(FiberscopeError, match=words):
        load_images(tmp_path / "t10k-images-idx3-ubyte", shape=SHAPE)


def test_a_packed_file_that_ends_early_is_truncated(tmp_path):
    (tmp_path / "images-idx3-ubyte.gz").write_bytes(pack(IMAGES, packed=True)[:-30])
    with pytest.raises(FiberscopeError, match="is truncated or damaged"):
        load_images(tmp_path / "images-idx3-ubyte.gz", shape=SHAPE)


def test_declared_terabytes_are_refused_before_they_are_unpacked(tmp_path):
    (tmp_path / "images-idx3-ubyte.gz").write_bytes(pack(IMAGES, sizes=(2**31, 5, 4), packed=True))
    with pytest.raises(FiberscopeError, match=r"bytes of memory.*FIBERSCOPE_MAX_BYTES"):
        load_images(tmp_path / "images-idx3-ubyte.gz", shape=SHAPE)


def test_what_is_missing_beside_the_images_is_named(tmp_path):
    path = tmp_path / "t10k-images-idx3-ubyte"
    path.write_bytes(pack(IMAGES))
    with pytest.raises(FiberscopeError, match=r"images without classes.* such as t10k-labels-idx1-ubyte; put it there"):
        load_labelled(path, shape=SHAPE)
    (tmp_path / "train-images-idx3-ubyte").write_bytes(pack(IMAGES))
    with pytest.raises(
        FiberscopeError, match=r"holds several sets; name the images of one: t10k-images.*, train-images"
    ):
        load_labelled(tmp_path, shape=SHAPE)
    (tmp_path / "t10k-labels-idx1-ubyte").write_bytes(pack(LABELS[:5]))
    with pytest.raises(FiberscopeError, match=r"labels of shape \(5,\)"):
        load_labelled(path, shape=SHAPE)
    with pytest.raises(FiberscopeError, match="holds one number an image, which are labels"):
        load_images(tmp_path / "t10k-labels-idx1-ubyte", shape=SHAPE)
