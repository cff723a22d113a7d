"""Linear maps compared: what blindness, spectra and collisions have to be is known."""

from dataclasses import replace

import pytest
import torch

from fiberscope.analysis.study.comparison import ask_comparison
from fiberscope.analysis.study.portrait import AT_DISTANCES
from fiberscope.judges import Panel
from studies import SHAPE, LatentMap, Stripes, linear_study, matrix


def blinder(study):
    """The same map with one row less."""
    rows = matrix(dtype=study.latent_map.dtype)[:2]
    map_ = LatentMap(lambda x: x.flatten(1) @ rows.T, SHAPE, dtype=study.latent_map.dtype)
    return replace(study, model="blinder", latent_map=map_)


@pytest.fixture(scope="module")
def study():
    study = replace(linear_study(count=12, dtype=torch.float64), panel=Panel((Stripes(),)))
    return replace(study, beside=(blinder(study),))


@pytest.fixture(scope="module")
def answer(study):
    return ask_comparison(study)


def table(records):
    return [dict(zip(records.columns, row, strict=True)) for row in records.rows]


def test_blindness_of_a_linear_map_is_the_visible_share_of_the_way(study, answer):
    way = (study.aims - study.inputs).flatten(1)
    for network, rows in (("linear", 3), ("blinder", 2)):
        a = matrix(dtype=torch.float64)[:rows]
        seen = (way @ a.T @ torch.linalg.pinv(a).T).norm(dim=1) / way.norm(dim=1)
        found = [row["blindness"] for row in table(answer.records["comparison-pairs"]) if row["network"] == network]
        assert found == pytest.approx(seen.tolist(), abs=1e-6)


def test_the_blindest_is_named_first_in_the_finding(answer):
    (section,) = answer.sections
    assert section.finding.startswith("blinder is the blindest")
    assert "linear has to be shown" in section.finding


def test_spectra_are_singular_values_in_class_distances(study, answer):
    rows = {row["network"]: row for row in table(answer.records["comparison"])}
    values = torch.linalg.svdvals(matrix(dtype=torch.float64))
    assert rows["linear"]["spectrum_first"] == pytest.approx(float(values[0]) / study.scale.between)
    assert rows["linear"]["spectrum_last"] == pytest.approx(float(values[-1]) / study.scale.between)
    assert (rows["linear"]["latent_size"], rows["blinder"]["latent_size"]) == (3, 2)


def test_collision_rates_count_pairs_that_judges_see_as_another_class_within_a_distance(study, answer):
    labels = torch.tensor(study.partners.labels)
    for network in ("linear", "blinder"):
        pairs = [row for row in table(answer.records["comparison-pairs"]) if row["network"] == network]
        (summary,) = [row for row in table(answer.records["comparison"]) if row["network"] == network]
        for far in AT_DISTANCES:
            count = sum(bool(row["collides"]) and row["distance"] <= far for row in pairs)
            assert summary[f"collision_rate_{far:g}"] == pytest.approx(count / len(labels))
    assert any(row["collides"] for row in table(answer.records["comparison-pairs"]))


def test_every_number_comes_with_its_spread_and_the_number_of_images(answer):
    rows = table(answer.records["comparison"])
    assert all(row["blindness_lower"] <= row["blindness_median"] <= row["blindness_upper"] for row in rows)
    assert [row["pairs"] for row in rows] == [12, 12]
    minded = table(answer.records["comparison-sensitivity"])
    assert all(row["images"] == 12 for row in minded)


def test_without_judges_no_rate_is_made_up():
    study = linear_study(count=3)
    answer = ask_comparison(replace(study, beside=(blinder(study),)))
    assert all(row["collides"] is None for row in table(answer.records["comparison-pairs"]))
    assert "no judges" in str(answer.sections[0].body)


def test_nothing_beside_is_said_with_what_to_do():
    (section,) = ask_comparison(linear_study()).sections
    assert section.finding == "Nothing to compare with was named."
    assert "--beside" in section.body[0]
