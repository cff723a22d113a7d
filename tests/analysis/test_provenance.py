import json
import time
from contextlib import suppress

import torch

from fiberscope.analysis.provenance import Provenance, timed, write_provenance
from fiberscope.analysis.run_folder import open_folder


def test_the_record_says_what_is_needed_to_get_the_result_again(tmp_path):
    provenance = Provenance("fiberscope walk --images 0:4", seed=3, settings={"model": "mine", "length": 5.0})
    record = json.loads(write_provenance(open_folder(tmp_path), provenance, files=["walk.npz"]).read_text())
    assert record["command"] == "fiberscope walk --images 0:4"
    assert record["seed"] == 3
    assert record["settings"] == {"model": "mine", "length": 5.0}
    assert record["files"] == ["walk.npz"]
    assert record["finished"] is True
    assert record["versions"]["torch"] == torch.__version__
    assert set(record["versions"]) == {"fiberscope", "torch", "numpy", "python"}
    assert record["platform"]


def test_the_start_is_a_moment_with_its_time_zone():
    assert Provenance("", seed=0).started_at.endswith("+00:00")


def test_seconds_of_a_step_add_up_also_when_it_fails():
    seconds = {}
    for fails in (False, True):
        with suppress(ValueError), timed(seconds, "project"):
            time.sleep(0.02)
            if fails:
                raise ValueError("in mid-step")
    assert 0.04 <= seconds["project"] < 1
