"""What was found of named variations, in plain words with their numbers."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Int
from torch import Tensor

from fiberscope.analysis.study.naming import count_of
from fiberscope.analysis.study.study import Study
from fiberscope.analysis.study.variation_measures import Measured
from fiberscope.gallery import percent, short_number
from fiberscope.gallery.variation_sheet import amount_label
from fiberscope.variations import quartiles

_MOST_NAMED = 5
_INVISIBLE = 1e-3  # share below which a person would say none
_MOSTLY = 0.5  # share of its change from which a variation is mostly cut by the box


def minds(study: Study, measured: Measured) -> str:
    """What the network minds least and most, or does not see at all."""
    found, names = quartiles(measured.minded.relative), labels(measured)
    median = found.median
    known = [row for row in median.argsort(stable=True).tolist() if not median[row].isnan()]
    if not known:
        return f"That cannot be said here. {marked(study, measured)}"
    unseen = [names[row] for row in known if float(median[row]) <= _INVISIBLE]
    least, most = (
        f"({short_number(float(median[row]), digits=2)}{cut_words(measured, row)})" for row in (known[0], known[-1])
    )
    first, last = (measured.minded.names[row] for row in (known[0], known[-1]))
    start = f"It does not see {_listed(unseen)} at all, and minds " if unseen else ""
    start = start or f"None exactly. It minds {first} least {least}{_beside_random(measured, known[0])} and "
    return (
        f"{start}{last} most {most}; 1 is as visible as a change of class, 0 invisible "
        f"({_at(study, len(study.images.names))})."
    )


def labels(measured: Measured) -> tuple[str, ...]:
    """The names, with a mark at those whose sensitivity tells little, for pixels lose most of the change to the box."""
    rows = range(len(measured.minded.names))
    return tuple(f"{measured.minded.names[row]}{' (mostly cut)' if cut_words(measured, row) else ''}" for row in rows)


def cut_words(measured: Measured, row: int) -> str:
    """How much of a variation is lost to the box, where that is most of it; empty elsewhere."""
    share = float(quartiles(measured.followed.cut[row]).median)
    return f"; at the end of its range the box cuts {percent(share)} of it" if share >= _MOSTLY else ""


def _beside_random(measured: Measured, row: int) -> str:
    """Whether images differ more among themselves than a variation differs from a random direction."""
    found, random = quartiles(measured.minded.relative[row]), quartiles(measured.minded.random)
    if not (found.lower <= random.upper and random.lower <= found.upper):
        return ""
    return f", no more than a random direction ({short_number(float(random.median), digits=2)}),"


def marked(study: Study, measured: Measured) -> str:
    """Which images have no value for some of the variations, and why; empty if all have all."""
    minded = measured.minded
    dead = ~(minded.class_change > 0)
    missing = (minded.undefined & ~dead).sum(dim=0)
    rows = missing.nonzero()[:, 0].tolist()
    words = [f"{study.images.names[row]} ({int(missing[row])} of {len(minded.names)})" for row in rows[:_MOST_NAMED]]
    more = f" and {len(rows) - _MOST_NAMED} more" if len(rows) > _MOST_NAMED else ""
    blank = f"Without a value, for the variation changes nothing: {', '.join(words)}{more}." if words else ""
    seen = f"At {int(dead.sum())} of {len(dead)} images no change of class moves the latent, so there is no unit."
    return " ".join(part for part in (blank, seen if bool(dead.any()) else "") if part)


def notices(measured: Measured) -> str:
    """Which variations the latent and the class follow most often, and which least often."""
    followed, names = measured.followed, [variation.name for variation in measured.variations]
    moving = (~followed.still).sum(dim=1)
    left = _extremes(names, followed.latent.isfinite().any(dim=1).sum(dim=1), moving)
    finding = f"Over the ranges tried, the latent leaves the usual distance within a class {left}."
    if followed.label is None:
        return finding
    changed = _extremes(names, followed.label.isfinite().any(dim=1).sum(dim=1), moving)
    return f"{finding} The class changes {changed}."


def gives_way(study: Study, measured: Measured) -> str:
    """How much of the freest variation and of the least free one has to be taken back."""
    freed, variations = measured.freed, measured.variations
    median = quartiles(freed.left).median
    known = [row for row in median.argsort(stable=True).tolist() if not median[row].isnan()]
    count = freed.left.shape[1]
    if not known:
        these = f"the {study.noun}" if count == 1 else f"any of {count_of(count, study.noun)}"
        return f"That cannot be said here: no variation changes {these}, or no search ended on a fiber."
    least, most = (
        f"{percent(float(median[row]))} of {variations[row].name} by "
        f"{amount_label(freed.amounts[row], variations[row].unit)}"
        for row in (known[0], known[-1])
    )
    entirely = [variations[row].name for row in known if float(median[row]) <= _INVISIBLE]
    if entirely:
        return (
            f"Entirely free, at half the range: {_listed(entirely)}. To keep the latent exactly, {most} has "
            f"to be taken back, the most of all ({_at(study, count)})."
        )
    return (
        f"None entirely: to keep the latent exactly, {least} has to be taken back, the least of all, and {most}, the "
        f"most ({_at(study, count)})."
    )


def _at(study: Study, count: int) -> str:
    """On how many images numbers rest; one alone has no median."""
    return f"at one {study.noun}" if count == 1 else f"medians of {count_of(count, study.noun)}"


def _extremes(names: Sequence[str], counts: Int[Tensor, " variation"], of: Int[Tensor, " variation"]) -> str:
    """Under which variations something happens to most images, and under which to fewest."""
    shares = torch.where(of > 0, counts / of, torch.nan)
    known = shares[~shares.isnan()]
    if not len(known) or float(known.max()) == 0:
        return "under none of them"
    words = []
    for end in (known.max(), known.min()):
        rows = (shares == end).nonzero()[:, 0].tolist()
        some = {f"{int(counts[row])} of {int(of[row])}" for row in rows}
        number = some.pop() if len(some) == 1 else {0.0: "never", 1.0: "always"}.get(float(end), percent(float(end)))
        words.append(f"{_listed([names[row] for row in rows])} ({number})")
    most, least = words
    return f"most often with {most}" if most == least else f"most often with {most} and least often with {least}"


def _listed(names: Sequence[str]) -> str:
    if len(names) > _MOST_NAMED:
        return f"{len(names)} of the variations"
    return " and ".join(part for part in (", ".join(names[:-1]), names[-1]) if part)
