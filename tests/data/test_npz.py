import struct
import zipfile

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
        BYTES[0, 0, 0],
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


@pytest.mark.parametrize(
    ("array", "remedy"),
    [
        (BYTES.astype(np.int64), r"int64, wanted uint8 .*array\.astype\(numpy\.uint8\)"),
        (BYTES > 127, r"bool, wanted uint8 .*array\.astype\(numpy\.float32\)"),
        (BYTES.astype(np.uint16) * 257, r"uint16, wanted uint8 .*array / white, .*at least 65535"),
        (BYTES.astype(np.int16) - 128, r"int16, wanted uint8 .*shift and scale"),
    ],
    ids=["int64", "bool", "uint16", "int16"],
)
def test_other_integers_are_refused_and_told_what_to_do(path, array, remedy):
    np.savez(path, images=array)
    with pytest.raises(FiberscopeError, match=rf"digits\.npz holds {remedy}"):
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


def npy(header, numbers=bytes(784), version=b"\1\0"):
    words = header.encode()
    length = struct.pack("<H" if version == b"\1\0" else "<I", len(words))
    return b"\x93NUMPY" + version + length + words + numbers


def archive(path, *members, packing=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "w", packing) as file:
        for name, content in members:
            file.writestr(name, content)
    return path


def header(shape="(28, 28)", descr="'|u1'"):
    return f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}"


@pytest.mark.parametrize("dtype", [">f4", ">f8", "<f8", ">f2"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_numbers_of_other_machines_and_of_other_orders_are_read(path, dtype, order):
    np.savez(path, images=np.asarray(BYTES / 256, dtype=dtype, order=order))
    assert torch.equal(load_images(path).images, torch.from_numpy(BYTES / np.float32(256))[:, None])


@pytest.mark.parametrize("version", [b"\1\0", b"\2\0", b"\3\0"])
def test_headers_of_every_version_are_read(path, version):
    archive(path, ("images.npy", npy(header(), version=version)))
    assert load_images(path).images.shape == (1, 1, 28, 28)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (npy(header("(1000000000, 28, 28)", "'<f4'")), "declares 3136000000000 bytes of numbers, it holds 784"),
        (npy(header(f"({10**30}, 28, 28)")), "not what numpy writes"),
        (npy(header("(99999999999, 99999999999, 28)")), "bytes of numbers, it holds 784"),
        (npy(header("(27, 28)")), "declares 756 bytes of numbers, it holds 784"),
        (npy("{'descr': " + "(" * 9000), "not what numpy writes"),
        (npy("(" * 60000), "not what numpy writes"),
        (npy(header("(28, 28), 'more': 1")), "not what numpy writes"),
        (npy(header("()*10**9")), "not what numpy writes"),
        (npy(header(descr="[('x', '|u1')]")), "no single number"),
        (npy(header(descr="'|O'")), "no numbers"),
        (npy(header(descr="'<c8'")), "no numbers"),
        (npy(header(descr="'<f3'")), "not a readable npz"),
        (npy("{}"), "lacks the type"),
        (npy(header(), version=b"\7\0"), "no version"),
        (b"hello", "no array of numpy"),
        (b"", "no array of numpy"),
    ],
    ids=lambda given: given if isinstance(given, str) else "",
)
def test_a_header_that_numpy_did_not_write_is_refused_unread(path, content, words):
    archive(path, ("images.npy", content))
    with pytest.raises(FiberscopeError, match=rf"digits\.npz is not a readable npz archive .*{words}|{words}"):
        load_images(path)


