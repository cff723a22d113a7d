"""What decides the answers of a study, in words and hashes: two studies of one identity have the same answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict

from torch import nn

from fiberscope.analysis.content_hash import hash_module, hash_source, hash_tensors
from fiberscope.analysis.study.study import Study
from fiberscope.judges import ModuleJudge
from fiberscope.models import Direction
from fiberscope.models.preprocessing import Prepared


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
        "weights": hash_module(latent_map.model),
        **_before_and_after(latent_map.model),
        "source": hash_source(study.model),
        "images": hash_tensors([study.images.images, study.partners.images]),
        "data": f"{study.data.name} {hash_tensors([study.data.images, study.data.labels])}",
        "judges": [
            f"{judge.name} {hash_module(judge.module) if isinstance(judge, ModuleJudge) else ''}".strip()
            for judge in (panel.judges if panel else ())
        ],
        "generator": hash_module(study.generator) if study.generator else None,
        **({} if study.kind == "general" else {"variations": study.kind}),
        "beside": [f"{other.model} {hash_module(other.latent_map.model)}" for other in study.beside],
    }


def _before_and_after(model: Callable[..., object]) -> dict[str, object]:
    """What is done to images before the network, and to latents behind it, where something is."""
    parts = list(model.modules()) if isinstance(model, nn.Module) else []
    prepared = next((asdict(part.preprocessing) for part in parts if isinstance(part, Prepared)), None)
    before: dict[str, object] = {} if prepared is None else {"preprocessing": prepared}
    return {**before, "direction alone": True} if any(isinstance(part, Direction) for part in parts) else before
