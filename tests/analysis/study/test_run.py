"""A study on disk: each answer whole, an interruption gone on with, and the page as if nothing had happened."""

import json
from contextlib import nullcontext

import numpy as np
import pytest
import torch
from PIL import Image

from fiberscope.analysis.answer import Answer
from fiberscope.analysis.output import Interrupted
from fiberscope.analysis.records import Records
from fiberscope.analysis.study.kept import keep, read_kept
from fiberscope.analysis.study.questions import QUESTIONS, choose
from fiberscope.analysis.study.run import Cover, Question, run_study
from fiberscope.gallery import to_png
from fiberscope.problem import FiberscopeError
from fiberscope.report import Figure, Section, Table
from studies import linear_study

COVER = Cover("Title", "Lead.", (("network", "linear"),))
SETTINGS = {"weights": "abc"}


def full_answer(name="first"):
    figure = Figure(to_png(Image.new("RGB", (4, 4))), "Caption.", "Words.")
    table = Table(("name", "value", "count"), (("a", 0.1, 3), ("b", float("inf"), 4)), "Table.")
    return Answer(
        (Section(f"Question {name}?", "Finding.", ("Words", figure, table)),),
        facts=((f"fact of {name}", "7"),),
        figures={f"{name}.png": figure},
        arrays={"values": torch.arange(3.0)},
        records={name: Records({"a": "meaning"}, ((1,), (2,)))},
        methods=("Method.",),
    )


class Asked:
    """Questions that count how often they are asked; one of them can be made to interrupt."""

    def __init__(self, *names):
        self.names, self.count, self.interrupt_at = names, dict.fromkeys(names, 0), None

    def questions(self):
        return tuple(Question(name, f"{name}?", f"do {name}", self.ask(name)) for name in self.names)

    def ask(self, name):
        def answer(study):
            if name == self.interrupt_at:
                raise KeyboardInterrupt
            self.count[name] += 1
            return full_answer(name)

        return answer


def run(asked, out, *, settings=SETTINGS, force=False):
    return run_study(
        linear_study(),
        asked.questions(),
        COVER,
        out=out,
        force=force,
        command="fiberscope analyse",
        settings=settings,
        step=lambda name: nullcontext(),
    )


def contents(folder):
    """What is in the folder, without the moment and the seconds."""
    files = {path.name: path.read_bytes() for path in folder.iterdir()}
    provenance = json.loads(files.pop("provenance.json"))
    started, _ = provenance.pop("started_at"), provenance.pop("seconds")
    files["report.html"] = files["report.html"].replace(started.encode(), b"")
    return files, provenance


def test_an_answer_is_read_back_as_it_was_kept(tmp_path):
    out = tmp_path / "run"
    run(Asked("first"), out)
    (kept,) = [read_kept(_folder(out), "first")]
    wanted = full_answer()
    assert kept.answer.sections == wanted.sections
    assert kept.answer.facts == wanted.facts
    assert kept.answer.methods == wanted.methods
    assert set(kept.files) == {"first.png", "first.csv", "first.json", "first.npz", "first.answer.json"}
    with np.load(out / "first.npz", allow_pickle=False) as archive:
        assert archive["values"].tolist() == [0, 1, 2]


def _folder(path):
    from fiberscope.analysis.run_folder import RunFolder

    return RunFolder(path)


@pytest.mark.parametrize("missing", ["first.png", "first.csv", "first.npz", "first.answer.json"])
def test_an_answer_of_which_a_file_is_missing_is_not_there(tmp_path, missing):
    folder = _folder(tmp_path)
    keep(folder, "first", full_answer())
    (tmp_path / missing).unlink()
    assert read_kept(folder, "first") is None


def test_an_answer_that_was_cut_off_is_not_there(tmp_path):
    folder = _folder(tmp_path)
    keep(folder, "first", full_answer())
    path = tmp_path / "first.answer.json"
    path.write_bytes(path.read_bytes()[:100])
    assert read_kept(folder, "first") is None


def test_interrupted_the_same_study_goes_on_and_ends_as_an_undisturbed_one(tmp_path):
    asked = Asked("first", "second", "third")
    asked.interrupt_at = "third"
    with pytest.raises(Interrupted, match="2 of 3 questions are answered"):
        run(asked, tmp_path / "run")
    asked.interrupt_at = None
    done = run(asked, tmp_path / "run")
    assert done.resumed == 2
    assert asked.count == {"first": 1, "second": 1, "third": 1}
    run(Asked("first", "second", "third"), tmp_path / "other")
    assert contents(tmp_path / "run") == contents(tmp_path / "other")


