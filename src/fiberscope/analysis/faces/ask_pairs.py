"""Which different people can be brought to the same embedding, and whom judges see then."""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from fiberscope.analysis.answer import Answer
from fiberscope.analysis.faces.priors import Brought, Prior, bring
from fiberscope.analysis.faces.statistics import over_people
from fiberscope.analysis.faces.study import FaceStudy
from fiberscope.analysis.faces.threads import side_by_side
from fiberscope.analysis.records import Records, Value
from fiberscope.gallery import percent, short_number, to_png
from fiberscope.gallery.pairs import pairs
from fiberscope.moves import Outcome
from fiberscope.report import Figure, Section, Table

_SHOWN = 6


class Met(NamedTuple):
    """Pictures of one person brought onto the fiber of another, pair by pair, under one prior.

    ``blindness`` is the distance gone, in pixels, over the distance between the two pictures; ``cosine`` that of the
    result with the target; ``judged`` holds for each judge who it sees.
    """

    prior: Prior
    images: Float[Tensor, "pair c h w"]
    residual: Float[Tensor, " pair"]
    cosine: Float[Tensor, " pair"]
    blindness: Float[Tensor, " pair"]
    reached: Float[Tensor, " pair"]
    judged: dict[str, list[int]]
    num_jacobians: int


def ask_pairs(study: FaceStudy) -> Answer:
    """Bring pictures of people to the embedding of others, under each prior."""
    sources, targets = draw_pairs(study)
    images, aims = study.faces.images[study.places[sources]], study.faces.images[study.places[targets]]
    met = [meet(study, prior, images, aims) for prior in study.priors]
    people = torch.tensor(study.people)
    rows = [_row(each, people[sources].tolist(), people[targets].tolist()) for each in met]
    arrived = [each for each in met if bool(each.reached.any())]
    figures = {f"pairs_{each.prior.name}.png": _figure(study, each, sources, targets) for each in arrived}
    return Answer(
        (_section(study, met, rows, tuple(figures.values()), len(sources)),),
        facts=(
            (f"of the way to another person, and the embedding is theirs ({met[1].prior.words})", rows[1][2]),
            ("judges that still see the first person", rows[1][4]),
        ),
        figures=figures,
        arrays={f"pairs_{each.prior.name}": each.images for each in met},
        records={"pairs": _records(study, met, sources, targets)},
        methods=(_METHOD,),
    )


_METHOD = (
    "Each search starts from the picture itself and ends on the fiber of the other person's picture. With no prior it "
    "moves pixels inside [0, 1]; with the smooth one, coefficients of cosines, high frequencies shrunk; with that of "
    "faces, principal components of all pictures, their mirror images and them under other lights, each in units of "
    "its spread. Values outside [0, 1] are clamped, and residuals are of the finished image. Distances are those of "
    "the projection, which goes by shortest steps, or after as much descent as was asked for: nearer ones may exist."
)


