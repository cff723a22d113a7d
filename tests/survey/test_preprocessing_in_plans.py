"""What is done to images before a network decides the records, so it is in the plan."""

from dataclasses import replace

import pytest

from fiberscope.analysis.choices import NetworkChoice, SurveyChoice
from fiberscope.problem import FiberscopeError
from fiberscope.survey.plan import make_plan, read_plan, write_plan
from fiberscope.survey.reopen import refuse_other, reopen


def test_a_plan_opens_again_with_the_same_preprocessing_and_no_other(tmp_path):
    choice = SurveyChoice(out=tmp_path, data="0:2", measures=("spectrum",))
    network = NetworkChoice(scale=0.5, mean=(0.1,), resize=(28, 28), normalise_latent=True)
    plan = make_plan(choice, network).plan
    assert plan.preprocessing["scale"] == 0.5
    write_plan(plan, tmp_path)
    again = reopen(read_plan(tmp_path)).plan
    assert again == plan
    with pytest.raises(FiberscopeError, match=r"preprocessing was .* and is"):
        refuse_other(plan, replace(again, preprocessing={}))
    with pytest.raises(FiberscopeError, match="normalise_latent was True and is False"):
        refuse_other(plan, replace(again, normalise_latent=False))


def test_a_plan_opens_again_with_the_same_kind_of_variations_and_no_other(tmp_path):
    choice = SurveyChoice(out=tmp_path, data="0:2", measures=("spectrum",), variations="faces")
    plan = make_plan(choice, NetworkChoice()).plan
    write_plan(plan, tmp_path)
    again = reopen(read_plan(tmp_path)).plan
    assert again == plan
    with pytest.raises(FiberscopeError, match="variations was faces and is general"):
        refuse_other(plan, replace(again, variations="general"))
