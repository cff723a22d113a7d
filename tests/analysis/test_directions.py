import pytest
import torch

from fiberscope.analysis.choices import NetworkChoice, WalkChoice
from fiberscope.analysis.directions import brighten, open_compass
from fiberscope.analysis.network import open_network
from fiberscope.analysis.selection import select
from fiberscope.geometry.bases import Basis
from fiberscope.geometry.jacobian import jacobian
from fiberscope.geometry.tangent import split_tangent
from fiberscope.problem import FiberscopeError

SHAPE = (1, 28, 28)


@pytest.fixture(scope="module")
def latent_map():
    return open_network(NetworkChoice()).latent_map


@pytest.fixture(scope="module")
def images():
    return select(["0:3"], shape=SHAPE)


@pytest.fixture(scope="module")
def jacobians(latent_map, images):
    return jacobian(latent_map, images.images)


def directions(choice, latent_map, images, jacobians, *, seed=0, part=slice(0, 3)):
    compass = open_compass(choice, latent_map, images, seed=seed)
    return compass(split_tangent(jacobians[part]), part).directions


@pytest.mark.parametrize("basis", ["data", "smooth", "random", "toward", "svd"])
def test_directions_of_every_basis_are_invisible_and_of_unit_length(basis, latent_map, images, jacobians):
    choice = WalkChoice(basis=basis, directions=3, reference=("0:50",))
    found = directions(choice, latent_map, images, jacobians)
    assert found.shape == (3, 3, 784)
    assert torch.allclose(found.norm(dim=2), torch.ones(3, 3), atol=1e-5)
    assert float((jacobians @ found.transpose(1, 2)).abs().max()) < 1e-4


@pytest.mark.parametrize("basis", ["random", "toward"])
def test_the_seed_decides_chance_and_the_batch_does_not(basis, latent_map, images, jacobians):
    choice = WalkChoice(basis=basis)
    whole = directions(choice, latent_map, images, jacobians)
    alone = directions(choice, latent_map, images, jacobians, part=slice(1, 2))
    other = directions(choice, latent_map, images, jacobians, seed=1)
    assert torch.allclose(whole[1:2], alone, atol=1e-6)
    assert not torch.allclose(whole, other, atol=1e-2)


def test_toward_heads_for_the_named_images(latent_map, images, jacobians):
    target = select(["9"], shape=SHAPE).images.flatten(1)
    found = directions(WalkChoice(basis="toward", directions=1, targets=("9",)), latent_map, images, jacobians)
    ways = target - images.images.flatten(1)
    assert bool(((found[:, 0] * ways).sum(dim=1) > 0).all())


def test_toward_takes_one_target_or_one_for_each_direction(latent_map, images):
    with pytest.raises(FiberscopeError, match=r"targets: 2 images to head for, and 3 images with 2 directions each"):
        open_compass(WalkChoice(basis="toward", targets=("0:2",)), latent_map, images, seed=0)
    open_compass(WalkChoice(basis="toward", targets=("0:6",)), latent_map, images, seed=0)


def test_a_direction_without_a_sign_of_its_own_adds_light():
    fields = torch.tensor([[[1.0, -3.0], [2.0, -1.0]]])
    assert brighten(Basis(fields, torch.ones(1, 2), "")).directions.tolist() == [[[-1.0, 3.0], [2.0, -1.0]]]
