"""`fiberscope layers`."""

from __future__ import annotations

from fiberscope.analysis.choices import NetworkChoice
from fiberscope.cli.options import Flat
from fiberscope.cli.terminal import show


def layers(*, network: Flat[NetworkChoice] = NetworkChoice()) -> int:
    """List the layers of a network in the order in which they run, with shapes, and which of them can be a latent."""
    from fiberscope.analysis.layers import run_layers

    return show(run_layers(network))
