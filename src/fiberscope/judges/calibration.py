"""Whether a judge is as often right as it says: measured, and set right by one number."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int64
from scipy.optimize import minimize_scalar
from torch import Tensor
from torch.nn import functional

_BINS = 15


def fit_temperature(logits: Float[Tensor, "image classes"], labels: Int64[Tensor, " image"]) -> float:
    """Find the temperature under which held-back labels are likeliest.

    References:
        Guo, Pleiss, Sun and Weinberger (2017), On calibration of modern neural networks.
    """
    exact = logits.double()

    def surprise(log_temperature: float) -> float:
        return float(functional.cross_entropy(exact / torch.tensor(log_temperature).exp(), labels))

    found = minimize_scalar(surprise, bounds=(-4.0, 4.0), method="bounded")
    return float(torch.tensor(found.x, dtype=torch.float64).exp())


def calibration_error(probabilities: Float[Tensor, "image classes"], labels: Int64[Tensor, " image"]) -> float:
    """Expected difference between confidence and accuracy over 15 bins of equal width.

    References:
        Naeini, Cooper and Hauskrecht (2015), Obtaining well calibrated probabilities using Bayesian binning.
    """
    confidence, classes = probabilities.double().max(dim=1)
    place = (confidence * _BINS).long().clamp_max(_BINS - 1)
    surplus = confidence - (classes == labels).double()
    sums = torch.zeros(_BINS, dtype=torch.float64).index_add_(0, place, surplus)
    return float(sums.abs().sum() / len(labels))
