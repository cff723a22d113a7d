"""What measures are asked about: a network, the images of the survey, judges, and labelled data that set the units."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from fiberscope.analysis.choices import NetworkChoice
from fiberscope.analysis.network import open_network
from fiberscope.analysis.reference import spread
from fiberscope.analysis.seat import seat
from fiberscope.analysis.subject import Subject, open_subject
from fiberscope.lazy import lazy
from fiberscope.survey.source import Source, limited, open_source
from fiberscope.variations import Yardsticks, yardsticks
from fiberscope.variations.kinds import Kind

_YARDSTICKS = 100
_MOST_FOR_YARDSTICKS = 1000  # labelled images


@dataclass(frozen=True, eq=False)
class Scene(Subject):
    """All that a worker opens once, and that every image of the survey is measured with."""

    source: Source
    seed: int

    @lazy
    def yardstick(self) -> Yardsticks:
        """Steps between reference images of two classes, and random ones."""
        latent_map = self.latent_map
        some = spread(len(self.reference.labels), _MOST_FOR_YARDSTICKS)
        images = self.reference.images[some].to(latent_map.device, latent_map.dtype)
        random = torch.Generator().manual_seed(self.seed)
        return yardsticks(latent_map, images, self.reference.labels[some], count=_YARDSTICKS, generator=random)


def open_scene(
    choice: NetworkChoice,
    data: str,
    *,
    limit: int | None = None,
    labelled: Path | None = None,
    judges: Sequence[str] = (),
    seed: int = 0,
    kind: Kind = "general",
) -> Scene:
    """Open the network and whatever fits its images.

    ``labelled`` replaces the test digits as reference, and with them the judges of digits; by default, for images that
    are no digits, it is the data itself. ``judges`` sit on the panel beside those that ship; ``kind`` is that of
    the variations. Raises FiberscopeError for what does not fit.
    """
    network = open_network(choice)
    source = limited(open_source(data, shape=network.latent_map.input_shape), limit)
    subject = open_subject(network, labelled=labelled, own=source.labelled, kind=kind)
    return Scene(
        network=network,
        reference=subject.reference,
        digits=subject.digits,
        logits=subject.logits,
        panel=seat(subject.panel, judges, subject.reference),
        kind=subject.kind,
        source=source,
        seed=seed,
    )
