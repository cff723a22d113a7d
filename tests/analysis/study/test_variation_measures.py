"""Measures of variations, on small networks: closed forms, and that each image stands for itself."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from torch import nn

from digit_studies import bent_study, digit_study, digits
from fiberscope.analysis.study.study import Study
from fiberscope.analysis.study.variation_measures import FREED, follow, free, measure, mind, references
from fiberscope.analysis.study.variation_tables import ranges_table
from fiberscope.data import LabelledImages
from fiberscope.variations import catalogue, choose
from studies import linear_study, matrix

COLOUR = (3, 32, 20)
NAMES = tuple(variation.name for variation in catalogue((1, 28, 28)))
TURN = choose(catalogue((1, 28, 28)), ["rotation", "blur"])


@pytest.fixture(scope="module")
def study() -> Study:
    return bent_study()


def test_of_a_linear_network_the_sensitivities_have_a_closed_form():
    with torch.random.fork_rng():
        torch.manual_seed(1)
        there = digit_study(nn.Sequential(nn.Flatten(), nn.Linear(784, 3)))
    variations = choose(catalogue((1, 28, 28)), ["brightness", "occluding patch"])
    weight = there.latent_map.model[1].weight.detach()
    directions = [variation.tangent(there.inputs).flatten(1) for variation in variations]
    change = (references(there).class_changes @ weight.T).norm(dim=1).median()
    for tangent, found in zip(directions, mind(there, variations).relative, strict=True):
        exact = (tangent @ weight.T).norm(dim=1) / tangent.norm(dim=1) / change
        assert torch.allclose(found.float(), exact, rtol=1e-4)


def test_of_a_linear_network_the_seen_part_of_the_way_to_another_image_is_left():
    there = linear_study()
    way = (there.aims - there.inputs).flatten(1)[:FREED]
    seen = way @ (torch.linalg.pinv(matrix()) @ matrix()).T
    exact = (seen.norm(dim=1) / way.norm(dim=1)).double()
    assert torch.allclose(free(there, catalogue((1, 6, 6))).other_left, exact, rtol=1e-2)


def test_every_found_image_has_the_latent_of_its_image(study):
    freed = free(study, catalogue((1, 28, 28)))
    targets = study.reading.latents[:FREED]
    for points, left, residual in zip(freed.points, freed.left, freed.residual, strict=True):
        miss = (study.read(points).latents - targets).norm(dim=1) / targets.norm(dim=1)
        assert torch.allclose(miss.double(), residual, atol=1e-6)
        assert bool((residual[~left.isnan()] < 1e-4).all())
        assert 0 <= float(points.min()) <= float(points.max()) <= 1
    whole = (freed.varied - study.inputs[:FREED]).flatten(2).norm(dim=2)
    there = ~freed.left.isnan()
    assert torch.allclose(freed.left[there], (freed.gave_way / whole)[there], rtol=1e-5)
    assert bool((freed.left[there] <= 1).all())


def test_curves_pass_the_median_within_a_class_where_the_ranges_end(study):
    followed = follow(study, TURN)
    for row in range(len(TURN)):
        for image in range(1, 4):
            for side, sign in ((0, -1), (1, 1)):
                end = float(followed.latent[row, side, image])
                sided = (followed.amounts[row] * sign >= 0) & (followed.amounts[row].abs() < abs(end))
                if not math.isnan(end):
                    assert bool((followed.distance[row, sided, image] <= 1 + 1e-4).all())


def test_one_image_does_not_depend_on_the_others(study):
    alone = digit_study(study.latent_map.model, images=digits([1, 2]))
    both, single = measure(study), measure(alone)
    assert torch.allclose(both.minded.relative[:, 1:3], single.minded.relative, rtol=1e-4)
    assert torch.allclose(both.followed.latent[:, :, 1:3], single.followed.latent, rtol=1e-3, equal_nan=True)
    assert torch.allclose(both.freed.left[:, 1], single.freed.left[:, 0], atol=0.02)


def test_an_image_that_is_left_as_it_is_has_no_curve(study):
    distance = follow(study, TURN).distance
    assert bool(distance[0, :, 0].isnan().all())
    assert not bool(distance[:, :, 1:].isnan().any())


def test_tables_say_beyond_in_words(study):
    measured = measure(study)._replace(variations=TURN)
    latent = torch.tensor(
        [
            [[-10.0, -20.0, -30.0, -math.inf], [math.inf, math.inf, 31.25, math.inf]],
            [[math.nan] * 4, [math.inf] * 4],
        ]
    ).double()
    followed = measured.followed._replace(latent=latent, label=None, still=torch.zeros(2, 4, dtype=torch.bool))
    (turn, blur) = ranges_table(measured._replace(followed=followed)).rows
    assert turn == ("rotation", "−25° (−18\N{NO-BREAK SPACE}to\N{NO-BREAK SPACE}beyond)", "beyond +45°")
    assert blur == ("blur", "–", "beyond +4\N{NO-BREAK SPACE}px²")


def test_yardsticks_come_from_all_of_data_that_stand_class_by_class(study):
    order = torch.cat([torch.zeros(1500), torch.ones(100)]).long()
    images = torch.rand(1600, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    sorted_ = replace(study, data=LabelledImages(images, order, "sorted"))
    assert references(sorted_).class_changes.shape == (100, 784)
