"""What holds for every kind of training, and what each kind makes small."""

import dataclasses
import json
from pathlib import Path
from typing import NamedTuple

import pytest
import torch
from torch import Tensor
from torch.distributions import Normal
from torch.nn import functional

from fiberscope import models
from fiberscope.models import (
    Autoencoder,
    AutoencoderConfig,
    Classifier,
    ClassifierConfig,
    Generator,
    GeneratorConfig,
    train_autoencoder,
    train_classifier,
    train_generator,
)
from fiberscope.models.adversary import worst_nearby
from fiberscope.models.train import Batch
from fiberscope.models.train_classifier import _loss as _classifier_loss
from fiberscope.models.train_generator import _bound, _loss
from fiberscope.problem.errors import FiberscopeError, ModelError


class Digits(NamedTuple):
    images: Tensor
    labels: Tensor
    name: str


def digits(count, name):
    """Ten classes that are easy to tell apart: a bright row each."""
    generator = torch.Generator().manual_seed(count)
    labels = torch.randint(10, (count,), generator=generator)
    images = 0.2 * torch.rand(count, 1, 28, 28, generator=generator)
    images[torch.arange(count), 0, 4 + 2 * labels] = 1.0
    return Digits(images, labels, name)


TRAIN, TEST = digits(120, "rows-train"), digits(40, "rows-test")
FEW = {"epochs": 2, "batch_size": 20}
KINDS = {
    "autoencoder": (train_autoencoder, AutoencoderConfig(**FEW), Autoencoder),
    "generator": (train_generator, GeneratorConfig(**FEW), Generator),
    "robust classifier": (train_classifier, ClassifierConfig(**FEW, robust_radius=1.0, robust_steps=2), Classifier),
}


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


class Undisturbed(NamedTuple):
    train: object
    config: object
    network: type
    out: Path
    card: models.ModelCard


@pytest.fixture(scope="module", params=KINDS)
def undisturbed(request, tmp_path_factory):
    train, config, network = KINDS[request.param]
    out = tmp_path_factory.mktemp("undisturbed")
    return Undisturbed(train, config, network, out, train(TRAIN, TEST, config=config, out=out, name="it"))


def weights(folder):
    return (folder / "it.safetensors").read_bytes()


def test_what_was_trained_is_loaded_as_what_it_is(undisturbed):
    network = models.load(undisturbed.out)
    assert type(network) is undisturbed.network
    assert not network.training
    assert not any(parameter.requires_grad for parameter in network.parameters())


def test_the_card_is_read_back_and_names_the_kind_and_the_command(undisturbed):
    card = models.card(undisturbed.out)
    assert card == undisturbed.card
    assert card.training == undisturbed.config
    assert card.architecture == undisturbed.network.__name__
    assert card.command.startswith(f"fiberscope train {undisturbed.network.__name__.lower()} --latent-size ")
    assert "--batch-size 20" in card.command
    assert card.num_parameters == sum(parameter.numel() for parameter in models.load(undisturbed.out).parameters())


def test_an_interrupted_run_continues_to_the_weights_of_an_undisturbed_one(undisturbed, tmp_path):
    def interrupt(progress):
        if progress.quality is not None:
            raise KeyboardInterrupt

    train, config = undisturbed.train, undisturbed.config
    with pytest.raises(KeyboardInterrupt):
        train(TRAIN, TEST, config=config, out=tmp_path, name="it", on_progress=interrupt)
    torch.manual_seed(123)  # the caller's generator has no say
    card = train(TRAIN, TEST, config=config, out=tmp_path, name="it")
    assert weights(tmp_path) == weights(undisturbed.out)
    assert card == undisturbed.card


def test_another_seed_gives_other_weights(undisturbed, tmp_path):
    config = dataclasses.replace(undisturbed.config, seed=1, epochs=1)
    undisturbed.train(TRAIN, TEST, config=config, out=tmp_path, name="it")
    assert weights(tmp_path) != weights(undisturbed.out)


def test_the_unfinished_run_of_another_kind_is_not_continued(tmp_path):
    def interrupt(progress):
        if progress.quality is not None:
            raise KeyboardInterrupt

    same = {**FEW, "latent_size": 4, "activation": "silu", "learning_rate": 1e-3, "weight_decay": 0.0, "max_shift": 0}
    with pytest.raises(KeyboardInterrupt):
        train_autoencoder(TRAIN, TEST, config=AutoencoderConfig(**same), out=tmp_path, name="it", on_progress=interrupt)
    with pytest.raises(FiberscopeError, match="architecture 'Autoencoder' there, 'Generator' now"):
        train_generator(TRAIN, TEST, config=GeneratorConfig(**same), out=tmp_path, name="it")


# the autoencoder


def test_the_error_on_the_card_is_that_of_the_loaded_autoencoder_and_falls_below_that_of_the_mean_image(tmp_path):
    config = AutoencoderConfig(epochs=12, batch_size=20, latent_size=8)
    card = train_autoencoder(TRAIN, TEST, config=config, out=tmp_path)
    found = card.quality["mean_squared_error"]
    assert found == pytest.approx(functional.mse_loss(models.load(tmp_path)(TEST.images), TEST.images).item(), rel=1e-5)
    assert found < 0.7 * functional.mse_loss(TRAIN.images.mean(dim=0).expand_as(TEST.images), TEST.images).item()


# the generator


