"""Files may have any bytes for a name: they are surveyed, and found again by what the records say."""

import os
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from fiberscope.problem import FiberscopeError
from fiberscope.survey import export, query, read_images, resume_survey, run_survey
from fiberscope.survey.database import Database
from fiberscope.survey.plan import read_plan
from fiberscope.survey.report.pictures import originals
from surveys import choose, records


def test_a_name_that_is_no_text_is_written_with_escapes_and_read_again(files, tmp_path):
    folder, network = files
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    names = (
        b"caf\xe9.png",
        b"line\nend.png",
        b"quote\"'.png",
        "größe.png".encode(),
        b"x" * 251 + b".png",
        b"\x1b[31m.png",
    )
    for place, name in enumerate(sorted(names, key=os.fsdecode)):
        with (pictures / f"{os.fsdecode(name)}").open("wb") as file:
            Image.fromarray(np.full((6, 6), 40 * place, np.uint8)).save(file, format="png")
    choice = replace(
        choose(folder, tmp_path / "survey", "nearest", "own:own"), data=str(pictures), labelled=folder / "data.npz"
    )
    assert run_survey(choice, network).failed == 0
    stored = {name for (name,) in query(choice.out, "SELECT name FROM records").rows}
    assert stored == {
        r"caf\xe9.png",
        r"line\nend.png",
        "quote\"'.png",
        "größe.png",
        "x" * 251 + ".png",
        r"\x1b[31m.png",
    }
    before = records(choice.out)
    assert resume_survey(choice.out).done == len(names)
    assert records(choice.out) == before
    places = range(len(names))
    shown = originals(read_plan(choice.out), places, [row[1] for row in before.rows])
    assert len(shown) == len(names)


def test_a_folder_whose_name_is_no_text_holds_a_survey_as_any_other_does(files, tmp_path):
    folder, network = files
    choice = choose(folder, tmp_path / os.fsdecode(b"caf\xe9 '\x07") / "survey", "nearest", "own:own")
    done = run_survey(choice, network).done
    assert query(choice.out, "SELECT count(*) FROM records").rows == ((done,),)
    assert read_images(choice.out, "found", range(done)).shape == (done, *read_plan(choice.out).input_shape)
    table = export(choice.out, choice.out / os.fsdecode(b"t\xe9.csv"), format="csv")
    assert len(table.read_text().splitlines()) == done + 1
    with pytest.raises(FiberscopeError, match="file system operations are disabled"):
        query(choice.out, "SELECT * FROM read_text('/etc/hostname')")
    assert resume_survey(choice.out).done == done
    with Database(choice.out / "records.duckdb", write=True), pytest.raises(FiberscopeError, match="is held by"):
        Database(choice.out / "records.duckdb", patience=0.0)


def test_an_archive_that_is_none_is_told_by_who_reads_its_images(files, tmp_path):
    folder, network = files
    for content in (b"", b"PK", b"PK\x05\x06" + bytes(18), (folder / "data.npz").read_bytes()[:-30]):
        (tmp_path / "odd.npz").write_bytes(content)
        with pytest.raises(FiberscopeError, match=r"odd\.npz"):
            run_survey(replace(choose(folder, tmp_path / "survey"), data=str(tmp_path / "odd.npz")), network)
