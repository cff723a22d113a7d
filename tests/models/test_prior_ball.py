from __future__ import annotations

import pytest
import torch

from fiberscope.models.prior_ball import PriorBall
from fiberscope.problem import ModelError


def normal(*shape: int) -> torch.Tensor:
    return torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


def test_no_coordinates_leave_the_ball():
    ball = PriorBall(24)
    assert float(ball(1e6 * normal(50, 24)).norm(dim=1).max()) <= ball.radius * (1 + 1e-12)


def test_the_ball_holds_the_stated_mass_of_the_prior():
    ball = PriorBall(24, mass=0.9)
    inside = normal(20_000, 24).norm(dim=1) < ball.radius
    assert float(inside.double().mean()) == pytest.approx(0.9, abs=0.01)


def test_the_inverse_brings_points_of_the_ball_back():
    ball = PriorBall(6)
    points = normal(40, 6)
    points = points[points.norm(dim=1) < 0.96 * ball.radius]
    assert torch.allclose(ball(ball.inverse(points)), points, atol=1e-12)


def test_points_outside_are_drawn_in_along_their_ray():
    ball = PriorBall(6)
    far = 10 * normal(5, 6)
    drawn = ball(ball.inverse(far))
    assert torch.allclose(drawn.norm(dim=1), torch.full((5,), 0.97 * ball.radius).double())
    assert torch.allclose(torch.nn.functional.cosine_similarity(drawn, far), torch.ones(5).double())


def test_the_middle_stays_nearly_as_it_is():
    ball, small = PriorBall(24), 0.2 * normal(4, 24)
    assert torch.allclose(ball(small), small, rtol=1e-4)


@pytest.mark.parametrize("mass", [0.0, 1.0, -1.0, float("nan")])
def test_a_mass_that_is_no_share_is_refused(mass: float):
    with pytest.raises(ModelError, match="share of the prior"):
        PriorBall(24, mass=mass)
