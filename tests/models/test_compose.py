import pytest
import torch
from torch import nn

import fiberscope as fs
from fiberscope.models import Autoencoder, Classifier, Composition, Generator, compose
from fiberscope.problem.errors import ModelError


def coordinates(size, count=3):
    return torch.randn(count, size, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("maker", [Generator(latent_size=6), Autoencoder(latent_size=6)])
def test_it_is_the_network_after_the_decoder(maker):
    encoder = Classifier().encoder
    composition = compose(maker, encoder)
    assert composition.num_coordinates == 6
    assert torch.equal(composition(coordinates(6)), encoder(maker.decoder(coordinates(6))))


def test_it_is_a_latent_map_of_coordinates():
    composition = compose(Generator(latent_size=6).double(), Classifier().double().encoder)
    latent_map = fs.LatentMap(composition, (composition.num_coordinates,))
    jacobian = fs.jacobian(latent_map, coordinates(6).double())
    assert jacobian.shape == (3, 8, 6)
    row = coordinates(6).double()[0]
    expected = torch.autograd.functional.jacobian(lambda r: composition(r[None])[0], row)
    torch.testing.assert_close(jacobian[0], expected)


def test_a_users_own_parts_fit_together():
    composition = Composition(nn.Linear(2, 5), nn.Linear(5, 3), num_coordinates=2)
    assert composition(torch.zeros(4, 2)).shape == (4, 3)


def test_images_that_the_network_does_not_take_are_refused():
    decoder = nn.Sequential(nn.Linear(4, 64), nn.Unflatten(1, (1, 8, 8)))
    message = r"generator: its images are \(1, 8, 8\) of torch.float32 on cpu, and the network does not take them"
    with pytest.raises(ModelError, match=message):
        Composition(decoder, Classifier().encoder, num_coordinates=4)


def test_a_generator_in_another_dtype_is_refused():
    with pytest.raises(ModelError, match=r"of torch\.float64 .* in its dtype and on its device"):
        compose(Generator().double(), Classifier().encoder)


def test_a_wrong_number_of_coordinates_is_refused():
    with pytest.raises(ModelError, match="its decoder refuses 5 coordinates a row"):
        Composition(nn.Linear(4, 784), nn.Flatten(), num_coordinates=5)


def test_a_network_without_a_decoder_is_refused():
    with pytest.raises(ModelError, match=r"a Classifier has no decoder .* with its latent_size"):
        compose(Classifier(), Classifier().encoder)
