from dataclasses import asdict
from typing import get_args, get_type_hints

import pytest

from fiberscope import models
from fiberscope.cli.app import INTERRUPTED, REFUSED, run
from fiberscope.cli.train import AutoencoderRecipe, GeneratorRecipe, Recipe
from fiberscope.data import LabelledImages, mnist
from fiberscope.models import ACTIVATIONS, AutoencoderConfig, ClassifierConfig, GeneratorConfig

OPTIONS = ("--latent-size", "3", "--activation", "tanh", "--epochs", "2", "--name", "small")


@pytest.fixture
def few_digits(monkeypatch):
    """A training set that is there without a network, and small."""
    test = mnist("test")
    few = LabelledImages(test.images[:300], test.labels[:300], "few")
    monkeypatch.setattr("fiberscope.data.mnist", lambda split, root=None: few)


def test_a_trained_network_is_explored_by_its_folder(few_digits, tmp_path, capsys):
    out = tmp_path / "models"
    assert run(["train", "classifier", *OPTIONS, "--out", str(out)]) == 0
    captured = capsys.readouterr()
    assert "small reads " in captured.out
    assert captured.out.splitlines()[-2:] == [str(out / "small.safetensors"), str(out / "small.json")]
    command = ["spectrum", "--model", str(out), "--images", "0", "--reference", "0:20", "--out", str(tmp_path / "run")]
    assert run(command) == 0
    assert "the network sees 3 around an image" in capsys.readouterr().out


def test_training_tells_loss_and_accuracy_of_every_epoch(few_digits, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    run(["train", "classifier", *OPTIONS, "--out", str(tmp_path)])
    shown = capsys.readouterr().err
    assert "epoch 1/2, loss " in shown
    assert "epoch 2/2, loss " in shown
    assert shown.count("accuracy ") >= 2


def test_a_finished_model_is_not_replaced_unasked(few_digits, tmp_path, capsys):
    command = ["train", "classifier", *OPTIONS, "--out", str(tmp_path)]
    assert [run(command), run(command), run([*command, "--force"])] == [0, REFUSED, 0]
    assert "--force" in capsys.readouterr().err


def test_an_interrupted_training_says_how_to_go_on(few_digits, tmp_path, monkeypatch, capsys):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("fiberscope.models.train_classifier", interrupt)
    assert run(["train", "classifier", "--out", str(tmp_path)]) == INTERRUPTED
    assert "the same command goes on from there" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("kind", "finding"),
    [
        (["classifier", "--robust-radius", "0.5", "--robust-steps", "1"], "small reads "),
        (["autoencoder"], "small gives the test digits back with a mean squared error of 0."),
        (["generator", "--kl-weight", "0.5"], "small has an evidence bound of -"),
    ],
)
def test_every_kind_is_trained_and_says_how_good_it_is(few_digits, tmp_path, capsys, kind, finding):
    options = ["--epochs", "1", "--latent-size", "2", "--name", "small", "--out", str(tmp_path)]
    assert run(["train", *kind, *options]) == 0
    shown = capsys.readouterr().out.splitlines()
    assert shown[0].startswith(finding)
    assert shown[-2:] == [str(tmp_path / "small.safetensors"), str(tmp_path / "small.json")]
    assert models.card(tmp_path).command == (
        f"fiberscope train {kind[0]} --latent-size 2 --activation {models.card(tmp_path).training.activation} "
        f"--epochs 1 --seed 0 {' '.join([*kind[1:], '--name', 'small'])}"
    )


@pytest.mark.parametrize(
    ("recipe", "config"),
    [(Recipe, ClassifierConfig), (AutoencoderRecipe, AutoencoderConfig), (GeneratorRecipe, GeneratorConfig)],
)
def test_recipes_have_the_defaults_and_the_choices_of_the_configs(recipe, config):
    assert asdict(recipe()) == asdict(config())
    assert get_args(get_type_hints(recipe)["activation"]) == tuple(ACTIVATIONS)


def test_fetching_says_where_the_digits_are(tmp_path, monkeypatch, capsys):
    def fetch_mnist(*, root, on_file):
        on_file("train-images-idx3-ubyte")
        return root

    monkeypatch.setattr("fiberscope.data.fetch_mnist", fetch_mnist)
    assert run(["data", "fetch", "mnist", "--data-dir", str(tmp_path)]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "downloading train-images-idx3-ubyte",
        f"MNIST is in {tmp_path}",
    ]