def test_what_is_declared_is_checked_before_it_is_unpacked(path, monkeypatch):
    size = 2**31
    archive(path, ("images.npy", npy(header(f"({size // 784}, 28, 28)"))))
    content = bytearray(path.read_bytes())
    at = content.index(b"PK\1\2")
    content[at + 24 : at + 28] = struct.pack("<I", size)
    path.write_bytes(content)
    with pytest.raises(FiberscopeError, match=rf"{size} bytes.*FIBERSCOPE_MAX_BYTES={size} .*max_bytes={size}"):
        load_images(path)
    np.savez_compressed(path, images=np.zeros((3000, 28, 28), np.uint8))
    with pytest.raises(FiberscopeError, match=r"11760000 bytes of memory"):
        load_images(path, max_bytes=5_000_000)
    assert len(load_images(path, max_bytes=11_760_000).images) == 3000


def test_members_that_lie_about_their_size_are_refused(path):
    np.savez_compressed(path, images=np.zeros((100, 28, 28), np.uint8))
    content = bytearray(path.read_bytes())
    at = content.index(b"PK\1\2")
    content[at + 24 : at + 28] = struct.pack("<I", 128 + 784)
    path.write_bytes(content)
    with pytest.raises(FiberscopeError, match="is not a readable npz archive"):
        load_images(path)


def test_two_members_of_one_name_and_crowds_of_them_are_refused(path):
    with pytest.warns(UserWarning, match="Duplicate name"):
        archive(path, *[("images.npy", npy(header()))] * 2)
    with pytest.raises(FiberscopeError, match="two arrays of one name"):
        load_images(path)
    archive(path, *[(str(place), b"") for place in range(10_001)])
    with pytest.raises(FiberscopeError, match="more than 10000 members"):
        load_images(path)


@pytest.mark.parametrize(("at", "value"), [(8, 1), (10, 9)], ids=["encrypted", "of an unknown packing"])
def test_an_archive_that_cannot_be_unpacked_is_refused(path, at, value):
    content = bytearray(archive(path, ("images.npy", npy(header()))).read_bytes())
    content[at - 2] = value
    content[content.index(b"PK\1\2") + at] = value
    path.write_bytes(content)
    with pytest.raises(FiberscopeError, match="is not a readable npz archive"):
        load_images(path)


@pytest.mark.parametrize(
    ("array", "shape", "remedy"),
    [
        (BYTES[..., None], (1, 28, 28), r"channels come last, put them first by array\.transpose\(0, 3, 1, 2\)$"),
        (BYTES[0][..., None], (1, 28, 28), r"array\.transpose\(2, 0, 1\)$"),
        (
            BYTES,
            (3, 28, 28),
            r"grey, the network takes colour: .*--input-shape 1 28 28 --channels rgb, .*Prep",
        ),
        (BYTES[:3].reshape(1, 3, 28, 28), (1, 28, 28), r"colour, .* grey: .*--input-shape 3 28 28 --channels grey"),
        (BYTES, (1, 32, 32), r"--input-shape 1 28 28, and --resize 32 32"),
        (BYTES.reshape(5, 784), (1, 28, 28), r"array\.reshape\(-1, 1, 28, 28\)$"),
        (
            BYTES[:3].transpose(1, 2, 0)[None],
            (1, 14, 14),
            r"transpose\(0, 3, 1, 2\); .*--resize 14 14.* grey",
        ),
    ],
)
def test_a_shape_that_does_not_fit_says_what_to_do(path, array, shape, remedy):
    np.savez(path, images=array)
    with pytest.raises(FiberscopeError, match=remedy):
        load_images(path, shape=shape)


@pytest.mark.parametrize(
    ("low", "high", "remedy"),
    [
        (0.0, 255.0, "divide by 255"),
        (-0.01, 1.0 + 1e-7, r"array\.clip\(0, 1\)"),
        (0.0, 65535.0, "divide by 65535"),
        (-2.1, 2.6, r"--mean and --std, .*Preprocessing"),
    ],
)
def test_a_range_that_does_not_fit_says_what_to_do(path, low, high, remedy):
    np.savez(path, images=np.linspace(low, high, 784).reshape(28, 28))
    with pytest.raises(FiberscopeError, match=remedy):
        load_images(path)
