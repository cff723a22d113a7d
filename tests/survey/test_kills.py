"""Whatever is killed, whenever: after a resume the records are those of a run that nothing disturbed."""

import multiprocessing
import os
import random
import signal
import time
from pathlib import Path

import pytest

from fiberscope.analysis.survey_choices import EngineChoice
from fiberscope.survey import query, resume_survey, run_survey, status
from surveys import as_command, choose, images, records, start, write_survey

pytestmark = pytest.mark.slow

MEASURES = ("spectrum", "own:slow")
SECONDS = 0.2  # a task, in processes that are killed


def undisturbed(folder, network):
    """A survey of the same images that nothing disturbed."""
    choice = choose(folder, folder / "undisturbed", *MEASURES, batch_size=2)
    run_survey(choice, network)
    return choice.out


def stored(out):
    return status(out).done if (out / "records.duckdb").exists() else 0


def wait_for_more(process, out, before, *, seconds=60):
    end = time.monotonic() + seconds
    while stored(out) == before:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end
        time.sleep(0.01)


def kill_in_the_middle(choice, network, chance):
    before = stored(choice.out)
    # However slow the machine is, a run is not through before it is killed.
    process = start(*as_command(choice, network), seconds=SECONDS, quick=6)
    wait_for_more(process, choice.out, before)
    time.sleep(chance.uniform(0, SECONDS))
    process.send_signal(signal.SIGKILL)
    process.communicate()


def assert_same(out, undisturbed, count):
    assert records(out) == records(undisturbed)
    assert images(out, "negative", count) == images(undisturbed, "negative", count)
    assert query(out, "SELECT count(*), sum(stop - start) FROM tasks").rows == ((count // 2, count),)


@pytest.mark.parametrize("kills", [3, pytest.param(20, marks=pytest.mark.slow)])
def test_a_driver_killed_again_and_again_loses_nothing(kills, tmp_path):
    count, chance = 16 * kills, random.Random(kills)
    network = write_survey(tmp_path, count)
    choice = choose(tmp_path, tmp_path / "survey", *MEASURES, batch_size=2)
    for _ in range(kills):
        kill_in_the_middle(choice, network, chance)
    assert 0 < status(choice.out).done < count
    resume_survey(choice.out)
    assert_same(choice.out, undisturbed(tmp_path, network), count)


def test_a_killed_worker_costs_nothing_but_time(tmp_path):
    network = write_survey(tmp_path, 40)
    choice = choose(tmp_path, tmp_path / "survey", *MEASURES, batch_size=2)
    killed = []

    def kill_one(now):
        if now.done and not killed:
            killed.append(multiprocessing.active_children()[0].pid)
            os.kill(killed[0], signal.SIGKILL)

    assert run_survey(choice, network, EngineChoice("processes", 2), on_progress=kill_one).failed == 0
    assert killed
    assert_same(choice.out, undisturbed(tmp_path, network), 40)


@pytest.mark.parametrize("engine", ["local", "processes"])
def test_an_interruption_says_what_is_stored_and_how_to_go_on(engine, files, tmp_path):
    folder, network = files
    choice = choose(folder, tmp_path / "survey", "own:slow", batch_size=1)
    process = start(*as_command(choice, network, EngineChoice(engine, 1)), seconds=SECONDS)
    wait_for_more(process, choice.out, 0)
    # A terminal sends it to every process of the command.
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    for child in children:
        os.kill(int(child), signal.SIGINT)
    process.send_signal(signal.SIGINT)
    error = process.communicate()[1]
    assert process.returncode == 130
    assert "Traceback" not in error
    done = status(choice.out).done
    assert f"interrupted: {done} of 24 images are stored in {choice.out}" in error
    assert f"fiberscope survey resume --out {choice.out}" in error


@pytest.mark.parametrize("engine", ["local", "processes"])
def test_an_interruption_does_not_wait_for_tasks_under_way(engine, files, tmp_path):
    folder, network = files
    choice = choose(folder, tmp_path / "survey", "own:slow", batch_size=1)
    process = start(*as_command(choice, network, EngineChoice(engine, 2)), seconds=60)
    end = time.monotonic() + 60
    while not (choice.out / "records.duckdb").exists():
        assert time.monotonic() < end
        time.sleep(0.01)
    time.sleep(1)
    process.send_signal(signal.SIGINT)
    error = process.communicate(timeout=30)[1]
    assert process.returncode == 130
    assert f"interrupted: 0 of 24 images are stored in {choice.out}" in error
    assert "Traceback" not in error


def test_workers_end_with_a_driver_that_was_killed(files, tmp_path):
    folder, network = files
    choice = choose(folder, tmp_path / "survey", "own:slow", batch_size=1)
    process = start(*as_command(choice, network, EngineChoice("processes")), seconds=SECONDS)
    wait_for_more(process, choice.out, 0)
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    assert children
    process.kill()
    process.communicate()
    end = time.monotonic() + 20
    while any(is_alive(child) for child in children):
        assert time.monotonic() < end
        time.sleep(0.05)


def is_alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
