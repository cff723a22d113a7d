"""Which different people can be brought to the same embedding, and whom judges see then."""

from __future__ import annotations

import torch
from torch import Tensor

from fiberscope.analysis.answer import Answer
from fiberscope.analysis.faces.meetings import Counts, Met, count_met, draw_pairs, meet
from fiberscope.analysis.faces.study import FaceStudy
from fiberscope.analysis.records import Records, Value
from fiberscope.gallery import percent, short_number, to_png
from fiberscope.gallery.pairs import pairs
from fiberscope.report import Figure, Section, Table

_SHOWN = 6


def ask_pairs(study: FaceStudy) -> Answer:
    """Bring pictures of people to the embedding of others, under each prior."""
    sources, targets = draw_pairs(study)
    images, aims = study.faces.images[study.places[sources]], study.faces.images[study.places[targets]]
    met = [meet(study, prior, images, aims) for prior in study.priors]
    people = torch.tensor(study.people)
    counts = [count_met(each, people[sources], people[targets]) for each in met]
    arrived = [each for each in met if bool(each.reached.any())]
    figures = {f"pairs_{each.prior.name}.png": _figure(study, each, sources, targets) for each in arrived}
    return Answer(
        (_section(study, met, counts, tuple(figures.values())),),
        facts=_facts(met, counts),
        figures=figures,
        arrays={f"pairs_{each.prior.name}": each.images for each in met},
        records={"pairs": _records(study, met, sources, targets)},
        methods=(_method(study),),
    )


def _method(study: FaceStudy) -> str:
    flat = " With changes of few edges it moves pixels, too, and descent weighs the total variation of the change."
    components = (
        " In components of faces (of all pictures, their mirror images and these under other lights, each in units of "
        "its spread) it starts from the other person's picture instead, which is on the fiber, descends along the "
        "fiber toward the first picture, and counts when it came nearer in these units; in pixels it need not have."
    )
    return (
        "A search for a pair starts from the first picture and ends on the fiber of the other person's. By any pixels "
        "it moves these inside [0, 1]; by smooth changes, coefficients of cosines, high frequencies shrunk."
        f"{flat if study.num_steps else ''}{components if study.components else ''} Values outside [0, 1] are clamped, "
        "and residuals are of the finished image. Distances are those of the projection, which goes by shortest steps, "
        "or after descent: nearer images may exist."
    )


def _facts(met: list[Met], counts: list[Counts]) -> tuple[tuple[str, str], ...]:
    by_name = {each.prior.name: (each.prior, numbers) for each, numbers in zip(met, counts, strict=True)}
    prior, found = by_name["smooth"]
    if not found.arrived:
        return ((f"pairs of people with one embedding ({prior.words})", found.reached),)
    return (
        (
            f"of the way to another person ({prior.words}, median), and the embedding is theirs",
            found.blindness.headline(0, percent=True),
        ),
        ("of judges' readings still see the first person", found.first.headline(0, percent=True)),
    )


def _row(met: Met, counts: Counts) -> tuple[str, ...]:
    if not counts.arrived:
        return (met.prior.words, counts.reached, *["–"] * 5)
    shares = (counts.blindness, counts.first, counts.second)
    blind, first, second = (each.words(0, percent=True) for each in shares)
    residual = short_number(float(met.residual[met.reached].max()), digits=2)
    by_judge = ", ".join(f"{name} {percent(share, digits=0)}" for name, share in counts.first_by_judge.items())
    return (met.prior.words, counts.reached, blind, residual, first, second, by_judge)


def _finding(met: list[Met], counts: list[Counts]) -> str:
    said = []
    for each, numbers in zip(met, counts, strict=True):
        way, first = (share.words(0, percent=True) for share in (numbers.blindness, numbers.first))
        end = f" at {way} of the distance between the pictures, and judges see the first person in {first} of readings"
        said.append(f"by {each.prior.words} {numbers.arrived} meet{end if numbers.arrived else ''}")
    return f"Of {counts[0].asked} pairs, {'; '.join(said)}."


