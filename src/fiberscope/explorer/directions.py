"""The directions that a person can drag along, each with its picture."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn.functional import normalize

from fiberscope.analysis.directions import brighten
from fiberscope.explorer.scene import Scene
from fiberscope.explorer.space import coordinates_of, image_of, map_of, natural_of
from fiberscope.explorer.state import Basis, ImageRef, Space, State
from fiberscope.geometry import TangentSplit, data_basis, jacobian, smooth_basis, split_tangent, toward_basis
from fiberscope.problem import FiberscopeError

COUNT = 12
_LEAST = 1e-6  # length below which there is no direction
_NEIGHBOURS = 2000  # images among which the ones to head for are looked for


class BasisCard(NamedTuple):
    """A basis as a person chooses it, and the spaces that have it."""

    name: Basis
    title: str
    sentence: str
    spaces: tuple[Space, ...]


BASIS_CARDS = (
    BasisCard(
        "data",
        "As real images vary",
        "Unseen directions in which the images of the data set vary most.",
        ("pixels", "natural"),
    ),
    BasisCard(
        "variations",
        "Named variations",
        "The unseen part of turning, scaling, thickening, blurring and others.",
        ("pixels",),
    ),
    BasisCard("toward", "Toward other images", "The unseen part of the way to another image.", ("pixels", "natural")),
    BasisCard("smooth", "Smooth", "Unseen directions of the lowest spatial frequencies.", ("pixels",)),
    BasisCard("random", "Random", "Noise without the part that the network sees.", ("pixels", "natural")),
    BasisCard(
        "seen",
        "What the network sees",
        "The strongest seen directions: on the fiber they lead nowhere, in a tube as far as it is wide.",
        ("pixels", "natural"),
    ),
)


class Directions(NamedTuple):
    """Directions of a point, each of image length 1 to first order, as changes of the image, and in words.

    A direction that does not exist (a variation that changes nothing here) is zero.
    """

    vectors: Float[Tensor, "k n"]
    pictures: Float[Tensor, "k ..."]
    titles: tuple[str, ...]
    notes: tuple[str, ...]


class _Ways(NamedTuple):
    vectors: Float[Tensor, "k n"]
    titles: tuple[str, ...]
    notes: tuple[str, ...]


def bases_of(scene: Scene) -> tuple[BasisCard, ...]:
    """The bases that this scene has, each with the spaces where it has it."""
    found = []
    for card in BASIS_CARDS:
        if card.name in ("data", "toward") and len(scene.images) < 2:
            continue
        if card.name in ("variations", "smooth") and len(scene.latent_map.input_shape) != 3:
            continue
        found.append(card._replace(spaces=card.spaces if scene.natural else ("pixels",)))
    return tuple(found)


def directions(
    scene: Scene,
    state: State,
    point: Float[Tensor, "1 ..."],
    frozen: Bool[Tensor, "..."],
    basis: Basis,
    *,
    seed: int = 0,
    to: ImageRef | None = None,
) -> Directions:
    """Directions at a point of the state's space; frozen coordinates have no part in them.

    Raises `FiberscopeError` for a basis that this scene does not have in this space.
    """
    card = next((card for card in bases_of(scene) if card.name == basis and state.space in card.spaces), None)
    if card is None:
        raise FiberscopeError(f"basis: there are no directions {basis!r} in the space {state.space}. Choose others.")
    latent_map = map_of(scene, state)
    row = latent_map.flatten(point)
    free = (~frozen).reshape(-1).to(row) if state.space == "pixels" else torch.ones_like(row[0])
    split = split_tangent(jacobian(latent_map, point) * free)
    carry = _carry(scene, state, point)
    if basis == "seen":
        ways = _seen(split)
    elif state.space == "pixels":
        ways = _in_pixels(scene, point, split, free, basis, seed, to)
    else:
        ways = _in_coordinates(scene, point, split, carry, basis, seed, to)
    pictures = ways.vectors if carry is None else ways.vectors @ carry
    length = pictures.norm(dim=1, keepdim=True)
    share = torch.where(length > _LEAST, 1 / length.clamp_min(_LEAST), 0.0)
    shape = scene.latent_map.input_shape
    return Directions(share * ways.vectors, (share * pictures).reshape(-1, *shape), ways.titles, ways.notes)


def _carry(scene: Scene, state: State, point: Float[Tensor, "1 ..."]) -> Float[Tensor, "k n"] | None:
    """How the generator's image changes with each coordinate; None in pixels."""
    if state.space == "pixels":
        return None
    decode = natural_of(scene).coordinates.decode
    with warnings.catch_warnings():  # on its first use torch.func.jacfwd warns of a deprecation inside torch itself
        warnings.simplefilter("ignore", DeprecationWarning)
        columns: Tensor = torch.func.jacfwd(lambda at: decode(at[None]).flatten())(point[0])
    carry: Tensor = columns.T.detach()
    return carry


