"""What images are called in pictures, where there is little room, and in tables."""

from __future__ import annotations

from fiberscope.analysis.selection import Selection

MOST_SHOWN = 10  # images in a picture; tables and arrays hold all


def titles(images: Selection) -> tuple[str, ...]:
    """What stands under each image: its class where that tells all of them apart, else class and name."""
    return tuple(map(str, images.labels)) if _classes_suffice(images) else images.titles


def words(images: Selection) -> tuple[str, ...]:
    """The same in a line of text."""
    return images.classes if _classes_suffice(images) else images.words


def how_many(images: Selection) -> str:
    """A sentence for the caption of a picture that does not show all of them."""
    count = len(images.names)
    return f" Shown are the first {MOST_SHOWN} of {count}; the tables hold all." if count > MOST_SHOWN else ""


def count_of(count: int, noun: str) -> str:
    """So many of them, in words that fit one of them too."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


def row_labels(images: Selection) -> tuple[str, ...]:
    """What stands beside a row that shows the image itself: nothing where that says it all."""
    return ("",) * len(images.names) if _classes_suffice(images) else images.titles


def ways(images: Selection, others: Selection) -> tuple[str, ...]:
    """From what to what a walk goes, in two lines of which the second names the images where classes do not."""
    heads = (
        f"{name if label is None else label} toward {other if other_label is None else other_label}"
        for name, label, other, other_label in zip(
            images.names, images.labels, others.names, others.labels, strict=True
        )
    )
    if _classes_suffice(images):
        return tuple(heads)
    names = zip(images.names, images.labels, others.names, others.labels, strict=True)
    details = (
        ", ".join(each for each, known in ((name, label), (other, other_label)) if known is not None)
        for name, label, other, other_label in names
    )
    return tuple(f"{head}\n{detail}" if detail else head for head, detail in zip(heads, details, strict=True))


def _classes_suffice(images: Selection) -> bool:
    return None not in images.labels and len(set(images.labels)) == len(images.labels)
