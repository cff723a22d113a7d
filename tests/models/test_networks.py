import pytest
import torch

from fiberscope.models import ACTIVATIONS, Autoencoder, Classifier, Generator
from fiberscope.problem import LatentMap
from fiberscope.problem.errors import ModelError


def rows(count):
    return torch.rand(count, 1, 28, 28, generator=torch.Generator().manual_seed(0))


def stirred(network):
    """With a flow that is not the identity any more, where there is one."""
    for layer in network.encoder.flow.layers if isinstance(network, Generator) else ():
        torch.nn.init.normal_(layer[-1].weight, std=0.3)
    return network


KINDS = (Classifier, Autoencoder, Generator)

# the classifier


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


# the autoencoder and the generator


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("kind", [Autoencoder, Generator])
def test_latents_become_images_in_the_box_and_an_image_goes_through_its_latent(kind, activation):
    network = kind(latent_size=4, activation=activation)
    latents = network.encoder(rows(3))
    assert latents.shape == (3, 4)
    images = network.decoder(30 * latents)
    assert images.shape == (3, 1, 28, 28)
    assert images.min() >= 0
    assert images.max() <= 1
    assert torch.equal(network(rows(3)), network.decoder(latents))


def test_the_latent_of_the_autoencoder_is_plain_linear():
    assert type(Autoencoder().encoder[-1]) is torch.nn.Linear


def test_the_generator_encodes_an_image_as_the_latent_that_its_flow_brings_to_the_mean_of_the_posterior():
    network = stirred(Generator(latent_size=4))
    mean = network.encoder.posterior(rows(3))[:, :4]
    torch.testing.assert_close(network.encoder.flow(network.encoder(rows(3))), mean)


@pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated")  # torch's own forward mode uses it
@pytest.mark.parametrize("kind", [Autoencoder, Generator])
def test_the_decoder_is_differentiated_forward_and_backward_alike(kind):
    decoder = stirred(kind(latent_size=4)).double().decoder
    row = torch.randn(4, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    forward = torch.func.jacfwd(lambda r: decoder(r[None])[0])(row)
    backward = torch.func.jacrev(lambda r: decoder(r[None])[0])(row)
    torch.testing.assert_close(forward, backward)
    step = 1e-6 * torch.ones_like(row)
    torch.testing.assert_close(decoder((row + step)[None]) - decoder((row - step)[None]), 2 * (forward @ step)[None])


@pytest.mark.parametrize("kind", [Autoencoder, Generator])
def test_signals_do_not_fade_on_their_way_through_a_fresh_network(kind):
    torch.manual_seed(0)
    network = kind()
    logits = (network.decoder[1] if kind is Generator else network.decoder)[:-1]
    assert logits(torch.randn(50, network.latent_size)).std() > 0.2


@pytest.mark.parametrize("kind", [Autoencoder, Generator])
def test_they_are_small(kind):
    assert sum(parameter.numel() for parameter in kind().parameters()) < 1_000_000


# all of them


@pytest.mark.parametrize("kind", KINDS)
def test_an_image_has_the_same_latent_alone_and_in_a_batch_while_training_too(kind):
    network = kind().train()
    torch.testing.assert_close(network.encoder(rows(5))[2:3], network.encoder(rows(5)[2:3]))


@pytest.mark.parametrize("kind", KINDS)
def test_its_encoder_is_a_layer_at_which_it_can_be_cut(kind):
    network = kind(latent_size=4)
    latent_map = LatentMap.at_layer(network, "encoder", input_shape=(1, 28, 28))
    assert torch.equal(latent_map(rows(3)), network.encoder(rows(3)))


@pytest.mark.parametrize("kind", KINDS)
def test_an_unknown_activation_is_refused_with_the_choices(kind):
    with pytest.raises(ModelError, match="activation is 'swish'; choose one of relu, gelu, silu, tanh, softplus"):
        kind(activation="swish")


@pytest.mark.parametrize("kind", KINDS)
def test_an_empty_latent_is_refused(kind):
    with pytest.raises(ModelError, match="latent_size is 0; a latent has at least 1 number"):
        kind(latent_size=0)
