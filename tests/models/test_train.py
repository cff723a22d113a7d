import dataclasses
import hashlib
import json
import os
import signal
import subprocess
import sys
from typing import NamedTuple

import pytest
import safetensors.torch
import torch
from torch import Tensor

from fiberscope import models
from fiberscope.models import ClassifierConfig, train, train_classifier
from fiberscope.models.train import _schedule, _shift
from fiberscope.problem.errors import FiberscopeError, ModelError

CONFIG = ClassifierConfig(epochs=3, batch_size=20)


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


TRAIN, TEST = digits(200, "rows-train"), digits(50, "rows-test")


def interrupt_after(epoch):
    def on_progress(progress):
        if progress.epoch == epoch and progress.quality is not None:
            raise KeyboardInterrupt

    return on_progress


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """On a busy machine two threads wait for one another; steps as small as these gain nothing from two."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def weights(folder, name="classifier"):
    return (folder / f"{name}.safetensors").read_bytes()


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    out = tmp_path_factory.mktemp("undisturbed")
    card = train_classifier(TRAIN, TEST, config=CONFIG, out=out)
    return out, card


def test_a_finished_run_leaves_weights_and_card_only(undisturbed):
    out, _ = undisturbed
    assert sorted(path.name for path in out.iterdir()) == ["classifier.json", "classifier.safetensors"]


def test_the_card_tells_what_the_network_is_and_how_it_came_about(undisturbed):
    out, card = undisturbed
    assert card == models.card(out)
    assert json.loads((out / "classifier.json").read_text()) == {
        "name": "classifier",
        "architecture": "Classifier",
        "training": dataclasses.asdict(CONFIG),
        "train_data": "rows-train, 200 images",
        "test_data": "rows-test, 50 images",
        "quality": {"accuracy": card.quality["accuracy"]},
        "num_parameters": 328_746,
        "command": (
            "fiberscope train classifier --latent-size 8 --activation relu --epochs 3 --seed 0 "
            "--batch-size 20 --name classifier"
        ),
        "reproducibility": card.reproducibility,
        "torch_version": torch.__version__,
        "sha256": hashlib.sha256(weights(out)).hexdigest(),
    }
    assert "bits may differ" in card.reproducibility


def test_the_accuracy_on_the_card_is_that_of_the_loaded_network(undisturbed):
    out, card = undisturbed
    predicted = models.load(out)(TEST.images).argmax(dim=1)
    assert card.quality["accuracy"] == (predicted == TEST.labels).double().mean().item()


def test_training_learns(tmp_path):
    card = train_classifier(TRAIN, TEST, config=ClassifierConfig(epochs=12, batch_size=20, max_shift=0), out=tmp_path)
    assert card.quality["accuracy"] > 0.9


def test_the_same_seed_gives_the_same_weights_and_another_seed_others(undisturbed, tmp_path):
    torch.manual_seed(123)  # the caller's generator has no say
    train_classifier(TRAIN, TEST, config=CONFIG, out=tmp_path / "again")
    train_classifier(TRAIN, TEST, config=dataclasses.replace(CONFIG, seed=1), out=tmp_path / "other")
    assert weights(tmp_path / "again") == weights(undisturbed[0])
    assert weights(tmp_path / "other") != weights(undisturbed[0])


def test_the_callers_generator_is_left_alone(tmp_path):
    before = torch.get_rng_state()
    train_classifier(TRAIN, TEST, config=ClassifierConfig(epochs=1), out=tmp_path)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("epoch", [1, 2, 3])
def test_an_interrupted_run_continues_to_the_weights_of_an_undisturbed_one(undisturbed, tmp_path, epoch):
    with pytest.raises(KeyboardInterrupt):
        train_classifier(TRAIN, TEST, config=CONFIG, out=tmp_path, on_progress=interrupt_after(epoch))
    seen = []
    card = train_classifier(TRAIN, TEST, config=CONFIG, out=tmp_path, on_progress=seen.append)
    assert {progress.epoch for progress in seen} == set(range(epoch + 1, 4))
    assert weights(tmp_path) == weights(undisturbed[0])
    assert card == undisturbed[1]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["classifier.json", "classifier.safetensors"]


SCRIPT = """
import sys
from pathlib import Path
import torch
from fiberscope.models import train_classifier
from test_train import CONFIG, TEST, TRAIN
torch.set_num_threads(1)
out = Path(sys.argv[1])
train_classifier(TRAIN, TEST, config=CONFIG, out=out, on_progress=lambda p: print(p.step, flush=True))
"""


def test_a_killed_run_continues_to_the_weights_of_an_undisturbed_one(undisturbed, tmp_path):
    environment = {**os.environ, "PYTHONPATH": os.path.dirname(__file__)}
    command = [sys.executable, "-c", SCRIPT, str(tmp_path)]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        for _ in range(15):  # an epoch has ten steps and a line at its end: this is the middle of the second
            assert process.stdout.readline()
        os.kill(process.pid, signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    assert (tmp_path / "classifier.checkpoint.safetensors").is_file()
    assert not (tmp_path / "classifier.json").exists()
    train_classifier(TRAIN, TEST, config=CONFIG, out=tmp_path)
    assert weights(tmp_path) == weights(undisturbed[0])


def test_a_finished_model_is_not_overwritten_without_force(undisturbed, tmp_path):
    train_classifier(TRAIN, TEST, config=CONFIG, out=tmp_path)
    other = dataclasses.replace(CONFIG, seed=1)
    with pytest.raises(FiberscopeError, match=r"classifier\.json is a finished model; pass force"):
        train_classifier(TRAIN, TEST, config=other, out=tmp_path)
    assert weights(tmp_path) == weights(undisturbed[0])
    train_classifier(TRAIN, TEST, config=other, out=tmp_path, force=True)
    assert weights(tmp_path) != weights(undisturbed[0])
    assert models.card(tmp_path).training.seed == 1


def test_resuming_with_another_configuration_is_refused_and_the_difference_named(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        train_classifier(TRAIN, TEST, config=CONFIG, out=tmp_path, on_progress=interrupt_after(1))
    other = dataclasses.replace(CONFIG, activation="tanh", seed=7)
    with pytest.raises(FiberscopeError, match=r"checkpoint of another run: .* delete the checkpoint") as refusal:
        train_classifier(TRAIN, TEST, config=other, out=tmp_path, force=True)
    assert "activation 'relu' there, 'tanh' now; seed 0 there, 7 now." in str(refusal.value)
    with pytest.raises(FiberscopeError, match=r"train_data 'rows-train, 200 images' there, '.* 30 images' now"):
        train_classifier(digits(30, "rows-train"), TEST, config=CONFIG, out=tmp_path)


def test_a_damaged_checkpoint_is_refused(tmp_path):
    (tmp_path / "classifier.checkpoint.safetensors").write_bytes(b"half")
    with pytest.raises(ModelError, match=r"checkpoint\.safetensors is not a whole checkpoint .*delete it"):
        train_classifier(TRAIN, TEST, config=CONFIG, out=tmp_path)


def test_a_file_of_tensors_without_counters_is_no_checkpoint(tmp_path):
    path = tmp_path / "classifier.checkpoint.safetensors"
    safetensors.torch.save_file({"a": torch.zeros(1)}, path)
    with pytest.raises(ModelError, match=r"is not a whole checkpoint"):
        train_classifier(TRAIN, TEST, config=CONFIG, out=tmp_path)


def test_an_unfinished_folder_is_no_model_yet(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        train_classifier(TRAIN, TEST, config=CONFIG, out=tmp_path, on_progress=interrupt_after(1))
    with pytest.raises(ModelError, match="training is not finished: run that command again"):
        models.load(tmp_path)


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(FiberscopeError, match=r"file.* cannot be written .* choose another folder"):
        train_classifier(TRAIN, TEST, config=CONFIG, out=tmp_path / "file")


def test_progress_counts_every_step_and_ends_each_epoch_with_its_quality(tmp_path):
    seen = []
    train_classifier(TRAIN, TEST, config=CONFIG, out=tmp_path, on_progress=seen.append)
    steps = [(p.epoch, p.step) for p in seen if p.quality is None]
    assert steps == [(epoch, step) for epoch in (1, 2, 3) for step in range(1, 11)]
    assert all(p.steps == 10 and p.epochs == 3 for p in seen)
    assert [p.epoch for p in seen if p.quality is not None] == [1, 2, 3]


def test_the_learning_rate_rises_to_its_peak_and_falls_to_zero():
    rates = [_schedule(done / 100) for done in range(101)]
    assert rates[0] == 0
    assert rates[20] == 1
    assert rates[100] == pytest.approx(0, abs=1e-12)
    assert sorted(rates[:21]) == rates[:21]
    assert sorted(rates[20:], reverse=True) == rates[20:]


def test_every_step_takes_its_learning_rate_from_the_schedule_of_the_whole_run(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(train, "_schedule", lambda done: asked.append(done) or 0.0)
    train_classifier(TRAIN, TEST, config=CONFIG, out=tmp_path / "three")
    assert asked == pytest.approx([step / 30 for step in range(30)])
    # at rate zero nothing moves, however long the run
    train_classifier(TRAIN, TEST, config=dataclasses.replace(CONFIG, epochs=1), out=tmp_path / "one")
    assert weights(tmp_path / "one") == weights(tmp_path / "three")


def test_a_shift_moves_each_image_by_whole_pixels_and_lets_black_in():
    image = torch.zeros(1, 1, 28, 28)
    image[0, 0, 14, 14] = 1.0
    moved = _shift(image.expand(200, 1, 28, 28), max_shift=2, generator=torch.Generator().manual_seed(0))
    places = {tuple(place) for place in moved.nonzero()[:, 2:].tolist()}
    assert places == {(row, column) for row in range(12, 17) for column in range(12, 17)}
    assert moved.sum() == 200


def test_no_shift_leaves_the_images():
    assert torch.equal(_shift(TEST.images, max_shift=0, generator=torch.Generator()), TEST.images)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"epochs": 0}, "epochs is 0; it must be at least 1"),
        ({"batch_size": 0}, "batch_size is 0; it must be at least 1"),
        ({"latent_size": 0}, "latent_size is 0; it must be at least 1"),
        ({"seed": -1}, "seed is -1; it must be at least 0"),
        ({"max_shift": -1}, "max_shift is -1; it must be at least 0"),
        ({"weight_decay": -0.1}, "weight_decay is -0.1; it must be at least 0"),
        ({"learning_rate": 0.0}, "learning_rate is 0.0; it must be positive"),
        ({"activation": "swish"}, "activation is 'swish'; choose one of relu"),
    ],
)
def test_a_senseless_configuration_is_refused(change, message):
    with pytest.raises(FiberscopeError, match=message):
        ClassifierConfig(**change)
