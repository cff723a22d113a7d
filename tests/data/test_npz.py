import numpy as np
import pytest
import torch

from fiberscope.data import load_images
from fiberscope.problem.errors import FiberscopeError

BYTES = np.random.default_rng(0).integers(256, size=(5, 28, 28), dtype=np.uint8)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "digits.npz"


def test_bytes_are_divided_by_255(path):
    np.savez(path, images=BYTES)
    images, names = load_images(path)
    assert torch.equal(images, torch.from_numpy(BYTES / np.float32(255))[:, None])
    assert names == tuple(f"digits.npz[{row}]" for row in range(5))


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_floating_intensities_are_kept(path, dtype):
    intensities = (BYTES / 256).astype(dtype)  # exact in each dtype
    np.savez_compressed(path, images=intensities)
    assert torch.equal(load_images(path).images, torch.from_numpy(BYTES / np.float32(256))[:, None])


@pytest.mark.parametrize("array", [BYTES, BYTES[:, None], BYTES[:1], BYTES[:1, None], BYTES[0]], ids=lambda a: a.shape)
def test_the_channel_axis_and_the_image_axis_may_be_left_out_of_grey(path, array):
    np.savez(path, images=array)
    images = load_images(path).images
    assert torch.equal(images, torch.from_numpy(BYTES / np.float32(255))[: len(images), None])
    assert len(images) == array.size // 784


def test_colour_keeps_its_channel_axis(path):
    np.savez(path, images=BYTES[:3])
    assert load_images(path, shape=(3, 28, 28)).images.shape == (1, 3, 28, 28)


def test_the_only_array_needs_no_name_and_images_is_taken_among_many(path):
    np.savez(path, BYTES)
    unnamed = load_images(path).images
    np.savez(path, labels=np.arange(5), images=BYTES)
    assert torch.equal(load_images(path).images, unnamed)


def test_several_arrays_without_images_are_refused(path):
    np.savez(path, x=BYTES, y=BYTES)
    with pytest.raises(FiberscopeError, match=r"digits\.npz holds the arrays \['x', 'y'\]: name the one"):
        load_images(path)


@pytest.mark.parametrize(
    "array",
    [
        BYTES[:0],
        BYTES[:, :27],
        BYTES[..., None],
        BYTES[:3].reshape(1, 3, 28, 28),
        BYTES[:1][None, None],
        BYTES[0, 0],
    ],
    ids=lambda array: str(array.shape),
)
def test_an_array_of_another_shape_is_refused(path, array):
    np.savez(path, images=array)
    with pytest.raises(FiberscopeError, match=r"digits\.npz holds an array of shape .*wanted \(N, 1, 28, 28\)"):
        load_images(path)


@pytest.mark.parametrize("value", [-0.01, 1.01, 255.0])
def test_intensities_outside_the_unit_interval_are_refused(path, value):
    np.savez(path, images=np.full((28, 28), value))
    with pytest.raises(FiberscopeError, match=rf"digits\.npz holds values from {value:g} .*wanted \[0, 1\]: scale"):
        load_images(path)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_intensities_that_are_not_finite_are_refused(path, value):
    np.savez(path, images=np.full((28, 28), value))
    with pytest.raises(FiberscopeError, match=r"digits\.npz holds values that are not finite"):
        load_images(path)


def test_other_integers_are_refused(path):
    np.savez(path, images=BYTES.astype(np.int64))
    with pytest.raises(FiberscopeError, match=r"digits\.npz holds int64, wanted uint8"):
        load_images(path)


class Bomb:
    def __reduce__(self):
        return (pytest.fail, ("a pickle was run",))


def test_a_pickle_is_never_run(path):
    np.savez(path, images=np.array([Bomb()], dtype=object))
    with pytest.raises(FiberscopeError, match=r"digits\.npz is not a readable npz archive of numbers"):
        load_images(path)


def flip_a_byte(whole):
    middle = len(whole) // 2
    return whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :]


@pytest.mark.parametrize("compress", [np.savez, np.savez_compressed])
@pytest.mark.parametrize("damage", [flip_a_byte, lambda whole: whole[:900], lambda whole: b"", lambda whole: b"text"])
def test_a_damaged_archive_is_named(path, compress, damage):
    compress(path, images=BYTES)
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(FiberscopeError, match=r"digits\.npz is not a readable npz archive .*numpy\.savez"):
        load_images(path)


def test_a_bare_array_under_the_name_of_an_archive_is_refused(path):
    with path.open("wb") as file:
        np.save(file, BYTES)
    with pytest.raises(FiberscopeError, match=r"digits\.npz is not a readable npz archive"):
        load_images(path)
