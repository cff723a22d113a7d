"""Row space and null space of ten digits as pictures, and how much of what varies between digits stays unseen."""

from __future__ import annotations

import torch

from fiberscope.analysis.answer import Answer
from fiberscope.analysis.demo.sight import NUM_DIRECTIONS, Sight
from fiberscope.analysis.demo.stage import Stage
from fiberscope.gallery import percent, seen_unseen, share_chart, short_number, spectrum_chart, to_png
from fiberscope.report import Figure, Section


def ask_sight(stage: Stage) -> Answer:
    """Split image space at each digit, show both parts, and weigh them by how real digits vary."""
    sight = stage.sight
    spectrum, directions, shares = _spectrum(stage, sight), _directions(stage, sight), _shares(stage, sight)
    median = percent(float(sight.invisible_share.median()))
    return Answer(
        (_what_it_sees(stage, sight, (spectrum, directions)), _how_much(sight, shares)),
        facts=(("of what varies between digits is invisible (median)", median),),
        figures={"singular-values.png": spectrum, "seen-unseen.png": directions, "invisible-share.png": shares},
        arrays={
            "sight_singular_values": sight.split.singular_values,
            "sight_rank": sight.split.rank,
            "sight_row_basis": sight.split.row_basis,
            "sight_unseen_directions": sight.unseen,
            "sight_unseen_variance_shares": sight.unseen_shares,
            "sight_invisible_share": sight.invisible_share,
        },
    )


def _what_it_sees(stage: Stage, sight: Sight, figures: tuple[Figure, Figure]) -> Section:
    n, rank = stage.latent_map.input_size, int(sight.split.rank.min())
    return Section(
        "What does it see of a digit, and what can it not see?",
        f"Around each digit it sees {rank} of {n} directions. The other {n - rank} leave its latent as it is.",
        (
            "A direction is a pattern of small changes, darker here and brighter there. The Jacobian, the table of "
            "derivatives of all latents by all pixels, says how the latent answers. Directions with an answer span the "
            "row space: what the network sees. Directions without one form the null space: what it cannot see.",
            *figures,
        ),
    )


def _how_much(sight: Sight, shares: Figure) -> Section:
    least, most = percent(float(sight.invisible_share.min())), percent(float(sight.invisible_share.max()))
    count = sight.split.singular_values.shape[1]
    return Section(
        "How much of what varies between digits can it not see?",
        f"Around each digit it cannot see {least} to {most} of it. The best {count} directions would leave "
        f"{percent(sight.best_share)}, random ones {percent(sight.random_share)}.",
        (
            "Digits vary in slant, thickness and form. Measured as the variance of the test images, most of that lies "
            "in the null space. That alone is no fault: to read a class, a network has to ignore how it is written.",
            shares,
        ),
    )


def _spectrum(stage: Stage, sight: Sight) -> Figure:
    values = sight.split.singular_values
    weakest, strongest = short_number(float(values.min())), short_number(float(values.max()))
    return Figure(
        to_png(spectrum_chart(values, [f"digit {name}" for name in stage.names])),
        caption="Each line is one digit: how far its latent moves when the image moves by one unit along a direction "
        "that the network sees, strongest direction first.",
        alt=f"Ten falling lines on a logarithmic axis, between {strongest} and {weakest}.",
    )


def _directions(stage: Stage, sight: Sight) -> Figure:
    shape, k = stage.latent_map.input_shape, NUM_DIRECTIONS
    picture = seen_unseen(
        stage.digits,
        torch.unflatten(sight.seen(k), 2, shape),
        torch.unflatten(sight.unseen, 2, shape),
        singular_values=sight.split.singular_values[:, :k],
        shares=sight.unseen_shares,
        headings=(
            "Digit",
            "What it sees most strongly\nσ: how far the latent moves for one unit of image",
            "What it cannot see, though digits vary so\n%: share of the variance of the test digits",
        ),
        title="What the network sees around each digit, and what it cannot see",
    )
    return Figure(
        to_png(picture),
        caption="Add a little of a pattern in the middle to the digit on its left and the latent moves; add a little "
        "of a pattern on the right and it stays, although real digits differ in just such ways.",
        alt="A row for each digit: the digit, four fine-grained patterns that the network sees, and four broad "
        "patterns, like strokes, that it cannot see.",
    )


def _shares(stage: Stage, sight: Sight) -> Figure:
    count = sight.split.singular_values.shape[1]
    yardsticks = sight.invisible_share.new_tensor([sight.best_share, sight.random_share])
    labels = [*(f"digit {name}" for name in stage.names), f"best {count} directions", f"random {count} directions"]
    return Figure(
        to_png(share_chart(torch.cat([sight.invisible_share, yardsticks]), labels)),
        caption="A full bar would be all that varies between the test digits; the two bars at the foot say what would "
        f"be left unseen by the {count} directions in which digits vary most, and by {count} random ones.",
        alt="A bar for each digit, nearly all the way to 100 %, above two bars for comparison.",
    )
