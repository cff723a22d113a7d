"""Judges of one's own: a survey of images that are no digits has verdicts, and the judges belong to its plan."""

from dataclasses import replace

import pytest
import torch

from fiberscope.problem import FiberscopeError
from fiberscope.survey import query, read_images, read_plan, resume_survey, run_survey
from fiberscope.survey.reopen import reopen
from surveys import choose, write_survey

JUDGE = """
import torch

class Stripes(torch.nn.Module):
    \"\"\"The brightest stripe, and sure of it.\"\"\"

    def forward(self, images):
        return 100 * images[:, 0, 0::2].mean(dim=2)

def three():
    return Stripes()

def two():
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(36, 2))
"""


@pytest.fixture
def judged(tmp_path):
    """Files with a judge, the network's choice, and a survey's choice that names it."""
    folder = tmp_path / "files"
    network = write_survey(folder, 9)
    (folder / "judge.py").write_text(JUDGE)
    choice = choose(folder, tmp_path / "survey", "nearest", "collisions", judge=(f"{folder / 'judge.py'}:three",))
    return folder, network, choice


def test_a_judge_of_ones_own_sees_in_what_was_found_what_its_rule_says(judged):
    _, network, choice = judged
    run_survey(choice, network)
    rows = query(choice.out, "SELECT image, seen_class, judged_class, verdict, label FROM records ORDER BY image").rows
    found = torch.from_numpy(read_images(choice.out, "found", range(9)))
    brightest = found[:, 0, 0::2].mean(dim=2)
    assert [row[2] for row in rows] == brightest.argmax(dim=1).tolist()
    sure = (100 * brightest).softmax(dim=1).amax(dim=1) >= 0.5
    for (_, seen, judged_class, verdict, label), certain in zip(rows, sure.tolist(), strict=True):
        assert seen == label  # the network reads no class
        wanted = ("wanted" if judged_class == seen else "collision") if certain else "unsure"
        assert verdict == wanted
    assert {row[3] for row in rows} & {"wanted", "collision"}


def test_a_worker_elsewhere_opens_the_judge_by_its_name(judged):
    _, _, choice = judged
    run_survey(choice, judged[1])
    panel = reopen(read_plan(choice.out)).scene.panel
    assert [judge.name for judge in panel.judges] == ["judge.py:three"]


def test_a_judge_that_has_changed_is_refused(judged):
    folder, network, choice = judged
    run_survey(choice, network)
    assert read_plan(choice.out).judges == choice.judge
    (folder / "judge.py").write_text(JUDGE.replace("100 *", "-100 *"))
    with pytest.raises(FiberscopeError, match="Python code that you have not trusted"):
        resume_survey(choice.out)
    with pytest.raises(FiberscopeError, match="changed"):
        resume_survey(choice.out, trust=True)
    with pytest.raises(FiberscopeError, match="the judges have changed"):
        run_survey(choice, network)


def test_another_choice_of_judges_is_another_survey(judged):
    _, network, choice = judged
    run_survey(replace(choice, measures=("nearest",)), network)
    with pytest.raises(FiberscopeError, match="judges was"):
        run_survey(replace(choice, measures=("nearest",), judge=()), network)


def test_a_judge_of_other_classes_is_refused_before_anything_is_measured(judged):
    folder, network, choice = judged
    with pytest.raises(FiberscopeError, match=r"judge: .*two answers two images with shape \(2, 2\), wanted \(2, 3\)"):
        run_survey(replace(choice, judge=(f"{folder / 'judge.py'}:two",)), network)
    assert not (choice.out / "plan.json").exists()
