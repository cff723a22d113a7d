"""Whatever happens to the files of a survey is told with the images that it costs, and mended by a resume."""

import json
import shutil
import struct
from pathlib import Path

import numpy as np
import pytest
import torch
import zarr

from fiberscope.cli.app import run
from fiberscope.problem import FiberscopeError
from fiberscope.survey import (
    Column,
    Measure,
    check_survey,
    read_images,
    register,
    resume_survey,
    run_survey,
    status,
    summary,
)
from fiberscope.survey.arrays import Layout, make_arrays, open_shards, write_arrays
from fiberscope.survey.database import Database
from surveys import COUNT, choose, images, records

pytestmark = pytest.mark.slow

FOUND = "arrays.zarr/found"
FIRST, SECOND, LAST, META = (f"{FOUND}/{name}" for name in ("c/0/0/0/0", "c/1/0/0/0", "c/4/0/0/0", "zarr.json"))


def remove(path):
    return lambda survey: shutil.rmtree(survey / path) if (survey / path).is_dir() else (survey / path).unlink()


def cut(path, share=0.5):
    def harm(survey):
        content = (survey / path).read_bytes()
        (survey / path).write_bytes(content[: int(len(content) * share)])

    return harm


def flip(path, place=0.5):
    def harm(survey):
        content = bytearray((survey / path).read_bytes())
        content[int((len(content) - 1) * place)] ^= 255
        (survey / path).write_bytes(content)

    return harm


def swap(one, other):
    def harm(survey):
        content = (survey / one).read_bytes()
        (survey / one).write_bytes((survey / other).read_bytes())
        (survey / other).write_bytes(content)

    return harm


def copy(path, to):
    return lambda survey: shutil.copy(survey / path, survey / to)


def folder(path):
    return lambda survey: (remove(path)(survey), (survey / path).mkdir())


def file(path):
    return lambda survey: (remove(path)(survey), (survey / path).write_text("x"))


def link(path):
    def harm(survey):
        (survey / path).rename(survey.parent / "elsewhere")
        (survey / path).symlink_to(survey.parent / "elsewhere")

    return harm


def metadata(**others):
    return lambda survey: (survey / META).write_text(json.dumps({**json.loads((survey / META).read_text()), **others}))


def bomb(survey):
    """A chunk that says of itself that it unpacks to a terabyte."""
    content = bytearray((survey / FIRST).read_bytes())
    content[:14] = b"\x28\xb5\x2f\xfd\xc0\x00" + struct.pack("<Q", 2**40)
    (survey / FIRST).write_bytes(content)


OF_ARRAYS = {
    "shard removed": remove(FIRST),
    "last shard removed": remove(LAST),
    "shard cut": cut(FIRST),
    "last shard cut": cut(LAST),
    "shard emptied": cut(FIRST, 0),
    "byte of an image": flip(FIRST, 0.3),
    "byte of the index": flip(FIRST, 0.95),
    "last byte": flip(FIRST, 1),
    "byte of the last shard": flip(LAST, 0.3),
    "last byte of the last shard": flip(LAST, 1),
    "shards exchanged": swap(FIRST, SECOND),
    "shard of another place": copy(SECOND, FIRST),
    "shard of another column": copy("arrays.zarr/negative/c/0/0/0/0", FIRST),
    "shard a folder": folder(FIRST),
    "last shard a folder": folder(LAST),
    "shard a link": link(FIRST),
    "shards behind a link": link(f"{FOUND}/c"),
    "column behind a link": link(FOUND),
    "shards removed": remove(f"{FOUND}/c"),
    "shards a file": file(f"{FOUND}/c"),
    "column removed": remove(FOUND),
    "arrays removed": remove("arrays.zarr"),
    "metadata removed": remove(META),
    "metadata cut": cut(META),
    "metadata a folder": folder(META),
    "metadata of a group": copy("arrays.zarr/zarr.json", META),
    "metadata without end": lambda survey: (survey / META).write_text("[" * 60_000),
    "other shape": metadata(shape=[10**9, 1, 6, 6]),
    "other type": metadata(data_type="float64"),
    "other fill": metadata(fill_value=0.0),
    "other codecs": metadata(codecs=[{"name": "bytes", "configuration": {"endian": "little"}}]),
    "bomb": bomb,
}


