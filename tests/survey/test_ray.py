"""Surveys on Ray: the records of one process, whatever is killed. All that listens does so in a network of its own."""

import importlib.util
import shutil
import signal
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from clusters import ADDRESS, Network
from fiberscope.analysis.survey_choices import EngineChoice
from fiberscope.problem import FiberscopeError
from fiberscope.survey import query, resume_survey, run_survey, status
from fiberscope.survey.engines import open_engine
from fiberscope.survey.engines.elsewhere import WorkerElsewhere, seal
from fiberscope.survey.tasks import Task
from surveys import COUNT, as_command, choose, images, records, write_survey

pytestmark = pytest.mark.slow

MEASURES = ("recognition", "spectrum", "variations", "nearest", "own:slow")
CLUSTER, HERE = EngineChoice("ray", 2, address=ADDRESS), EngineChoice("ray", 1)
WORKER = "ray::WorkerElsewhere"
needs_ray = pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="ray is not installed")


@pytest.fixture(scope="module")
def network():
    """A network in which Ray may be started; every task takes a third of a second there."""
    if not (shutil.which("unshare") and shutil.which("nsenter")):
        pytest.skip("a network of its own needs unshare and nsenter")
    network = Network()
    network.environment |= {"SECONDS_A_TASK": "0.3"}
    try:
        if network.why_not:
            pytest.skip(network.why_not)
        yield network
    finally:
        network.close()


@pytest.fixture(scope="module")
def cluster(network, files, tmp_path_factory):
    """The same with a cluster of two nodes, and somebody at its door who holds another token."""
    folder, model = files
    network.start_head()
    choice = choose(folder, tmp_path_factory.mktemp("stranger") / "survey", "own:own")
    stranger = network.fiberscope(*as_command(choice, model, CLUSTER), RAY_AUTH_TOKEN="0" * 32)
    network.join()
    return network, stranger


@pytest.fixture(scope="module")
def alone(files, tmp_path_factory):
    """The survey in this process."""
    folder, model = files
    choice = choose(folder, tmp_path_factory.mktemp("alone") / "survey", *MEASURES, batch_size=2)
    run_survey(choice, model)
    return choice.out


@contextmanager
def running(network, files, out, engine):
    """A survey as a process in the network, some of whose images are stored; it is gone after the block."""
    folder, model = files
    process = network.fiberscope(*as_command(choose(folder, out, *MEASURES, batch_size=2), model, engine))
    try:
        wait_until(lambda: process.poll() is not None or ((out / "records.duckdb").exists() and status(out).done))
        assert process.poll() is None, process.communicate()
        yield process
    finally:
        process.kill()
        process.communicate()


def assert_ends_well(process):
    said = process.communicate(timeout=200)
    assert process.returncode == 0, said
    assert "Traceback" not in said[1]


