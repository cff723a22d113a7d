"""What is refused, and what a fault leaves behind."""

import errno
import json
import math
import shlex
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace

import numpy as np
import pytest
import torch
import zarr

from fiberscope.analysis.survey_choices import EngineChoice, SurveyChoice
from fiberscope.cli.app import run
from fiberscope.problem import FiberscopeError
from fiberscope.survey import Column, Measure, query, register, resume_survey, run_survey, status
from fiberscope.survey.lock import alone_in
from fiberscope.survey.tasks import cut
from surveys import COUNT, as_command, choose, edit_plan, forget_plan, records, start, write_survey


@pytest.fixture
def own_files(tmp_path):
    folder = tmp_path / "files"
    return folder, write_survey(folder)


def test_an_image_that_fails_has_its_reason_and_spoils_no_other(own_files, done, tmp_path):
    folder, network = own_files
    end = run_survey(choose(folder, tmp_path / "survey", "spectrum", "own:picky"), network)
    assert (end.done, end.failed) == (COUNT, 1)
    assert status(tmp_path / "survey").failures == (("data 7", "picky: RuntimeError: seven is too much"),)
    failed = query(tmp_path / "survey", "SELECT image, outcome, luck, s1 FROM records WHERE outcome <> 'complete'").rows
    assert failed[0][:3] == (7, "failed", None)
    assert failed[0][3] > 0
    luck = "SELECT luck FROM records WHERE image <> 7 ORDER BY image"
    assert query(tmp_path / "survey", luck) == query(done, luck)


@pytest.mark.parametrize(
    ("kind", "give", "words"),
    [
        ("number", lambda batch: batch.images.flatten(1).sum(dim=1, keepdim=True), "shape (1, 1), wanted (1,)"),
        ("image", lambda batch: batch.images.flatten(1), "shape (1, 36), wanted (1, 1, 6, 6)"),
        ("whole", lambda batch: [math.inf] * len(batch), "an infinite odd, wanted whole numbers"),
        ("whole", lambda batch: [2**53 + 1] * len(batch), "of 2^53 or more, of which digits would be lost"),
        ("whole", lambda batch: torch.full((len(batch),), -(2**62)), "of 2^53 or more, of which digits would be lost"),
        ("number", lambda batch: [], "shape (0,), wanted (1,)"),
    ],
    ids=["values in rows", "flat images", "infinite", "too large", "too small", "nothing"],
)
def test_a_measure_that_gives_what_fits_no_column_is_told_in_the_records(kind, give, words, files, tmp_path):
    folder, network = files

    def columns(scene):
        return (Column("odd", kind, "", "does not fit"),)

    register(Measure("odd", "Does not fit.", columns, lambda scene, batch: {"odd": give(batch)}))
    end = run_survey(choose(folder, tmp_path / "survey", "recognition", "odd", limit=7), network)
    assert (end.done, end.failed) == (7, 7)
    assert words in status(tmp_path / "survey").failures[0][1]
    assert query(tmp_path / "survey", "SELECT count(latent_norm) FROM records").rows == ((7,),)


def test_what_failed_can_be_tried_again_and_is_then_as_if_it_never_had(own_files, done, tmp_path):
    folder, network = own_files
    out = tmp_path / "survey"
    run_survey(choose(folder, out, "spectrum", "own:picky"), network)
    assert resume_survey(out).failed == 1
    (folder / "mended").touch()
    assert resume_survey(out, retry_failed=True).failed == 0
    names = "SELECT image, s1, s2, s3, rank, invisible_share, luck, ink, outcome, error FROM records ORDER BY image"
    assert query(out, names) == query(done, names)
    assert query(out, "SELECT count(*) FROM tasks").rows == ((len(cut(COUNT, 5)),),)


def test_a_damaged_file_among_the_images_is_one_failed_record(own_files, tmp_path):
    from PIL import Image

    folder, network = own_files
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    for place in range(4):
        Image.fromarray(np.full((6, 6), 40 * place, np.uint8)).save(pictures / f"{place}.png")
    (pictures / "2.png").write_bytes(b"no picture")
    choice = replace(choose(folder, tmp_path / "survey", "own:own"), data=str(pictures), labelled=folder / "data.npz")
    assert run_survey(choice, network).failed == 1
    assert [name for name, _ in status(choice.out).failures] == ["2.png"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            lambda folder: (folder / "network.py").write_text("# other\n" + (folder / "network.py").read_text()),
            "file of",
        ),
        (
            lambda folder: (folder / "network.py").write_text(
                (folder / "network.py").read_text().replace("manual_seed(0)", "manual_seed(1)")
            ),
            "file of the network has changed",
        ),
        (lambda folder: np.savez(folder / "data.npz", images=np.zeros((24, 6, 6)), labels=np.arange(24) % 3), "images"),
        (
            lambda folder: (folder / "own.py").write_text("# other\n" + (folder / "own.py").read_text()),
            r"the file of measure .*own\.py:own has changed",
        ),
    ],
    ids=["file", "weights", "images", "measure"],
)
def test_what_has_changed_since_is_refused_and_nothing_is_touched(change, words, own_files, tmp_path):
    folder, network = own_files
    out = tmp_path / "survey"
    run_survey(choose(folder, out, "own:own", limit=20), network)
    before = {file.name: file.read_bytes() for file in out.iterdir() if file.is_file()}
    change(folder)
    with pytest.raises(FiberscopeError, match=words):
        resume_survey(out)
    assert {file.name: file.read_bytes() for file in out.iterdir() if file.is_file()} == before
    assert len(records(out).rows) == 20