@pytest.fixture(scope="module")
def whole(files, tmp_path_factory):
    """A survey with found images, of five tasks."""
    folder, network = files
    out = tmp_path_factory.mktemp("whole") / "survey"
    run_survey(choose(folder, out, "nearest", "own:own"), network)
    return out


@pytest.fixture
def survey(whole, tmp_path):
    """A copy of it, to be harmed."""
    return Path(shutil.copytree(whole, tmp_path / "survey"))


def asked(survey, *statements):
    with Database(survey / "records.duckdb", write=True) as database:
        for sql in statements:
            database.ask(sql)


@pytest.mark.parametrize("harm", OF_ARRAYS.values(), ids=OF_ARRAYS)
def test_damaged_arrays_are_told_and_mended(harm, survey, whole):
    harm(survey)
    told = status(survey)
    assert told.faults
    assert told.faults == check_survey(survey).faults
    assert summary(survey)  # of records, which are whole
    with pytest.raises(FiberscopeError, match=r"damaged or missing \(image.*fiberscope survey resume --out"):
        read_images(survey, "found", range(COUNT))
    end = resume_survey(survey)
    assert end.done == COUNT
    assert end.mended == told.faults
    assert images(survey, "found") == images(whole, "found")
    assert records(survey) == records(whole)
    assert not status(survey).faults


OF_RECORDS = {
    "records lost": (("DELETE FROM records WHERE image IN (6, 7)",), "images 5 to 9: 2 records are missing"),
    "records twice": (
        ("INSERT INTO records SELECT * FROM records WHERE image = 7",),
        "images 5 to 9: records are there more than once",
    ),
    "a task lost": (("DELETE FROM tasks WHERE start = 5",), "images 5 to 9: there are records, but no task"),
    "a task twice": (("INSERT INTO tasks SELECT * FROM tasks WHERE start = 5",), "images 5 to 9: stored by two tasks"),
    "a task moved": (("UPDATE tasks SET start = 7 WHERE start = 5",), "images 7 to 9: stored by a task that the plan"),
    "checksums lost": (("UPDATE tasks SET checksums = '{' WHERE start = 5",), "holds other images than those that"),
}


@pytest.mark.parametrize(("statements", "words"), OF_RECORDS.values(), ids=OF_RECORDS)
def test_tasks_that_do_not_fit_their_records_are_told_and_computed_anew(statements, words, survey, whole):
    asked(survey, *statements)
    assert words in " ".join(map(str, status(survey).faults))
    with pytest.raises(FiberscopeError, match=r"damaged or missing \(image"):
        read_images(survey, "found", range(COUNT))
    end = resume_survey(survey)
    assert end.mended
    assert records(survey) == records(whole)
    assert images(survey, "found") == images(whole, "found")
    assert not status(survey).faults


def test_a_task_is_known_by_its_images_and_not_by_its_number(survey, whole):
    asked(survey, "UPDATE tasks SET task = 4 - task")
    before = records(survey)
    assert not status(survey).faults
    assert resume_survey(survey).rate == 0  # nothing is computed
    assert records(survey) == before == records(whole)


def test_places_beyond_the_plan_are_refused(survey):
    asked(survey, "UPDATE records SET image = 99 WHERE image = 3")
    for ask in (status, resume_survey):
        with pytest.raises(FiberscopeError, match=r"records\.duckdb .*image"):
            ask(survey)


@pytest.mark.parametrize("harm", [link("arrays.zarr"), file("arrays.zarr")], ids=["a link", "a file"])
def test_arrays_that_are_no_folder_are_refused_until_there_is_one(harm, survey, whole):
    harm(survey)
    for ask in (status, resume_survey):
        with pytest.raises(FiberscopeError, match=r"arrays\.zarr is .*, wanted a folder.*Put a folder there"):
            ask(survey)
    (survey / "arrays.zarr").unlink()
    (survey / "arrays.zarr").mkdir()
    resume_survey(survey)
    assert images(survey, "found") == images(whole, "found")


def test_what_is_no_shard_is_set_aside_and_not_deleted(survey):
    folder(FIRST)(survey)
    (survey / FIRST / "mine.txt").write_text("mine")
    resume_survey(survey)
    assert (survey / f"{FIRST}.aside1" / "mine.txt").read_text() == "mine"


