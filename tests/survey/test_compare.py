"""Two surveys compared image by image: what is the same differs nowhere, and what is shifted differs by the shift."""

import csv
import json
import math
import shutil

import numpy as np
import pytest

from fiberscope.cli.app import run
from fiberscope.problem import FiberscopeError
from fiberscope.survey import compare_surveys, query, run_survey
from fiberscope.survey.database import Database
from fiberscope.survey.paired import agreement, corrected, intervals, paired
from surveys import COUNT, choose


def rng(seed=0):
    return np.random.default_rng(seed)


def changed(done, folder, *statements):
    """A copy of a survey whose records someone has edited."""
    shutil.copytree(done, folder)
    with Database(folder / "records.duckdb", write=True) as database:
        for statement in statements:
            database.ask(statement)
    return folder


def by_name(found):
    return {row.column: row for row in found.columns}


def test_a_survey_differs_nowhere_from_itself(done):
    found = compare_surveys(done, done)
    assert found.images == COUNT
    assert found.notes == found.left_out == ()
    assert {"blindness", "rank", "s1", "ink", "sensitivity_contrast", "range_contrast_high"} <= set(by_name(found))
    for row in (*found.columns, *found.by_class):
        assert (row.greater, row.less) == (0, 0)
        if row.finite > 1:
            assert row.mean == row.median == row.effect == (0, 0, 0)
            assert row.p == row.p_holm == 1
    assert {row.group for row in found.by_class} == {"0", "1", "2"} == set(found.classes)


def test_a_shift_is_found_as_it_is_with_its_sign(done, tmp_path):
    other = changed(done, tmp_path / "other", "UPDATE records SET ink = ink + 0.5, luck = luck * 2")
    rows = by_name(compare_surveys(done, other))
    assert rows["ink"].mean == pytest.approx((-0.5, -0.5, -0.5), abs=1e-5)
    assert rows["ink"].median == pytest.approx((-0.5, -0.5, -0.5), abs=1e-5)
    assert (rows["ink"].greater, rows["ink"].less) == (0, COUNT)
    luck = np.array([value for (value,) in query(done, "SELECT luck FROM records").rows])
    assert rows["luck"].mean.value == pytest.approx(-luck.mean(), rel=1e-5)
    assert rows["luck"].mean.low < -luck.mean() < rows["luck"].mean.high < 0
    assert rows["luck"].p < rows["luck"].p_holm < 0.05
    assert rows["rank"].p_holm == 1


def test_surveys_are_compared_at_the_images_that_both_have_a_value_of(done, tmp_path):
    other = changed(
        done,
        tmp_path / "other",
        "DELETE FROM records WHERE image < 10 OR image = 20",
        "UPDATE records SET ink = NULL WHERE image = 11",
        "UPDATE records SET luck = 'infinity' WHERE image = 12",
    )
    found = compare_surveys(done, other)
    rows = by_name(found)
    assert found.images == COUNT - 11
    assert rows["ink"].images == rows["ink"].finite == COUNT - 12
    assert (rows["luck"].images, rows["luck"].finite, rows["luck"].less) == (COUNT - 11, COUNT - 12, 1)
    assert rows["ink"].mean == (0, 0, 0)


def test_images_are_matched_by_place_and_not_by_order(done, tmp_path):
    again = "CREATE TABLE turned AS SELECT * FROM records ORDER BY image DESC"
    other = changed(done, tmp_path / "other", again, "DROP TABLE records", "ALTER TABLE turned RENAME TO records")
    assert by_name(compare_surveys(done, other))["luck"].mean == (0, 0, 0)


@pytest.mark.parametrize("count", [30, 30_000])
def test_an_interval_holds_the_truth_nineteen_times_of_twenty(count):
    """Differences of an exponential distribution: mean and deviation 1, median log 2, by both ways of finding them."""
    tries = 200 if count < 1000 else 300
    held = np.zeros(3)
    for seed in range(tries):
        found = intervals(rng(seed).exponential(size=count), rng=rng(seed))
        held += [each.low <= truth <= each.high for each, truth in zip(found, (1, math.log(2), 1), strict=True)]
    # Binomial: 3.5 standard deviations of luck; a bootstrap of 30 skewed numbers holds some 92 %, of a ratio some 85 %.
    least = 0.95 - np.array([0.04, 0.04, 0.11]) * (count < 1000) - 3.5 * math.sqrt(0.05 * 0.95 / tries)
    assert (least < held / tries).all()
    assert held.max() / tries <= 1


@pytest.mark.parametrize("count", [200, 30_000])
def test_the_interval_of_the_effect_knows_that_its_spread_is_an_estimate_too(count):
    """Of normal differences d ± 1.96 √((1 + d²/2) / n); with the spread taken for known, d ± 1.96 / √n."""
    *_, effect = intervals(rng().normal(3.0, 1.0, size=count), rng=rng())
    half = 1.96 * math.sqrt((1 + effect.value**2 / 2) / count)
    assert effect.high - effect.low == pytest.approx(2 * half, rel=0.15)


@pytest.mark.parametrize("differences", [[2.0], [2.0, 2.0, 2.0], [1.0, 2.0]])
def test_an_effect_whose_spread_is_not_known_has_no_interval(differences):
    *_, effect = intervals(np.array(differences), rng=rng())
    assert math.isnan(effect.low)
    assert math.isnan(effect.high)
    assert math.isnan(effect.value) == (len(set(differences)) == 1)


