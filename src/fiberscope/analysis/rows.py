"""Rows of natural images that share one latent, as one page."""

from __future__ import annotations

from functools import partial

from fiberscope.analysis.choices import NetworkChoice, RowsChoice
from fiberscope.analysis.study.identity import identify
from fiberscope.analysis.study.kept import check_place
from fiberscope.analysis.study.natural import MOST_ROWS, ask_natural
from fiberscope.analysis.study.open_study import open_study
from fiberscope.analysis.study.questions import choose
from fiberscope.analysis.study.run import Cover, Done, Step, run_study
from fiberscope.problem import FiberscopeError

_LOAD = "open the network and the generator"
_MOST_MEMBERS = 20


def run_rows(choice: RowsChoice, network: NetworkChoice, *, command: str, step: Step) -> Done:
    """Make a row of images for the latent of each chosen one, with a generator's prior and without.

    Raises FiberscopeError for a choice that cannot be met or a network of other images, Interrupted at Ctrl-C.
    """
    if not 2 <= choice.members <= _MOST_MEMBERS or not 0 < choice.mass < 1:
        raise FiberscopeError(
            f"members, mass: expected 2 to {_MOST_MEMBERS} members and a share of the prior above 0 and below 1, found "
            f"{choice.members} and {choice.mass}."
        )
    check_place(choice.out, force=choice.force)
    with step(_LOAD):
        study, opened = open_study(network, choice.images, seed=choice.seed)
    found = len(study.images.names)
    if found > MOST_ROWS:
        raise FiberscopeError(
            f"images: found {found}, wanted {MOST_ROWS} at most, one a row. For more rows run it again."
        )
    if study.generator is None:
        raise FiberscopeError(
            f"model: the generator that ships makes digits of shape (1, 28, 28), {network.model} takes "
            f"{study.latent_map.input_shape}. Compose a generator of your own with fiberscope.models.compose."
        )
    natural, match = choose(("natural", "match"))
    ask = partial(ask_natural, members=choice.members, mass=choice.mass)
    cover = Cover(
        title="Which natural images share a latent?",
        lead="Behind a generator that makes digits only, a fiber holds nothing but digits. Each row below is one "
        "latent, and the digits in it are as different as the search could make them.",
        subject=(("network", f"{network.model}, up to {opened.layer}"), ("images", " ".join(choice.images))),
    )
    return run_study(
        study,
        (natural._replace(ask=ask), match),
        cover,
        out=choice.out,
        force=choice.force,
        command=command,
        settings={**identify(study, layer=opened.layer), "members": choice.members, "mass": choice.mass},
        step=step,
    )
