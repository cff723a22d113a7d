import hashlib

import pytest
import safetensors.torch
import torch

from fiberscope import models
from fiberscope.analysis.choices import NetworkChoice
from fiberscope.analysis.device import find_device
from fiberscope.analysis.network import open_network
from fiberscope.problem import FiberscopeError

FACTORY = """
import torch

def small():
    network = torch.nn.Sequential()
    network.add_module("flatten", torch.nn.Flatten())
    network.add_module("latent", torch.nn.Linear(12, 3))
    network.add_module("dropout", torch.nn.Dropout(0.5))
    network.add_module("head", torch.nn.Linear(3, 2))
    return network.train()
"""


@pytest.fixture
def model(tmp_path):
    (tmp_path / "networks.py").write_text(FACTORY)
    return f"{tmp_path / 'networks.py'}:small"


def test_the_network_that_ships_is_cut_at_its_latent():
    network = open_network(NetworkChoice())
    images = torch.rand(2, 1, 28, 28)
    assert torch.equal(network.latent_map(images), models.load("mnist-classifier").encoder(images))
    assert network.layer == "encoder"
    assert network.weights_sha256 == models.card("mnist-classifier").sha256


def test_another_layer_is_another_latent():
    network = open_network(NetworkChoice(layer="encoder.fc1"))
    assert network.latent_map.latent_size == 200


def test_a_network_of_ones_own_is_explored_at_its_output_in_eval_mode(model):
    network = open_network(NetworkChoice(model=model, input_shape=(3, 2, 2)))
    assert (network.latent_map.latent_size, network.layer, network.weights_sha256) == (2, "output", None)


def test_a_network_of_ones_own_at_a_layer_with_its_weights(model, tmp_path):
    weights = tmp_path / "weights.safetensors"
    state = {"latent.weight": torch.ones(3, 12), "latent.bias": torch.zeros(3)}
    safetensors.torch.save_file({**state, "head.weight": torch.ones(2, 3), "head.bias": torch.zeros(2)}, weights)
    network = open_network(NetworkChoice(model=model, weights=weights, layer="latent", input_shape=(3, 2, 2)))
    assert network.latent_map(torch.ones(1, 3, 2, 2)).tolist() == [[12, 12, 12]]
    assert network.weights_sha256 == hashlib.sha256(weights.read_bytes()).hexdigest()


def test_float64_is_float64_throughout():
    latent_map = open_network(NetworkChoice(dtype="float64")).latent_map
    assert latent_map(torch.rand(1, 1, 28, 28, dtype=torch.float64)).dtype == torch.float64


@pytest.mark.parametrize("name", ["cuda:97", "toaster", "cpu:x", ""])
def test_a_device_that_is_not_here_is_refused_with_those_that_are(name):
    with pytest.raises(FiberscopeError, match=f"device: '{name}' is not on this machine. Choose one of: cpu"):
        find_device(name)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device here")
def test_cuda_is_refused_where_there_is_none():
    with pytest.raises(FiberscopeError, match="device: 'cuda' is not on this machine"):
        find_device("cuda")


def test_the_processor_is_always_here():
    assert find_device("cpu") == torch.device("cpu")
