"""A leaky activation lets a share of what comes in through, and leaves the network as it was."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from torch import nn

import fiberscope as fs
from fiberscope.models import Awake, Leaky, leaky_series

IMAGES = torch.rand(5, 1, 4, 4, generator=torch.Generator().manual_seed(0))


def network(activation: nn.Module) -> nn.Sequential:
    torch.manual_seed(0)
    layers = [nn.Flatten(), nn.Linear(16, 8), activation, nn.Linear(8, 3)]
    return nn.Sequential(*layers).eval().requires_grad_(False)


def test_a_leaking_relu_is_the_leaky_relu():
    made = Leaky(network(nn.ReLU(inplace=True)), "2", 0.2)
    torch.testing.assert_close(made(IMAGES), network(nn.LeakyReLU(0.2))(IMAGES))


@pytest.mark.parametrize("activation", [nn.ReLU6(inplace=True), nn.ReLU(), nn.SiLU()])
def test_leak_one_leaves_it_out_and_leak_zero_leaves_it_as_it_was(activation: nn.Module):
    inner = network(activation)
    torch.testing.assert_close(Leaky(inner, "2", 1.0)(IMAGES), network(nn.Identity())(IMAGES))
    assert torch.equal(Leaky(inner, "2", 0.0)(IMAGES), inner(IMAGES))


def test_the_network_is_not_changed_even_while_another_thread_runs_it():
    inner = network(nn.ReLU(inplace=True))
    exact, leaky = inner(IMAGES), Leaky(inner, "2", 0.5)
    leaking = leaky(IMAGES)
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda place: (leaky if place % 2 else inner)(IMAGES), range(400)))
    assert all(torch.equal(found, leaking if place % 2 else exact) for place, found in enumerate(made))


def test_a_latent_that_is_dead_has_a_gradient_behind_a_leak():
    inner = nn.Sequential(nn.Flatten(), nn.Linear(16, 3), nn.ReLU()).eval().requires_grad_(False)
    with torch.no_grad():
        inner[1].bias.fill_(-100.0)
    latent_map = fs.LatentMap(Leaky(inner, "2", 0.1), (1, 4, 4))
    torch.testing.assert_close(fs.jacobian(latent_map, IMAGES)[0], 0.1 * inner[1].weight)


def test_a_series_ends_with_the_network_itself():
    inner = network(nn.ReLU())
    series = leaky_series(inner, "2")
    assert series[-1] is inner
    leaks = [made.leak for made in series[:-1]]
    assert leaks[0] == 1
    assert leaks == sorted(leaks, reverse=True)


@pytest.mark.parametrize("leaks", [(), (1.0, 0.1), (0.1, 0.5, 0.0), (2.0, 0.0), (0.1, 0.1, 0.0), (1.0, -0.1, 0.0)])
def test_a_series_that_does_not_fall_from_one_to_zero_is_refused(leaks: tuple[float, ...]):
    with pytest.raises(fs.FiberscopeError, match="leak"):
        leaky_series(network(nn.ReLU()), "2", leaks)


def test_an_activation_that_is_not_there_is_named():
    with pytest.raises(fs.FiberscopeError, match="no layer 'act'"):
        Leaky(network(nn.ReLU()), "act", 0.1)


def test_an_activation_that_never_runs_is_named():
    inner = network(nn.ReLU())
    inner[2].register_module("idle", nn.ReLU())
    with pytest.raises(fs.ModelError, match=r"'2\.idle' never ran"):
        Leaky(inner, "2.idle", 0.1)(IMAGES)


def pooled(bias: float) -> nn.Sequential:
    """Four channels behind a ReLU, and the mean of each."""
    torch.manual_seed(0)
    layers = [nn.Conv2d(1, 4, 2), nn.ReLU(inplace=True), nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    made = nn.Sequential(*layers).eval().requires_grad_(False)
    made[0].bias.fill_(bias)
    return made


def test_an_awake_network_is_the_network_where_no_channel_is_silent():
    inner = pooled(2.0)
    assert torch.equal(Awake(inner, "1", IMAGES[:1])(IMAGES), inner(IMAGES))


def test_a_silent_channel_that_the_target_needs_tells_how_near_it_is_to_waking():
    inner = pooled(-9.0)
    inner[0].bias[:2] = 2.0  # these are alive at the target
    awake = Awake(inner, "1", IMAGES[:1])
    inner[0].bias[0] = -9.0  # and this one at no image any more
    nearest = inner[0](IMAGES).flatten(2).amax(dim=2)
    found, plain = awake(IMAGES), inner(IMAGES)
    assert float(nearest[:, [0, 2, 3]].max()) < 0
    torch.testing.assert_close(found[:, 0], nearest[:, 0] / 9)
    assert torch.equal(found[:, 1:], plain[:, 1:])


def test_an_awake_network_aims_at_one_image():
    with pytest.raises(fs.FiberscopeError, match="like: expected the one image"):
        Awake(pooled(0.0), "1", IMAGES[:2])