def test_a_survey_without_checksums_is_read_and_resumed_and_says_that_it_has_none(survey, whole, capsys):
    asked(survey, "DELETE FROM tasks WHERE start = 5", "ALTER TABLE tasks DROP COLUMN checksums")
    asked(survey, "DELETE FROM records WHERE image BETWEEN 5 AND 9")
    assert run(["survey", "status", "--out", str(survey)]) == 1
    assert "19 images were found before there were checksums" in capsys.readouterr().out
    resume_survey(survey)
    assert status(survey).unchecked == 19
    assert records(survey) == records(whole)
    assert images(survey, "found") == images(whole, "found")


def test_images_that_no_task_has_stored_are_unknown_whatever_lies_there(survey):
    asked(survey, "DELETE FROM tasks WHERE start = 5", "DELETE FROM records WHERE image BETWEEN 5 AND 9")
    found = read_images(survey, "found", range(COUNT))
    assert np.isnan(found[5:10]).all()
    assert not np.isnan(found[:5]).any()


@pytest.mark.parametrize("places", [[-1], [COUNT], [0, 10**9]])
def test_a_place_that_the_survey_does_not_have_is_refused(places, whole):
    with pytest.raises(FiberscopeError, match=f"has images 0 to {COUNT - 1}"):
        read_images(whole, "found", places)


@pytest.mark.parametrize("name", ["nothing", "../arrays.zarr/found", "", "luck"])
def test_a_column_without_images_is_refused(name, whole):
    with pytest.raises(FiberscopeError, match="has no images"):
        read_images(whole, name, [0])


def test_the_commands_tell_damage_and_end_with_1_until_it_is_mended(survey, capsys):
    flip(FIRST, 0.3)(survey)
    for command in (["status"], ["status", "--check"], ["summary"]):
        code = run(["survey", *command, "--out", str(survey)])
        said = capsys.readouterr().out
        assert f"damaged or missing: images 0 to 4: {FIRST} holds other images" in said or "cannot be read" in said
        assert f"fiberscope survey resume --out {survey}" in said
        assert code == (0 if command == ["summary"] else 1)
    assert run(["survey", "resume", "--out", str(survey)]) == 0
    assert "damaged or missing, computed anew: images 0 to 4" in capsys.readouterr().err
    assert run(["survey", "status", "--check", "--out", str(survey)]) == 0


def test_a_write_that_fails_leaves_the_images_that_were_there(tmp_path, monkeypatch):
    layout = Layout(5, (1, 2, 2), "float32", 4)
    make_arrays(tmp_path, ["found"], layout)
    before = {"found": np.arange(16, dtype=np.float32).reshape(4, 1, 2, 2)}
    write_arrays(tmp_path, layout, before, start=0)

    def full(self, place, values):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(zarr.Array, "__setitem__", full)
    with pytest.raises(FiberscopeError, match="No space left"):
        write_arrays(tmp_path, layout, before, start=0)
    monkeypatch.undo()
    assert np.array_equal(np.concatenate(list(open_shards(tmp_path, "found", layout).blocks(0))), before["found"])


def test_the_metadata_that_are_written_are_those_that_zarr_writes_of_such_an_array(tmp_path):
    layout = Layout(40, (3, 4, 5), "float64", 24)
    make_arrays(tmp_path, ["found"], layout)
    made = zarr.create_array(
        str(tmp_path / "other.zarr"),
        shape=(40, 3, 4, 5),
        shards=(24, 3, 4, 5),
        chunks=(8, 3, 4, 5),
        dtype="float64",
        fill_value=np.nan,
    )
    found = zarr.open_array(str(tmp_path / "arrays.zarr" / "found"), mode="r")
    assert str(found.metadata.to_dict()) == str(made.metadata.to_dict())


def test_a_task_that_found_nothing_has_no_shard_and_that_is_no_damage(files, tmp_path):
    folder, network = files

    def columns(scene):
        return (Column("rare", "image", "", "an image of the last task alone"),)

    def compute(scene, batch):
        return {"rare": batch.images if batch.start >= 20 else torch.full_like(batch.images, torch.nan)}

    register(Measure("rare", "An image of the last task alone.", columns, compute))
    out = tmp_path / "survey"
    run_survey(choose(folder, out, "rare"), network)
    assert not check_survey(out).faults
    assert np.isnan(read_images(out, "rare", range(20))).all()
    (out / "arrays.zarr/rare/c/4/0/0/0").unlink()
    assert [fault.start for fault in status(out).faults] == [20]
