"""Networks side by side on the same images, as one page."""

from __future__ import annotations

from collections.abc import Sequence

from fiberscope.analysis.answer import grouped
from fiberscope.analysis.choices import CompareChoice, NetworkChoice
from fiberscope.analysis.study.identity import identify
from fiberscope.analysis.study.kept import check_place
from fiberscope.analysis.study.open_study import open_study
from fiberscope.analysis.study.questions import choose
from fiberscope.analysis.study.run import Cover, Done, Step, run_study
from fiberscope.problem import FiberscopeError

_LOAD = "open the networks and what they are measured against"


def run_compare(names: Sequence[str], choice: CompareChoice, *, command: str, step: Step) -> Done:
    """Ask each network, named as a model is, the same about the same images.

    Raises FiberscopeError for fewer than two networks or a choice that cannot be met, Interrupted at Ctrl-C.
    """
    if len(names) < 2 or len(set(names)) < len(names):
        raise FiberscopeError(
            f"models: expected at least two, each once, found {', '.join(names) or 'none'}. Name those to compare, "
            "such as mnist-classifier mnist-classifier-robust."
        )
    check_place(choice.out, force=choice.force)
    network = NetworkChoice(model=names[0])
    with step(_LOAD):
        study, opened = open_study(
            network,
            choice.images,
            seed=choice.seed,
            judges=choice.judge,
            beside=names[1:],
            labelled=choice.labelled,
            variations=choice.variations,
        )
    cover = Cover(
        title="How do networks compare in what they cannot tell apart?",
        lead="Networks that read the same images right do not forget the same. Each is asked about the same images: "
        "how near can one come to another before the network takes it for that other, what does it mind, how "
        "strongly does it see?",
        subject=(
            ("networks", ", ".join(names)),
            ("images", f"{' '.join(choice.images)} ({grouped(len(study.images.names))})"),
            ("measured against", f"{study.data.name}, {grouped(len(study.data.labels))} labelled images"),
        ),
    )
    return run_study(
        study,
        choose(("comparison", "match")),
        cover,
        out=choice.out,
        force=choice.force,
        command=command,
        settings=identify(study, layer=opened.layer),
        step=step,
    )
