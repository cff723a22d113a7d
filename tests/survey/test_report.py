"""The report of a survey: its numbers are those of the records, and every odd survey has a sensible page."""

import html
import re
from dataclasses import replace

import numpy as np
import pytest
import torch

from fiberscope.analysis.choices import NetworkChoice
from fiberscope.analysis.survey_choices import EngineChoice
from fiberscope.problem import FiberscopeError
from fiberscope.survey import query, run_survey, write_report
from fiberscope.survey.confusion import confusion
from fiberscope.survey.database import Database
from fiberscope.survey.groups import find_groups
from fiberscope.survey.lock import alone_in
from fiberscope.survey.reading import open_records
from fiberscope.survey.report.view import open_view
from surveys import COUNT, choose, write_survey

BROKEN = """
from fiberscope.survey import Column, Measure

def columns(scene):
    return (Column("never", "number", "", "a number that is never found", main=True),)

def of(scene, batch):
    raise RuntimeError("no <number> today")

def broken():
    return Measure("broken", "Never.", columns, of)
"""

COLOURS = """
import torch

def network():
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(108, 3, bias=False))
"""


@pytest.fixture
def view(done):
    with open_records(done) as database:
        yield open_view(done, database, running=False)


def column(out, name, where="TRUE"):
    return [value for (value,) in query(out, f"SELECT {name} FROM records WHERE {where} ORDER BY image").rows]


def text_of(path):
    """The page's words, in one line."""
    body = path.read_text().partition("<body>")[2]
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", body)).split())


def test_quantiles_are_those_of_all_images_and_of_each_class(done, view):
    found = view.quantiles("blindness", [0.05, 0.5, 0.95])
    levels = torch.tensor([0.05, 0.5, 0.95], dtype=torch.float64)
    for row, where in enumerate(("TRUE", "label = 0", "label = 1", "label = 2")):
        values = torch.tensor(column(done, "blindness", where), dtype=torch.float64)
        assert found[row].tolist() == pytest.approx(values.quantile(levels).tolist(), rel=1e-9)
    assert view.rows == ("all images", "0", "1", "2")


def test_a_histogram_counts_every_image_with_a_value_once(done, view):
    for name in ("blindness", "residual", "rank", "ink"):
        histogram = view.histogram(name)
        assert int(histogram.counts.sum()) == COUNT
        inner = torch.bucketize(torch.tensor(column(done, name), dtype=torch.float64), histogram.edges[1:-1])
        near = torch.bincount(inner, minlength=len(histogram.counts))
        # A value on an edge may fall to either side by rounding.
        assert int((near - histogram.counts).abs().sum()) <= 2


def test_infinite_values_have_no_place_in_quantiles(done, view):
    name = "range_contrast_high"
    finite = [value for value in column(done, name) if value is not None and np.isfinite(value)]
    found = float(view.quantiles(f'"{name}"', [0.5])[0, 0])
    assert (np.isnan(found) and not finite) or found == pytest.approx(float(np.median(finite)), rel=1e-6)


def test_of_many_classes_the_largest_stand_for_themselves_and_the_rest_together(tmp_path):
    with Database(tmp_path / "many.duckdb", write=True) as database:
        database.ask("CREATE TABLE records AS SELECT i AS label FROM range(40) t(i), range(50 - i)")
        database.ask("INSERT INTO records SELECT NULL FROM range(7)")
        groups = find_groups(database)
        counted = database.ask(f"SELECT {groups.sql} AS g, count(*) FROM records GROUP BY g ORDER BY g").rows
    assert groups.names == (*map(str, range(12)), "no label", "28 others")
    assert groups.counts == tuple(count for _, count in counted)
    assert groups.counts[-3:] == (39, 7, sum(50 - label for label in range(12, 40)))


def test_a_confusion_counts_pairs_of_classes(done):
    with open_records(done) as database:
        found = confusion(database, "label", "partner_label", where="label <> 0")
    pairs = list(zip(column(done, "label"), column(done, "partner_label"), strict=True))
    for row, name in enumerate(found.names):
        for place, other in enumerate(found.names):
            assert found.counts[row][place] == sum(pair == (int(name), int(other)) and pair[0] != 0 for pair in pairs)
    assert found.total == sum(label != 0 for label, _ in pairs)


def test_a_survey_of_colours_without_labels_has_a_page_with_pictures(tmp_path):
    folder = tmp_path / "files"
    write_survey(folder, 6)
    (folder / "colours.py").write_text(COLOURS)
    random = np.random.default_rng(0)
    images = (0.3 + 0.4 * random.random((6, 3, 6, 6))).astype(np.float32)
    np.savez(folder / "bare.npz", images=images)
    np.savez(folder / "labelled.npz", images=images[::-1].copy(), labels=np.arange(6) % 2)
    network = NetworkChoice(model=f"{folder / 'colours.py'}:network", input_shape=(3, 6, 6))
    choice = replace(
        choose(folder, tmp_path / "survey", "nearest"),
        data=str(folder / "bare.npz"),
        labelled=folder / "labelled.npz",
    )
    run_survey(choice, network)
    page = write_report(choice.out)
    assert "The 6 images at which the network is most blind" in text_of(page)
    assert page.read_text().count("<img") == 3


def test_one_image_and_one_class_have_a_page(files, tmp_path):
    folder, network = files
    run_survey(choose(folder, tmp_path / "survey", "recognition", "spectrum", limit=1), network)
    words = text_of(write_report(tmp_path / "survey"))
    assert "one image of data.npz" in words
    assert "Around the image in the middle it sees 3 of 36 directions" in words


def test_a_survey_in_which_everything_failed_says_why(files, tmp_path):
    folder, network = files
    (tmp_path / "broken.py").write_text(BROKEN)
    choice = choose(folder, tmp_path / "survey", f"{tmp_path / 'broken.py'}:broken")
    assert run_survey(choice, network).failed == COUNT
    words = text_of(write_report(choice.out))
    assert f"None of {COUNT} images has a value in any column measured." in words
    assert f"broken: RuntimeError: no <number> today {COUNT} data 0" in words
    assert "survey resume --retry-failed" in words


def test_data_that_have_changed_are_not_shown_as_those_surveyed(tmp_path):
    folder = tmp_path / "files"
    network = write_survey(folder, 6)
    run_survey(choose(folder, tmp_path / "survey", "nearest"), network)
    np.savez(folder / "data.npz", images=np.zeros((6, 1, 6, 6), np.float32), labels=np.arange(6) % 3)
    words = text_of(write_report(tmp_path / "survey"))
    assert "holds other images than those surveyed" in words
    assert "blindness ratio" in words


def test_there_is_a_page_of_what_is_stored_while_the_survey_runs(files, tmp_path):
    folder, network = files
    choice = choose(folder, tmp_path / "survey", "own:own")

    def stop(now):
        if now.done == 10:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_survey(choice, network, EngineChoice(workers=1), on_progress=stop)
    with alone_in(choice.out):
        words = text_of(write_report(choice.out))
    assert f"10 of {COUNT} images so far" in words
    assert "The survey is running" in words


def test_a_folder_without_a_survey_has_no_report(tmp_path):
    with pytest.raises(FiberscopeError, match="holds no survey"):
        write_report(tmp_path)
