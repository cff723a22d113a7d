"""Pairs that met are counted as a few lines by hand would count them, and said as one would say it."""

from __future__ import annotations

import torch

from fiberscope.analysis.faces.ask_pairs import left_out
from fiberscope.analysis.faces.meetings import Met, count_met
from fiberscope.analysis.faces.priors import no_prior
from small_faces import SHAPE, small_latent_map


def met(reached, judged, *, blindness=(0.1, 0.2, 0.6)):
    values = torch.tensor(blindness)
    return Met(
        no_prior(small_latent_map()),
        torch.rand(3, *SHAPE),
        torch.full((3,), 1e-6),
        torch.ones(3),
        values,
        torch.tensor(reached),
        judged,
    )


def test_judges_readings_are_counted_over_the_pairs_that_arrived():
    sources, targets = torch.tensor([1, 2, 3]), torch.tensor([2, 3, 1])
    found = count_met(met([True, True, False], {"a": [1, 3, 3], "b": [1, 2, 3]}), sources, targets)
    assert found.reached == "2 of 3"
    assert found.first.value == 0.75
    assert found.second.value == 0.25
    assert found.first_by_judge == {"a": 0.5, "b": 1.0}
    assert abs(found.blindness.value - 0.15) < 1e-6


def test_what_did_not_arrive_is_said_only_where_something_did_not():
    judged = {"a": [0, 0, 0]}
    assert left_out(met([True, True, True], judged)) == ""
    assert left_out(met([True, True, False], judged)) == " 1 of 3 did not arrive and is not shown."
    assert left_out(met([True, False, False], judged)) == " 2 of 3 did not arrive and are not shown."
