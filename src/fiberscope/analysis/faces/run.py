"""The study of faces runs: an embedding, the people asked about, and every question's answer on disk."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import torch

from fiberscope.analysis.answer import Answer
from fiberscope.analysis.content_hash import hash_module, hash_tensors
from fiberscope.analysis.faces.ask_pairs import ask_pairs
from fiberscope.analysis.faces.ask_rows import ask_rows
from fiberscope.analysis.faces.ask_sensitivity import ask_ranges, ask_sensitivity
from fiberscope.analysis.faces.ask_unseen import ask_unseen
from fiberscope.analysis.faces.ask_verification import ask_verification
from fiberscope.analysis.faces.priors import SEARCH
from fiberscope.analysis.faces.study import FaceStudy
from fiberscope.analysis.faces.threads import one_thread
from fiberscope.analysis.study.kept import check_place
from fiberscope.analysis.study.run import Cover, Done, Question, Step, run_study
from fiberscope.analysis.study.workbench import Workbench
from fiberscope.data import LabelledImages, faces, find_package, package_named
from fiberscope.models.face_embedding import FACE_SHAPE, load_face_embedding
from fiberscope.problem import FiberscopeError, LatentMap

EMBEDDING = "face-embedding"
RESPONSIBLE = (
    "This study shows what a face embedding ignores, so that people who build or buy one can ask for better. It works "
    "on the inside of one network with its weights at hand, and is no recipe for deceiving a camera: a printed or worn "
    "picture meets other cameras, crops and checks. Do not use it on pictures of people who have not agreed.",
    "The faces are the ORL database (now AT&T Laboratories Cambridge), credited as its makers ask: ten pictures each "
    "of 40 people, with varying lighting, facial expressions and facial details. Numbers here are about such pictures "
    "and this network. No face is stored outside your cache and your own report.",
)


@dataclass(frozen=True)
class FacesChoice:
    """What is asked, about how many people, and how thoroughly."""

    out: Path
    people: int
    pairs: int
    rows: int
    members: int
    steps: int
    components: bool
    cosine: bool
    seed: int
    force: bool


QUICK = {"people": 8, "pairs": 2, "rows": 2, "members": 3, "steps": 0}
WHOLE = {"people": 40, "pairs": 20, "rows": 5, "members": 5, "steps": 0}

QUESTIONS: tuple[Question, ...] = (
    Question("verification", "Does the network know people again?", "compare all pictures", ask_verification),
    Question("rows", "What does one embedding look like?", "vary light and pose at one embedding", ask_rows),
    Question(
        "sensitivity",
        "Is it as blind to light and pose as it should be?",
        "differentiate the embedding at each person",
        ask_sensitivity,
    ),
    Question("ranges", "How far does each change go?", "verify people along each variation", ask_ranges),
    Question("unseen", "What else is it blind to?", "go where the network sees nothing", ask_unseen),
    Question("pairs", "Which people can meet?", "bring people to the embedding of others", ask_pairs),
)


class FacesDone(NamedTuple):
    """What was found, and whose the pictures are."""

    done: Done
    credit: str


def run_faces(
    choice: FacesChoice, *, command: str, step: Step, tell: Callable[[str], object] = lambda words: None
) -> FacesDone:
    """Answer the questions about the fetched faces and the fetched embedding into a folder.

    The same command goes on where it was stopped. ``tell`` is told in words how far the searches of a question are.
    Raises FiberscopeError when faces or embedding are not in the user's cache, with the command that fetches them, or
    for choices that cannot be met.
    """
    _check(choice)
    check_place(choice.out, force=choice.force)
    with step("open the faces and the embedding"):
        study = replace(open_faces(choice), tell=tell)
    credit = package_named("faces", "data").credit
    return FacesDone(ask(study, choice, credit=credit, command=command, step=step), credit)


def open_faces(choice: FacesChoice) -> FaceStudy:
    """The fetched embedding and faces, and people drawn with the seed."""
    package = package_named(EMBEDDING, "models")
    path = find_package(package) / package.members[0]
    pictures = faces()
    with one_thread():
        network = load_face_embedding(path, direction_only=choice.cosine)
        latent_map = LatentMap(network, FACE_SHAPE)
    return study_of(latent_map, pictures, choice)


def study_of(latent_map: LatentMap, pictures: LabelledImages, choice: FacesChoice) -> FaceStudy:
    """A study of that many people, drawn with the seed; raises FiberscopeError for choices that cannot be met."""
    _check(choice)
    people = torch.unique(pictures.labels)
    if choice.people > len(people):
        raise FiberscopeError(f"people: expected at most {len(people)}, as many as there are, found {choice.people}.")
    drawn = people[torch.randperm(len(people), generator=torch.Generator().manual_seed(choice.seed))]
    return FaceStudy(
        model=EMBEDDING,
        latent_map=latent_map,
        faces=pictures,
        people=tuple(sorted(drawn[: choice.people].tolist())),
        seed=choice.seed,
        num_pairs=choice.pairs,
        num_rows=choice.rows,
        members=choice.members,
        num_steps=choice.steps,
        components=choice.components,
        workbench=Workbench(choice.out),
    )


def ask(study: FaceStudy, choice: FacesChoice, *, credit: str, command: str, step: Step) -> Done:
    """Answer the questions into the folder, in an order that shows the rows first."""
    settings = {
        "model": study.model,
        "weights": hash_module(study.latent_map.model),
        "faces": hash_tensors([study.faces.images, study.faces.labels]),
        "geometry": "cosine" if choice.cosine else "embedding",
        "people": hashlib.sha256(repr(study.people).encode()).hexdigest()[:16],
        **{name: getattr(choice, name) for name in WHOLE},
        "search": SEARCH,
        **({} if choice.components else {"components": False}),
    }
    cover = Cover(
        title="What does a face embedding not see?",
        lead="Light and pose of a face should not change who it is recognised as. What else does not change it was not "
        "chosen by anybody. Here a network that knows these people again is asked what it ignores, in numbers over "
        "people and in pictures that have exactly one embedding.",
        subject=(
            ("network", f"SFace, {study.latent_map.latent_size} numbers{', direction only' if choice.cosine else ''}"),
            ("pictures", f"{credit}"),
            ("people", ", ".join(str(person + 1) for person in study.people)),
        ),
    )
    with one_thread():
        return run_study(
            study,
            (QUESTIONS[0]._replace(ask=_with_words), *QUESTIONS[1:]),
            cover,
            out=choice.out,
            force=choice.force,
            command=command,
            settings=settings,
            step=step,
        )


def _with_words(study: FaceStudy) -> Answer:
    answer = ask_verification(study)
    return replace(answer, methods=(*RESPONSIBLE, *answer.methods))


def _check(choice: FacesChoice) -> None:
    least = {"people": 3, "pairs": 1, "rows": 1, "members": 2, "steps": 0}
    for name, minimum in least.items():
        found = getattr(choice, name)
        if found < minimum:
            raise FiberscopeError(f"{name}: expected at least {minimum}, found {found}.")
    if not 0 <= choice.seed < 2**63:
        raise FiberscopeError(f"seed: expected a number from 0 to 2**63 - 1, found {choice.seed}. Leave it out for 0.")