def test_other_choices_in_the_same_folder_are_refused(files, done):
    folder, network = files
    with pytest.raises(FiberscopeError, match="seed was 0 and is 1"):
        run_survey(
            choose(folder, done, "recognition", "spectrum", "variations", "ranges", "nearest", "own:own", seed=1),
            network,
        )


def test_a_survey_of_another_format_or_version_is_refused(files, tmp_path):
    folder, network = files
    out = tmp_path / "survey"
    run_survey(choose(folder, out, "own:own", limit=20), network)
    plan = json.loads((out / "plan.json").read_text())
    forget_plan(out)
    edit_plan(out, versions={**plan["versions"], "torch": "1.0"})
    with pytest.raises(FiberscopeError, match=r"torch was 1\.0 and is"):
        resume_survey(out)
    assert len(records(out).rows) == 20  # it can be read all the same
    edit_plan(out, format=99)
    for ask in (resume_survey, status, records):
        with pytest.raises(FiberscopeError, match=r"format 99.*Nothing was changed"):
            ask(out)


def test_a_folder_without_a_survey_or_with_something_else_is_refused(files, tmp_path):
    folder, network = files
    with pytest.raises(FiberscopeError, match="holds no survey"):
        status(tmp_path)
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(FiberscopeError, match=r"already holds notes\.txt"):
        run_survey(choose(folder, tmp_path, "own:own"), network)


def test_a_second_survey_in_the_folder_is_refused_while_the_first_runs(files, tmp_path):
    folder, network = files
    choice = choose(folder, tmp_path / "survey", "own:own", limit=20)
    run_survey(choice, network)
    with alone_in(choice.out):
        assert status(choice.out).running
        with pytest.raises(FiberscopeError, match=r"a survey is running in .* \(process \d+ on "):
            resume_survey(choice.out)
    assert resume_survey(choice.out).done == 20


def test_a_survey_can_be_asked_while_it_runs(files, tmp_path):
    folder, network = files
    choice = choose(folder, tmp_path / "survey", "own:slow", batch_size=1)
    # However slow the machine is, the survey is not through before it was asked often enough.
    process = start(*as_command(choice, network, EngineChoice(workers=1)), seconds=0.3, quick=6)
    seen, end = set(), time.monotonic() + 120
    while len(seen) < 4:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end
        if (choice.out / "records.duckdb").exists():
            seen.add(status(choice.out).done)
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    error = process.communicate()[1]
    assert process.returncode == 130, error
    assert "Traceback" not in error
    assert status(choice.out).done >= max(seen)


def test_readers_do_not_wait_for_a_long_task_that_follows_short_ones(files, tmp_path):
    from fiberscope.survey.plan import make_plan, write_plan
    from fiberscope.survey.reading import open_records
    from fiberscope.survey.store import make_store
    from fiberscope.survey.worker import measure_task

    folder, network = files
    opened = make_plan(choose(folder, tmp_path, "own:own"), network)
    store = make_store(opened, tmp_path)
    for task in opened.plan.tasks:
        store.write(measure_task(opened, task))
    write_plan(opened.plan, tmp_path)
    began = time.monotonic()
    with open_records(tmp_path) as database:
        assert time.monotonic() - began < 10  # they are waited for no longer than a minute
        assert database.ask("SELECT count(*) FROM records").rows == ((COUNT,),)


def test_a_full_disk_ends_with_a_sentence_and_loses_nothing(files, done, tmp_path, monkeypatch):
    folder, network = files
    choice = choose(
        folder, tmp_path / "survey", "recognition", "spectrum", "variations", "ranges", "nearest", "own:own"
    )
    put, calls = zarr.Array.__setitem__, []

    def full(self, place, values):
        calls.append(place)
        if len(calls) > 4:
            raise OSError(errno.ENOSPC, "No space left on device")
        put(self, place, values)

    monkeypatch.setattr(zarr.Array, "__setitem__", full)
    with pytest.raises(FiberscopeError, match=r"No space left.*What is stored is kept.*then resume"):
        run_survey(choice, network)
    assert 0 < len(records(choice.out).rows) < COUNT
    monkeypatch.undo()
    resume_survey(choice.out)
    assert records(choice.out) == records(done)


