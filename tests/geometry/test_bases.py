from __future__ import annotations

import pytest
import torch
from torch import Tensor

import fiberscope as fs
from fibers import normal, uniform
from fiberscope.geometry import Basis, covariance_factor, data_basis, invisible_share, smooth_basis, svd_basis
from fiberscope.geometry import toward_basis as toward

JACOBIAN = normal(2, 3, 36)
SPLIT = fs.split_tangent(JACOBIAN)
SAMPLES = normal(200, 36, seed=1) * torch.linspace(3, 0.1, 36).double()


def assert_orthonormal_and_invisible(basis: Basis) -> None:
    gram = basis.directions @ basis.directions.transpose(1, 2)
    assert torch.allclose(gram, torch.eye(gram.shape[1]).double().expand_as(gram), atol=1e-9)
    assert float((JACOBIAN @ basis.directions.transpose(1, 2)).abs().max()) < 1e-9


def test_the_covariance_factor_squares_to_the_covariance():
    factor = covariance_factor(SAMPLES)
    assert torch.allclose(factor @ factor.T, torch.cov(SAMPLES.T), atol=1e-10)


def test_it_stays_thin_where_images_are_fewer_than_pixels():
    few = SAMPLES[:10]
    factor = covariance_factor(few)
    assert factor.shape == (36, 9)
    assert torch.allclose(factor @ factor.T, torch.cov(few.T), atol=1e-10)


def test_the_data_basis_holds_the_leading_eigenvectors_of_the_projected_covariance():
    basis = data_basis(SPLIT, covariance_factor(SAMPLES), count=5)
    assert_orthonormal_and_invisible(basis)
    for row in range(2):
        hide = torch.eye(36).double() - SPLIT.row_basis[row] @ SPLIT.row_basis[row].T
        slow = torch.linalg.eigvalsh(hide @ torch.cov(SAMPLES.T) @ hide).flip(0)[:5]
        assert torch.allclose(basis.weights[row], slow, atol=1e-9)


def test_the_invisible_share_is_that_of_the_projected_covariance():
    hide = torch.eye(36).double() - SPLIT.row_basis[0] @ SPLIT.row_basis[0].T
    covariance = torch.cov(SAMPLES.T)
    slow = (hide @ covariance @ hide).trace() / covariance.trace()
    assert float(invisible_share(SPLIT, covariance_factor(SAMPLES))[0]) == pytest.approx(float(slow))


def test_the_smooth_basis_is_invisible_and_band_limited():
    basis = smooth_basis(SPLIT, (1, 6, 6), count=4)
    assert_orthonormal_and_invisible(basis)
    assert bool((basis.weights.diff(dim=1) >= 0).all())
    rough = svd_basis(SPLIT, count=4)
    assert bending(basis.directions) < 0.5 * bending(rough.directions)


def test_the_smooth_basis_takes_colour_images_and_plain_vectors():
    split = fs.split_tangent(normal(1, 2, 48))
    for shape in ((3, 4, 4), (48,)):
        basis = smooth_basis(split, shape, count=3)
        assert torch.allclose(split.project_tangent(basis.directions[0, :1]), basis.directions[0, :1], atol=1e-9)


def bending(fields: Tensor) -> float:
    planes = fields.reshape(-1, 6, 6)
    return float(planes.diff(dim=1).square().mean() + planes.diff(dim=2).square().mean())


def test_the_plain_svd_basis_is_invisible_and_says_what_it_is_worth():
    basis = svd_basis(SPLIT, count=33)
    assert_orthonormal_and_invisible(basis)
    assert "arbitrary" in basis.label


def test_the_toward_basis_is_the_invisible_part_of_the_way():
    rows, others = uniform(2, 36), uniform(2, 4, 36, seed=1)
    basis = toward(SPLIT, rows, others)
    way = SPLIT.project_tangent(others[:, 2] - rows)
    assert torch.allclose(basis.directions[:, 2] * basis.weights[:, 2:3], way, atol=1e-10)


@pytest.mark.parametrize("count", [0, 34])
def test_more_directions_than_there_are_is_refused(count):
    with pytest.raises(fs.FiberscopeError, match="count: expected between 1 and 33"):
        svd_basis(SPLIT, count=count)


def test_one_image_has_no_covariance():
    with pytest.raises(fs.FiberscopeError, match="samples: a covariance needs at least 2"):
        covariance_factor(uniform(1, 36))
