"""Row space and null space of images as pictures, and how much of what varies between images stays unseen."""

from __future__ import annotations

import torch

from fiberscope.analysis.answer import Answer, grouped
from fiberscope.analysis.records import Records
from fiberscope.analysis.study.naming import MOST_SHOWN, how_many, row_labels, words
from fiberscope.analysis.study.sight import Sight
from fiberscope.analysis.study.study import Study
from fiberscope.gallery import percent, seen_unseen, share_chart, short_number, spectrum_chart, to_png
from fiberscope.report import Figure, Section

METHODS = (
    "The Jacobian of the latent map comes from backpropagation, one pass a latent. A thin singular value "
    "decomposition splits the space of images into row space and null space; singular values below max(m, n) times "
    "the rounding unit of the largest would count as zero.",
    "An orthonormal basis of a null space is not unique, so single vectors of it mean nothing unless a criterion "
    "chose them. Here it is the data: the directions are the leading eigenvectors of P C P, with P the projector on "
    "the null space and C the covariance of the labelled images. Each is turned so as to add ink.",
)


def ask_sight(study: Study) -> Answer:
    """Split image space at each image, show both parts, and weigh them by how real images vary."""
    sight = study.sight
    spectrum, directions, shares = _spectrum(study, sight), _directions(study, sight), _shares(study, sight)
    median = percent(float(sight.invisible_share.median()))
    return Answer(
        (_what_it_sees(study, sight, (spectrum, directions)), _how_much(study, sight, shares)),
        facts=((f"of what varies between {study.noun}s is invisible (median)", median),),
        figures={"singular-values.png": spectrum, "seen-unseen.png": directions, "invisible-share.png": shares},
        arrays={
            "sight_singular_values": sight.singular_values,
            "sight_rank": sight.rank,
            "sight_row_basis": sight.row_basis,
            "sight_unseen_directions": sight.unseen,
            "sight_unseen_variance_shares": sight.unseen_shares,
            "sight_invisible_share": sight.invisible_share,
        },
        records={"sight": _records(study, sight)},
        methods=METHODS,
    )


def _what_it_sees(study: Study, sight: Sight, figures: tuple[Figure, Figure]) -> Section:
    n, least, most = study.latent_map.input_size, int(sight.rank.min()), int(sight.rank.max())
    sees = f"{least}" if least == most else f"{least} to {most}"
    others = f"{grouped(n - most)}" if least == most else f"{grouped(n - most)} to {grouped(n - least)}"
    return Section(
        "What does this network not see?",
        f"Around each {study.noun} it sees {sees} of {grouped(n)} directions. The other {others} leave its latent as "
        "it is.",
        (
            "A direction is a pattern of small changes, darker here and brighter there. The Jacobian, the table of "
            "derivatives of all latents by all pixels, says how the latent answers. Directions with an answer span the "
            "row space: what the network sees. Directions without one form the null space: what it cannot see.",
            *figures,
        ),
    )


def _how_much(study: Study, sight: Sight, shares: Figure) -> Section:
    least, most = percent(float(sight.invisible_share.min())), percent(float(sight.invisible_share.max()))
    share = least if least == most else f"{least} to {most}"
    count, these = sight.singular_values.shape[1], f"{study.noun}s"
    measured = f"Measured as the variance of the {study.samples}, so much of that lies in the null space."
    return Section(
        f"How much of what varies between {these} can it not see?",
        f"Around each {study.noun} it cannot see {share} of it. The best {count} directions would leave "
        f"{percent(sight.best_share)}, random ones {percent(sight.random_share)}.",
        (
            f"Digits vary in slant, thickness and form. {measured} That alone is no fault: to read a class, a network "
            "has to ignore how it is written."
            if study.noun == "digit"
            else f"{measured} That alone is no fault: a latent has fewer numbers than the image, and has to leave "
            "something out.",
            shares,
        ),
    )


def _spectrum(study: Study, sight: Sight) -> Figure:
    values, names = sight.singular_values[:MOST_SHOWN], words(study.images)[:MOST_SHOWN]
    weakest, strongest = short_number(float(values.min())), short_number(float(values.max()))
    return Figure(
        to_png(spectrum_chart(values, names)),
        caption=f"Each line is one {study.noun}: how far its latent moves when the image moves by one unit along a "
        f"direction that the network sees, strongest direction first.{how_many(study.images)}",
        alt=f"A falling line for each {study.noun} on a logarithmic axis, between {strongest} and {weakest}.",
    )


def _directions(study: Study, sight: Sight) -> Figure:
    shape, k, noun = study.latent_map.input_shape, sight.unseen.shape[1], study.noun
    picture = seen_unseen(
        study.images.images[:MOST_SHOWN],
        torch.unflatten(sight.seen(k), 2, shape),
        torch.unflatten(sight.unseen[:MOST_SHOWN], 2, shape),
        singular_values=sight.singular_values[:MOST_SHOWN, :k],
        shares=sight.unseen_shares[:MOST_SHOWN],
        labels=row_labels(study.images)[:MOST_SHOWN],
        headings=(
            noun.capitalize(),
            "What it sees most strongly\nσ: how far the latent moves for one unit of image",
            f"What it cannot see, though {noun}s vary so\n%: share of the variance of the {study.samples}",
        ),
        title=f"What the network sees around each {noun}, and what it cannot see",
    )
    return Figure(
        to_png(picture),
        caption=f"Add a little of a pattern in the middle to the {noun} on its left and the latent moves; add a little "
        f"of a pattern on the right and it stays, although real {noun}s differ in just such ways."
        f"{how_many(study.images)}",
        alt=f"A row for each {noun}: the {noun}, {k} patterns that the network sees, and {k} patterns that it cannot "
        "see.",
    )


def _shares(study: Study, sight: Sight) -> Figure:
    count, names = sight.singular_values.shape[1], words(study.images)[:MOST_SHOWN]
    yardsticks = sight.invisible_share.new_tensor([sight.best_share, sight.random_share])
    labels = [*names, f"best {count} directions", f"random {count} directions"]
    return Figure(
        to_png(share_chart(torch.cat([sight.invisible_share[:MOST_SHOWN], yardsticks]), labels)),
        caption=f"A full bar would be all that varies between the {study.samples}; the two bars at the foot say what "
        f"would be left unseen by the {count} directions in which {study.noun}s vary most, and by {count} random ones."
        f"{how_many(study.images)}",
        alt=f"A bar for each {study.noun} on the way to 100 %, above two bars for comparison.",
    )


def _records(study: Study, sight: Sight) -> Records:
    columns = {
        "image": "name of the image",
        "rank": "directions that the network sees at the image",
        "strongest": "largest singular value: how far the latent moves for one unit of image",
        "weakest": "smallest singular value",
        "invisible_share": "share of the variance of the labelled data that lies in the null space at the image",
        **{
            f"unseen_share_{i + 1}": f"share of that variance along invisible direction {i + 1} of the data basis"
            for i in range(sight.unseen_shares.shape[1])
        },
    }
    rows = tuple(
        (name, rank, values[0], values[-1], invisible, *shares)
        for name, rank, values, invisible, shares in zip(
            study.images.names,
            sight.rank.tolist(),
            sight.singular_values.tolist(),
            sight.invisible_share.tolist(),
            sight.unseen_shares.tolist(),
            strict=True,
        )
    )
    return Records(columns, rows)
