from __future__ import annotations

import numpy as np
import pytest
import torch

import fiberscope as fs
from fibers import normal, uniform
from fiberscope.variations import Variation


def made(apply, low=-2.0, high=2.0, **more):
    return Variation("mine", "px", low, high, apply, **more)


def per_row(amounts):
    return amounts[:, None]


def test_a_function_is_all_that_it_takes():
    direction = normal(5)
    mine = made(lambda images, amounts: images + per_row(amounts) * direction)
    images = uniform(3, 5)
    orbit = mine.orbit(images, torch.tensor([0.0, 0.1]), box=fs.Box(-10.0, 10.0))
    assert torch.equal(orbit.images[0], images)
    assert torch.allclose(orbit.images[1], images + 0.1 * direction)
    assert torch.allclose(mine.tangent(images), direction.expand(3, 5))


def test_the_tangent_of_a_curve_is_its_derivative_at_zero():
    mine = made(lambda images, amounts: images * torch.exp(per_row(amounts)) + per_row(amounts).square())
    images = uniform(4, 6)
    assert torch.allclose(mine.tangent(images), images, atol=1e-12)


def test_a_function_outside_torch_has_a_tangent_too():
    mine = made(lambda images, amounts: torch.from_numpy(images.numpy() + np.sin(amounts.numpy())[:, None]))
    assert torch.allclose(mine.tangent(uniform(4, 6)), torch.ones(4, 6).double(), atol=1e-6)


def test_a_derivative_that_torch_gets_wrong_at_a_kink_is_not_believed():
    mine = made(lambda images, amounts: images + torch.relu(per_row(amounts)), low=0.0)
    assert torch.allclose(mine.tangent(uniform(4, 6)), torch.ones(4, 6).double(), atol=1e-9)


def test_a_range_below_zero_is_looked_at_from_below():
    mine = made(lambda images, amounts: images - torch.relu(-per_row(amounts)), high=0.0)
    assert torch.allclose(mine.tangent(uniform(4, 6)), torch.ones(4, 6).double(), atol=1e-9)
    assert mine.grid(2) == (-2.0, -1.0, 0.0)


def test_one_row_at_a_kink_leaves_the_others_exact():
    def apply(images, amounts):
        smooth, kinked = images * torch.exp(per_row(amounts)), images + torch.relu(per_row(amounts))
        return torch.where(images[:, :1] > 0.5, smooth, kinked)

    images = torch.tensor([[0.9, 0.3], [0.1, 0.3]], dtype=torch.float64)
    tangent = made(apply, low=0.0).tangent(images)
    assert torch.equal(tangent[0], images[0])
    assert torch.allclose(tangent[1], torch.ones(2).double(), atol=1e-9)


def test_the_grid_has_equal_steps_on_each_side_and_zero_between():
    assert made(lambda images, amounts: images, low=-1.0).grid(2) == (-1.0, -0.5, 0.0, 1.0, 2.0)
    assert made(lambda images, amounts: images, low=0.0).grid(2) == (0.0, 1.0, 2.0)


def test_what_the_box_takes_away_is_said():
    mine = made(lambda images, amounts: images + per_row(amounts))
    images = torch.tensor([[0.5, 1.0], [0.0, 0.0]], dtype=torch.float64)
    orbit = mine.orbit(images, torch.tensor([0.0, 0.5, -0.5]))
    assert torch.allclose(orbit.images[1], torch.tensor([[1.0, 1.0], [0.5, 0.5]]).double())
    half = 0.5**0.5
    assert torch.allclose(orbit.clipped, torch.tensor([[0.0, 0.0], [half, 0.0], [0.0, 1.0]]).double())


@pytest.mark.parametrize(
    ("apply", "words"),
    [
        (lambda images, amounts: images[:, :1], "returned shape"),
        (lambda images, amounts: images / 0 * 0, "NaN or infinity at amount 0 for row 0"),
        (lambda images, amounts: images + 0.1, "amount 0 changes row"),
        (lambda images, amounts: images.float(), "torch.float32"),
        (lambda images, amounts: None, "NoneType"),
    ],
)
@pytest.mark.parametrize("use", [lambda mine, x: mine.tangent(x), lambda mine, x: mine.orbit(x, torch.ones(1))])
def test_a_function_that_is_no_variation_is_refused_with_the_reason(apply, words, use):
    with pytest.raises(fs.FiberscopeError, match=rf"^variation 'mine': .*{words}"):
        use(made(apply), uniform(2, 3))


def test_a_function_that_breaks_far_out_is_refused_there():
    mine = made(lambda images, amounts: images + per_row(torch.where(amounts > 1, torch.nan, amounts)))
    with pytest.raises(fs.FiberscopeError, match="at amount 2 for row 0"):
        mine.orbit(uniform(2, 3), torch.tensor([1.0, 2.0]))


@pytest.mark.parametrize(("low", "high"), [(1.0, 2.0), (-2.0, -1.0), (0.0, 0.0), (0.0, float("inf")), (1.0, -1.0)])
def test_a_range_without_zero_is_refused(low, high):
    with pytest.raises(fs.FiberscopeError, match=r"^low, high"):
        made(lambda images, amounts: images, low=low, high=high)


def test_no_images_have_no_tangents():
    assert made(lambda images, amounts: images).tangent(uniform(0, 3)).shape == (0, 3)


def test_a_function_that_works_in_place_changes_no_image_of_the_caller():
    def apply(images, amounts):
        return images.add_(amounts.mul_(2)[:, None])

    mine, images, amounts = made(apply), uniform(3, 5), torch.tensor([0.0, 0.5])
    before, asked = images.clone(), amounts.clone()
    orbit = mine.orbit(images, amounts)
    assert torch.allclose(mine.tangent(images), torch.full((3, 5), 2.0).double(), atol=1e-9)
    assert torch.equal(images, before)
    assert torch.equal(amounts, asked)
    assert torch.allclose(orbit.images[1], (before + 1).clamp(max=1))
    assert bool((orbit.clipped[1] > 0).all())


@pytest.mark.parametrize("use", [lambda mine, x: mine.tangent(x), lambda mine, x: mine.orbit(x, torch.ones(1))])
def test_what_a_function_raises_names_the_variation_and_the_shape_of_amounts(use):
    mine = made(lambda images, amounts: images + amounts)
    with pytest.raises(
        fs.FiberscopeError, match=r"^variation 'mine': its function raised RuntimeError: The size of"
    ) as e:
        use(mine, uniform(3, 1, 4, 4))
    assert "amounts (batch,) = (3,)" in str(e.value)
    assert "amounts.view(-1, 1, 1, 1)" in str(e.value)
    assert isinstance(e.value.__cause__, RuntimeError)


def test_a_function_that_raises_only_while_torch_differentiates_it_has_a_tangent():
    def apply(images, amounts):
        if torch.autograd.forward_ad.unpack_dual(amounts).tangent is not None:
            raise KeyError("amounts")
        return images + per_row(amounts)

    assert torch.allclose(made(apply).tangent(uniform(4, 6)), torch.ones(4, 6).double(), atol=1e-9)
