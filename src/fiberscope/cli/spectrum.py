"""`fiberscope spectrum`."""

from __future__ import annotations

from fiberscope.analysis.choices import NetworkChoice, RunChoice, SpectrumChoice
from fiberscope.cli.options import Flat
from fiberscope.cli.terminal import command_line, progress, show


def spectrum(
    *,
    choice: Flat[SpectrumChoice] = SpectrumChoice(),
    run: Flat[RunChoice],
    network: Flat[NetworkChoice] = NetworkChoice(),
) -> int:
    """Measure what the network sees around images: singular values, directions, and how much stays invisible."""
    from fiberscope.analysis.spectrum import run_spectrum

    with progress("measuring") as on_batch:
        finding = run_spectrum(choice, network, run, command=command_line(), on_batch=on_batch)
    return show(finding)
