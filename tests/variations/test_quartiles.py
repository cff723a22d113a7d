from __future__ import annotations

import math
from inspect import unwrap

import pytest
import torch

import fiberscope as fs
from fibers import normal
from fiberscope.variations import latent_scale, quartiles, quartiles_by_class


def test_quartiles_are_those_of_sorted_numbers():
    values = torch.cat([torch.arange(101.0), torch.tensor([math.nan])]).double()[torch.randperm(102)]
    found = quartiles(values)
    assert [float(value) for value in found] == [25, 50, 75, 101]
    assert float(quartiles(torch.tensor([1.0, 2.0])).median) == 1.5


def test_a_row_without_numbers_has_no_median_and_no_images():
    found = quartiles(torch.tensor([[math.nan, math.nan], [1.0, math.nan]]))
    assert found.median[0].isnan()
    assert found.num_images.tolist() == [0, 1]
    assert float(found.median[1]) == 1
    assert quartiles(torch.zeros(3, 0)).median.isnan().all()


def test_infinity_counts_as_beyond_all_others():
    found = quartiles(torch.tensor([[1.0, 2.0, math.inf, math.inf, math.inf], [-math.inf, -3.0, -2.0, -1.0, 0.0]]))
    assert found.median.tolist() == [math.inf, -2]
    assert found.lower.tolist() == [2, -3]
    assert found.upper.tolist() == [math.inf, -1]


def test_classes_are_taken_apart():
    found = quartiles_by_class(torch.tensor([[1.0, 2.0, 30.0, 40.0, 3.0]]), torch.tensor([7, 7, 2, 2, 7]))
    assert list(found) == [2, 7]
    assert float(found[7].median) == 2
    assert found[2].num_images.tolist() == [2]


def test_the_latent_scale_is_the_median_over_all_pairs():
    latents = torch.tensor([[0.0, 0.0], [3.0, 4.0], [100.0, 0.0], [100.0, 2.0], [0.0, 1.0]]).double()
    labels = torch.tensor([0, 0, 1, 1, 0])
    found = latent_scale(latents, labels)
    # Within: 5, 1, sqrt(18) in class 0, 2 in class 1; torch's median of four is the lower middle one.
    assert found.within == 2
    assert 90 < found.between < 101


def test_labels_are_one_for_each_image():
    with pytest.raises(fs.FiberscopeError, match=r"^labels: 2 for 3 images"):
        unwrap(quartiles_by_class)(torch.ones(3), torch.tensor([0, 1]))


def test_a_sample_of_many_stands_for_all_even_in_an_order_that_repeats():
    labels = torch.arange(10_240) % 10
    latents = 10 * labels[:, None].double() + normal(10_240, 1)
    found = latent_scale(latents, labels)
    # The median of |N(0, 2)| is 0.954.
    assert found.within == pytest.approx(0.954, rel=0.02)
    assert found == latent_scale(latents, labels)


@pytest.mark.parametrize(
    ("latents", "labels", "words"),
    [
        (torch.ones(4, 2), torch.tensor([0, 0, 1, 1]), "latents: the median distance within a class is 0"),
        (torch.ones(4, 2), torch.tensor([0, 1, 2, 3]), "labels"),
        (torch.ones(4, 2), torch.tensor([1, 1, 1, 1]), "labels"),
        (torch.ones(4, 2), torch.tensor([0, 1]), "labels: 2 for 4"),
        (torch.full((4, 2), math.nan), torch.tensor([0, 0, 1, 1]), "latents: NaN"),
    ],
)
def test_latents_that_make_no_scale_are_refused(latents, labels, words):
    with pytest.raises(fs.FiberscopeError, match=f"^{words}"):
        unwrap(latent_scale)(latents, labels)
