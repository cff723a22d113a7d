import numpy as np
import pytest
import torch
from PIL import Image

from fiberscope.data import load_labelled
from fiberscope.problem.errors import FiberscopeError

SHAPE = (1, 4, 5)
IMAGES = np.random.default_rng(0).integers(256, size=(6, 4, 5), dtype=np.uint8)
LABELS = np.array([0, 1, 1, 2, 0, 2])


@pytest.fixture
def archive(tmp_path):
    return tmp_path / "things.npz"


def write_folders(root, names):
    for i, name in enumerate(names):
        folder = root / name
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(IMAGES[i]).save(folder / f"{i}.png")


def test_an_archive_gives_its_images_and_labels_under_its_name(archive):
    np.savez(archive, images=IMAGES, labels=LABELS)
    found = load_labelled(archive, shape=SHAPE)
    assert torch.equal(found.images, torch.from_numpy(IMAGES / np.float32(255))[:, None])
    assert found.labels.tolist() == LABELS.tolist()
    assert found.labels.dtype == torch.int64
    assert found.name == "things"


def test_each_folder_is_a_class_in_alphabetical_order(tmp_path):
    write_folders(tmp_path / "set", ["cat", "dog", "cat", "ant"])
    found = load_labelled(tmp_path / "set", shape=SHAPE)
    assert found.labels.tolist() == [0, 1, 1, 2]  # ant, cat, dog
    assert torch.equal(found.images[0, 0], torch.from_numpy(IMAGES[3] / np.float32(255)))
    assert found.name == "set"


def test_folders_that_are_called_by_numbers_are_these_classes(tmp_path):
    write_folders(tmp_path / "set", ["10", "2", "7"])
    found = load_labelled(tmp_path / "set", shape=SHAPE)
    assert sorted(found.labels.tolist()) == [2, 7, 10]
    assert torch.equal(found.images[found.labels == 2][0, 0], torch.from_numpy(IMAGES[1] / np.float32(255)))


def test_hidden_folders_and_files_beside_them_are_no_classes(tmp_path):
    write_folders(tmp_path / "set", ["a", "b", ".git"])
    (tmp_path / "set" / "notes.txt").write_text("mine")
    assert load_labelled(tmp_path / "set", shape=SHAPE).labels.tolist() == [0, 1]


@pytest.mark.parametrize(
    ("labels", "trouble"),
    [
        (LABELS[:5], r"labels of shape \(5,\) and type int64, wanted a whole number from 0 for each of 6"),
        (LABELS - 1, "wanted a whole number from 0"),
        (LABELS / 2, "type float64"),
        (0 * LABELS, "images of one class"),
        (LABELS * 10**17, r"label 200000000000000000, wanted classes below 1000000: .*numpy\.unique"),
        (LABELS.astype(np.uint64) + np.uint64(2**63), "label 9223372036854775810, wanted classes below 1000000"),
        (LABELS == 1, r"type bool, .*labels\.astype\(int\)"),
        (LABELS[:, None], r"labels\.reshape\(-1\)"),
        (np.eye(3)[LABELS], r"labels\.argmax\(axis=1\)"),
        (np.full(6, np.nan), "not finite"),
    ],
)
def test_labels_that_do_not_fit_are_refused(archive, labels, trouble):
    np.savez(archive, images=IMAGES, labels=labels)
    with pytest.raises(FiberscopeError, match=trouble):
        load_labelled(archive, shape=SHAPE)


def test_an_archive_without_labels_is_refused(archive):
    np.savez(archive, images=IMAGES)
    with pytest.raises(FiberscopeError, match="has no array labels"):
        load_labelled(archive, shape=SHAPE)


def test_pickled_labels_are_refused(archive):
    np.savez(archive, images=IMAGES, labels=np.array([None] * 6))
    with pytest.raises(FiberscopeError, match="cannot be read"):
        load_labelled(archive, shape=SHAPE)


def test_images_of_another_size_are_refused(archive):
    np.savez(archive, images=IMAGES, labels=LABELS)
    with pytest.raises(FiberscopeError, match=r"things\.npz holds an array of shape \(6, 4, 5\)"):
        load_labelled(archive, shape=(1, 28, 28))


def test_names_that_are_no_numbers_of_classes_stand_in_alphabetical_order(tmp_path):
    write_folders(tmp_path / "dates", ["20240101", "20240103", "20240102"])
    assert load_labelled(tmp_path / "dates", shape=SHAPE).labels.tolist() == [0, 1, 2]
    write_folders(tmp_path / "twice", ["1", "01", "2"])
    assert load_labelled(tmp_path / "twice", shape=SHAPE).labels.tolist() == [0, 1, 2]


def test_classes_of_several_formats_and_what_is_in_none_are_told(tmp_path):
    write_folders(tmp_path / "set", ["a", "b"])
    Image.fromarray(IMAGES[4]).save(tmp_path / "set" / "a" / "photo.JPG", quality=95)
    Image.fromarray(IMAGES[5]).save(tmp_path / "set" / "loose.png")
    (tmp_path / "set" / "__MACOSX").mkdir()
    with pytest.warns(UserWarning, match=r"loose\.png are in no class and are left out"):
        assert load_labelled(tmp_path / "set", shape=SHAPE).labels.tolist() == [0, 0, 1]
    (tmp_path / "set" / "c").mkdir()
    with (
        pytest.warns(UserWarning, match="in no class"),
        pytest.raises(FiberscopeError, match=r"set/c holds no picture of PNG"),
    ):
        load_labelled(tmp_path / "set", shape=SHAPE)


@pytest.mark.parametrize("name", ["missing.npz", "missing", "notes.txt"])
def test_what_is_neither_an_archive_nor_a_folder_is_refused(tmp_path, name):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(FiberscopeError, match="neither an npz archive nor a folder that exists"):
        load_labelled(tmp_path / name, shape=SHAPE)


def test_a_folder_without_folders_and_one_class_alone_are_refused(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(FiberscopeError, match="holds no folders"):
        load_labelled(tmp_path / "empty", shape=SHAPE)
    write_folders(tmp_path / "set", ["a"])
    with pytest.raises(FiberscopeError, match="images of one class"):
        load_labelled(tmp_path / "set", shape=SHAPE)
