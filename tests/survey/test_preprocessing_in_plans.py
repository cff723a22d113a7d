"""What is done to images before a network decides the records, so it is in the plan."""

from dataclasses import replace

import pytest

from fiberscope.analysis.choices import NetworkChoice
from fiberscope.analysis.survey_choices import SurveyChoice
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
    told = r"mean was \[0\.1\] and is \[0\.0\]; scale was 0\.5 and is 1\.0; resize was \[28, 28\] and is None"
    with pytest.raises(FiberscopeError, match=told):
        refuse_other(plan, replace(again, preprocessing={}))
    with pytest.raises(FiberscopeError, match="normalise_latent was True and is False"):
        refuse_other(plan, replace(again, normalise_latent=False))


@pytest.mark.parametrize(
    ("other", "words"),
    [
        ({"mean": (0.2,)}, r"mean was \[0\.1\] and is \[0\.2\]"),
        ({"scale": 2.0}, r"scale was 1\.0 and is 2\.0"),
        ({"dtype": "float64"}, "dtype was float32 and is float64"),
        ({"model": "mnist-classifier-robust"}, "model was mnist-classifier and is mnist-classifier-robust"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_another_choice_is_named_and_not_what_it_brings_with_it(other, words, tmp_path):
    choice = SurveyChoice(out=tmp_path, data="0:2", measures=("spectrum",))
    network = NetworkChoice(mean=(0.1,))
    plan = make_plan(choice, network).plan
    with pytest.raises(FiberscopeError, match=f"with something else: {words}\\. Its records"):
        refuse_other(plan, make_plan(choice, replace(network, **other)).plan)


def test_settings_of_measures_that_were_not_asked_for_are_not_told(tmp_path):
    choice = SurveyChoice(out=tmp_path, data="0:2", measures=("spectrum", "nearest"))
    plan = make_plan(choice, NetworkChoice()).plan
    with pytest.raises(FiberscopeError, match=r"else: measures was \[.*\] and is \['spectrum'\]\. Its records"):
        refuse_other(plan, make_plan(replace(choice, measures=("spectrum",)), NetworkChoice()).plan)


def test_a_plan_opens_again_with_the_same_kind_of_variations_and_no_other(tmp_path):
    choice = SurveyChoice(out=tmp_path, data="0:2", measures=("spectrum",), variations="faces")
    plan = make_plan(choice, NetworkChoice()).plan
    write_plan(plan, tmp_path)
    again = reopen(read_plan(tmp_path)).plan
    assert again == plan
    with pytest.raises(FiberscopeError, match="variations was faces and is general"):
        refuse_other(plan, replace(again, variations="general"))
