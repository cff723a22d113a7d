from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import fiberscope as fs
from fibers import normal


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), m=st.integers(1, 6), n=st.integers(1, 20))
def test_the_two_parts_add_up_are_orthogonal_and_the_network_sees_only_one(seed: int, m: int, n: int):
    jacobian, v = normal(3, m, n, seed=seed), normal(3, n, seed=seed + 1)
    split = fs.split_tangent(jacobian)
    seen, hidden = split.project_normal(v), split.project_tangent(v)
    assert torch.allclose(seen + hidden, v, atol=1e-10)
    assert float((seen * hidden).sum(1).abs().max()) < 1e-10
    assert float((jacobian @ hidden[:, :, None]).abs().max()) < 1e-9 * max(1.0, float(split.singular_values.max()))


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_an_invertible_change_of_latents_changes_no_null_space(seed: int):
    jacobian, v = normal(2, 3, 10, seed=seed), normal(2, 10, seed=seed + 1)
    mixed = (normal(3, 3, seed=seed + 2) + 3 * torch.eye(3).double()) @ jacobian
    plain, other = fs.split_tangent(jacobian).project_tangent(v), fs.split_tangent(mixed).project_tangent(v)
    assert torch.allclose(plain, other, atol=1e-8)


def test_singular_values_are_those_of_the_slow_reference():
    jacobian = normal(4, 3, 12)
    assert torch.allclose(fs.split_tangent(jacobian).singular_values, torch.linalg.svdvals(jacobian))


def test_a_dead_latent_lowers_the_rank():
    jacobian = normal(2, 3, 10)
    jacobian[1, 2] = 0
    assert fs.split_tangent(jacobian).rank.tolist() == [3, 2]


def test_repeated_latents_count_once():
    jacobian = normal(1, 3, 10)
    jacobian[0, 2] = 2 * jacobian[0, 1] - jacobian[0, 0]
    split = fs.split_tangent(jacobian)
    assert split.rank.tolist() == [2]
    assert float((split.row_basis[0].T @ split.row_basis[0]).trace()) == pytest.approx(2.0)


def test_a_zero_jacobian_hides_everything():
    split = fs.split_tangent(torch.zeros(1, 3, 10).double())
    v = normal(1, 10)
    assert split.rank.tolist() == [0]
    assert torch.equal(split.project_tangent(v), v)


def test_float32_leaves_only_rounding_visible():
    jacobian, v = normal(2, 8, 784).float(), normal(2, 784, seed=1).float()
    split = fs.split_tangent(jacobian)
    left = (jacobian @ split.project_tangent(v)[:, :, None]).norm() / (jacobian.norm() * v.norm())
    assert float(left) < 1e-7


def test_a_jacobian_with_nan_is_refused_by_row():
    jacobian = normal(3, 2, 5)
    jacobian[1, 0, 0] = torch.nan
    with pytest.raises(fs.FiberscopeError, match=r"jacobian: NaN or infinity in rows \[1\]"):
        fs.split_tangent(jacobian)
