"""Pages to test with: one that has everything, with text that would break HTML if it were not escaped."""

import torch

from fiberscope.gallery import image_grid, share_chart, to_png
from fiberscope.report import Figure, Page, Section, Table

HOSTILE = "<script>alert('x')</script> & \"quotes\""


def full_page() -> Page:
    grid = image_grid(torch.rand(10, 28, 28, generator=torch.Generator().manual_seed(0)), title="Ten images")
    bars = share_chart(torch.tensor([0.2, 0.9]), ["one", "two"])
    shown = (
        "Each image is one row of numbers.",
        Figure(to_png(grid), "Ten images of noise.", "A row of ten grey squares."),
        Table(("image", "steps", "residual"), (("one", 1200, 3e-13), ("two", -7, 2.5)), "What it took."),
    )
    return Page(
        title=f"A page {HOSTILE}",
        lead=f"What the network cannot tell apart {HOSTILE}",
        facts=(("images", "10"), (HOSTILE, HOSTILE)),
        sections=(
            Section("Can it tell them apart?", "It cannot tell 10 of 10 apart.", shown),
            Section("Can it tell them apart?", HOSTILE, (HOSTILE, Figure(to_png(bars), HOSTILE, HOSTILE))),
            Section("?", "A question without words has an address too."),
        ),
        methods=("By Gauss and Newton.", HOSTILE),
        provenance=(("seed", "0"), (HOSTILE, "abcdef0123456789" * 8)),
    )