def _section(study: FaceStudy, met: list[Met], counts: list[Counts], figures: tuple[Figure, ...]) -> Section:
    own = {judge.name: judge.read(study.probes) for judge in study.judges}
    people = torch.tensor(study.people)
    honest = ", ".join(
        f"{name} {percent(float((said == people).double().mean()), digits=0)}" for name, said in own.items()
    )
    table = Table(
        (
            "prior",
            "met",
            "blindness",
            "largest residual",
            "first person seen",
            "second person seen",
            "first person, by judge",
        ),
        tuple(_row(each, numbers) for each, numbers in zip(met, counts, strict=True)),
        f"{counts[0].asked} pairs. Blindness: the distance of the image from the first picture, in pixels, over that "
        "between the two pictures, median; 95 % intervals over pairs. Judges do not share the network's blindness; "
        f"they saw all pictures but those under study; unchanged ones they read right: {honest}. First person: whose "
        "picture it was; second: whose embedding it has. All but the first column: of pairs that met.",
    )
    question = "Which different people can be brought to the same embedding?"
    return Section(question, _finding(met, counts), (*figures, table))


def _figure(study: FaceStudy, met: Met, sources: Tensor, targets: Tensor) -> Figure:
    shown = met.reached.nonzero()[:_SHOWN, 0]  # what did not arrive has nobody else's embedding
    own, other = ([study.names[i] for i in which[shown].tolist()] for which in (sources, targets))
    said = [sorted({person + 1 for person in each}) for each in zip(*met.judged.values(), strict=True)]
    words = [
        f"{percent(float(met.blindness[i]), digits=0)} away\njudges say {' or '.join(map(str, said[i]))}"
        for i in shown.tolist()
    ]
    if met.prior.descent:
        looks, both, title = "Toward", "Between", "From one person toward another, along the fiber"
        caption = "The last row started at the second and went along its fiber toward the first, as its prior measures"
    else:
        looks, both, title = "Looks like", "Both", "One person, another to the network"
        caption = "The last row has the embedding of the second and is as near as found to the first"
    picture = pairs(
        study.probes[sources][shown],
        study.probes[targets][shown],
        met.images[shown],
        labels=(looks, "Has the embedding of", f"{both}\nprior: {met.prior.words}"),
        captions=(own, other, words),
        title=title,
        note=f"Embeddings of the last two rows agree to {short_number(float(met.residual[shown].max()), digits=2)} of "
        f"their size. Away: from the first, of the distance between the two.{left_out(met)}",
    )
    return Figure(
        to_png(picture),
        caption=f"{caption}; prior: {met.prior.words}.",
        alt="Columns of three faces: a person, another, and an image with the embedding of the other.",
    )


def left_out(met: Met) -> str:
    """A sentence on the pairs that are not in the picture; nothing when all are."""
    asked = len(met.reached)
    missed = asked - int(met.reached.sum())
    verb = "is" if missed == 1 else "are"
    short = "come nearer" if met.prior.descent else "arrive"
    return f" {missed} of {asked} did not {short} and {verb} not shown." if missed else ""


def _records(study: FaceStudy, met: list[Met], sources: Tensor, targets: Tensor) -> Records:
    judges = [judge.name for judge in study.judges]
    columns = {
        "prior": "what changes the search preferred",
        "source": "person whose picture it was",
        "target": "person whose embedding it was brought to",
        "reached": "whether the search ended on the fiber, in components of faces also nearer by its own measure",
        "residual": "|f(x) - z| / |z| of the finished image",
        "cosine": "of its embedding with the target's",
        "blindness": "distance from the source's picture, in pixels, over that between the two pictures",
        **dict.fromkeys(judges, "person that this judge sees"),
    }
    people = study.people
    rows: tuple[tuple[Value, ...], ...] = tuple(
        (
            each.prior.name,
            people[int(sources[i])] + 1,
            people[int(targets[i])] + 1,
            bool(each.reached[i]),
            float(each.residual[i]),
            float(each.cosine[i]),
            float(each.blindness[i]),
            *(each.judged[name][i] + 1 for name in judges),
        )
        for each in met
        for i in range(len(sources))
    )
    return Records(columns, rows)
