"""What a user gets wrong, and the sentence that helps: in this process, where the signatures are checked too."""

import pickle

import pytest
import safetensors.torch
import torch
from PIL import Image

from fiberscope.cli.app import REFUSED, run

NETWORKS = """
import torch

def linear():
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 3))

def narrow():
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 2))

def colour():
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(3 * 8 * 8, 2))

def noisy():
    torch.nn.Module.eval = lambda self: self
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Dropout(0.5), torch.nn.Linear(784, 3))
"""


@pytest.fixture
def refused(tmp_path, monkeypatch, capsys):
    """Run a command that is to be refused, in a folder of its own, and return its one sentence."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "networks.py").write_text(NETWORKS)

    def run_refused(*arguments, out="run"):
        assert run(["project", "--images", "0", "--out", out, *arguments]) == REFUSED
        captured = capsys.readouterr()
        assert captured.out == ""
        assert captured.err.startswith("error: ")
        assert "Traceback" not in captured.err
        assert not any((tmp_path / "run").glob("*"))
        return captured.err

    return run_refused


def linear_state():
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 3)).state_dict()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--layer", "encodr"], "no layer 'encodr'. Close names: encoder"),
        (["--model", "mnist-clasifier"], "Did you mean mnist-classifier?"),
        (["--model", "networks.py"], "write networks.py:NAME"),
        (["--model", "networks.py:square"], "no function square"),
        (["--device", "cuda:9"], "device: 'cuda:9' is not on this machine. Choose one of: cpu"),
        (["--device", "toaster"], "device: 'toaster' is not on this machine. Choose one of: cpu"),
        (["--images", "10000"], "index 10000 is out of range; the test set has 10000 digits, 0 to 9999"),
        (["--images", "0:10001"], "index 10001 is out of range"),
        (["--images", "digits.png"], "'digits.png' is neither indices"),
        (["--targets", "0:3"], "targets: 3 images for 1 images to start from"),
        (
            ["--input-shape", "3", "28", "28"],
            "mnist-classifier takes 1. Say how one becomes the other: --channels grey",
        ),
        (["--input-shape", "1", "27", "28"], "Check input_shape"),
        (["--channels", "rgb"], "Check input_shape"),
        (["--std", "0"], "std and scale above zero"),
        (["--mean", "0.1", "0.2", "0.3"], "mean: 3 values for 1 channels"),
        (["--model", "nowhere.onnx"], "nowhere.onnx does not exist; check the path"),
        (["--model", "nowhere.pt2"], "nowhere.pt2 does not exist; check the path"),
        (["--model", "weights.pth"], "is a file of weights, and no network; give them by --weights"),
        (["--model", "efficientnet-lite0", "--weights", "w.pth"], "has its own; leave the weights out"),
        (["--model", "networks.py:linear", "--weights", "random"], "random ones are drawn for timm:, torchvision:"),
        (["--model", "timm:resnet"], "timm has no network 'resnet'; close names: resnet"),
        (["--model", "torchvision:resnet19"], "torchvision has no network 'resnet19'; close names: resnet18"),
        (["--model", "hf:nowhere"], "Nothing is downloaded unasked"),
        (["--model", "networks.py:linear", "--input-shape", "784"], "images: indices mean digits"),
        (["--model", "networks.py:colour", "--input-shape", "3", "8", "8"], "images: indices mean digits"),
        (["--seed", "-1"], "seed: expected a number from 0"),
        (["--batch-size", "0"], "batch_size: expected at least 1"),
        (["--rtol", "-1"], "rtol, atol: expected finite, non-negative"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_the_sentence_names_what_is_wrong_and_what_to_do(refused, arguments, sentence):
    assert sentence in refused(*arguments)


def test_truncated_weights(refused, tmp_path):
    safetensors.torch.save_file(linear_state(), tmp_path / "whole.safetensors")
    (tmp_path / "half.safetensors").write_bytes((tmp_path / "whole.safetensors").read_bytes()[:2000])
    assert "half.safetensors is truncated" in refused("--model", "networks.py:linear", "--weights", "half.safetensors")


def test_weights_of_another_architecture(refused, tmp_path):
    safetensors.torch.save_file(linear_state(), tmp_path / "other.safetensors")
    error = refused("--model", "networks.py:narrow", "--weights", "other.safetensors")
    assert "of another architecture" in error
    assert "1.weight is (3, 784), wanted (2, 784)" in error


def test_a_pickle_is_not_opened(refused, tmp_path):
    class Trap:
        def __reduce__(self):
            return (open, (str(tmp_path / "sprung"), "w"))

    (tmp_path / "model.pt").write_bytes(pickle.dumps(Trap(), protocol=2))
    assert "is no file that torch.save wrote" in refused("--model", "networks.py:linear", "--weights", "model.pt")
    assert not (tmp_path / "sprung").exists()


def test_weights_for_a_network_that_has_its_own(refused):
    assert "leave the weights out" in refused("--weights", "mine.safetensors")


def test_an_image_of_the_wrong_size(refused, tmp_path):
    Image.new("L", (10, 12)).save(tmp_path / "small.png")
    assert "small.png" in refused("--images", "small.png")


def test_a_folder_below_a_file(refused, tmp_path):
    (tmp_path / "file").write_text("")
    assert "cannot be written (Not a directory" in refused(out="file/run")


def test_a_file_in_the_place_of_the_folder(refused, tmp_path):
    (tmp_path / "file").write_text("")
    assert "out: file is a file, wanted a folder" in refused(out="file")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--directions", "0"], "directions: expected at least 1"),
        (["--length", "-1"], "expected a positive length"),
        (["--steps", "0"], "at least one step"),
        (["--basis", "toward", "--targets", "0:3"], "Give one, or 2: those of the first image first"),
        (["--reference", "5"], "reference: how images vary cannot be told from one"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_walks_that_cannot_be(arguments, sentence, tmp_path, capsys):
    assert run(["walk", "--images", "0", "--out", str(tmp_path / "run"), *arguments]) == REFUSED
    assert sentence in capsys.readouterr().err


def test_an_error_that_is_no_refusal_keeps_its_traceback(monkeypatch, tmp_path):
    monkeypatch.setattr("fiberscope.analysis.project.project", lambda *_, **__: int("three"))
    with pytest.raises(ValueError, match="invalid literal"):
        run(["project", "--images", "0", "--out", str(tmp_path / "run")])


def test_training_without_digits_says_where_it_looked(tmp_path, capsys):
    assert run(["train", "classifier", "--data-dir", str(tmp_path), "--out", str(tmp_path / "models")]) == REFUSED
    assert "fiberscope data fetch mnist" in capsys.readouterr().err