def draw_pairs(study: FaceStudy) -> tuple[Tensor, Tensor]:
    """Random pairs of people under study: each is first once, before anyone is first again."""
    count = len(study.people)
    order = torch.randperm(count, generator=study.rng())
    rounds = [(order, order.roll(-1 - shift)) for shift in range(-(-study.num_pairs // count))]
    first, second = (torch.cat([each[i] for each in rounds])[: study.num_pairs] for i in (0, 1))
    return first, second


def meet(study: FaceStudy, prior: Prior, images: Float[Tensor, "pair c h w"], aims: Float[Tensor, "pair c h w"]) -> Met:
    """Bring each image to the embedding of its aim."""
    goals = study.embed(aims)

    def search(pair: int) -> Brought:
        return bring(prior, images[pair], goals[pair], study.latent_map, num_steps=study.num_steps)

    found = side_by_side(search, range(len(images)))
    made = torch.stack([each.image for each in found])
    gone, apart = ((other - images).flatten(1).norm(dim=1) for other in (made, aims))
    return Met(
        prior,
        made,
        torch.tensor([each.residual for each in found]),
        torch.nn.functional.cosine_similarity(study.embed(made), goals),
        gone / apart,
        torch.tensor([float(each.outcome is Outcome.CONVERGED) for each in found]),
        {judge.name: judge.read(made).tolist() for judge in study.judges},
        sum(each.num_jacobians for each in found),
    )


def _row(met: Met, sources: list[int], targets: list[int]) -> tuple[str, ...]:
    there = met.reached > 0
    blind = over_people(torch.where(there, met.blindness, torch.nan), of="median")
    seen = {
        name: torch.tensor([[float(p == s), float(p == t)] for p, s, t in zip(said, sources, targets, strict=True)])[
            there
        ]
        for name, said in met.judged.items()
    }
    each = [f"{name} {percent(float(hits[:, 0].mean()))}" for name, hits in seen.items()]
    if not bool(there.any()):
        return (met.prior.words, f"0 of {len(there)}", *["–"] * 5)
    pooled = torch.stack(list(seen.values())).mean(dim=0)
    first, second = (over_people(pooled[:, i]).words(0, percent=True) for i in (0, 1))
    residual = short_number(float(met.residual[there].max()), digits=2)
    reached = f"{int(there.sum())} of {len(there)}"
    return (met.prior.words, reached, blind.words(0, percent=True), residual, first, second, ", ".join(each))


def _section(
    study: FaceStudy, met: list[Met], rows: list[tuple[str, ...]], figures: tuple[Figure, ...], count: int
) -> Section:
    own = {judge.name: judge.read(study.probes) for judge in study.judges}
    people = torch.tensor(study.people)
    honest = ", ".join(f"{name} {percent(float((said == people).double().mean()))}" for name, said in own.items())
    table = Table(
        (
            "prior",
            "on the fiber",
            "blindness",
            "largest residual",
            "first person seen",
            "second person seen",
            "by judge",
        ),
        tuple(rows),
        f"{count} pairs. Blindness: the way gone, in pixels, over that between the two pictures, median; 95 % "
        f"intervals over pairs. Judges saw all pictures but those under study; unchanged ones they read "
        f"right: {honest}. First "
        "person: whose picture it was; second: whose embedding it has. Distances and judges: pairs on the fiber alone.",
    )
    finding = (
        f"{rows[1][1]} pairs met under the smooth prior, after {rows[1][2]} of the way between the pictures. Judges "
        f"that do not share the network's blindness still see the first person in {rows[1][4]} of their readings."
    )
    return Section("Which different people can be brought to the same embedding?", finding, (*figures, table))


def _figure(study: FaceStudy, met: Met, sources: Tensor, targets: Tensor) -> Figure:
    shown = met.reached.nonzero()[:_SHOWN, 0]  # what did not arrive has nobody else's embedding
    own, other = ([study.names[i] for i in which[shown].tolist()] for which in (sources, targets))
    said = [sorted({person + 1 for person in each}) for each in zip(*met.judged.values(), strict=True)]
    words = [
        f"{percent(float(met.blindness[i]))} gone\njudges say {' or '.join(map(str, said[i]))}" for i in shown.tolist()
    ]
    picture = pairs(
        study.probes[sources][shown],
        study.probes[targets][shown],
        met.images[shown],
        labels=("Looks like", "Has the embedding of", f"Both\nprior: {met.prior.words}"),
        captions=(own, other, words),
        title="One person, another to the network",
        note=f"Embeddings of the last two rows agree to {short_number(float(met.residual[shown].max()), digits=2)} of "
        f"their size. Gone: of the way between the pictures. {len(met.reached) - int(met.reached.sum())} of "
        f"{len(met.reached)} pairs were not reached and are not shown.",
    )
    return Figure(
        to_png(picture),
        caption=f"The last row has exactly the embedding of the second and is as near as found to the first; prior: "
        f"{met.prior.words}.",
        alt="Columns of three faces: a person, another, and a picture that looks like the first.",
    )


def _records(study: FaceStudy, met: list[Met], sources: Tensor, targets: Tensor) -> Records:
    judges = [judge.name for judge in study.judges]
    columns = {
        "prior": "what changes the search preferred",
        "source": "person whose picture it was",
        "target": "person whose embedding it has",
        "reached": "1 if the search ended on the fiber",
        "residual": "|f(x) - z| / |z| of the finished image",
        "cosine": "of its embedding with the target's",
        "blindness": "way gone in pixels over the distance between the two pictures",
        **dict.fromkeys(judges, "person that this judge sees"),
    }
    people = study.people
    rows: tuple[tuple[Value, ...], ...] = tuple(
        (
            each.prior.name,
            people[int(sources[i])] + 1,
            people[int(targets[i])] + 1,
            float(each.reached[i]),
            float(each.residual[i]),
            float(each.cosine[i]),
            float(each.blindness[i]),
            *(each.judged[name][i] + 1 for name in judges),
        )
        for each in met
        for i in range(len(sources))
    )
    return Records(columns, rows)
