import gzip
import os
import re
import shutil
import struct
from pathlib import Path

import numpy as np
import pytest
import torch

from fiberscope.data import LabelledImages, load_labelled, mnist, one_per_class
from fiberscope.data.mnist_files import FILES, SHIPPED
from fiberscope.problem.errors import FiberscopeError

TEST_FILES = [f"{file.name}.gz" for file in FILES["test"]]
TRAIN_ROOT = Path(os.environ.get("FIBERSCOPE_DATA", Path(__file__).parents[3] / "shared" / "mnist"))
has_train = pytest.mark.skipif(
    not (TRAIN_ROOT / "train-images-idx3-ubyte.gz").is_file(),
    reason="the training set is not on this machine",
)


@pytest.fixture
def root(tmp_path):
    for name in TEST_FILES:
        shutil.copyfile(SHIPPED / name, tmp_path / name)
    return tmp_path


def test_the_shipped_test_set_is_ten_thousand_digits_in_the_original_order():
    digits = mnist("test")
    assert digits.images.shape == (10_000, 1, 28, 28)
    assert digits.images.dtype == torch.float32
    assert (digits.images.min(), digits.images.max()) == (0, 1)
    assert digits.labels.dtype == torch.int64
    assert digits.labels[:10].tolist() == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]
    assert digits.name == "mnist-test"


def test_intensities_are_the_bytes_over_255():
    digits = mnist("test")
    pixels = gzip.decompress((SHIPPED / TEST_FILES[0]).read_bytes())[16 : 16 + 784]
    assert (digits.images[0] * 255).flatten().round().tolist() == list(pixels)
    assert torch.equal(digits.images[0], torch.tensor(list(pixels)).reshape(1, 28, 28) / 255)


@has_train
def test_the_training_set_that_the_environment_names_is_sixty_thousand_digits(monkeypatch):
    monkeypatch.setenv("FIBERSCOPE_DATA", str(TRAIN_ROOT))
    digits = mnist("train")
    assert digits.images.shape == (60_000, 1, 28, 28)
    assert digits.labels[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]


def test_one_per_class_finds_the_first_of_each_class():
    labels = torch.tensor([4, 2, 4, 9, 2])
    found = one_per_class(LabelledImages(images=torch.zeros(5, 1, 2, 2), labels=labels, name="five"))
    assert found.tolist() == [1, 0, 3]
    assert one_per_class(mnist("test")).tolist() == [3, 2, 1, 18, 4, 8, 11, 0, 61, 7]


@pytest.mark.parametrize("layout", [".", "mnist", "MNIST/raw"])
@pytest.mark.parametrize("packed", [True, False], ids=["packed", "unpacked"])
def test_a_root_holds_the_files_packed_or_not_in_any_usual_layout(tmp_path, layout, packed):
    folder = tmp_path / layout
    folder.mkdir(parents=True, exist_ok=True)
    for name in TEST_FILES:
        content = (SHIPPED / name).read_bytes()
        (folder / name).write_bytes(content) if packed else (folder / name.removesuffix(".gz")).write_bytes(
            gzip.decompress(content)
        )
    assert torch.equal(mnist("test", root=tmp_path).labels, mnist("test").labels)


def truncate(content):
    return content[: len(content) // 2]


def alter(content):
    raw = bytearray(gzip.decompress(content))
    raw[5000] ^= 1
    return gzip.compress(bytes(raw), compresslevel=1)


@pytest.mark.parametrize("damage", [truncate, alter, lambda content: b""], ids=["truncated", "altered", "empty"])
@pytest.mark.parametrize("name", TEST_FILES)
def test_a_damaged_file_is_named_and_refused(root, name, damage):
    (root / name).write_bytes(damage((root / name).read_bytes()))
    with pytest.raises(
        FiberscopeError, match=r"is truncated or altered|if it should be MNIST, it was altered"
    ) as refusal:
        mnist("test", root=root)
    assert str(root / name) in str(refusal.value)
    assert "`fiberscope data fetch mnist`" in str(refusal.value)
    assert "delete" not in str(refusal.value)


def write_idx(path, array):
    sizes = struct.pack(f">{array.ndim}I", *array.shape)
    path.write_bytes(bytes([0, 0, 8, array.ndim]) + sizes + array.astype(np.uint8).tobytes())


def test_another_set_in_the_names_of_mnist_is_named_as_such_and_the_advice_reads_it(tmp_path):
    fashion = np.random.default_rng(0).integers(256, size=(20, 28, 28))
    write_idx(tmp_path / "t10k-images-idx3-ubyte", fashion)
    write_idx(tmp_path / "t10k-labels-idx1-ubyte", np.arange(20) % 10)
    with pytest.raises(
        FiberscopeError, match=r"is not MNIST's: it holds \(20, 28, 28\) numbers, none missing"
    ) as refusal:
        mnist("test", root=tmp_path)
    assert not re.search("delete|truncated|damaged", str(refusal.value))
    named = re.search(r"load_labelled\('(.+?)'\)", str(refusal.value))[1]
    assert load_labelled(named).labels.tolist() == (np.arange(20) % 10).tolist()


def test_a_bomb_in_the_names_of_mnist_is_never_unpacked_whole(tmp_path):
    for file in FILES["test"]:
        with gzip.open(tmp_path / f"{file.name}.gz", "wb", compresslevel=1) as packed:
            for _ in range(100):
                packed.write(bytes(2**20))
    with pytest.raises(FiberscopeError, match="is truncated or altered"):
        mnist("test", root=tmp_path)


def test_a_missing_training_set_tells_every_place_and_the_command(tmp_path, monkeypatch):
    monkeypatch.setenv("FIBERSCOPE_DATA", str(tmp_path / "mine"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with pytest.raises(FiberscopeError) as refusal:
        mnist("train")
    message = str(refusal.value)
    for place in ("mine", "mine/mnist", "mine/MNIST/raw", "cache/fiberscope/mnist"):
        assert f"  {tmp_path / place}\n" in message
    for wanted in (
        "`fiberscope data fetch mnist`",
        "train-images-idx3-ubyte.gz and train-labels-idx1-ubyte.gz",
        "FIBERSCOPE_DATA",
        "argument root",
    ):
        assert wanted in message


def test_the_test_set_needs_no_data_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("FIBERSCOPE_DATA", str(tmp_path))
    assert len(mnist("test").labels) == 10_000


def test_a_given_root_is_the_only_place_looked_at(tmp_path):
    with pytest.raises(FiberscopeError, match="t10k-images-idx3-ubyte") as refusal:
        mnist("test", root=tmp_path)
    assert str(SHIPPED) not in str(refusal.value)


def test_an_unknown_split_is_refused():
    # as an unchecked caller would: the signature allows no other string, and the tests check signatures
    with pytest.raises(FiberscopeError, match='split is \'val\'; MNIST has the splits "test" and "train"'):
        mnist.__wrapped__("val")


def test_the_shipped_files_stay_small_and_tell_their_source_and_licence():
    assert sum(file.stat().st_size for file in SHIPPED.iterdir()) < 2_000_000
    source = (SHIPPED / "SOURCE.md").read_text()
    for wanted in (
        "Yann LeCun",
        "Corinna Cortes",
        "Burges",
        "CC BY-SA 3.0",
        "NIST",
        *(f.md5 for f in FILES["test"]),
    ):
        assert wanted in source
