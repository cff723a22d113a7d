"""What is of another type altogether, as a user's own process gives it: types are not checked there."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

SCRIPT = """
import json
import numpy as np
import fiberscope as fs
from torch import nn

network = nn.Sequential(nn.Flatten(), nn.Linear(48, 3)).eval()
latent_map = fs.LatentMap(network, (1, 6, 8))
CALLS = {
    "a name": lambda: fs.LatentMap("mnist-classifier", (1, 6, 8)),
    "a class": lambda: fs.LatentMap(nn.Linear, (1, 6, 8)),
    "a state dict": lambda: fs.LatentMap(network.state_dict(), (1, 6, 8)),
    "an array": lambda: fs.LatentMap(np.ones(3), (1, 6, 8)),
    "shape of a number": lambda: fs.LatentMap(network, 28),
    "shape of a word": lambda: fs.LatentMap(network, "28"),
    "shape of a float": lambda: fs.LatentMap(network, (1, 28.0)),
    "shape of nothing": lambda: fs.LatentMap(network, None),
    "images of numpy": lambda: latent_map.check_images(np.zeros((1, 1, 6, 8))),
    "layer of a float": lambda: fs.LatentMap.at_layer(network, 1.5, input_shape=(1, 6, 8)),
    "layer of nothing": lambda: fs.LatentMap.at_layer(network, None, input_shape=(1, 6, 8)),
    "layers of a function": lambda: fs.LatentMap.at_layer(lambda x: x, "1", input_shape=(1, 6, 8)),
    "select of a word": lambda: fs.LatentMap(network, (1, 6, 8), select="0"),
    "select of a float": lambda: fs.LatentMap(network, (1, 6, 8), select=0.5),
    "several outputs": lambda: fs.LatentMap(lambda x: (x, x), (1, 6, 8)),
}
told = {}
for name, call in CALLS.items():
    try:
        call()
    except fs.FiberscopeError as error:
        told[name] = str(error)
    except Exception as error:
        told[name] = "RAW " + type(error).__name__ + ": " + str(error)
print(json.dumps(told))
"""
WANTED = {
    "a name": "found a name; open it: fs.models.open_model('mnist-classifier').module",
    "a class": "found the class Linear; give an instance: Linear(...).eval()",
    "a state dict": "a mapping such as a state dict, which is no network",
    "an array": "found a ndarray; give a torch module or a function",
    "shape of a number": "input_shape: expected the shape of one image",
    "shape of a word": "input_shape: expected the shape of one image",
    "shape of a float": "input_shape: expected the shape of one image",
    "shape of nothing": "input_shape: expected the shape of one image",
    "images of numpy": "Convert with torch.as_tensor(images)",
    "layer of a float": "found float. Its layers: 0, 1",
    "layer of nothing": "found NoneType. Its layers: 0, 1",
    "layers of a function": "expected a torch.nn.Module to cut at a layer, found function",
    "select of a word": "select: expected places",
    "select of a float": "select: expected places",
    "several outputs": "output is a tuple of 2, not one tensor",
}


@pytest.fixture(scope="module")
def told():
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


@pytest.mark.parametrize("name", WANTED)
def test_another_type_is_refused_with_what_to_give(told, name):
    assert WANTED[name] in told[name]