def _in_pixels(
    scene: Scene,
    point: Tensor,
    split: TangentSplit,
    free: Float[Tensor, " n"],
    basis: Basis,
    seed: int,
    to: ImageRef | None,
) -> _Ways:
    if basis == "data" and scene.factor is not None:
        return _data(split, scene.factor * free[:, None])
    if basis == "smooth":
        found = brighten(smooth_basis(split, scene.latent_map.input_shape, count=COUNT))
        return _hidden(split, found.directions[0] * free, _numbers(COUNT), ("",) * COUNT)
    if basis == "variations":
        tangents = torch.stack([each.tangent(point)[0].flatten() for each in scene.variations]) * free
        return _hidden(split, tangents, tuple(each.name for each in scene.variations), None)
    if basis == "toward":
        goals, titles = _goals(scene, point, to)
        others = goals.flatten(1) - point.flatten(1)
        return _hidden(split, others * free, titles, None)
    return _hidden(split, _noise(split, seed) * free, _numbers(COUNT), ("",) * COUNT)


def _in_coordinates(
    scene: Scene,
    point: Tensor,
    split: TangentSplit,
    carry: Float[Tensor, "k n"] | None,
    basis: Basis,
    seed: int,
    to: ImageRef | None,
) -> _Ways:
    if basis == "data" and carry is not None:
        return _data(split, carry)  # where a step of equal length changes most of the image
    if basis == "toward":
        natural = natural_of(scene)
        here = natural.coordinates.decode(point).reshape(1, *scene.latent_map.input_shape)
        goals, titles = _goals(scene, here, to)
        found = toward_basis(split, point, coordinates_of(natural, goals)[None])
        return _Ways(found.directions[0], titles, ("",) * len(titles))
    return _hidden(split, _noise(split, seed), _numbers(COUNT), ("",) * COUNT)


def _data(split: TangentSplit, factor: Float[Tensor, "n r"]) -> _Ways:
    rank = split.row_basis.shape[2]
    count = max(1, min(COUNT, factor.shape[1], split.row_basis.shape[1] - rank))
    found = brighten(data_basis(split, factor, count=count))
    shares = found.weights[0] / factor.square().sum().clamp_min(1e-30)
    return _Ways(found.directions[0], _numbers(count), tuple(f"{share:.1%} of the variance" for share in shares))


def _hidden(
    split: TangentSplit, wishes: Float[Tensor, "k n"], titles: Sequence[str], notes: Sequence[str] | None
) -> _Ways:
    """The part of each wish that the network does not see."""
    hidden = split.project_tangent(wishes)
    size = wishes.norm(dim=1)
    share = hidden.norm(dim=1) / size.clamp_min(_LEAST)
    exists = (size > _LEAST) & (share > _LEAST)
    told = tuple(
        (f"{float(part):.0%} of it unseen" if there else "changes nothing here")
        for part, there in zip(share, exists.tolist(), strict=True)
    )
    return _Ways(normalize(hidden) * exists[:, None], tuple(titles), told if notes is None else tuple(notes))


def _seen(split: TangentSplit) -> _Ways:
    vectors, values = split.row_basis[0].T[:COUNT], split.singular_values[0][:COUNT]
    notes = tuple(f"latent moves {float(value):.2g} a unit" for value in values)
    rank = (values > 0).to(vectors)[:, None]
    return _Ways(vectors * rank, _numbers(len(vectors)), notes[: len(vectors)])


def _goals(scene: Scene, image: Tensor, to: ImageRef | None) -> tuple[Float[Tensor, "k ..."], tuple[str, ...]]:
    """The nearest image of each class (of unlabelled ones, the first few), and the one that a person chose."""
    pool = scene.images[:_NEIGHBOURS]
    apart = (pool - image).flatten(1).norm(dim=1)
    apart = torch.where(apart > _LEAST, apart, torch.inf)
    if scene.labels is None:
        places = apart.argsort()[: COUNT - 1].tolist()
        titles = [scene.names[place] for place in places]
    else:
        labels = scene.labels[:_NEIGHBOURS].to(apart.device)
        # The image itself may be the only one of its class here.
        classes = sorted(set(labels[apart.isfinite()].tolist()))[: COUNT - 1]
        places = [int(torch.where(labels == label, apart, torch.inf).argmin()) for label in classes]
        titles = [f"toward a {label}" for label in classes]
    goals = pool[places]
    if to is None:
        return goals, tuple(titles)
    return torch.cat([goals, image_of(scene, to)]), (*titles, "toward yours")


def _noise(split: TangentSplit, seed: int) -> Float[Tensor, "k n"]:
    generator = torch.Generator().manual_seed(seed)
    n = split.row_basis.shape[1]
    return torch.randn(COUNT, n, generator=generator, dtype=torch.float64).to(split.row_basis)


def _numbers(count: int) -> tuple[str, ...]:
    return tuple(str(i + 1) for i in range(count))
