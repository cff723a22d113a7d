import pytest
import torch

from fiberscope.models import ACTIVATIONS, Classifier
from fiberscope.problem.errors import ModelError


def rows(count):
    return torch.rand(count, 1, 28, 28, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("latent_size", [1, 8, 16])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_logits_are_the_head_of_the_encoded_latent(latent_size, activation):
    network = Classifier(latent_size=latent_size, activation=activation)
    latents = network.encoder(rows(3))
    assert latents.shape == (3, latent_size)
    assert torch.equal(network(rows(3)), network.head(latents))
    assert network.head(latents).shape == (3, 10)


def test_the_latent_and_the_head_are_plain_linear():
    network = Classifier()
    assert type(network.encoder[-1]) is torch.nn.Linear
    assert type(network.head) is torch.nn.Linear


def test_an_image_has_the_same_latent_alone_and_in_a_batch_while_training_too():
    network = Classifier().train()
    torch.testing.assert_close(network.encoder(rows(5))[2:3], network.encoder(rows(5)[2:3]))


def test_the_activation_is_the_one_asked_for():
    kinds = {type(module) for module in Classifier(activation="softplus").encoder}
    assert torch.nn.Softplus in kinds
    assert torch.nn.ReLU not in kinds


def test_it_is_small_and_cheap_to_differentiate():
    network = Classifier(latent_size=16)
    assert sum(parameter.numel() for parameter in network.parameters()) <= 450_000
    hidden = 0
    image = rows(1)
    for layer in network.encoder[:-1]:
        image = layer(image)
        hidden += image.numel() * (type(layer) is torch.nn.ReLU)
    assert hidden == 4904


def test_an_unknown_activation_is_refused_with_the_choices():
    with pytest.raises(ModelError, match="activation is 'swish'; choose one of relu, gelu, silu, tanh, softplus"):
        Classifier(activation="swish")


def test_an_empty_latent_is_refused():
    with pytest.raises(ModelError, match="latent_size is 0; a latent has at least 1 number"):
        Classifier(latent_size=0)
