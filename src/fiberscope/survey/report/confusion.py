"""A confusion as a picture: counts, and shares of each row."""

from __future__ import annotations

import torch
from PIL import Image

from fiberscope.gallery import heat_chart, percent
from fiberscope.survey.confusion import Confusion


def draw_confusion(found: Confusion, *, named: tuple[str, str], title: str, note: str) -> Image.Image:
    """Draw a cell for each pair of classes, darker with its share of the row; a pair without images is empty."""
    counts = torch.tensor(found.counts, dtype=torch.float64)
    shares = torch.where(counts > 0, counts / counts.sum(dim=1, keepdim=True), torch.nan)
    words = [
        [f"{count}\n{percent(share)}" if count else "" for count, share in zip(row, each, strict=True)]
        for row, each in zip(found.counts, shares.tolist(), strict=True)
    ]
    return heat_chart(
        shares, words, rows=found.names, columns=found.names, named=named, title=title, hue="orange", note=note
    )
