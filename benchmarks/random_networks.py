"""Seeded random networks of many kinds under every move: no box broken, no frozen pixel moved, no word untrue.

Run from a checkout: python benchmarks/random_networks.py [--count 2000] [--seed 0] [--only SEED]
Each seed draws a network, its dtype, a box, images, frozen pixels and a move. Every target is the latent of an image in
the box that shares the frozen pixels, so that "unreachable" would be untrue. What is converged is checked in the
network itself, a row at a time. Ends with 1 if anything is wrong, and writes results/random_networks.json.
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn

import fiberscope as fs

sys.path.insert(0, str(Path(__file__).parent))
from random_modules import KINDS

# The package's function hides the module of its name.
differentiate = importlib.import_module("fiberscope.geometry.differentiate")

BOXES = ("unit", "lopsided", "each pixel", "open", "open above", "narrow")
BATCHES = (0, 1, 7)


class Case(NamedTuple):
    """What a seed draws; ``images`` are sent to the latents of ``goals``, which share the frozen pixels."""

    kind: str
    move: str
    network: nn.Module
    box: fs.Box
    images: Tensor
    goals: Tensor
    frozen: Tensor | None
    in_tube: bool
    matrix_free: bool


class Ended(NamedTuple):
    """What a move returned, flat: points, tolerances and outcomes of all rows, and which image each is of."""

    points: Tensor
    tolerance: Tensor
    outcomes: list[fs.Outcome]
    row: list[int]


def draw(seed: int) -> Case:
    """The case of a seed."""
    generator = torch.Generator().manual_seed(seed)

    def one_of(choices: tuple[str, ...] | list[str]) -> str:
        return choices[int(torch.randint(len(choices), (1,), generator=generator))]

    def chance(share: float) -> bool:
        return float(torch.rand((), generator=generator)) < share

    kind, move = one_of(list(KINDS)), one_of(list(MOVES))
    torch.manual_seed(seed)
    network, shape = KINDS[kind](generator)
    dtype = torch.float64 if chance(0.4) else torch.float32
    batch = BATCHES[int(torch.randint(len(BATCHES), (1,), generator=generator))]
    box, low, high = _box(one_of(BOXES), shape, generator)
    images, goals = (
        (low + torch.rand(batch, *shape, generator=generator, dtype=torch.float64) * (high - low)).to(dtype)
        for _ in range(2)
    )
    frozen = torch.rand(shape, generator=generator) < 0.3 if chance(0.5) and move not in ("segment", "widths") else None
    if frozen is not None:
        goals = torch.where(frozen, images, goals)
    in_tube = move in ("boundary", "widths") or chance(0.3)
    matrix_free = chance(0.15) and move in ("project", "walk", "nearest", "farthest", "spread")
    return Case(kind, move, network.to(dtype).eval(), box, images, goals, frozen, in_tube, matrix_free)


def _box(name: str, shape: tuple[int, ...], generator: torch.Generator) -> tuple[fs.Box, Tensor, Tensor]:
    """A box, and finite bounds a little inside it that images are drawn from."""
    low, high = torch.zeros(shape, dtype=torch.float64), torch.ones(shape, dtype=torch.float64)
    box = fs.Box()
    if name == "lopsided":
        box, low, high = fs.Box(-0.3, 1.7), low - 0.3, high + 0.7
    elif name == "each pixel":
        low = -torch.rand(shape, generator=generator, dtype=torch.float64)
        high = torch.rand(shape, generator=generator, dtype=torch.float64) + 0.1
        box = fs.Box(low, high)
    elif name == "open":
        box = fs.Box(float("-inf"), float("inf"))
    elif name == "open above":
        box = fs.Box(low, torch.full(shape, torch.inf))
    elif name == "narrow":
        box, low, high = fs.Box(0.4, 0.401), low + 0.4, low + 0.401
    inset = 1e-5 * (high - low)
    return box, low + inset, high - inset


def _project(fiber: fs.Fiber | fs.Tube, case: Case) -> Ended:
    found = fs.project(fiber, case.images, frozen=case.frozen, num_steps=20, num_restarts=1)
    return _rows(found.points, found)


def _nearest(fiber: fs.Fiber | fs.Tube, case: Case) -> Ended:
    return _rows((found := fs.nearest(fiber, case.images, frozen=case.frozen, num_steps=4)).points, found)


def _farthest(fiber: fs.Fiber | fs.Tube, case: Case) -> Ended:
    return _rows((found := fs.farthest(fiber, case.images, frozen=case.frozen, num_steps=4)).points, found)


def _extremes(fiber: fs.Fiber | fs.Tube, case: Case) -> Ended:
    weights = torch.ones_like(case.goals[:0].new_empty(case.goals.shape[1:]))
    found = fs.extremes(fiber, case.images, weights, frozen=case.frozen, num_steps=3)
    return _join([_rows(each.points, each) for each in found])


def _walk(fiber: fs.Fiber | fs.Tube, case: Case) -> Ended:
    generator = torch.Generator().manual_seed(0)
    ways = torch.randn(case.images.shape, generator=generator, dtype=torch.float64).to(case.images)
    found = fs.walk(fiber, case.images, ways, length=0.3, num_steps=3, frozen=case.frozen)
    # A walk that ended early stays on the fiber if it was on it at all.
    begun = (found.residual_norm[0] <= found.tolerance).tolist()
    outcomes = tuple(
        fs.Outcome.CONVERGED if on and each is not fs.Outcome.UNREACHABLE else each
        for on, each in zip(begun, found.outcome, strict=True)
    )
    return _join([_rows(points, found._replace(outcome=outcomes)) for points in found.points])


def _spread(fiber: fs.Fiber | fs.Tube, case: Case) -> Ended:
    starts = torch.stack([case.images, (case.images + case.goals) / 2], dim=1)
    if case.frozen is not None:
        starts = torch.where(case.frozen, case.images[:, None], starts)
    found = fs.spread(fiber, starts, frozen=case.frozen, num_steps=3)
    members = [found._replace(outcome=tuple(each[k] for each in found.outcome)) for k in range(2)]
    return _join([_rows(each.points[:, k], each, each.tolerance[:, k]) for k, each in enumerate(members)])


def _boundary(fiber: fs.Fiber | fs.Tube, case: Case) -> Ended:
    """From the goals, which are in the middle of their tubes; each point counts as converged."""
    generator = torch.Generator().manual_seed(0)
    ways = torch.randn((2, *case.goals.shape), generator=generator, dtype=torch.float64).to(case.goals)
    found = fs.boundary(fiber, case.goals, ways, length=2.0, frozen=case.frozen)
    return _join([_inside(fiber, points) for points in found.points])


def _widths(fiber: fs.Fiber | fs.Tube, case: Case) -> Ended:
    found = fs.widths(fiber, case.goals, length=2.0)
    return _join([_inside(fiber, each) for side in (found.forward, found.backward) for each in side.points])


def _segment(fiber: fs.Fiber | fs.Tube, case: Case) -> Ended:
    fs.segment(fiber, case.images, case.goals, num_samples=5)
    return Ended(case.images[:0], case.images.new_empty(0), [], [])


MOVES: dict[str, Callable[[fs.Fiber | fs.Tube, Case], Ended]] = {
    "project": _project,
    "nearest": _nearest,
    "farthest": _farthest,
    "extremes": _extremes,
    "walk": _walk,
    "spread": _spread,
    "boundary": _boundary,
    "widths": _widths,
    "segment": _segment,
}


def _rows(points: Tensor, found: object, tolerance: Tensor | None = None) -> Ended:
    tolerance = found.tolerance if tolerance is None else tolerance
    return Ended(points, tolerance, list(found.outcome), list(range(len(points))))


def _inside(tube: fs.Tube, points: Tensor) -> Ended:
    count = len(points)
    return Ended(points, tube.radii(count), [fs.Outcome.CONVERGED] * count, list(range(count)))


def _join(parts: list[Ended]) -> Ended:
    joined = [[one for part in parts for one in getattr(part, name)] for name in ("outcomes", "row")]
    return Ended(torch.cat([part.points for part in parts]), torch.cat([part.tolerance for part in parts]), *joined)


def run(seed: int) -> tuple[Case, list[str], list[str]]:
    """The case of a seed, how its rows ended, and what was wrong."""
    case = draw(seed)
    try:
        with _by_products(case.matrix_free):
            latent_map = fs.LatentMap(case.network, tuple(case.images.shape[1:]), dtype=case.images.dtype)
            fiber = fs.Fiber.through(latent_map, case.goals, box=case.box)
            target = fiber.target
            ended = MOVES[case.move](fs.Tube(fiber, _radius(target)) if case.in_tube else fiber, case)
    except fs.FiberscopeError as refused:
        return case, [f"refused: {str(refused)[:60]}"], []
    except Exception as error:
        return case, ["raw error"], [f"raw error: {type(error).__name__}: {str(error)[:200]}"]
    return case, [outcome.value for outcome in ended.outcomes], _faults(case, target, ended)


def _radius(target: Tensor) -> float:
    return 0.1 * float(target.norm(dim=1).mean().nan_to_num(nan=1.0).clamp_min(1e-3)) if target.numel() else 0.1


@contextmanager
def _by_products(wanted: bool) -> Iterator[None]:
    """No Jacobian is formed inside, if that is wanted."""
    limit = differentiate.DENSE_BYTES
    differentiate.DENSE_BYTES = 0 if wanted else limit
    try:
        yield
    finally:
        differentiate.DENSE_BYTES = limit


def _faults(case: Case, target: Tensor, ended: Ended) -> list[str]:
    found: list[str] = []
    points, exact = ended.points, ended.points.double()
    lower, upper = (torch.as_tensor(bound, dtype=torch.float64) for bound in (case.box.lower, case.box.upper))
    if not bool(((exact >= lower) & (exact <= upper)).all()):
        found.append("a box is broken")
    starts = case.goals if case.move in ("boundary", "widths") else case.images
    if case.frozen is not None and not torch.equal(points[:, case.frozen], starts[ended.row][:, case.frozen]):
        found.append("a frozen pixel moved")
    for place, outcome in enumerate(ended.outcomes):
        if outcome is fs.Outcome.UNREACHABLE:
            found.append("unreachable, but it is the latent of an image in the box")
        if outcome is fs.Outcome.CONVERGED:
            with torch.no_grad():
                latent = case.network(points[place : place + 1].clone()).reshape(-1)
            off = float((latent - target[ended.row[place]]).norm() / ended.tolerance[place])
            if not off <= 1:
                found.append(f"converged, but {off:.3g} tolerances off by itself")
    return found


def main() -> int:
    """All seeds asked for; what is wrong is told at once."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0, help="the first one")
    parser.add_argument("--only", type=int, help="this seed alone; nothing is written")
    asked = parser.parse_args()
    seeds = range(asked.seed, asked.seed + asked.count) if asked.only is None else [asked.only]
    torch.set_num_threads(1)
    started, ends, moves, wrong, slowest = time.perf_counter(), Counter(), Counter(), {}, (0.0, -1)
    for seed in seeds:
        begun = time.perf_counter()
        case, outcomes, faults = run(seed)
        slowest = max(slowest, (time.perf_counter() - begun, seed))
        ends.update(outcomes)
        moves[case.move] += 1
        if faults:
            wrong[seed] = faults
            print(f"seed {seed}, {case.kind}, {case.move}: {'; '.join(sorted(set(faults)))}", flush=True)
    record = {
        "networks": len(seeds),
        "first seed": seeds[0],
        "seconds": round(time.perf_counter() - started),
        "slowest seed": {"seed": slowest[1], "seconds": round(slowest[0], 1)},
        "rows by outcome": dict(ends.most_common()),
        "networks by move": dict(moves.most_common()),
        "wrong": wrong,
    }
    print(json.dumps(record, indent=2))
    if asked.only is None:
        path = Path(__file__).parent / "results" / "random_networks.json"
        path.write_text(json.dumps(record, indent=2) + "\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
