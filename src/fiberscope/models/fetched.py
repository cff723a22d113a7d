"""Networks that were fetched from pinned packages, by name."""

from __future__ import annotations

from pathlib import Path

from fiberscope.data.pinned_package import find_package
from fiberscope.data.pinned_packages import package_named
from fiberscope.models.opened import RANDOM, Opened
from fiberscope.models.preprocessing import Preprocessing
from fiberscope.models.weights import freeze, read_weights


def open_fetched(name: str, *, root: Path | None = None) -> Opened:
    """A network that `fiberscope models fetch` got; raises FiberscopeError where it is not here or has changed."""
    package = package_named(name, "models")
    folder = find_package(package, root=root)
    opener = FETCHED[name]
    return opener(folder)


def _efficientnet_lite0(folder: Path) -> Opened:
    from fiberscope.models.timm_names import open_timm  # noqa: PLC0415  (it needs an extra)

    network = open_timm("tf_efficientnet_lite0", RANDOM).module
    weights = read_weights(next(folder.rglob("*.pth")))
    # The same tensors in the same order, under other names.
    network.load_state_dict(dict(zip(network.state_dict(), weights.values(), strict=True)))
    freeze(network)
    return Opened(network, (3, 224, 224), Preprocessing(mean=(127.0,), std=(128.0,), scale=255.0), str(folder))


def _face_embedding(folder: Path) -> Opened:
    from fiberscope.models.face_embedding import FACE_PREPROCESSING, FACE_SHAPE, load_sface  # noqa: PLC0415

    return Opened(load_sface(next(folder.rglob("*.onnx"))), FACE_SHAPE, FACE_PREPROCESSING, str(folder))


FETCHED = {"efficientnet-lite0": _efficientnet_lite0, "face-embedding": _face_embedding}
