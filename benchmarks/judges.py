"""How often the judges that ship agree with the eye on images between digits, and what they say of metamers.

Run from a checkout with the training digits at hand: python benchmarks/judges.py
The labels (data/between_digits.json) were given by eye before any judge was asked, by one observer: `clear` where the
image reads as a digit, `forced` where it takes a guess. No judge was trained on them, but they are no untouched test
of the panel: the level of the ink was chosen on the numbers below 180, and the members and weights of the panel were
chosen with the results on all of them in view, so `confirm` (from 180 on) is a check of the ink's level alone.
"""

from __future__ import annotations

import json
from pathlib import Path

import torch
from between_digits import KINDS, make
from scipy.stats import binomtest

import fiberscope as fs
from fiberscope.judges import Verdict, collision_rates, decide, shipped_panel

_LABELS = Path(__file__).parent / "data" / "between_digits.json"
_CONFIRM = 180


def show(words: str, hits: torch.Tensor) -> None:
    if len(hits):
        ends = binomtest(int(hits.sum()), len(hits)).proportion_ci(method="wilson")
        share = f"{100 * float(hits.double().mean()):5.1f} % ({100 * ends.low:.0f} to {100 * ends.high:.0f})"
        print(f"  {words:32s} {share} of {len(hits)}")


def agreement() -> None:
    given = json.loads(_LABELS.read_text())
    clear, forced = ({int(key): label for key, label in given[kind].items()} for kind in ("clear", "forced"))
    seen_as = clear | forced
    rows = sorted(seen_as)
    train = fs.data.mnist("train")
    between = make(train, 1 + max(rows))
    images, eye = between.images[rows], torch.tensor([seen_as[row] for row in rows])
    held = torch.randperm(60_000, generator=torch.Generator().manual_seed(2024))[5000:]
    near = torch.cdist(images.flatten(1), train.images[held].flatten(1)).topk(5, largest=False).indices
    panel = shipped_panel()
    found = panel.opinions(images)
    is_clear = torch.tensor([row in clear for row in rows])
    late = torch.tensor([row >= _CONFIRM for row in rows])
    changed = torch.tensor([between.own[row] for row in rows]) != eye
    print(f"{int(changed.sum())} of {len(rows)} images changed their class to the eye")
    voters = {name: said.argmax(dim=1) for name, said in zip(found.judges, found.per_judge, strict=True)}
    voters = {"5 neighbours on pixels": train.labels[held][near].mode(dim=1).values, **voters, "panel": found.classes}
    for name, classes in voters.items():
        hit = classes == eye
        print(name)
        show("clear, developed on", hit[is_clear & ~late])
        show("clear, confirm", hit[is_clear & late])
        show("clear, class changed", hit[is_clear & changed])
        show("clear, class kept", hit[is_clear & ~changed])
        for kind in KINDS:
            show(f"clear, {kind}", hit[is_clear & torch.tensor([between.kinds[row] == kind for row in rows])])
        show("guesses of the eye included", hit)
    show("panel where sure, clear", (found.classes == eye)[found.sure & is_clear])
    show("panel where sure, all", (found.classes == eye)[found.sure])
    print(f"  sure of {100 * float(found.sure.double().mean()):.0f} % of all")


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
        agreement()
    metamers()
