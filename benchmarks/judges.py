"""How often the judges that ship agree with the eye on images between digits, and what they say of metamers.

Run from a checkout with the training digits at hand: python benchmarks/judges.py

The labels (data/*.json) were given by eye, by one observer who did not see what lay behind an image: `clear` where it
reads as a digit, `forced` where it takes a guess (59 images of each set). No judge was trained on them.

The first set (between_digits.py, 240 images) is no untouched test: the level of the ink, the members and the weights of
the panel were chosen with results on it in view. The second (transplants.py, 150 images) is one: it was made, kept or
left out, labelled and committed before any judge of the panel saw it, by rules set on other sources, and the panel was
not changed afterwards. Agreement in per cent, with 95 per cent intervals of Wilson:

                           first set      second set     second, clear   second, weighted as below
    5 neighbours on pixels  58 (52-64)     39 (32-47)     37 (28-48)      48
    a plain network         78 (72-83)     65 (57-72)     69 (59-78)      55
    strokes                 78 (73-83)     76 (69-82)     85 (76-91)      69
    gradients               74 (68-79)     63 (55-71)     69 (59-78)      64
    neighbours              83 (78-87)     74 (66-80)     86 (77-91)      66
    upright                 78 (72-82)     76 (69-82)     88 (80-93)      68
    panel                   81 (76-86)     78 (71-84)     90 (82-95)      70
    panel where sure        86 of 89 %     82 of 89 %     93 (85-97)

So the aim of 80 per cent is met where the digit reads clearly, and on all images only within the interval. People
changed their label on 74 per cent of the second set (here: the eye), more than in the published one. Weighted so that
neighbours, the plain network and the label before the change are right as often as there (48, 55, and 45 per cent for
"changed on more than half"), the panel falls to 70: images on which plain classifiers fail are harder for all judges,
and what the weights hold fixed is itself agreement, so that they also pick images whose label is a guess.

What did not help: asking every judge at the levels of ink 0.16, 0.25 and 0.35 and averaging logits. Chosen on the first
set, where it gave 85 (79-89) per cent, it gave 73 (65-79) on the second, asked once, and was dropped: strokes added by
0.3 are seen by people and not at 0.35. A judge of deformed digits (Keysers et al. 2007) gave 83 alone on the first set,
and 83 with the panel, for 35 ms an image; it was not tried on the second.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from between_digits import KINDS, make
from scipy.stats import binomtest

import fiberscope as fs
from fiberscope.judges import Verdict, collision_rates, decide, shipped_panel

_DATA = Path(__file__).parent / "data"
_PUBLISHED = (0.48, 0.55, 0.45)  # 5 neighbours, a plain network, the label before the change: see as_hard


def show(words: str, hits: torch.Tensor) -> None:
    if len(hits):
        ends = binomtest(int(hits.sum()), len(hits)).proportion_ci(method="wilson")
        share = f"{100 * float(hits.double().mean()):5.1f} % ({100 * ends.low:.0f} to {100 * ends.high:.0f})"
        print(f"  {words:32s} {share} of {len(hits)}")


class Seen(NamedTuple):
    """Images between digits, what the eye saw in them, and the classes of the digits that they started from."""

    images: torch.Tensor
    eye: torch.Tensor
    is_clear: torch.Tensor
    own: torch.Tensor
    kinds: list[str]


def first_set() -> Seen:
    """Made anew from the training digits; those whose label the observer refused are left out."""
    eye, is_clear = labels("between_digits")
    rows = sorted(eye)
    between = make(fs.data.mnist("train"), 1 + max(rows))
    return Seen(
        between.images[rows],
        torch.tensor([eye[row] for row in rows]),
        torch.tensor([is_clear[row] for row in rows]),
        torch.tensor([between.own[row] for row in rows]),
        [between.kinds[row] for row in rows],
    )


def second_set() -> Seen:
    """As they were labelled: transplants.py makes them again, to rounding."""
    eye, is_clear = labels("transplants")
    with np.load(_DATA / "transplants.npz") as kept:
        images, own, kinds = torch.from_numpy(kept["images"]), torch.from_numpy(kept["own"]), kept["kinds"].tolist()
    rows = range(len(images))
    told = torch.tensor([eye[row] for row in rows]), torch.tensor([is_clear[row] for row in rows])
    return Seen(images[:, None].float() / 255, *told, own, kinds)


def labels(name: str) -> tuple[dict[int, int], dict[int, bool]]:
    given = json.loads((_DATA / f"{name}.json").read_text())
    eye = {int(row): label for kind in given for row, label in given[kind].items()}
    return eye, {row: str(row) in given["clear"] for row in eye}


def agreement(seen: Seen) -> None:
    changed = seen.own != seen.eye
    print(f"{int(changed.sum())} of {len(changed)} images changed their class to the eye")
    train, network, panel = fs.data.mnist("train"), fs.models.load("mnist-classifier"), shipped_panel()
    learnt = torch.randperm(60_000, generator=torch.Generator().manual_seed(2024))[5000:]
    near = torch.cdist(seen.images.flatten(1), train.images[learnt].flatten(1)).topk(5, largest=False).indices
    found = panel.opinions(seen.images)
    plain = {
        "5 neighbours on pixels": train.labels[learnt][near].mode(dim=1).values,
        "a plain network": network(seen.images).argmax(dim=1),
    }
    voters = {name: said.argmax(dim=1) for name, said in zip(found.judges, found.per_judge, strict=True)}
    weights = as_hard(*(classes == seen.eye for classes in plain.values()), ~changed)
    for name, classes in {**plain, **voters, "panel": found.classes}.items():
        hit = classes == seen.eye
        print(name)
        show("all", hit)
        print(f"  {'all, weighted':32s} {100 * float(weights @ hit.double()):5.1f} %")
        show("clear", hit[seen.is_clear])
        show("guesses", hit[~seen.is_clear])
        show("class changed", hit[changed])
        show("class kept", hit[~changed])
        for kind in KINDS:
            show(kind, hit[torch.tensor([each == kind for each in seen.kinds])])
    show("panel where sure", (found.classes == seen.eye)[found.sure])
    show("panel where sure, clear", (found.classes == seen.eye)[found.sure & seen.is_clear])
    print(
        f"  sure of {100 * float(found.sure.double().mean()):.0f} % of all; "
        f"the weights are worth {1 / float(weights.square().sum()):.0f} images"
    )


def as_hard(*hits: torch.Tensor) -> torch.Tensor:
    """Weights under which neighbours, a plain network and the first label are right as often as in the published set.

    References:
        Deming and Stephan (1940), On a least squares adjustment of a sampled frequency table (raking).
    """
    weights = torch.full((len(hits[0]),), 1 / len(hits[0]), dtype=torch.float64)
    for _ in range(200):
        for hit, share in zip(hits, _PUBLISHED, strict=True):
            right = float(weights[hit].sum())
            weights = torch.where(hit, weights * share / right, weights * (1 - share) / (1 - right))
    return weights


def metamers(count: int = 64) -> None:
    network, digits = fs.models.load("mnist-classifier"), fs.data.mnist("test")
    order = torch.randperm(10_000, generator=torch.Generator().manual_seed(0))
    half = len(order) // 2
    pairs = [(a, b) for a, b in zip(order[:half].tolist(), order[half:].tolist(), strict=True)]
    pairs = [(a, b) for a, b in pairs if digits.labels[a] != digits.labels[b]][:count]
    looks, latents = (digits.images[[pair[side] for pair in pairs]] for side in (0, 1))
    latent_map = fs.LatentMap(network.encoder, (1, 28, 28))
    near = fs.nearest(fs.Fiber.through(latent_map, latents), looks)
    good = [row for row, outcome in enumerate(near.outcome) if outcome is fs.Outcome.CONVERGED]
    panel = shipped_panel()
    found = panel.opinions(near.points[good])
    classes = network(near.points[good]).argmax(dim=1)
    apart = near.distance[good]
    verdicts = decide(found, classes)
    rates = collision_rates(apart, verdicts, (0.0, 1.0, 2.0, 3.0, 4.0, 6.0, 12.0))
    print(f"{len(good)} of {len(pairs)} images on the fiber of a digit of another class, nearest to a given digit")
    print({verdict.value: sum(each is verdict for each in verdicts) for verdict in Verdict})
    columns = (rates.lower, rates.upper, rates.images, rates.collisions, rates.unsure, rates.rate)
    for low, high, images, hits, unsure, rate in zip(*(column.tolist() for column in columns), strict=True):
        print(f"  moved by {low:.0f} to {high:.0f}: {images} images, {hits} collisions, {unsure} unsure, {rate:.2f}")
    still = found.classes == digits.labels[[pairs[row][0] for row in good]]
    show("the panel still sees the digit", still)


if __name__ == "__main__":
    torch.set_num_threads(1)
    with torch.no_grad():
        for title, seen in (("first set", first_set()), ("second set", second_set())):
            print(f"\n{title}")
            agreement(seen)
    metamers()
