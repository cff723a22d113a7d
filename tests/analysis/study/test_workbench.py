"""A piece is found once, whatever happened to the process, the file or the disk."""

from __future__ import annotations

from contextlib import nullcontext
from typing import NamedTuple

import torch

from fiberscope.analysis.answer import Answer
from fiberscope.analysis.study.run import Cover, Question, run_study
from fiberscope.analysis.study.workbench import Workbench
from fiberscope.report import Section


class Anything(NamedTuple):
    """A study of nothing in particular."""

    seed: int = 0


class Search:
    """Finds another number each time."""

    def __init__(self):
        self.times = 0

    def __call__(self):
        self.times += 1
        return {"image": torch.full((2, 2), float(self.times)), "reached": torch.tensor(True)}


def test_a_piece_is_found_once_and_read_by_every_later_run(tmp_path):
    search = Search()
    first = Workbench(tmp_path).once("a", search)
    again = Workbench(tmp_path).once("a", search)
    assert search.times == 1
    assert all(torch.equal(first[name], again[name]) for name in ("image", "reached"))
    assert Workbench(tmp_path).once("b", search)["image"][0, 0] == 2


def test_a_piece_that_was_half_written_is_found_again(tmp_path):
    search = Search()
    Workbench(tmp_path).once("a", search)
    (file,) = tmp_path.glob(".workbench/*")
    file.write_bytes(file.read_bytes()[:40])
    assert Workbench(tmp_path).once("a", search)["image"][0, 0] == 2
    assert Workbench(tmp_path).once("a", search)["image"][0, 0] == 2


def test_a_disk_that_refuses_a_piece_does_not_end_the_search(tmp_path):
    (tmp_path / ".workbench").write_text("a file where the folder should be")
    assert Workbench(tmp_path).once("a", Search())["image"][0, 0] == 1


def test_a_study_that_begins_takes_no_piece_of_another_one(tmp_path):
    search = Search()
    Workbench(tmp_path).once("a", search)

    def ask(study):
        Workbench(tmp_path).once("a", search)
        return Answer((Section("What?", "This."),))

    run_study(
        Anything(),
        (Question("first", "What?", "ask", ask),),
        Cover("A title", "A lead", ()),
        out=tmp_path,
        force=False,
        command="c",
        settings={},
        step=lambda words: nullcontext(),
    )
    assert search.times == 2


def test_nothing_is_left_when_it_is_cleared(tmp_path):
    bench = Workbench(tmp_path)
    bench.once("a", Search())
    bench.clear()
    assert list(tmp_path.iterdir()) == []
    bench.clear()
