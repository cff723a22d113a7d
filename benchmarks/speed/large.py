"""Images of 3 x 224 x 224: the place for figures of large inputs, not measured yet.

A later hand gives `measure` a body: `benchmarks.speed --only large` runs it, its figures land in the results like those
of any other section, and `table.py` and `targets.py` read them there. fiberscope's latent map of such a network goes
where `networks.load` makes the small ones.
"""

from __future__ import annotations

from benchmarks.speed.networks import Network
from benchmarks.speed.sizes import Size


def measure(network: Network, size: Size) -> dict[str, object]:
    raise NotImplementedError("large inputs are not measured yet: benchmarks/speed/large.py is the place")
