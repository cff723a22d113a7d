"""What decides the answers of a study, in words and hashes: two studies of one identity have the same answers."""

from __future__ import annotations

from fiberscope.analysis.content_hash import hash_module, hash_source, hash_tensors
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
        "weights": hash_module(latent_map.model),
        "source": hash_source(study.model),
        "images": hash_tensors([study.images.images, study.partners.images]),
        "data": f"{study.data.name} {hash_tensors([study.data.images, study.data.labels])}",
        "judges": [
            f"{judge.name} {hash_module(judge.module) if isinstance(judge, ModuleJudge) else ''}".strip()
            for judge in (panel.judges if panel else ())
        ],
        "generator": hash_module(study.generator) if study.generator else None,
        "beside": [f"{other.model} {hash_module(other.latent_map.model)}" for other in study.beside],
    }
