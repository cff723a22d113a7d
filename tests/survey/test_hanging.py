"""A worker that hangs is given up after the time that a task may take, and the survey goes on without it."""

import multiprocessing
import time

import pytest

from fiberscope.analysis.survey_choices import EngineChoice
from fiberscope.problem import FiberscopeError
from fiberscope.survey import query, resume_survey, run_survey, status
from fiberscope.survey.engines.patience import Patience
from surveys import COUNT, OWN, choose, images, write_survey

HANGING = """

def until_mended(scene, batch):
    while not (HERE / "mended").exists() and batch.start <= 7 < batch.start + len(batch):
        time.sleep(0.05)
    return of(scene, batch)

def hanging():
    return Measure("hanging", "The same; the eighth image hangs.", columns, until_mended)
"""


@pytest.mark.parametrize("engine", ["local", "processes"])
def test_a_task_that_hangs_is_given_up_and_can_be_tried_again(engine, done, tmp_path):
    network, out = write_survey(tmp_path / "files"), tmp_path / "survey"
    (tmp_path / "files" / "own.py").write_text(OWN + HANGING)
    choice = choose(tmp_path / "files", out, "own:hanging")
    end = run_survey(choice, network, EngineChoice(engine, 2, task_timeout=2.0))
    assert (end.done, end.failed) == (COUNT, 5)
    failed = query(out, "SELECT image, outcome, name, ink, error FROM records WHERE error IS NOT NULL ORDER BY image")
    assert [row[:4] for row in failed.rows] == [(place, "failed", f"data {place}", None) for place in range(5, 10)]
    assert failed.rows[0][4].startswith("engine: given up after ")
    assert not status(out).faults
    assert not multiprocessing.active_children()
    (tmp_path / "files" / "mended").touch()
    assert resume_survey(out, EngineChoice(workers=1), retry_failed=True).failed == 0
    asked = "SELECT image, name, label, luck, ink, outcome, error FROM records ORDER BY image"
    assert query(out, asked) == query(done, asked)
    assert images(out, "negative") == images(done, "negative")


def test_a_task_may_take_twenty_times_as_long_as_the_slowest_before_it():
    patience, now = Patience(), time.monotonic()
    assert patience.seconds == 6 * 3600
    patience.learn(now - 1)
    assert patience.seconds == 600
    patience.learn(now - 100)
    patience.learn(now - 1)
    assert patience.seconds == pytest.approx(2000, rel=0.1)
    assert patience.is_over(now - 3000)
    assert not patience.is_over(now - 1000)


def test_a_limit_that_is_chosen_holds_and_none_is_no_limit():
    patience, now = Patience(5.0), time.monotonic()
    patience.learn(now - 100)
    assert patience.is_over(now - 6)
    assert not patience.is_over(now - 4)
    assert not Patience(0.0).is_over(now - 1e9)


@pytest.mark.parametrize("seconds", [-1.0, float("nan"), float("inf")])
def test_a_time_that_is_none_is_refused(seconds, files, tmp_path):
    folder, network = files
    with pytest.raises(FiberscopeError, match="task-timeout"):
        run_survey(choose(folder, tmp_path / "survey"), network, EngineChoice(task_timeout=seconds))
