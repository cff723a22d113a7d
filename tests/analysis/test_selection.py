import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from fiberscope.analysis.selection import Selection, draw_others, select
from fiberscope.data import mnist
from fiberscope.problem import FiberscopeError

SHAPE = (1, 28, 28)


@pytest.mark.parametrize(
    ("sources", "rows"),
    [
        (["3"], [3]),
        (["0:4"], [0, 1, 2, 3]),
        (["3,7,20:24"], [3, 7, 20, 21, 22, 23]),
        (["0:10:3"], [0, 3, 6, 9]),
        ([":2", "9998:", "5"], [0, 1, 9998, 9999, 5]),
        (["4,4"], [4, 4]),
    ],
)
def test_indices_and_slices_are_those_of_python(sources, rows):
    selection = select(sources, shape=SHAPE)
    assert torch.equal(selection.images, mnist("test").images[rows])
    assert selection.names == tuple(f"test {row}" for row in rows)
    assert selection.labels == tuple(mnist("test").labels[rows].tolist())


@given(st.lists(st.integers(0, 9999), min_size=1, max_size=8))
@settings(max_examples=20, deadline=None)
def test_any_indices_come_back_in_their_order(rows):
    assert select([",".join(map(str, rows))], shape=SHAPE).names == tuple(f"test {row}" for row in rows)


@pytest.mark.parametrize(
    ("sources", "sentence"),
    [
        (["10000"], r"^images: index 10000 is out of range; the test set has 10000 digits, 0 to 9999"),
        (["9990:10001"], "index 10001 is out of range"),
        (["-1"], "index -1 is out of range"),
        (["-5:"], "index -5 is out of range"),
        (["5:5"], "'5:5' selects nothing"),
        (["0:8:0"], "has step 0"),
        (["3,,4"], "a number is missing between commas"),
        ([""], "'' is neither indices"),
        (["nowhere.png"], "'nowhere.png' is neither indices"),
        (["9" * 5000], "is neither indices"),
        (["x" * 5000], "is neither indices"),
        ([], "nothing is named"),
    ],
)
def test_what_selects_no_image_is_refused(sources, sentence):
    with pytest.raises(FiberscopeError, match=sentence):
        select(sources, shape=SHAPE)


def test_the_argument_that_was_wrong_is_named():
    with pytest.raises(FiberscopeError, match=r"^targets: index 10000"):
        select(["10000"], shape=SHAPE, argument="targets")


def test_indices_mean_nothing_to_a_network_of_another_shape():
    with pytest.raises(FiberscopeError, match=r"indices mean digits of shape \(1, 28, 28\).*by --images"):
        select(["0"], shape=(3, 32, 32))


def test_files_and_indices_stand_side_by_side(tmp_path):
    np.savez(tmp_path / "mine.npz", images=np.full((2, 28, 28), 0.25, np.float32))
    selection = select([str(tmp_path / "mine.npz"), "7"], shape=SHAPE)
    assert selection.names == ("mine.npz[0]", "mine.npz[1]", "test 7")
    assert selection.labels == (None, None, 9)
    assert selection.words == ("mine.npz[0]", "mine.npz[1]", "digit 9, test 7")
    assert bool((selection.images[:2] == 0.25).all())


def test_others_are_of_another_class_and_the_seed_decides_which():
    selection = select(["0:50"], shape=SHAPE)
    others = draw_others(selection, shape=SHAPE, count=2, seed=3)
    assert all(other != own for own, other in zip(np.repeat(selection.labels, 2), others.labels, strict=True))
    assert draw_others(selection, shape=SHAPE, count=2, seed=3).names == others.names
    assert draw_others(selection, shape=SHAPE, count=2, seed=4).names != others.names


def test_more_images_do_not_change_what_the_first_are_paired_with():
    few, many = (draw_others(select([s], shape=SHAPE), shape=SHAPE, count=1, seed=0) for s in ("0:3", "0:6"))
    assert many.names[:3] == few.names


def test_parts_and_repeats_keep_names_with_their_images():
    selection = select(["0:5"], shape=SHAPE)
    assert selection.part(slice(1, 3)).names == ("test 1", "test 2")
    repeated = selection.take([4, 4, 0])
    assert repeated.names == ("test 4", "test 4", "test 0")
    assert torch.equal(repeated.images[1], selection.images[4])


def test_only_the_digits_of_mnist_are_called_digits(tmp_path):
    own = Selection(torch.zeros(2, *SHAPE), ("a", "b"), (1, None))
    assert own.titles == ("class 1\na", "b")
    np.savez(tmp_path / "mine.npz", images=np.full((1, 28, 28), 0.25, np.float32))
    mixed = select([str(tmp_path / "mine.npz"), "7"], shape=SHAPE)
    assert mixed.classes == ("", "digit 9")
    assert mixed.take([1, 0]).titles == ("digit 9\ntest 7", "mine.npz[0]")
    assert mixed.part(slice(1, 2)).words == ("digit 9, test 7",)