@pytest.mark.slow
def test_a_disk_that_is_really_full_loses_nothing_either(tmp_path):
    """The survey runs on a memory disk of a namespace of its own; what is left there is copied, and resumed."""
    small, out, measures = tmp_path / "small", tmp_path / "left", ("spectrum", "variations")
    small.mkdir()
    command = [sys.executable, "-m", "fiberscope", "survey", "run", "--out", str(small / "survey")]
    command += ["--limit", "2500", "--batch-size", "32", "--measures", *measures]
    script = f"mount -t tmpfs -o size=500k tmpfs {small} || exit 77; {shlex.join(command)}; code=$?; "
    script += f"cp -r {small}/survey {out}; exit $code"
    done = subprocess.run(["unshare", "-rm", "sh", "-c", script], capture_output=True, text=True, check=False)
    if done.returncode in (1, 77):
        pytest.skip(f"no disk of its own: {done.stderr}")
    assert done.returncode == 2
    assert done.stderr.startswith("error: ")
    assert "No space left" in done.stderr
    assert done.stderr.count("\n") == 1
    assert 0 < status(out).done < 2500
    assert resume_survey(out).done == 2500
    run_survey(SurveyChoice(tmp_path / "whole", measures=measures, limit=2500, batch_size=32))
    assert records(out) == records(tmp_path / "whole")


def test_no_more_is_computed_than_is_stored_soon(files, tmp_path):
    """Whoever stores sets the pace: a slow store holds the workers back."""
    from fiberscope.survey.engines import LocalEngine

    begun, lock = [], threading.Lock()

    def work(task):
        with lock:
            begun.append(task)
        return task

    for done, _ in enumerate(LocalEngine(2).run(cut(1000, 1), lambda: work, threads=1)):
        time.sleep(0.001)
        assert len(begun) <= done + 6
    assert sorted(task.number for task in begun) == list(range(1000))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"measures": ("spectrm",)}, "did you mean spectrum"),
        ({"measures": ("collisions",)}, "collisions needs judges"),
        ({"batch_size": 0}, "at least one"),
        ({"limit": 0}, "at least one"),
        ({"data": "nowhere.npz"}, "nowhere.npz"),
        ({"data": "mnist:tst"}, "MNIST is mnist:test, mnist:train, mnist"),
    ],
)
def test_bad_choices_are_refused_and_leave_no_survey(options, words, files, tmp_path):
    folder, network = files
    with pytest.raises(FiberscopeError, match=words):
        run_survey(replace(choose(folder, tmp_path / "survey"), **options), network)
    assert not (tmp_path / "survey" / "plan.json").exists()


@pytest.mark.parametrize(
    ("engine", "words"),
    [
        (EngineChoice("cloud"), "Choose from local, processes, ray"),
        (EngineChoice(workers=0), "at least one"),
        (EngineChoice(address="head:6379"), "address: the engine local has no use for it"),
        (EngineChoice("processes", gpus_per_worker=0.5), "gpus-per-worker: the engine processes has no use for it"),
    ],
)
def test_an_engine_that_is_none_or_has_no_use_for_an_option_is_refused(engine, words, files, tmp_path):
    folder, network = files
    with pytest.raises(FiberscopeError, match=words):
        run_survey(choose(folder, tmp_path / "survey"), network, engine)
    assert not (tmp_path / "survey" / "plan.json").exists()


def test_the_commands_say_what_they_found(files, tmp_path, capsys):
    folder, network = files
    out = str(tmp_path / "survey")
    assert run(as_command(choose(folder, tmp_path / "survey", "spectrum,nearest"), network)) == 0
    assert f"{COUNT} of {COUNT} images have records" in capsys.readouterr().out
    assert run(["survey", "status", "--out", out]) == 0
    assert f"{COUNT} of {COUNT}" in capsys.readouterr().out
    assert run(["survey", "query", "SELECT count(*) AS n, avg(rank) FROM records", "--out", out]) == 0
    assert capsys.readouterr().out.split() == ["n", "avg(rank)", str(COUNT), "3.0"]
    assert run(["survey", "summary", "--out", out]) == 0
    assert "Least blind" in capsys.readouterr().out
    assert run(["survey", "export", "--format", "csv", "--out", out]) == 0
    assert (tmp_path / "survey" / "records.csv").is_file()
    assert run(["survey", "query", "DELETE FROM records", "--out", out]) == 2
    assert run(["survey", "resume", "--out", out]) == 0
