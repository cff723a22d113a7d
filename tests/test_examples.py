"""Every example runs as it is, offline, and says what it claims."""

import re
import runpy
from pathlib import Path

import pytest
import torch

EXAMPLES = Path(__file__).parents[1] / "examples"
SAYS = {
    "own_network": r"784 pixels become 12 numbers\n(digit \d with the latent of digit \d: converged, off by .*\n){4}",
    "torchvision_network": r"resnet18 with random weights: 10 latents of 3072 pixels\nconverged: off by \d\.\de-0[67]",
    "timm_network": r"64 latents of 76800 pixels\nit sees \d+ directions.*\nit is blind to \d+\n",
    "hugging_face_network": r"logits: 2\nwalked 2\.00: converged, logits off by \d\.\de-0[67]",
    "onnx_network": r"an image is \(1, 28, 28\) and gives 6 numbers of it\n(digit \d with .*: converged.*\n){2}",
    "exported_program": r"latent 8; the same numbers .*\nan image \d+\.\d away .*: off by \d\.\de-0[67]",
    "sensor": r"converged; every sensor in its range: True",
}


def test_every_example_is_run():
    assert {path.stem for path in EXAMPLES.glob("*.py")} == set(SAYS)


@pytest.mark.filterwarnings("default")  # an example meets the packages of others as its reader does
@pytest.mark.parametrize("name", sorted(SAYS))
def test_an_example_says_what_it_claims(name, capsys):
    with torch.random.fork_rng():
        runpy.run_path(str(EXAMPLES / f"{name}.py"), run_name="__main__")
    assert re.search(SAYS[name], capsys.readouterr().out)
