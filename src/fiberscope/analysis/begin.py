"""How every run begins: choices are checked, the network is opened, and the stopwatch runs."""

from __future__ import annotations

from dataclasses import asdict
from typing import NamedTuple

from fiberscope.analysis.choices import NetworkChoice, PairChoice, RunChoice, SpectrumChoice, WalkChoice
from fiberscope.analysis.network import Network, open_network
from fiberscope.analysis.output import Output
from fiberscope.analysis.provenance import Provenance, timed
from fiberscope.analysis.run_folder import open_folder
from fiberscope.problem import FiberscopeError


class Beginning(NamedTuple):
    """The network of a run, and the provenance of what it will find."""

    network: Network
    provenance: Provenance


def begin(
    choice: SpectrumChoice | WalkChoice | PairChoice, network: NetworkChoice, run: RunChoice, *, command: str
) -> Beginning:
    """Check what is chosen for the run and open its network; raises FiberscopeError that names the choice."""
    if run.batch_size < 1:
        raise FiberscopeError(f"batch_size: expected at least 1, found {run.batch_size}. Leave it out for 16.")
    if not 0 <= run.seed < 2**63:
        raise FiberscopeError(f"seed: expected a number from 0 to 2**63 - 1, found {run.seed}. Leave it out for 0.")
    seconds: dict[str, float] = {}
    with timed(seconds, "open network"):
        opened = open_network(network)
    latent_map = opened.latent_map
    latent = {"layer": opened.layer, "latent_size": latent_map.latent_size, "input_shape": latent_map.input_shape}
    origin = {"weights_sha256": opened.weights_sha256, "weights_from": opened.weights}
    before = {"preprocessing": asdict(opened.preprocessing)}
    settings = {
        "network": {**asdict(network), **latent, **origin, **before},
        "choice": asdict(choice),
        "batch_size": run.batch_size,
    }
    return Beginning(opened, Provenance(command, seed=run.seed, settings=settings, seconds=seconds))


def open_output(name: str, run: RunChoice, beginning: Beginning, *, num_rows: int) -> Output:
    """Make the run's folder ready, and say what is to be written there."""
    return Output(open_folder(run.out, force=run.force), name, num_rows, beginning.provenance)
