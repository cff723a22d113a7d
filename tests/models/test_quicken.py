"""A quickened network is the same function with the same derivatives."""

from __future__ import annotations

import pytest
import torch
from torch import fx, nn

from fiberscope.models.quicken import LeanPReLU, PointwiseConv, quicken

DOUBLE = torch.float64


class OnnxPReLU(nn.Module):
    """As converted files have it: the slopes are an argument."""

    def forward(self, values, slopes):
        return torch.where(values > 0, values, slopes * values)


class Small(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(3, 6, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(6)
        self.bend = OnnxPReLU()
        self.slopes = nn.Parameter(torch.rand(6, 1, 1))
        self.point = nn.Conv2d(6, 5, 1)
        self.twice = nn.Conv2d(5, 5, 1, stride=2)
        self.late = nn.BatchNorm2d(5)

    def forward(self, images):
        mixed = self.point(self.bend(self.norm(self.first(images)), self.slopes))
        return (self.late(self.twice(mixed)) + mixed[:, :, ::2, ::2]).flatten(1)


@pytest.fixture
def network():
    torch.manual_seed(0)
    made = Small().double()
    made(torch.rand(16, 3, 8, 8, dtype=DOUBLE))  # so that batch norms have statistics of their own
    return _traced(made.eval())


def _traced(module):
    class Tracer(fx.Tracer):
        def is_leaf_module(self, inner, name):
            return isinstance(inner, OnnxPReLU) or super().is_leaf_module(inner, name)

    return fx.GraphModule(module, Tracer().trace(module))


def test_the_same_values_and_derivatives_without_batch_norms(network):
    images = torch.rand(3, 3, 8, 8, dtype=DOUBLE, requires_grad=True)
    lean = quicken(network)
    torch.testing.assert_close(lean(images), network(images))
    with torch.no_grad():
        torch.testing.assert_close(lean(images), network(images))
    weights = torch.rand(3, 80, dtype=DOUBLE)
    one, two = (torch.autograd.grad((weights * f(images)).sum(), images)[0] for f in (lean, network))
    torch.testing.assert_close(one, two)
    kinds = [type(module) for module in lean.modules()]
    assert nn.BatchNorm2d not in kinds
    assert LeanPReLU in kinds
    assert kinds.count(PointwiseConv) == 1
    assert nn.BatchNorm2d in [type(module) for module in network.modules()]


def test_forward_mode_sees_through_it(network):
    images, change = torch.rand(2, 2, 3, 8, 8, dtype=DOUBLE)
    one, two = (torch.func.jvp(f, (images,), (change,))[1] for f in (quicken(network), network))
    torch.testing.assert_close(one, two)


def test_a_batch_norm_whose_convolution_feeds_others_too_stays():
    class Shared(nn.Module):
        def __init__(self):
            super().__init__()
            self.convolution, self.norm = nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2)

        def forward(self, images):
            seen = self.convolution(images)
            return self.norm(seen) + seen

    torch.manual_seed(0)
    made = Shared().eval()
    made.norm.running_mean.fill_(0.7)
    images = torch.rand(2, 1, 6, 6)
    torch.testing.assert_close(quicken(fx.symbolic_trace(made))(images), made(images))
