import pytest
import torch
from torch import nn
from torch.nn import functional

from fiberscope import models
from fiberscope.data import mnist
from fiberscope.models.adversary import worst_nearby


class TwoPixels(nn.Module):
    """Class 1 is seen in one direction of two pixels, class 0 is its opposite."""

    direction = torch.zeros(1, 28, 28)
    direction[0, 10, 10], direction[0, 10, 11] = 0.6, -0.8

    def forward(self, images):
        score = (images * self.direction).sum(dim=(1, 2, 3))
        return torch.stack([-score, score], dim=1)


@pytest.mark.parametrize("radius", [0.1, 0.3])
@pytest.mark.parametrize("num_steps", [1, 3, 10])
def test_against_a_plane_it_goes_straight_away_from_the_class_as_far_as_it_may(radius, num_steps):
    images, labels = torch.full((2, 1, 28, 28), 0.5), torch.tensor([0, 1])
    worst = worst_nearby(TwoPixels(), images, labels, radius=radius, num_steps=num_steps)
    expected = images + radius * torch.tensor([1.0, -1.0])[:, None, None, None] * TwoPixels.direction
    torch.testing.assert_close(worst, expected)


def test_ball_and_box_are_kept_and_the_classifier_is_hurt():
    network, digits = models.load("mnist-classifier"), mnist("test")
    images, labels = digits.images[:50], digits.labels[:50]
    worst = worst_nearby(network, images, labels, radius=1.5, num_steps=5)
    assert ((worst - images).flatten(1).norm(dim=1) <= 1.5 + 1e-5).all()
    assert worst.min() >= 0
    assert worst.max() <= 1
    assert functional.cross_entropy(network(worst), labels) > 10 * functional.cross_entropy(network(images), labels)
    again = worst_nearby(network, images[7:8], labels[7:8], radius=1.5, num_steps=5)
    torch.testing.assert_close(again, worst[7:8], atol=1e-4, rtol=0)


def test_a_classifier_without_gradient_leaves_images_as_they_are():
    images = torch.rand(2, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    worst = worst_nearby(lambda x: 0 * x.flatten(1)[:, :2], images, torch.tensor([0, 1]), radius=1.0, num_steps=3)
    assert torch.equal(worst, images)


def test_it_works_where_the_caller_wants_no_gradients_and_leaves_none_in_the_network():
    network = models.Classifier()
    images, labels = torch.full((2, 1, 28, 28), 0.5), torch.tensor([0, 1])
    with torch.no_grad():
        worst = worst_nearby(network, images, labels, radius=1.0, num_steps=2)
    assert not worst.requires_grad
    assert (worst - images).abs().max() > 0
    assert all(parameter.grad is None for parameter in network.parameters())
