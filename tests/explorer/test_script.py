"""The script of a state, run by itself, makes the same image."""

import os
import re
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch

from explorer.states import STROKE, ZERO, along, relative_residual, starting
from fiberscope.analysis.choices import NetworkChoice
from fiberscope.explorer import ImageRef, Morph, open_scene, picture
from fiberscope.explorer.script import script

OWN = ImageRef(pixels=bytes([0, 39, 92, 34] * 196))  # zeros, quotes and backslashes


def run(text, folder):
    (folder / "same.py").write_text(text + "\nimport numpy\nnumpy.save('image.npy', image.numpy())\n")
    done = subprocess.run(
        [sys.executable, "-W", "error::DeprecationWarning:__main__", "same.py"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout, torch.from_numpy(np.load(folder / "image.npy"))


def test_it_makes_the_same_image_and_prints_its_residual(scene, encoder, tmp_path):
    state = starting(along("smooth", 12, 2.0), STROKE, Morph(ZERO, 0.4))
    out, image = run(script(scene, state), tmp_path)
    assert torch.allclose(image, picture(scene, state).image, atol=1e-5)
    assert float(re.search(r"= (\S+),", out)[1]) <= 1e-4
    assert float(relative_residual(encoder, image)) <= 1e-4


def test_what_opened_the_scene_is_in_it_whatever_its_path_holds(tmp_path):
    folder = tmp_path / 'it\'s a "folder" {x} \\n'
    folder.mkdir()
    np.savez(folder / "grey.npz", images=np.full((3, 1, 28, 28), 0.25, np.float32))
    (folder / "walks.csv").write_text("index,length\n1,2\n")
    opened = open_scene(images=(str(folder / "grey.npz"),), records=folder / "walks.csv")
    _, image = run(script(opened, starting(image=ImageRef(index=1))), tmp_path)
    assert torch.equal(image, torch.full((1, 28, 28), 0.25))


@pytest.mark.parametrize("state", [starting(image=OWN), starting(space="natural", radius=0.5, straight=True)])
def test_it_is_python_whatever_the_state(scene, state):
    compile(script(scene, state), "script", "exec")


@pytest.mark.parametrize("field", ["model", "layer"])
@pytest.mark.parametrize("words", ['"""\nimport os\n"""', "a\\", 'ends with "', "{braces}", "two\nlines"])
def test_names_stay_words(scene, field, words):
    text = script(replace(scene, **{field: words}), starting())
    compile(text, "script", "exec")
    assert "\nimport os\n" not in text


def test_a_network_of_another_kind_is_named(scene):
    opened = replace(scene, opened_by=(f"NetworkChoice(model={'my.py:Net'!r})",))
    assert "open_scene(NetworkChoice(model='my.py:Net'))" in script(opened, starting())
    assert "open_scene(NetworkChoice())" in script(scene, starting())
    assert open_scene(NetworkChoice(layer="encoder"), images=("0:2",)).opened_by[0] == "NetworkChoice(layer='encoder')"
