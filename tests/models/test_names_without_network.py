"""Random weights, and names whose weights are not here, never open a connection; misnamed networks are told apart."""

import inspect
import socket
import urllib.request

import pytest
import torch
from torch import nn

from fiberscope.models import open_model
from fiberscope.models.opened import RANDOM
from fiberscope.models.timm_names import open_timm
from fiberscope.models.torchvision_names import _create, names
from fiberscope.models.torchvision_package import torchvision
from fiberscope.problem import ModelError

MODELS = torchvision().models
BUILDERS = {name: inspect.signature(MODELS.get_model_builder(name)).parameters for name in names()}


@pytest.fixture(autouse=True)
def closed(monkeypatch):
    """No connection can be opened, by whatever way, and whoever tries is told."""

    def refuse(*_, **__):
        raise AssertionError("a connection was opened")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(urllib.request, "urlopen", refuse)
    for name in ("urlopen", "download_url_to_file"):
        monkeypatch.setattr(torch.hub, name, refuse)


@pytest.fixture
def empty_cache(monkeypatch, tmp_path):
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))


def test_every_argument_of_torchvisions_builders_that_could_fetch_is_known():
    from torchvision.models import WeightsEnum

    fetching = {
        (name, argument.name)
        for name, arguments in BUILDERS.items()
        for argument in arguments.values()
        if isinstance(argument.default, WeightsEnum) or "Weights" in str(argument.annotation)
    }
    assert {argument for _, argument in fetching} == {"weights", "weights_backbone"}
    assert not any(arguments["quantize"].default for arguments in BUILDERS.values() if "quantize" in arguments)


@pytest.mark.parametrize("name", [name for name, arguments in BUILDERS.items() if "weights_backbone" in arguments])
def test_no_backbone_is_fetched_for_random_weights(name, empty_cache, monkeypatch):
    # what the layers draw is not looked at, and would take most of the time
    for draw in ("kaiming_normal_", "kaiming_uniform_", "normal_", "uniform_", "trunc_normal_", "xavier_uniform_"):
        monkeypatch.setattr(nn.init, draw, lambda tensor, *_, **__: tensor)
    with torch.device("meta"):
        assert isinstance(_create(name), nn.Module)


@pytest.mark.parametrize(
    "name", ["torchvision:lraspp_mobilenet_v3_large", "torchvision:quantized_mobilenet_v2", "timm:test_vit.r160_in1k"]
)
def test_random_weights_are_drawn_without_a_connection(name, empty_cache):
    assert open_model(name, RANDOM).weights == "random"


@pytest.mark.parametrize(
    "name", ["torchvision:fcn_resnet50", "torchvision:quantized_resnet18", "timm:vit_tiny_patch16_224"]
)
def test_weights_that_are_not_here_are_not_fetched(name, empty_cache):
    with pytest.raises(ModelError, match="weights are not on this machine"):
        open_model(name)


@pytest.mark.parametrize("name", ["hf-hub:timm/resnet18.a1_in1k", "hf_hub:a/b", "local-dir:."])
def test_timm_takes_no_name_of_the_hub(name):
    for weights in (None, RANDOM):
        with pytest.raises(ModelError, match=r"timm has no network .* hf:NAME"):
            open_timm(name, weights)


@pytest.mark.parametrize(
    ("model", "instead"),
    [
        ("resnet18", "--model torchvision:resnet18 or --model timm:resnet18"),
        ("vit_tiny_patch16_224", "--model timm:vit_tiny_patch16_224"),
        ("resnet18.a1_in1k", "--model timm:resnet18.a1_in1k"),
        ("ResNet18", "--model torchvision:resnet18 or --model timm:resnet18"),
        ("resnt18", "--model torchvision:resnet18 or --model timm:resnet18"),
        ("torchvision/resnet18", "--model torchvision:resnet18"),
        ("torchvision.models.resnet18", "--model torchvision:resnet18"),
        ("torchvison:resnet18", "--model torchvision:resnet18"),
        ("Timm:resnet18", "--model timm:resnet18"),
        ("hf/google/vit-base-patch16-224", "--model hf:google/vit-base-patch16-224"),
        ("huggingface:google/vit", "--model hf:google/vit"),
        ("google/vit-base-patch16-224", "--model hf:google/vit-base-patch16-224"),
        ("eficientnet-lite0", "--model efficientnet-lite0"),
    ],
)
@pytest.mark.parametrize("weights", [None, RANDOM], ids=["own", "random"])
def test_a_name_of_another_door_is_told_with_what_to_write(model, instead, weights):
    with pytest.raises(ModelError) as refused:
        open_model(model, weights)
    assert str(refused.value).endswith(f"write {instead}")


@pytest.mark.parametrize(
    ("file", "told"),
    [
        ("net.h5", "a network of Keras: convert it by python -m tf2onnx.convert --keras net.h5"),
        ("net.keras", "a network of Keras: convert it by keras.models"),
        ("net.pb", "a graph of TensorFlow"),
        ("net.tflite", "a network of TensorFlow Lite"),
        ("net.ckpt", "a file of weights, and no network; give them by --weights beside --model file.py:factory"),
        ("pytorch_model.bin", r"a file of weights, .*--model hf:FOLDER"),
        ("net.safetensors", "a file of weights, .*this file by --weights beside it"),
        ("net.pkl", "a pickle, which could run code"),
    ],
)
def test_a_file_of_another_kind_is_told_with_what_to_give(file, told, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for _ in range(2):  # missing or there
        with pytest.raises(ModelError, match=f"model {file} is {told}"):
            open_model(file)
        (tmp_path / file).write_bytes(b"something")


def test_a_folder_of_hugging_face_is_sent_to_its_door(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(ModelError, match=f"is a folder of Hugging Face: write --model hf:{tmp_path}"):
        open_model(str(tmp_path))
