"""What a network sees around images, and how much of what varies between images it cannot see."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from jaxtyping import Float
from PIL import Image
from torch import Tensor

from fiberscope import gallery
from fiberscope.analysis.begin import begin, open_output
from fiberscope.analysis.choices import NetworkChoice, RunChoice, SpectrumChoice
from fiberscope.analysis.directions import brighten
from fiberscope.analysis.finding import Finding, advise, median
from fiberscope.analysis.output import Arrays, kept_when_interrupted, run_batches, write_output
from fiberscope.analysis.reference import reference_factor
from fiberscope.analysis.selection import Selection, select
from fiberscope.geometry.bases import data_basis, invisible_share
from fiberscope.geometry.jacobian import linearise
from fiberscope.geometry.tangent import split_tangent
from fiberscope.moves.outcome import Outcome
from fiberscope.problem import LatentMap

_FULL_RANK = "full rank"
_MOST_LINES = 16  # images in a chart
_MOST_ROWS = 8  # images in a sheet of directions
_MOST_SHOWN = 4  # directions of each kind in that sheet


def run_spectrum(
    choice: SpectrumChoice,
    network: NetworkChoice,
    run: RunChoice,
    *,
    command: str = "",
    on_batch: Callable[[int, int], None] = lambda done, of: None,
) -> Finding:
    """Split input space at each image into what the network sees and what it cannot see, and weigh both by data.

    Raises FiberscopeError for a choice that cannot be met, and Interrupted at Ctrl-C.
    """
    beginning = begin(choice, network, run, command=command)
    latent_map = beginning.network.latent_map
    images = select(choice.images, shape=latent_map.input_shape)
    factor = reference_factor(choice.reference, latent_map, images)
    output = open_output("spectrum", run, beginning, num_rows=len(images.names))
    with kept_when_interrupted(output):
        arrays = run_batches(
            output,
            lambda rows: _explore(latent_map, images.part(rows), factor),
            batch_size=run.batch_size,
            on_batch=on_batch,
        )
        files = write_output(output, arrays, _pictures(arrays, images))
    return _tell(arrays, images, latent_map)._replace(files=files)


def _explore(latent_map: LatentMap, images: Selection, factor: Float[Tensor, "n r"]) -> Arrays:
    sources = images.images.to(latent_map.device, latent_map.dtype)
    latents, jacobian = linearise(latent_map, latent_map.flatten(sources))
    split = split_tangent(jacobian)
    nullity = latent_map.input_size - latent_map.latent_size
    count = max(1, min(_MOST_SHOWN, nullity, factor.shape[1]))
    unseen = brighten(data_basis(split, factor, count=count))
    seen = split.row_basis[:, :, :_MOST_SHOWN].transpose(1, 2)
    as_images = (len(sources), -1, *latent_map.input_shape)
    tensors = {
        "sources": sources,
        "target_latents": latents,
        "singular_values": split.singular_values,
        "ranks": split.rank,
        "invisible_shares": invisible_share(split, factor),
        "seen_directions": seen.reshape(as_images),
        "unseen_directions": unseen.directions.reshape(as_images),
        "unseen_shares": unseen.weights / factor.square().sum(),
    }
    full = (split.rank == min(latent_map.latent_size, latent_map.input_size)).tolist()
    return {
        **{name: tensor.detach().cpu().numpy() for name, tensor in tensors.items()},
        "outcomes": np.array([_FULL_RANK if is_full else Outcome.RANK_DEFICIENT.value for is_full in full]),
        "source_names": np.array(images.names),
    }


def _pictures(arrays: Arrays, images: Selection) -> dict[str, Callable[[], Image.Image]]:
    return {
        "spectrum": lambda: gallery.spectrum_chart(
            _tensor(arrays, "singular_values", _MOST_LINES), _labels(images.words, _MOST_LINES)
        ),
        "share": lambda: gallery.share_chart(
            _tensor(arrays, "invisible_shares", _MOST_LINES), _labels(images.words, _MOST_LINES)
        ),
        "directions": lambda: gallery.seen_unseen(
            *(_tensor(arrays, name, _MOST_ROWS) for name in ("sources", "seen_directions", "unseen_directions")),
            singular_values=_tensor(arrays, "singular_values", _MOST_ROWS)[:, :_MOST_SHOWN],
            shares=_tensor(arrays, "unseen_shares", _MOST_ROWS),
            labels=_labels(images.titles, _MOST_ROWS),
            headings=("Image", "What the network sees, strongest first", "What it cannot see, most varied first"),
            title="What the network sees around each image, and what it cannot see\n"
            "σ: singular value, how far the latent moves per unit of the image. "
            "%: share of the data’s variance that lies along the direction.",
        ),
    }


def _tensor(arrays: Arrays, name: str, most: int) -> Float[Tensor, "shown ..."]:
    return torch.from_numpy(arrays[name][:most])


def _labels(words: Sequence[str], most: int) -> list[str]:
    return list(words[:most])


def _tell(arrays: Arrays, images: Selection, latent_map: LatentMap) -> Finding:
    values, shares = arrays["singular_values"], arrays["invisible_shares"]
    cells = zip(
        images.words,
        arrays["outcomes"].tolist(),
        map(str, arrays["ranks"].tolist()),
        (f"{value:.3g}" for value in values[:, 0].tolist()),
        (f"{value:.3g}" for value in values[:, -1].tolist()),
        (f"{100 * share:.1f} %" for share in shares.tolist()),
        strict=True,
    )
    n, m = arrays["sources"][0].size, arrays["target_latents"].shape[1]
    summary = (
        f"Of {n} directions in pixels the network sees {m} around an image; what it cannot see carries "
        f"{100 * median(shares):.1f} % of the variance of the data (median of {len(shares)} images)."
    )
    columns = ("image", "outcome", "rank", "largest sigma", "least sigma", "invisible variance")
    advice = advise(arrays["outcomes"].tolist(), latent_map)
    return Finding(columns, tuple(cells), summary, advice, (), len(shares))
