"""How differences between two surveys are distributed, and the images at which they are largest."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float64
from numpy import ndarray

from fiberscope.gallery import Histogram, filmstrip, histograms, image_grid, short_number, to_png
from fiberscope.problem import FiberscopeError
from fiberscope.report import Figure, Section
from fiberscope.survey.compare import Comparison, Pair, open_pair
from fiberscope.survey.reading import open_records
from fiberscope.survey.report.pictures import can_be_drawn, originals, triples

_MOST_CHARTS = 6
_BINS = 24
_SHOWN = 6
_TELLING = ("blindness", "invisible_share")


def about_images(found: Comparison, folders: tuple[Path, Path], names: tuple[str, str]) -> Section | None:
    """Histograms of differences, and the images at which one number differs most; None where nothing differs."""
    with open_records(folders[0]) as one, open_records(folders[1]) as other:
        pair = open_pair(one, other, folders)
        rows = [row for row in found.columns if row.finite and row.greater + row.less]
        rows.sort(key=lambda row: -abs(row.effect.value) if np.isfinite(row.effect.value) else 0.0)
        columns = [row.column for row in rows]
        main = [name for name in columns if name in found.main and not found.units[name].startswith("latent")]
        main = main or columns
        if not main:
            return None
        parts = [_histogram(name, np.subtract(*pair.values(name))) for name in main[:_MOST_CHARTS]]
        body: list[Figure | str] = [
            Figure(
                to_png(histograms(parts, title="How the differences are distributed")),
                caption=f"A minus B at every image: right of zero {names[0]} is greater, left of it {names[1]}. The "
                "line is the median; the few farthest out are in the bars at the ends.",
                alt=f"Histograms of the differences of {', '.join(main[:_MOST_CHARTS])}.",
            )
        ]
        telling = next((name for name in _TELLING if name in columns), main[0])
        body += _pictures(found, pair, folders, telling)
    return Section("At which images do they differ?", f"Shown are those at which {telling} differs most.", tuple(body))


def _histogram(name: str, difference: Float64[ndarray, " image"]) -> Histogram:
    values = difference[np.isfinite(difference)]
    reach = float(np.quantile(np.abs(values), 0.998)) or float(np.abs(values).max()) or 1.0
    edges = np.linspace(-reach, reach, _BINS + 1)
    counts, _ = np.histogram(values.clip(-reach, reach), bins=edges)
    return Histogram(f"{name}: A − B", torch.from_numpy(edges), torch.from_numpy(counts), float(np.median(values)))


def _pictures(found: Comparison, pair: Pair, folders: tuple[Path, Path], column: str) -> list[Figure | str]:
    if not can_be_drawn(found.first):
        return [f"Images of shape {found.first.input_shape} cannot be drawn; the records name them."]
    one, other = pair.values(column)
    size = np.abs(one - other)
    size[~np.isfinite(size)] = -1
    rows = np.argsort(-size, kind="stable")[:_SHOWN]
    rows = rows[size[rows] > 0]
    if not len(rows):
        return []
    places = pair.images[rows].tolist()
    names = dict(pair.first.ask(f"SELECT image, name FROM records WHERE image IN ({', '.join(map(str, places))})").rows)
    words = [
        f"{names[place]}\nA {short_number(float(one[row]))}\nB {short_number(float(other[row]))}"
        for place, row in zip(places, rows, strict=True)
    ]
    try:
        if column == "blindness":
            return [_strips(found, pair, folders, places, [names[place] for place in places], words)]
        shown = originals(found.first, places, [names[place] for place in places])
    except FiberscopeError as error:
        return [f"Their pictures cannot be shown. {error}"]
    picture = image_grid(shown, captions=words, title=f"Where {column} differs most")
    return [
        Figure(
            to_png(picture),
            caption=f"The {len(places)} images at which {column} differs most, with its value in A and in B.",
            alt=f"{len(places)} images with two numbers each.",
        )
    ]


def _strips(
    found: Comparison, pair: Pair, folders: tuple[Path, Path], places: list[int], names: list[str], words: list[str]
) -> Figure:
    asked = ", ".join(map(str, places))
    columns, heads = [], []
    for letter, database, folder, plan in zip(
        "AB", (pair.first, pair.second), folders, (found.first, found.second), strict=True
    ):
        partners = dict(database.ask(f"SELECT image, partner FROM records WHERE image IN ({asked})").rows)
        triple = triples(folder, plan, places, names, [partners[place] for place in places])
        columns += [triple.images] if letter == "A" else []
        columns += [triple.partners, triple.found]
        heads += [f"{letter}: toward", f"{letter}: nearest"]
    return Figure(
        to_png(
            filmstrip(
                torch.stack(columns), row_captions=words, step_captions=["the image", *heads],
                title="Where blindness differs most",
                note="Each survey’s nearest image has the latent that its network gives the image in the first column, "
                "and comes as near as it can to the image that it was sent toward.",
            )
        ),
        caption=f"The {len(places)} images at which the blindness ratio differs most, and what is taken for them.",
        alt=f"A row for each of {len(places)} images: the image, and for each survey a partner and the nearest image.",
    )  # fmt: skip
