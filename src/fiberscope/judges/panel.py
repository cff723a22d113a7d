"""A panel of judges: what people would probably say, or that it cannot be said."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple, Protocol, runtime_checkable

import torch
from jaxtyping import Bool, Float, Int, Num
from numpy import ndarray
from torch import Tensor

from fiberscope.judges.judge import Judge, as_batch
from fiberscope.problem.errors import FiberscopeError


class Verdict(Enum):
    """Whether the latent that an image shares belongs to what people see in it."""

    WANTED = "wanted"
    COLLISION = "collision"
    UNSURE = "unsure"


class Opinions(NamedTuple):
    """What a panel says of each image: the class, how probable it is, and whether that is enough to say it."""

    classes: Int[Tensor, " batch"]
    confidence: Float[Tensor, " batch"]
    sure: Bool[Tensor, " batch"]
    probabilities: Float[Tensor, "batch classes"]
    per_judge: Float[Tensor, "judge batch classes"]
    judges: tuple[str, ...]


@runtime_checkable
class Remembers(Protocol):
    """What knows the training images of a judge again."""

    def seen(self, images: Float[Tensor, "batch channel height width"]) -> Bool[Tensor, " batch"]:
        """Rows that are, or nearly are, images of its training set."""
        ...


@dataclass(frozen=True, eq=False)
class Panel:
    """Judges with a weight each, whose probabilities are averaged; below `threshold` the panel is unsure.

    Raises FiberscopeError when there is no judge, judges differ in the number of classes, weights are not one
    for each judge, or the threshold is no probability.
    """

    judges: tuple[Judge, ...]
    weights: tuple[float, ...] = ()
    threshold: float = 0.5
    memories: tuple[Remembers, ...] = ()

    def __post_init__(self) -> None:
        if not self.judges:
            raise FiberscopeError("judges is empty; a panel has at least one judge")
        counts = {judge.name: judge.num_classes for judge in self.judges}
        if len(counts) < len(self.judges):
            raise FiberscopeError(f"judges have the names {[judge.name for judge in self.judges]}; give each its own")
        if len(set(counts.values())) > 1:
            raise FiberscopeError(f"judges differ in their number of classes: {counts}; give judges of the same ones")
        if self.weights and (len(self.weights) != len(self.judges) or not _are_weights(self.weights)):
            raise FiberscopeError(
                f"weights are {self.weights}, wanted a number >= 0 for each of {len(self.judges)} judges, not all 0"
            )
        if not 0 <= self.threshold < 1:
            raise FiberscopeError(f"threshold is {self.threshold}, wanted a probability below 1: 0 is never unsure")

    @property
    def num_classes(self) -> int:
        """Classes that the judges tell apart."""
        return self.judges[0].num_classes

    def opinions(self, images: Num[Tensor, "..."] | Num[ndarray, "..."]) -> Opinions:
        """Ask every judge about images in [0, 1], (n, h, w) or (n, c, h, w), and average with the weights.

        ``classes`` is what people would say, ``sure`` where the panel would bet on it. To measure agreement with
        people's ``labels``: ``(found.classes == labels).double().mean()`` over all images, and the same over
        ``found.sure`` beside its coverage ``found.sure.double().mean()``. Each row is judged by itself.

        Raises FiberscopeError for images of another shape or range, or a judge that answers with something else
        than a probability for each class.

        References:
            Genest and Zidek (1986), Combining probability distributions (the linear opinion pool).
            Chow (1970), On optimum recognition error and reject tradeoff.
        """
        stack = as_batch(images)
        per_judge = torch.stack([_ask(judge, stack) for judge in self.judges])
        weights = torch.tensor(self.weights or (1.0,) * len(self.judges), dtype=torch.float64)
        pooled = torch.einsum("j,jbc->bc", weights / weights.sum(), per_judge)
        confidence, classes = pooled.max(dim=1)
        names = tuple(judge.name for judge in self.judges)
        return Opinions(classes, confidence, confidence >= self.threshold, pooled, per_judge, names)

    def verdicts(
        self, images: Num[Tensor, "..."] | Num[ndarray, "..."], network_classes: Int[Tensor, " image"]
    ) -> tuple[Verdict, ...]:
        """Decide for each image whether the class that the network gives it is the one that the panel sees.

        Raises FiberscopeError when the network's classes are not one for each image among the judges' classes.
        """
        return decide(self.opinions(images), network_classes)

    def seen(self, images: Num[Tensor, "..."] | Num[ndarray, "..."]) -> Bool[Tensor, " batch"]:
        """Rows that a judge has seen in its training, as far as `memories` know: mark them, they are no test of it."""
        stack = as_batch(images)
        known = torch.zeros(len(stack), dtype=torch.bool)
        for memory in self.memories:
            known |= memory.seen(stack).cpu()
        return known


def decide(opinions: Opinions, network_classes: Int[Tensor, " image"]) -> tuple[Verdict, ...]:
    """Turn opinions that are at hand into verdicts.

    Raises FiberscopeError when classes are not one for each opinion, or one is none of the judges'.
    """
    if len(network_classes) != len(opinions.classes):
        raise FiberscopeError(
            f"network_classes has {len(network_classes)} entries for {len(opinions.classes)} images: give one for each"
        )
    count, given = opinions.probabilities.shape[1], network_classes.detach().cpu()
    if given.numel() and not 0 <= int(given.min()) <= int(given.max()) < count:
        raise FiberscopeError(
            f"network_classes reach from {int(given.min())} to {int(given.max())}, but the judges know {count} classes "
            f"(0 to {count - 1}): give judges of the network's classes"
        )
    agree = (opinions.classes == given).tolist()
    return tuple(
        (Verdict.WANTED if same else Verdict.COLLISION) if sure else Verdict.UNSURE
        for same, sure in zip(agree, opinions.sure.tolist(), strict=True)
    )


def _are_weights(weights: Sequence[float]) -> bool:
    return all(0 <= weight < math.inf for weight in weights) and sum(weights) > 0


def _ask(judge: Judge, images: Float[Tensor, "batch channel height width"]) -> Float[Tensor, "batch classes"]:
    said = judge.probabilities(images)
    wanted = (len(images), judge.num_classes)
    if tuple(said.shape) != wanted:
        raise FiberscopeError(
            f"judge {judge.name!r} answered with shape {tuple(said.shape)}, wanted {wanted}: its num_classes "
            "is not the length of its rows"
        )
    rows = said.detach().cpu().double()
    if not bool((rows >= 0).all()) or not torch.allclose(rows.sum(dim=1), rows.new_ones(len(rows)), atol=1e-3):
        raise FiberscopeError(
            f"judge {judge.name!r} answered with numbers that are no probabilities; wrap a network of logits "
            "with fiberscope.judges.from_module"
        )
    return rows
