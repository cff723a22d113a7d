"""Images are sorted by numbers of their own or of a table, unknown ones last; a table that fits none is refused."""

import math
from dataclasses import replace

import numpy as np
import pytest

from explorer.columns import browse
from fiberscope.explorer import open_scene
from fiberscope.explorer.columns import Column, read_columns
from fiberscope.problem import FiberscopeError

NAMES = tuple(f"test {i}" for i in range(5))


@pytest.fixture
def table(tmp_path):
    def write(text, encoding="utf-8"):
        path = tmp_path / "walks.csv"
        path.write_bytes(text.encode(encoding))
        return path

    return write


def columns_of(path):
    return {column.name: column.values for column in read_columns(path, NAMES)}


@pytest.mark.parametrize(
    "text", ["image,length\ntest 3,1.5\ntest 0,-2\n", "index,length\n3,1.5\n0,-2\n", "image,length\n3,1.5\n0,-2\n"]
)
def test_rows_name_images_by_name_or_by_place(table, text):
    found = columns_of(table(text))
    np.testing.assert_array_equal(found["length"], [-2, math.nan, math.nan, 1.5, math.nan])
    assert list(found) == ["length"]


def test_of_several_rows_the_mean_counts_and_what_is_no_number_does_not(table):
    found = columns_of(table("image,a,b\ntest 1,1,x\ntest 1,2,\ntest 1,nan,inf\ntest 1,6,5\ntest 2,no,no\n"))
    np.testing.assert_array_equal(found["a"], [math.nan, 3, math.nan, math.nan, math.nan])
    np.testing.assert_array_equal(found["b"], [math.nan, 5, math.nan, math.nan, math.nan])


def test_columns_of_words_are_left_out_and_rows_of_others_too(table):
    found = columns_of(table("image,outcome,length\ntest 1,converged,1\nelsewhere,converged,9\ntest 99,x,9\n"))
    assert list(found) == ["length"]
    assert np.nansum(found["length"]) == 1


def test_a_column_says_which_table_it_is_of(table):
    (column,) = read_columns(table("image,length\ntest 1,1\n"), NAMES)
    assert column.meaning == "length of table walks"


def test_short_and_long_rows_are_read_as_far_as_they_go(table):
    found = columns_of(table("image,a,b\ntest 1,1\ntest 2,1,2,3,4\n"))
    np.testing.assert_array_equal(found["b"], [math.nan, math.nan, 2, math.nan, math.nan])


def test_a_table_with_a_byte_order_mark_is_read(table):
    assert list(columns_of(table("image,length\ntest 1,1\n", "utf-8-sig"))) == ["length"]


@pytest.mark.parametrize(
    ("text", "encoding", "sentence"),
    [
        ("length\n1\n", "utf-8", "has no column image or index"),
        ("", "utf-8", "has no column image or index"),
        ("image,length\n", "utf-8", "has no column image or index"),
        ("image,length\nelsewhere,1\n", "utf-8", "names one of the images here, such as 'test 0'"),
        ("image,länge\ntest 1,1\n", "latin-1", "cannot be read"),
        (f"image,a\ntest 1,{'9' * 200_000}\n", "utf-8", "cannot be read"),
    ],
)
def test_a_table_that_tells_nothing_is_refused(table, text, encoding, sentence):
    with pytest.raises(FiberscopeError, match=rf"^records: .*{sentence}"):
        read_columns(table(text, encoding), NAMES)


def test_a_table_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(FiberscopeError, match=r"^records: .* cannot be read"):
        read_columns(tmp_path / "none.csv", NAMES)


@pytest.fixture(scope="module")
def known(scene):
    """A scene of six images, two of whose numbers are unknown."""
    values = np.array([3.0, math.nan, -1.0, 7.0, math.nan, 0.0])
    index = Column("index", "place", np.arange(6.0))
    few = replace(scene, images=scene.images[:6], names=scene.names[:6], labels=scene.labels[:6])
    return replace(few, columns=(index, Column("length", "of walks", values)))


@pytest.mark.parametrize(
    ("descending", "wanted"), [(False, [2, 5, 0, 3, 1, 4]), (True, [3, 0, 5, 2, 1, 4])], ids=["up", "down"]
)
def test_unknown_numbers_come_last_whichever_way_the_others_go(known, descending, wanted):
    items = browse(known, sort="length", descending=descending).fields["items"]
    assert [item["index"] for item in items] == wanted
    assert [item["value"] for item in items[4:]] == [None, None]
    assert items[0]["value"] == {2: -1.0, 3: 7.0}[wanted[0]]


def test_thumbnails_are_the_images_of_their_items(scene):
    answer = browse(scene, label=7, offset=3, count=5, descending=True)
    wanted = (scene.labels == 7).nonzero()[:, 0].flip(0)[3:8]
    assert [item["index"] for item in answer.fields["items"]] == wanted.tolist()
    assert {item["label"] for item in answer.fields["items"]} == {7}
    assert answer.fields["total"] == int((scene.labels == 7).sum())
    np.testing.assert_array_equal(answer.arrays["images"], (255 * scene.images[wanted]).round().byte())


def test_beyond_the_last_image_there_is_nothing(scene):
    answer = browse(scene, offset=10_000)
    assert answer.fields == {"total": 10_000, "items": []}
    assert answer.arrays["images"].shape == (0, 1, 28, 28)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("sort", "height"),
        ("sort", None),
        ("count", 0),
        ("count", 121),
        ("count", 1.0),
        ("offset", -1),
        ("label", -1),
        ("label", "7"),
        ("label", True),
        ("offset", None),
    ],
)
def test_a_wish_that_cannot_be_is_refused_by_the_name_of_its_field(scene, field, value):
    with pytest.raises(FiberscopeError, match=rf"^{field}: "):
        browse(scene, **{field: value})


def test_images_without_classes_cannot_be_chosen_by_class(scene):
    with pytest.raises(FiberscopeError, match=r"^label: these images have no classes"):
        browse(replace(scene, labels=None), label=3)


def test_a_table_does_not_take_the_built_in_columns_away(table):
    records = table("image,index,label\n" + "".join(f"test {i},{9 - i},0\n" for i in range(3)))
    opened = open_scene(images=("0:3",), records=records)
    names = [column.name for column in opened.columns]
    assert len(set(names)) == len(names)
    assert [item["index"] for item in browse(opened).fields["items"]] == [0, 1, 2]
