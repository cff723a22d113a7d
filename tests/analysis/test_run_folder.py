import json
from pathlib import Path

import pytest

from fiberscope.analysis.provenance import Provenance, write_provenance
from fiberscope.analysis.run_folder import PROVENANCE, open_folder
from fiberscope.problem import FiberscopeError


def earlier_run(path, files):
    path.mkdir()
    for name in files:
        (path / name).write_text("old")
    (path / PROVENANCE).write_text(json.dumps({"files": files}))
    return path


def test_a_new_folder_is_made_with_its_parents(tmp_path):
    folder = open_folder(tmp_path / "a" / "b")
    assert folder.write("points.npz", b"new").read_bytes() == b"new"
    assert folder.path == tmp_path / "a" / "b"


def test_an_empty_folder_and_hidden_files_are_no_result(tmp_path):
    (tmp_path / ".DS_Store").write_text("")
    open_folder(tmp_path)


def test_writing_leaves_nothing_beside_the_file(tmp_path):
    open_folder(tmp_path).write("points.npz", b"new")
    assert [file.name for file in tmp_path.iterdir()] == ["points.npz"]


def test_a_folder_that_holds_something_is_refused_and_left_as_it_is(tmp_path):
    path = earlier_run(tmp_path / "run", ["walk.npz", "walk.png"])
    with pytest.raises(FiberscopeError, match=r"already holds provenance\.json, walk\.npz, walk\.png\. .*--force"):
        open_folder(path)
    assert (path / "walk.npz").read_text() == "old"


def test_force_keeps_the_earlier_result_until_the_new_one_is_whole(tmp_path):
    path = earlier_run(tmp_path / "run", ["walk.npz", "walk.png"])
    (path / "notes.txt").write_text("mine")
    folder = open_folder(path, force=True)
    folder.write("nearest.npz", b"new")
    assert (path / "walk.npz").read_text() == "old"
    write_provenance(folder, Provenance("", seed=0), files=["nearest.npz"])
    assert sorted(file.name for file in path.iterdir()) == ["nearest.npz", "notes.txt", PROVENANCE]


def test_a_file_that_the_new_run_wrote_too_stays(tmp_path):
    folder = open_folder(earlier_run(tmp_path / "run", ["walk.npz"]), force=True)
    path = folder.write("walk.npz", b"new")
    write_provenance(folder, Provenance("", seed=0), files=["walk.npz"])
    assert path.read_bytes() == b"new"


@pytest.mark.parametrize("name", ["../mine.txt", "{tmp_path}/mine.txt"])
def test_an_edited_list_of_files_does_not_reach_out_of_the_folder(tmp_path, name):
    (tmp_path / "mine.txt").write_text("mine")
    path = earlier_run(tmp_path / "run", [])
    (path / PROVENANCE).write_text(json.dumps({"files": [name.format(tmp_path=tmp_path)]}))
    assert open_folder(path, force=True).earlier == ()


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"files": 3}', '{"files": null}'])
def test_force_passes_over_a_provenance_that_lists_no_files(tmp_path, content):
    (tmp_path / PROVENANCE).write_text(content)
    open_folder(tmp_path, force=True)


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path):
    (tmp_path / "run").write_text("")
    with pytest.raises(FiberscopeError, match="run is a file, wanted a folder"):
        open_folder(tmp_path / "run", force=True)


def test_a_file_in_the_place_of_a_parent_is_refused(tmp_path):
    (tmp_path / "run").write_text("")
    with pytest.raises(FiberscopeError, match=r"cannot be written \(Not a directory"):
        open_folder(tmp_path / "run" / "deeper")


def test_a_folder_that_takes_no_file_is_refused_before_any_work():
    # Not even the superuser, whom permissions do not stop, makes a file here.
    with pytest.raises(FiberscopeError, match="cannot be written"):
        open_folder(Path("/proc/self"), force=True)
