"""The derivative of a latent map known by its products alone: for where no Jacobian fits in memory."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel

from fiberscope.geometry.differential import Curvature
from fiberscope.lazy import lazy
from fiberscope.problem import LatentMap
from fiberscope.problem.forward_mode import NoForwardModeError, push_forward

_PROBES = 8  # pulls that estimate the norm: it sets a ridge and a tolerance, which bear an error of a third
_SOLVE_RTOL = 0.1  # of a system's right side; the Newton steps around it mend what is left
_MAX_ITERATIONS = 200  # of conjugate gradients for one system
_RTOL = 1e-2  # at a tenth of it predictors took minutes on a pretrained EfficientNet, and arrived no nearer


class _Graph(NamedTuple):
    points: Float[Tensor, "batch n"]
    latents: Float[Tensor, "batch m"]


class _Transpose(NamedTuple):
    """``Jᵀ u`` as a function of u, with its own graph."""

    covectors: Float[Tensor, "batch m"]
    pulled: Float[Tensor, "batch n"]


@dataclass(frozen=True, eq=False)
class MatrixFree:
    """J at rows by its products: one forward pass with its graph is kept, and nothing of the size of J.

    With ``root``, a lower triangular matrix a row, it is ``root⁻¹ J``: the same map in weighed latents, in which
    conjugate gradients can be many times faster.

    Pulling goes back through that graph. Pushing is a forward pass with tangents, which keeps nothing; where an
    operator has no forward mode, it differentiates the pullback, whose graph is then kept as well. Systems are solved
    by conjugate gradients, with scalars a row, to a tenth of their right side or for at most 200 iterations. The norm
    is estimated from eight random pullbacks.

    References:
        Hestenes and Stiefel (1952), Methods of conjugate gradients for solving linear systems.
        Hutchinson (1989), A stochastic estimator of the trace of the influence matrix.
    """

    latent_map: LatentMap
    rows: Float[Tensor, "batch n"]
    root: Float[Tensor, "batch m m"] | None = None

    @property
    def rtol(self) -> float:
        """What conjugate gradients reach at a bearable cost."""
        return _RTOL

    @property
    def latent_size(self) -> int:
        """How many latents there are."""
        return self.latent_map.latent_size

    @property
    def latents(self) -> Float[Tensor, "batch m"]:
        """The latents of the rows, not weighed."""
        return self._graph.latents.detach()

    def push(self, steps: Float[Tensor, "batch n"]) -> Float[Tensor, "batch m"]:
        """``J v``."""
        change = self._push(steps)
        return change if self.root is None else whiten(self.root, change)

    def pull(self, covectors: Float[Tensor, "batch m"]) -> Float[Tensor, "batch n"]:
        """``Jᵀ u``."""
        if self.root is not None:
            covectors = torch.linalg.solve_triangular(self.root.mT, covectors[:, :, None], upper=True)[:, :, 0]
        with torch.inference_mode(mode=False):
            points, latents = self._graph
            pulled: Tensor = torch.autograd.grad(latents, points, covectors.clone(), retain_graph=True)[0]
        return pulled

    def norm(self) -> Float[Tensor, " batch"]:
        """An estimate of the Frobenius norm."""
        return self._norm

    def solve(
        self, free: Bool[Tensor, "batch n"], added: Curvature, right: Float[Tensor, "batch m"]
    ) -> Float[Tensor, "batch m"]:
        """By conjugate gradients; rows that are done wait for the others."""
        solution, residual, direction = torch.zeros_like(right), right, right
        size = right.square().sum(dim=1)
        enough = _SOLVE_RTOL**2 * size
        for _ in range(_MAX_ITERATIONS):
            live = size > enough
            if not bool(live.any()):
                break
            image = self.push(self.pull(direction).masked_fill(~free, 0.0)) + added.push(direction)
            bend = (direction * image).sum(dim=1)
            length = torch.where(live & (bend > 0), size / bend, 0.0)[:, None]
            solution, residual = solution + length * direction, residual - length * image
            before, size = size, residual.square().sum(dim=1)
            onward = torch.where(live & (before > 0), size / before, 0.0)  # a row that is done would divide by zero
            direction = residual + onward[:, None] * direction
        return solution

    def take(self, index: Int[Tensor, " some"] | Bool[Tensor, " batch"]) -> MatrixFree:
        """The same for some of the rows, with a forward pass of their own; itself for all of them in order."""
        every = torch.arange(len(self.rows), device=self.rows.device)
        chosen = every[index]
        if torch.equal(chosen, every):
            return self
        root = None if self.root is None else self.root[chosen]
        part = MatrixFree(self.latent_map, self.rows[chosen], root)
        if "_norm" in self.__dict__:
            part.__dict__["_norm"] = self._norm[chosen]
        return part

    @lazy
    def _graph(self) -> _Graph:
        with torch.inference_mode(mode=False), torch.enable_grad():
            points = self.rows.detach().clone().requires_grad_(True)
            return _Graph(points, self.latent_map(points))

    @lazy
    def _transpose(self) -> _Transpose:
        with torch.inference_mode(mode=False), torch.enable_grad(), sdpa_kernel(SDPBackend.MATH):
            points = self.rows.detach().clone().requires_grad_(True)
            latents = self.latent_map(points)
            covectors = torch.zeros_like(latents, requires_grad=True)
            (pulled,) = torch.autograd.grad(latents, points, covectors, create_graph=True)
            return _Transpose(covectors, pulled)

    @lazy
    def _norm(self) -> Float[Tensor, " batch"]:
        generator = torch.Generator().manual_seed(0)
        m = self.latent_map.latent_size
        signs = 2 * torch.randint(0, 2, (_PROBES, 1, m), generator=generator) - 1
        pulled = [self.pull(probe.to(self.rows).expand(len(self.rows), m)).square().sum(dim=1) for probe in signs]
        return torch.stack(pulled).mean(dim=0).sqrt()

    def _push(self, steps: Float[Tensor, "batch n"]) -> Float[Tensor, "batch m"]:
        if "_transpose" not in self.__dict__:
            with suppress(NoForwardModeError):
                return push_forward(self.latent_map, self.rows, steps).change
        with torch.inference_mode(mode=False):
            covectors, pulled = self._transpose
            change: Tensor = torch.autograd.grad(pulled, covectors, steps.clone(), retain_graph=True)[0]
        return change


def whiten(root: Float[Tensor, "batch m m"], vectors: Float[Tensor, "batch m"]) -> Float[Tensor, "batch m"]:
    """``root⁻¹ v``, a lower triangular matrix a row."""
    solved: Tensor = torch.linalg.solve_triangular(root, vectors[:, :, None], upper=False)[:, :, 0]
    return solved
