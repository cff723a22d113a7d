"""What decides the answers of a study, in words and hashes: two studies of one identity have the same answers."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

from torch import Tensor, nn

from fiberscope.analysis.study.study import Study
from fiberscope.judges import ModuleJudge


def identify(study: Study, *, layer: str) -> dict[str, object]:
    """Names where there are any, and hashes of the weights and images themselves: files can change under a name."""
    latent_map, panel = study.latent_map, study.panel
    return {
        "model": study.model,
        "layer": layer,
        "latent_size": latent_map.latent_size,
        "input_shape": list(latent_map.input_shape),
        "dtype": str(latent_map.dtype).removeprefix("torch."),
        "device": str(latent_map.device),
        "weights": _hash_module(latent_map.model),
        "source": _hash_source(study.model),
        "images": _hash([study.images.images, study.partners.images]),
        "data": f"{study.data.name} {_hash([study.data.images, study.data.labels])}",
        "judges": [
            f"{judge.name} {_hash_module(judge.module) if isinstance(judge, ModuleJudge) else ''}".strip()
            for judge in (panel.judges if panel else ())
        ],
        "generator": _hash_module(study.generator) if study.generator else None,
        "beside": [f"{other.model} {_hash_module(other.latent_map.model)}" for other in study.beside],
    }


def _hash_module(model: object) -> str | None:
    return _hash(model.state_dict().values()) if isinstance(model, nn.Module) else None


def _hash_source(model: str) -> str | None:
    """Of a user's own file: the same weights in another architecture are another network."""
    path = Path(model.rpartition(":")[0])
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.suffix == ".py" and path.is_file() else None


def _hash(tensors: Iterable[Tensor]) -> str:
    found = hashlib.sha256()
    for tensor in tensors:
        values = tensor.detach().cpu().contiguous()
        found.update(f"{values.dtype}{tuple(values.shape)}".encode())
        found.update(values.numpy().tobytes())
    return found.hexdigest()