def test_the_divergence_is_that_of_the_posterior_from_what_the_flow_makes_of_the_standard_normal():
    torch.manual_seed(0)
    network = Generator(latent_size=3).double()
    for layer in network.encoder.flow.layers:
        torch.nn.init.normal_(layer[-1].weight, std=0.3)
    images = TEST.images[:6].double()
    bound = _bound(network, images, torch.Generator().manual_seed(0))
    mean, log_variance = network.encoder.posterior(images).chunk(2, dim=1)
    posterior = Normal(mean, torch.exp(log_variance / 2))
    # the draw that the bound made: noise comes in single precision
    drawn = mean + posterior.stddev * torch.randn(6, 3, generator=torch.Generator().manual_seed(0))
    before = network.encoder.flow.inverse(drawn).rows
    stretch = torch.func.vmap(torch.func.jacrev(lambda row: network.encoder.flow(row[None])[0]))(before)
    prior = Normal(0.0, 1.0).log_prob(before).sum(dim=1) - torch.linalg.slogdet(stretch).logabsdet
    torch.testing.assert_close(bound.divergence, posterior.log_prob(drawn).sum(dim=1) - prior)


def test_the_distortion_is_the_cross_entropy_of_the_decoded_intensities():
    network = Generator(latent_size=3)
    with torch.no_grad():
        bound = _bound(network, TEST.images, torch.Generator().manual_seed(0))
        mean, log_variance = network.encoder.posterior(TEST.images).chunk(2, dim=1)
        noise = torch.randn(mean.shape, generator=torch.Generator().manual_seed(0))
        seen = network.painter(mean + noise * torch.exp(log_variance / 2)).double()
        truth = TEST.images.double()
        expected = -(truth * seen.log() + (1 - truth) * (1 - seen).log()).sum(dim=(1, 2, 3))
    torch.testing.assert_close(bound.distortion.double(), expected, rtol=1e-5, atol=0)


def test_the_weight_of_the_divergence_rises_and_stays():
    network = Generator(latent_size=3)

    def loss(done, kl_weight):
        batch = Batch(TEST.images, TEST.labels, done, torch.Generator().manual_seed(0))
        return _loss(network, batch, kl_weight=kl_weight).item()

    bound = _bound(network, TEST.images, torch.Generator().manual_seed(0))
    distortion, divergence = bound.distortion.mean().item(), bound.divergence.mean().item()
    assert loss(0.0, 1.0) == pytest.approx(distortion)
    assert loss(0.1, 1.0) == pytest.approx(distortion + 0.5 * divergence)
    assert loss(0.2, 3.0) == loss(1.0, 3.0) == pytest.approx(distortion + 3 * divergence)


def test_training_raises_the_bound(tmp_path):
    seen = []
    config = GeneratorConfig(epochs=3, batch_size=20, latent_size=4)
    train_generator(TRAIN, TEST, config=config, out=tmp_path, on_progress=seen.append)
    bounds = [progress.quality["elbo"] for progress in seen if progress.quality is not None]
    assert bounds[-1] > bounds[0] + 10
    assert set(models.card(tmp_path).quality) == {"elbo", "mean_squared_error", "samples_read"}


# the robust classifier


def test_the_ball_grows_and_then_every_image_is_the_worst_in_it():
    config = ClassifierConfig(robust_radius=1.0, robust_steps=2)
    network = models.load("mnist-classifier", Classifier)

    def loss(done, config=config):
        batch = Batch(TEST.images, TEST.labels, done, torch.Generator())
        return _classifier_loss(network, batch, config=config).item()

    def loss_at(radius):
        worst = worst_nearby(network, TEST.images, TEST.labels, radius=radius, num_steps=2)
        return functional.cross_entropy(network(worst), TEST.labels).item()

    plain = functional.cross_entropy(network(TEST.images), TEST.labels).item()
    assert loss(0.0) == plain == loss(1.0, ClassifierConfig())
    assert loss(0.15) == pytest.approx(loss_at(0.5))
    assert loss(0.3) == loss(1.0) == pytest.approx(loss_at(1.0))
    assert plain < loss(0.15) < loss(1.0)


def test_the_card_tells_how_a_robust_classifier_stands_an_attack(undisturbed):
    if undisturbed.network is not Classifier:
        assert "accuracy_under_attack" not in undisturbed.card.quality
        return
    network = models.load(undisturbed.out)
    worst = worst_nearby(network, TEST.images, TEST.labels, radius=1.0, num_steps=20)
    under_attack = (network(worst).argmax(dim=1) == TEST.labels).double().mean().item()
    assert undisturbed.card.quality["accuracy_under_attack"] == under_attack


@pytest.mark.parametrize(
    ("config", "change", "message"),
    [
        (ClassifierConfig, {"robust_radius": -1.0}, "robust_radius is -1.0; it must be at least 0"),
        (ClassifierConfig, {"robust_steps": 0}, "robust_steps is 0; it must be at least 1"),
        (GeneratorConfig, {"kl_weight": -1.0}, "kl_weight is -1.0; it must be at least 0"),
        (GeneratorConfig, {"epochs": 0}, "epochs is 0; it must be at least 1"),
        (AutoencoderConfig, {"activation": "swish"}, "activation is 'swish'; choose one of relu"),
    ],
)
def test_a_senseless_choice_is_refused(config, change, message):
    with pytest.raises(FiberscopeError, match=message):
        config(**change)


def test_a_card_of_another_kind_does_not_pass_for_one(undisturbed, tmp_path):
    card = json.loads((undisturbed.out / "it.json").read_text())
    (tmp_path / "it.safetensors").write_bytes(weights(undisturbed.out))
    other = "Classifier" if undisturbed.network is not Classifier else "Generator"
    (tmp_path / "it.json").write_text(json.dumps(card | {"architecture": other}))
    with pytest.raises(ModelError):
        models.load(tmp_path)
