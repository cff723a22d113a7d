"""plenoptic's `Metamer` as a search, set up by a recipe."""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import torch
from benchmarks.speed.networks import Network, Pairs
from benchmarks.speed.recipes import DEFAULT, Recipe, error, first, shown
from torch import Tensor, nn


class _Boxed(nn.Module):
    """A network that is shown its input through a function onto the box."""

    def __init__(self, module: nn.Module, box: str) -> None:
        super().__init__()
        self.module, self.box = module, box

    def forward(self, variable: Tensor) -> Tensor:
        return self.module(shown(self.box, variable))


def is_here() -> bool:
    try:
        import plenoptic  # noqa: F401, PLC0415  (a peer, in the environment of the benchmark only)
    except ImportError:
        return False
    return True


def search(recipe: Recipe, network: Network, pairs: Pairs) -> Iterator[Tensor]:
    """Images after every few iterations, without end unless the recipe has one."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = _set_up(recipe, network, pairs)
        done = 0
        while recipe.most is None or done < recipe.most:
            if recipe == DEFAULT:
                found.synthesize()
            else:
                # A negative criterion is never met: the judge says when it is enough.
                found.synthesize(max_iter=recipe.look, stop_criterion=-1.0)
            done += recipe.look
            yield shown(recipe.box, found.metamer.detach())


def _set_up(recipe: Recipe, network: Network, pairs: Pairs):
    import plenoptic  # noqa: PLC0415

    if recipe == DEFAULT:
        found = plenoptic.Metamer(pairs.others, network.module)
        found.setup(initial_image=pairs.starts)
        return found
    model = network.module if recipe.box == "penalty" else _Boxed(network.module, recipe.box).eval()
    found = plenoptic.Metamer(
        pairs.others,
        model,
        loss_function=lambda latents, _: error(recipe.loss, latents, pairs.latents),
        penalty_function=plenoptic.regularize.penalize_range if recipe.box != "sigmoid" else lambda x: 0.0 * x.sum(),
        penalty_lambda=recipe.penalty,
    )
    found.setup(
        initial_image=first(recipe.box, pairs.starts),
        optimizer=None if recipe.optimiser == "Adam" else torch.optim.LBFGS,
        optimizer_kwargs=dict(recipe.options) if recipe.options else None,
        scheduler=torch.optim.lr_scheduler.ExponentialLR if recipe.decay else None,
        scheduler_kwargs={"gamma": recipe.decay} if recipe.decay else None,
    )
    return found
