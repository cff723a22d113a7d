"""docs/surveys.md: what it shows runs."""

import re
from pathlib import Path

import torch

import fiberscope as fs
from fiberscope.survey import query, run_survey
from studies import labelled
from surveys import COUNT, choose

GUIDE = (Path(__file__).parents[2] / "docs" / "surveys.md").read_text(encoding="utf-8")


def test_the_measure_of_the_guide_measures(files, tmp_path):
    folder, network = files
    (code,) = re.findall(r"```python\n(.*?)```", GUIDE, flags=re.DOTALL)
    (tmp_path / "fading.py").write_text(code)
    choice = choose(folder, tmp_path / "survey", f"{tmp_path / 'fading.py'}:fading")
    assert run_survey(choice, network).failed == 0
    module, images = fs.models.resolve(network.model), labelled(COUNT).images
    with torch.no_grad():
        wanted = (module(0.99 * images) - module(images)).norm(dim=1)
    found = torch.tensor([fading for (fading,) in query(choice.out, "SELECT fading FROM records ORDER BY image").rows])
    torch.testing.assert_close(found, wanted, rtol=1e-3, atol=1e-6)


def test_every_option_of_the_guide_is_one():
    from fiberscope.cli.app import app

    known = set()
    for name in ("run", "resume", "status"):
        for argument in app["survey"][name].assemble_argument_collection(parse_docstring=False):
            known.update(argument.names)
    commands = re.findall(r"^fiberscope survey .*?(?<!\\)$", GUIDE, flags=re.MULTILINE | re.DOTALL)
    assert commands
    assert {option for command in commands for option in re.findall(r" (--[a-z-]+)", command)} <= known
