"""Files are whole or not there, and hold nothing but the picture."""

import os
from io import BytesIO

import pytest
from PIL import Image

from fiberscope.gallery import save_animation, save_png, to_png
from fiberscope.problem.errors import FiberscopeError
from fiberscope.whole_file import write_whole

RED, BLUE = Image.new("RGB", (4, 3), "red"), Image.new("RGB", (4, 3), "blue")


def test_a_png_comes_back_pixel_for_pixel():
    assert Image.open(BytesIO(to_png(RED))).tobytes() == RED.tobytes()


def test_a_png_holds_no_date_and_no_name_of_software():
    content = to_png(RED)
    assert not [chunk for chunk in (b"tEXt", b"tIME", b"iTXt", b"zTXt", b"eXIf") if chunk in content]


def test_a_file_takes_the_place_of_the_old_one_and_leaves_nothing_beside_it(tmp_path):
    path = tmp_path / "new" / "picture.png"
    save_png(RED, path)
    assert save_png(BLUE, path) == path
    assert path.read_bytes() == to_png(BLUE)
    assert os.listdir(path.parent) == ["picture.png"]


def test_who_reads_the_old_file_reads_it_to_the_end(tmp_path):
    path = save_png(RED, tmp_path / "picture.png")
    with path.open("rb") as reader:
        save_png(BLUE, path)
        assert reader.read() == to_png(RED)


def test_what_cannot_be_put_in_place_leaves_nothing_behind(tmp_path):
    (tmp_path / "taken").mkdir()
    with pytest.raises(FiberscopeError, match="taken cannot be written"):
        write_whole(b"content", tmp_path / "taken")
    assert os.listdir(tmp_path) == ["taken"]


def test_an_animation_has_all_its_frames(tmp_path):
    path = save_animation([RED, BLUE, RED], tmp_path / "walk.png", seconds_per_frame=0.2)
    with Image.open(path) as animation:
        assert animation.n_frames == 3
        assert animation.info["duration"] == 200
        animation.seek(1)
        assert animation.convert("RGB").tobytes() == BLUE.tobytes()


@pytest.mark.parametrize("frames", [[], [RED, RED.resize((5, 5))]])
def test_frames_of_different_sizes_or_none_at_all_are_refused(frames, tmp_path):
    with pytest.raises(FiberscopeError, match="frames"):
        save_animation(frames, tmp_path / "walk.png")
