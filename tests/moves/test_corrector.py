"""The corrector: what it learns between Jacobians, where it stops, and what it asks of the host."""

from __future__ import annotations

import importlib
from collections import Counter
from typing import Any

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

import fiberscope as fs
from fibers import linear_map, uniform, wavy_map
from fiberscope.geometry.rounding import rounding_level
from fiberscope.moves.setup import set_up
from fiberscope.moves.trial import Stand, attempt
from networks import pairs

DIGITS = fs.data.mnist("test")
CORRECTOR = importlib.import_module("fiberscope.moves.corrector")
WAITS = ("aten._local_scalar_dense.default", "aten.nonzero.default")  # what the host has to wait for


@pytest.fixture(scope="module")
def classifier() -> fs.LatentMap:
    return fs.LatentMap(fs.models.load("mnist-classifier").encoder, (1, 28, 28))


class Calls(TorchDispatchMode):
    def __init__(self) -> None:
        super().__init__()
        self.counted: Counter[str] = Counter()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.counted[str(func)] += 1
        return func(*args, **(kwargs or {}))


def waits(fiber: fs.Fiber, images: torch.Tensor) -> tuple[int, int]:
    with Calls() as calls:
        fs.project(fiber, images)
    return tuple(calls.counted[name] for name in WAITS)


def test_secants_save_a_quarter_of_the_jacobians_of_the_slow_reference(classifier, monkeypatch):
    sources, targets = pairs(64, seed=3)
    fiber, images = fs.Fiber.through(classifier, DIGITS.images[targets]), DIGITS.images[sources]
    fast = fs.project(fiber, images).raise_if_failed()
    monkeypatch.setattr(CORRECTOR, "_WORTHWHILE", 0.0)  # a Jacobian a step: damped Gauss-Newton as in the books
    slow = fs.project(fiber, images).raise_if_failed()
    assert float(fast.num_jacobians.double().mean()) < 0.75 * float(slow.num_jacobians.double().mean())


def test_a_secant_makes_the_model_explain_the_step():
    latent_map = wavy_map(3, 20)
    fiber = fs.Fiber.through(latent_map, uniform(5, 20, seed=1))
    task = set_up(fiber, uniform(5, 20), frozen=None, rtol=None, atol=0.0)
    _, state = CORRECTOR._start(latent_map, task.rows, task.task, None)
    here = Stand(state.rows, state.residual, state.norm, state.norm)
    trial = attempt(latent_map, state.task, here, state.model, damping=state.damping, exact=state.fresh)
    CORRECTOR._learn(state, trial, torch.ones(5, dtype=torch.bool))
    explained = (state.model @ trial.step[:, :, None])[:, :, 0]
    assert torch.allclose(explained, trial.residual - state.residual, atol=1e-10)


def test_one_step_solves_a_linear_map_even_in_the_box():
    latent_map, _ = linear_map(3, 30)
    fiber = fs.Fiber.through(latent_map, uniform(6, 30, seed=1))
    found = fs.project(fiber, uniform(6, 30).round()).raise_if_failed()
    assert found.num_jacobians.tolist() == [1] * 6


def test_a_tolerance_below_rounding_ends_at_rounding_level_after_a_few_jacobians(classifier):
    sources, targets = pairs(32, seed=0)
    fiber = fs.Fiber.through(classifier, DIGITS.images[targets])
    found = fs.project(fiber, DIGITS.images[sources], rtol=1e-9)
    assert set(found.outcome) == {fs.Outcome.ROUNDING}
    assert float((found.residual_norm / fiber.target.norm(dim=1)).max()) < 1e-6
    assert float(found.num_jacobians.double().mean()) < 20


def test_rounding_level_bounds_the_error_of_a_forward_pass():
    single = fs.LatentMap(fs.models.load("mnist-classifier").encoder, (1, 28, 28))
    double = fs.models.load("mnist-classifier").double().encoder
    rows = DIGITS.images[:64].flatten(1)
    with torch.no_grad():
        error = (single(rows).double() - double(DIGITS.images[:64].double())).norm(dim=1)
        size = single(rows).norm(dim=1)
    level = rounding_level(single, rows)
    assert bool((error <= level).all())
    assert float((level / size).max()) < 1e-5


def test_the_host_waits_as_often_for_many_rows_as_for_few(classifier):
    source, target = (index[:1] for index in pairs(1, seed=0))

    def of(count: int) -> tuple[int, int]:
        fiber = fs.Fiber.through(classifier, DIGITS.images[target].expand(count, -1, -1, -1))
        return waits(fiber, DIGITS.images[source].expand(count, -1, -1, -1))

    few, many = of(8), of(40)
    assert few == many
    assert sum(few) < 40 * 12  # a dozen a step, at most
