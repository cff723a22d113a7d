"""Settings under which the peers look for metamers: their documented defaults, and what else was tried for them.

plenoptic's own advice is in its documentation: try L-BFGS, other learning rates, a scheduler, more iterations ("Tips
and tricks"); L-BFGS with ten evaluations a step, strong Wolfe, learning rate 1 ("Using the Portilla-Simoncelli model");
Adam without AMSGrad and a scheduler for deep networks ("Using deep neural networks").
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

Value = float | int | bool | str


class Recipe(NamedTuple):
    """One way to set a peer up.

    ``box`` says how pixels are kept in [0, 1]: by a "penalty" on what leaves it, or because the network is shown the
    variable through "clamp" or "sigmoid". ``look`` is how many iterations pass between two looks of the judge,
    ``most`` after how many iterations it ends by itself, ``patience`` how many times the others' seconds it is given.
    """

    name: str
    library: str
    loss: str = "mse"
    penalty: float = 0.1
    box: str = "penalty"
    optimiser: str = "Adam"
    options: tuple[tuple[str, Value], ...] = ()
    decay: float | None = None
    batch: int = 1
    look: int = 1
    most: int | None = None
    patience: int = 1


DEFAULT = Recipe("its defaults", "plenoptic", look=100, most=100)

# Ten evaluations a step, as the documentation has it.
_SHORT_MEMORY = (
    ("max_iter", 10),
    ("max_eval", 10),
    ("history_size", 10),
    ("line_search_fn", "strong_wolfe"),
    ("lr", 1),
)
_DOCUMENTED = (("max_iter", 10), ("max_eval", 10), ("history_size", 100), ("line_search_fn", "strong_wolfe"), ("lr", 1))
# Shorter steps are looked at sooner; torch's tolerances would end L-BFGS at losses far above the one that is wanted.
_TIGHT = (
    ("max_iter", 5),
    ("history_size", 30),
    ("line_search_fn", "strong_wolfe"),
    ("lr", 1),
    ("tolerance_grad", 0),
    ("tolerance_change", 0),
)


def slow() -> list[Recipe]:
    """Settings that were seen to arrive rarely or late: tried on the shipped network and on one image only."""
    plain = (("lr", 0.01), ("amsgrad", False))
    halved = 0.5 ** (1 / 3000)
    found = [
        Recipe("Adam without end", "plenoptic", look=50, patience=4),
        Recipe("Adam as for deep networks", "plenoptic", options=plain, decay=halved, look=50, patience=4),
        Recipe("Adam 0.1, decaying", "plenoptic", options=(("lr", 0.1),), decay=0.995, look=50, patience=4),
    ]
    for library in ("plenoptic", "torch"):
        found.append(_quasi_newton(library, "relative error through sigmoid", "relative", 0.0, "sigmoid", _TIGHT))
        found.append(_quasi_newton(library, "norm", "norm", 0.1, "penalty", _TIGHT))
    return found


def quick() -> list[Recipe]:
    """Quasi-Newton settings of both peers, one by one and many images at once."""
    kinds = (
        ("mse as documented", "mse", 0.1, "penalty", _DOCUMENTED),
        ("mse as documented, penalty 10", "mse", 10.0, "penalty", _DOCUMENTED),
        ("mse as documented, penalty 10, 10 corrections", "mse", 10.0, "penalty", _SHORT_MEMORY),
        ("mse, penalty 10", "mse", 10.0, "penalty", _TIGHT),
        ("relative error", "relative", 0.1, "penalty", _TIGHT),
        ("relative error through clamp", "relative", 0.1, "clamp", _TIGHT),
    )
    return [
        _quasi_newton(library, *kind, batch=batch)
        for library in ("plenoptic", "torch")
        for kind in kinds
        for batch in (1, 32)
    ]


def _quasi_newton(
    library: str,
    words: str,
    loss: str,
    penalty: float,
    box: str,
    options: tuple[tuple[str, Value], ...],
    batch: int = 1,
) -> Recipe:
    name = f"L-BFGS, {words}" + (f", {batch} at once" if batch > 1 else "")
    return Recipe(name, library, loss, penalty, box, "LBFGS", options, batch=batch)


def error(loss: str, found: Tensor, wanted: Tensor) -> Tensor:
    """The loss of a batch; summed over images where it is relative, so that no image waits for the others."""
    if loss == "mse":
        return (found - wanted).square().mean(dim=1).sum()
    if loss == "norm":
        return (found - wanted).norm(dim=1).sum()
    return ((found - wanted).square().sum(dim=1) / wanted.square().sum(dim=1)).sum()


def shown(box: str, variable: Tensor) -> Tensor:
    """What the network sees of the variable."""
    return {"penalty": lambda x: x, "clamp": lambda x: x.clamp(0, 1), "sigmoid": torch.sigmoid}[box](variable)


def first(box: str, images: Tensor) -> Tensor:
    """The variable that shows the images; a sigmoid never reaches 0 or 1, and has no slope there."""
    return images.clamp(0.01, 0.99).logit() if box == "sigmoid" else images.clone()