def assert_same(out, alone):
    assert records(out) == records(alone)
    for name in ("found", "negative"):
        assert images(out, name) == images(alone, name)
    assert query(out, "SELECT count(*), sum(stop - start) FROM tasks").rows == ((COUNT // 2, COUNT),)


def wait_until(condition, seconds=200):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def parent_of(process):
    return int(Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[1])


@needs_ray
def test_two_nodes_give_the_records_of_one_process_though_a_worker_is_killed(cluster, files, alone, tmp_path):
    network, _ = cluster
    with running(network, files, tmp_path / "survey", CLUSTER) as process:
        wait_until(lambda: len(network.processes(WORKER)) == 2)
        workers = network.processes(WORKER)
        assert len({parent_of(worker) for worker in workers}) == 2  # a node each
        network.kill(workers[0])
        assert_ends_well(process)
    assert_same(tmp_path / "survey", alone)


@needs_ray
def test_a_killed_driver_takes_its_workers_along_and_the_survey_goes_on(cluster, files, alone, tmp_path):
    network, _ = cluster
    with running(network, files, tmp_path / "survey", CLUSTER):
        pass  # killed at its end
    assert status(tmp_path / "survey").done < COUNT
    wait_until(lambda: not network.processes(WORKER))
    resume_survey(tmp_path / "survey")
    assert_same(tmp_path / "survey", alone)


@needs_ray
def test_another_token_is_refused_in_a_sentence(cluster):
    _, stranger = cluster
    said, error = stranger.communicate(timeout=200)
    assert stranger.returncode == 2, (said, error)
    assert f"error: address: Ray at {ADDRESS} does not let us in" in error
    assert "RAY_AUTH_TOKEN" in error
    assert "Traceback" not in error


@needs_ray
def test_ray_on_this_machine_alone_ends_with_an_interruption_and_leaves_nobody(network, files, alone, tmp_path):
    before = set(network.processes())
    with running(network, files, tmp_path / "survey", HERE) as process:
        process.send_signal(signal.SIGINT)
        error = process.communicate(timeout=200)[1]
    assert process.returncode == 130, error
    done = status(tmp_path / "survey").done
    assert f"interrupted: {done} of {COUNT} images are stored" in error
    assert "Traceback" not in error
    wait_until(lambda: set(network.processes()) <= before)
    resume_survey(tmp_path / "survey")
    assert_same(tmp_path / "survey", alone)


@needs_ray
def test_a_worker_that_hangs_on_ray_is_given_up(network, tmp_path):
    model = write_survey(tmp_path / "files")
    hanging = "def hanging(scene, batch):\n    while batch.start == 10:\n        time.sleep(0.1)\n"
    hanging += "    return of(scene, batch)\n"
    hanging += 'def stuck():\n    return Measure("stuck", "Hangs.", columns, hanging)\n'
    with (tmp_path / "files" / "own.py").open("a") as file:
        file.write(hanging)
    command = as_command(choose(tmp_path / "files", tmp_path / "survey", "own:stuck"), model, HERE)
    process = network.fiberscope(*command, "--task-timeout", "5")
    _, error = process.communicate(timeout=200)
    assert process.returncode == 1, error
    assert "5 images failed" in error
    told = status(tmp_path / "survey")
    assert (told.done, told.failed) == (COUNT, 5)
    assert "given up after" in told.failures[0][1]


@needs_ray
@pytest.mark.slow
def test_a_lost_node_costs_nothing_but_time(cluster, files, alone, tmp_path):
    network, _ = cluster
    with running(network, files, tmp_path / "survey", CLUSTER) as process:
        raylets = network.processes("/raylet/raylet")
        last = max(raylets)  # the head's is older
        network.kill(*(each for each in network.processes() if each == last or parent_of(each) == last))
        assert_ends_well(process)
    assert_same(tmp_path / "survey", alone)
    network.join()


CLAIMS = """
import json, sys
from pathlib import Path
import ray
sys.path += sys.argv[3:]
from fiberscope.analysis.survey_choices import EngineChoice
from fiberscope.problem import FiberscopeError
from fiberscope.survey import resume_survey, run_survey, status
from fiberscope.survey.engines.ray import RayEngine
from fiberscope.survey.tasks import cut
from surveys import choose, write_survey

folder, address = Path(sys.argv[1]), sys.argv[2]
ray.init(address, logging_level="error", log_to_driver=False)
found = {}

def told(name, call):
    try:
        call()
    except FiberscopeError as error:
        found[name] = str(error)

network = write_survey(folder)
on_ray, out = EngineChoice("ray", 2), folder / "deadly"
told("deadly", lambda: run_survey(choose(folder, out, "own:deadly"), network, on_ray))
found["deadly done"] = status(out).done
no_room = RayEngine(1, gpus_per_worker=1.0, patience=2.0)
told("no room", lambda: list(no_room.run(cut(4, 2), list, threads=1)))
out = folder / "begun"
told("begun", lambda: run_survey(choose(folder, out, "own:deadly", limit=5), network))
(folder / "own.py").write_text("# other\\n" + (folder / "own.py").read_text())
from fiberscope.survey.plan import read_plan
from fiberscope.survey.worker import OpenWorker
told("other file", lambda: list(RayEngine(1).run(cut(5, 5), OpenWorker(read_plan(out)), threads=1)))
found["still on"] = ray.is_initialized()
print(json.dumps(found))
"""


@needs_ray
@pytest.mark.slow
def test_what_cannot_be_computed_on_a_cluster_is_told_as_what_it_is(cluster, tmp_path):
    import json

    network, _ = cluster
    tests = str(Path(__file__).parents[1])
    process = network.start(sys.executable, "-c", CLAIMS, tmp_path / "files", ADDRESS, tests)
    said, error = process.communicate(timeout=250)
    assert process.returncode == 0, error
    found = json.loads(next(line for line in said.splitlines() if line.startswith("{")))
    assert "workers died 3 times at tasks [1], killed" in found["deadly"]
    assert found["deadly done"] == COUNT - 5  # all but the task that kills
    assert "no worker has come for 2 s: a worker needs CPU 1, GPU 1; the cluster has CPU 2, GPU 0" in found["no room"]
    assert "own.py:deadly has changed" in found["other file"]
    assert "(So says a worker on machine " in found["other file"]
    assert found["still on"]


def test_a_machine_with_other_versions_is_refused_by_its_name():
    sealed = seal(list)
    other = sealed._replace(versions={**sealed.versions, "torch": "1.0"})
    with pytest.raises(FiberscopeError, match=r"machine \S+ has torch 2\S*, not 1.0\. Install the same"):
        WorkerElsewhere(other, 1).work(Task(0, 0, 1))


def test_ray_that_is_not_installed_is_named_with_what_installs_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    monkeypatch.delitem(sys.modules, "fiberscope.survey.engines.ray", raising=False)
    with pytest.raises(FiberscopeError, match=r"pip install 'fiberscope\[ray\]'"):
        open_engine(EngineChoice("ray"))


@needs_ray
@pytest.mark.parametrize(
    ("engine", "words"),
    [
        (EngineChoice("ray", address="127.0.0.1:1"), "address: nobody answers at 127.0.0.1:1"),
        (EngineChoice("ray", address="somewhere"), "address: 'somewhere' is none"),
        (EngineChoice("ray", address="ray://head:10001"), "Survey on a machine of the cluster"),
        (EngineChoice("ray", gpus_per_worker=0.25), "gpus-per-worker: GPUs would be reserved"),
        (EngineChoice("ray", gpus_per_worker=1.5), "gpus-per-worker: 1.5"),
    ],
)
def test_what_ray_cannot_meet_is_refused_before_anything_starts(engine, words, tmp_path):
    model = write_survey(tmp_path / "files")
    with pytest.raises(FiberscopeError, match=words):
        run_survey(choose(tmp_path / "files", tmp_path / "survey", "own:own"), model, engine)