def test_interrupted_before_the_first_answer_it_begins_again(tmp_path):
    asked = Asked("first")
    asked.interrupt_at = "first"
    with pytest.raises(Interrupted, match="before the first question"):
        run(asked, tmp_path)
    asked.interrupt_at = None
    assert run(asked, tmp_path).resumed == 0


def test_nothing_is_lost_of_a_run_that_answered_nothing_so_another_study_may_take_its_place(tmp_path):
    asked = Asked("first")
    asked.interrupt_at = "first"
    with pytest.raises(Interrupted):
        run(asked, tmp_path)
    asked.interrupt_at = None
    run(asked, tmp_path, settings={"weights": "other"})


def test_an_unfinished_study_of_other_weights_is_not_gone_on_with(tmp_path):
    asked = Asked("first", "second")
    asked.interrupt_at = "second"
    with pytest.raises(Interrupted):
        run(asked, tmp_path)
    asked.interrupt_at = None
    with pytest.raises(FiberscopeError, match=r"unfinished study with another weights \('abc' there, 'other' now\)"):
        run(asked, tmp_path, settings={"weights": "other"})
    run(asked, tmp_path, settings={"weights": "other"}, force=True)
    assert asked.count == {"first": 2, "second": 1}


def test_a_finished_study_is_not_overwritten_unasked(tmp_path):
    asked = Asked("first")
    run(asked, tmp_path)
    with pytest.raises(FiberscopeError, match="--force"):
        run(asked, tmp_path)
    run(asked, tmp_path, force=True)
    assert asked.count == {"first": 2}


def test_a_killed_write_leaves_nothing_behind_once_the_study_goes_on(tmp_path):
    asked = Asked("first", "second")
    asked.interrupt_at = "second"
    with pytest.raises(Interrupted):
        run(asked, tmp_path)
    (tmp_path / ".second.npz.123.partial").write_bytes(b"half")
    asked.interrupt_at = None
    run(asked, tmp_path)
    assert not list(tmp_path.glob(".*"))


def test_seconds_and_the_beginning_are_those_of_all_runs_together(tmp_path):
    asked = Asked("first", "second")
    asked.interrupt_at = "second"
    with pytest.raises(Interrupted):
        run(asked, tmp_path)
    begun = json.loads((tmp_path / "provenance.json").read_bytes())
    asked.interrupt_at = None
    run(asked, tmp_path)
    ended = json.loads((tmp_path / "provenance.json").read_bytes())
    assert ended["started_at"] == begun["started_at"]
    assert ended["seconds"]["first"] == begun["seconds"]["first"]
    assert set(ended["seconds"]) == {"first", "second"}


def test_a_question_that_cannot_be_answered_says_so_and_the_others_are_asked(tmp_path):
    def fail(study):
        raise FiberscopeError("labels: 1 class. Give two.")

    asked = Asked("first")
    questions = (Question("broken", "What breaks?", "break", fail), *asked.questions())
    done = run_study(
        linear_study(),
        questions,
        COVER,
        out=tmp_path,
        force=False,
        command="",
        settings={},
        step=lambda name: nullcontext(),
    )
    assert done.failed == ("broken: labels: 1 class. Give two.",)
    assert "This could not be answered. labels: 1 class. Give two." in (tmp_path / "report.html").read_text()
    assert asked.count == {"first": 1}


def test_every_question_has_a_name_of_its_own():
    assert len({question.name for question in QUESTIONS}) == len(QUESTIONS)


def test_questions_are_chosen_by_name_in_reading_order():
    assert choose(()) == QUESTIONS
    assert [question.name for question in choose(("pairs,sight", "walks"))] == ["sight", "walks", "pairs"]


@pytest.mark.parametrize("names", [("sights",), ("sight,walk",), (",",)])
def test_a_name_that_is_none_is_refused_with_those_that_there_are(names):
    with pytest.raises(FiberscopeError, match=r"only: there is no question '.*'\. Choose among recognition, sight, "):
        choose(names)