def test_resamples_are_drawn_by_the_seed_and_the_column_alone(done, tmp_path):
    other = changed(done, tmp_path / "other", "UPDATE records SET luck = luck * luck")
    first, again = compare_surveys(done, other), compare_surveys(done, other)
    assert by_name(first)["luck"] == by_name(again)["luck"]
    assert by_name(first)["luck"].mean != by_name(compare_surveys(done, other, seed=1))["luck"].mean


def test_the_signed_rank_test_is_that_of_the_textbook():
    """Differences 1, 2, …, 8 all positive: one of 2⁸ signs on either side."""
    row = paired("x", "", np.arange(1.0, 9.0), np.zeros(8), rng=rng())
    assert row.p == pytest.approx(2 / 2**8)


def test_corrections_are_holms():
    rows = [paired(name, "", np.ones(3), np.ones(3), rng=rng())._replace(p=p) for name, p in
            (("a", 0.01), ("b", 0.04), ("c", 0.03), ("d", math.nan), ("e", 0.005))]  # fmt: skip
    assert [row.p_holm for row in corrected(rows)] == pytest.approx([0.03, 0.06, 0.06, math.nan, 0.02], nan_ok=True)


def test_readings_are_compared_by_those_that_one_alone_has_right():
    label = np.array([0.0] * 20)
    first, second = label.copy(), label.copy()
    first[:2] = 1  # the second alone is right at 2
    second[2:11] = 1  # the first alone at 9
    first[11] = second[11] = 1
    first[12] = math.nan
    found = agreement(first, second, label)
    assert found == (19, 8, 19, 7, 9, 2, 1, found.p)
    # Of 11 that differ, 2 or fewer on one side: twice (1 + 11 + 55) of 2048.
    assert found.p == pytest.approx(2 * 67 / 2048)


def test_one_image_has_no_interval():
    row = paired("x", "", np.array([3.0]), np.array([1.0]), rng=rng())
    assert (row.mean.value, row.median.value) == (2, 2)
    assert math.isnan(row.mean.low)
    assert math.isnan(row.median.high)


def test_surveys_of_other_images_are_refused_with_what_differs(files, done, tmp_path):
    folder, network = files
    np.savez(tmp_path / "dark.npz", images=np.zeros((6, 1, 6, 6), np.float32), labels=np.arange(6) % 3)
    from dataclasses import replace

    other = replace(choose(folder, tmp_path / "other", "recognition"), data=str(tmp_path / "dark.npz"))
    run_survey(other, network)
    with pytest.raises(FiberscopeError, match=r"is of .*data\.npz .*SHA-256.*dark\.npz.*Compare surveys of the same"):
        compare_surveys(done, other.out)


def test_surveys_without_an_image_or_a_number_in_common_are_refused(files, done, tmp_path):
    folder, network = files
    empty = changed(done, tmp_path / "empty", "DELETE FROM records")
    with pytest.raises(FiberscopeError, match="no image in common so far"):
        compare_surveys(done, empty)
    run_survey(choose(folder, tmp_path / "one", "spectrum"), network)
    run_survey(choose(folder, tmp_path / "two", "recognition"), network)
    with pytest.raises(FiberscopeError, match="no number in common"):
        compare_surveys(tmp_path / "one", tmp_path / "two")


def test_columns_that_mean_something_else_are_left_out_and_named(done, tmp_path):
    other = changed(done, tmp_path / "other", "UPDATE columns SET unit = 'dots' WHERE name = 'ink'")
    found = compare_surveys(done, other)
    assert "ink" not in by_name(found)
    assert [name for name, _ in found.left_out] == ["ink"]
    assert "dots" in found.left_out[0][1]


def test_a_folder_that_holds_no_survey_is_named_by_its_argument(done, tmp_path):
    with pytest.raises(FiberscopeError, match=f"surveys: {tmp_path} holds no survey"):
        compare_surveys(done, tmp_path)


def test_the_command_writes_a_page_tables_and_where_they_come_from(compared):
    done, other, out = compared
    with (out / "columns.csv").open(newline="") as file:
        table = {row["column"]: row for row in csv.DictReader(file)}
    found = by_name(compare_surveys(done, other))
    assert float(table["luck"]["mean_low"]) == found["luck"].mean.low
    assert float(table["blindness"]["p_holm"]) == found["blindness"].p_holm
    assert {row["class"] for row in json.loads((out / "by_class.json").read_text())["rows"]} == {"0", "1", "2"}
    provenance = json.loads((out / "provenance.json").read_text())
    assert provenance["settings"]["first"]["data_sha256"] == provenance["settings"]["second"]["data_sha256"]
    page = (out / "report.html").read_text()
    assert f"2 of {len(found)} numbers differ for sure" in page
    assert "blindness differs most clearly: it is greater for" in page


def test_a_folder_that_holds_a_result_is_not_written_over_unasked(compared):
    done, other, out = compared
    before = (out / "report.html").read_bytes()
    assert run(["survey", "compare", str(done), str(other), "--out", str(out)]) == 2
    assert (out / "report.html").read_bytes() == before
