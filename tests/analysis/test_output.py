import json

import numpy as np
import pytest
from PIL import Image

from fiberscope.analysis.output import Interrupted, Output, kept_when_interrupted, run_batches, write_output
from fiberscope.analysis.provenance import Provenance
from fiberscope.analysis.run_folder import open_folder


@pytest.fixture
def output(tmp_path):
    return Output(open_folder(tmp_path), "count", 5, Provenance("count", seed=0))


def squares(rows):
    numbers = np.arange(rows.start, rows.stop)
    return {"points": numbers**2, "outcomes": np.array(["converged"] * len(numbers))}


def nothing(done, of):
    pass


def interrupted_from(row):
    def work(rows):
        if rows.stop > row:
            raise KeyboardInterrupt
        return squares(rows)

    return work


def draw():
    return Image.new("RGB", (2, 2))


@pytest.mark.parametrize("batch_size", [1, 2, 5, 100])
def test_the_size_of_a_batch_changes_nothing(output, batch_size):
    arrays = run_batches(output, squares, batch_size=batch_size, on_batch=nothing)
    assert arrays["points"].tolist() == [0, 1, 4, 9, 16]


def test_every_batch_is_told_and_timed(output):
    told = []
    run_batches(output, squares, batch_size=2, on_batch=lambda done, of: told.append((done, of)))
    assert told == [(2, 5), (4, 5), (5, 5)]
    assert "explore" in output.provenance.seconds


def test_what_is_finished_is_on_disk_whatever_stops_the_run(output, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        run_batches(output, interrupted_from(4), batch_size=2, on_batch=nothing)
    with np.load(tmp_path / "count.partial.npz", allow_pickle=False) as arrays:
        assert arrays["points"].tolist() == [0, 1, 4, 9]


def test_an_interruption_says_what_was_kept(output, tmp_path):
    with pytest.raises(Interrupted, match=r"4 of 5 rows were finished and kept in .*count\.partial\.npz"):
        interrupt(output, row=4)
    assert json.loads((tmp_path / "provenance.json").read_text())["finished"] is False


def test_an_interruption_before_the_first_batch_keeps_nothing_not_even_of_an_earlier_run(output, tmp_path):
    run_batches(output, squares, batch_size=5, on_batch=nothing)
    with pytest.raises(Interrupted, match="nothing was kept"):
        interrupt(output, row=0)
    assert list(tmp_path.iterdir()) == []


def interrupt(output, *, row):
    with kept_when_interrupted(output):
        run_batches(output, interrupted_from(row), batch_size=2, on_batch=nothing)


def test_the_partial_result_goes_when_the_whole_one_is_there(output, tmp_path):
    arrays = run_batches(output, squares, batch_size=2, on_batch=nothing)
    paths = write_output(output, arrays, {"first": draw, "second": draw})
    assert [path.name for path in paths] == ["count.npz", "first.png", "second.png", "provenance.json"]
    assert sorted(tmp_path.iterdir()) == sorted(paths)


def test_a_picture_that_fails_leaves_the_partial_result(output, tmp_path):
    arrays = run_batches(output, squares, batch_size=2, on_batch=nothing)
    with pytest.raises(ZeroDivisionError):
        write_output(output, arrays, {"first": lambda: 1 / 0})
    assert [file.name for file in tmp_path.iterdir()] == ["count.partial.npz"]


def test_the_same_arrays_give_the_same_bytes(output, tmp_path):
    arrays = squares(slice(0, 5))
    first = write_output(output, arrays, {})[0].read_bytes()
    assert write_output(output, arrays, {})[0].read_bytes() == first
