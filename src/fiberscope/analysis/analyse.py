"""A whole study from what a user chose: every question, on a choice of images, on one page."""

from __future__ import annotations

from pathlib import Path

from fiberscope.analysis.answer import grouped
from fiberscope.analysis.choices import NetworkChoice, StudyChoice
from fiberscope.analysis.finding import SURROGATE
from fiberscope.analysis.network import Network
from fiberscope.analysis.study.identity import identify
from fiberscope.analysis.study.kept import check_place
from fiberscope.analysis.study.open_study import open_study
from fiberscope.analysis.study.questions import choose
from fiberscope.analysis.study.run import Cover, Done, Step, run_study
from fiberscope.analysis.study.study import Study
from fiberscope.problem import FiberscopeError

_LOAD = "open the network and what it is measured against"


def run_analyse(choice: StudyChoice, network: NetworkChoice, *, command: str, step: Step) -> Done:
    """Answer the chosen questions, all by default, into the folder; an interrupted study in it is gone on with.

    Raises FiberscopeError for a choice that cannot be met, Interrupted at Ctrl-C.
    """
    if not 0 <= choice.seed < 2**63:
        raise FiberscopeError(f"seed: expected a number from 0 to 2**63 - 1, found {choice.seed}. Leave it out for 0.")
    questions = choose(choice.only)
    check_place(choice.out, force=choice.force)
    with step(_LOAD):
        study, opened = open_study(
            network,
            choice.images,
            seed=choice.seed,
            judges=choice.judge,
            beside=choice.beside,
            labelled=choice.labelled,
            variations=choice.variations,
        )
    return run_study(
        study,
        questions,
        _cover(study, opened, choice),
        out=choice.out,
        force=choice.force,
        command=command,
        settings=identify(study, layer=opened.layer),
        step=step,
    )


def _cover(study: Study, network: Network, choice: StudyChoice) -> Cover:
    """What the study is of; a model of the user's is called by its file and factory."""
    weights = f", weights SHA-256 {network.weights_sha256}" if network.weights_sha256 else ""
    panel, data = study.panel, study.data
    return Cover(
        title=f"What can {_short(study.model)} not tell apart?",
        lead=f"A network keeps {grouped(study.latent_map.latent_size)} numbers of each image and forgets the rest: "
        "images that agree in them are one and the same to it. This page says which they are, how different they can "
        "be, and whether that is wanted.",
        subject=(
            ("network", f"{study.model}{weights}"),
            ("layer of the latent", network.layer),
            *((("surrogate gradient", SURROGATE),) if study.latent_map.surrogate_gradient else ()),
            ("images", f"{' '.join(choice.images)} ({grouped(len(study.images.names))})"),
            ("measured against", f"{data.name}, {grouped(len(data.labels))} labelled images"),
            ("judges", ", ".join(judge.name for judge in panel.judges) if panel else "none"),
            ("compared with", ", ".join(other.model for other in study.beside) or "none"),
            ("precision", f"{str(study.latent_map.dtype).removeprefix('torch.')} on {study.latent_map.device}"),
        ),
    )


def _short(model: str) -> str:
    file, colon, factory = model.rpartition(":")
    return f"{Path(file).name}:{factory}" if colon else Path(model).name
