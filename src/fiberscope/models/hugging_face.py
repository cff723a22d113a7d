"""The door for image models of Hugging Face's transformers. The only file that imports transformers."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from fiberscope.models.opened import RANDOM, Opened, build_random, no_weights
from fiberscope.models.preprocessing import Preprocessing
from fiberscope.models.torchvision_package import torchvision
from fiberscope.models.weights import freeze
from fiberscope.problem.errors import MissingPackageError, ModelError

try:
    with suppress(ImportError):
        torchvision()  # transformers imports it where it is, and cannot help itself where that fails
    import transformers
    from transformers import AutoConfig, AutoModel, AutoModelForImageClassification
    from transformers.utils.hub import cached_file
except ImportError as missing:
    raise MissingPackageError(
        f"Hugging Face's models need packages that are not installed ({missing}): pip install 'fiberscope[huggingface]'"
    ) from missing

# The kernels that transformers prefers have no forward mode on a CPU.
_OPTIONS: dict[str, Any] = {"attn_implementation": "eager"}
_LOCAL: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}


class ImageModel(nn.Module):
    """A model of transformers that returns one tensor: its logits, or its pooled output; `network` is the model."""

    def __init__(self, network: nn.Module):
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> Tensor:
        """Logits or pooled output of the images."""
        output = self.network(pixel_values=images)
        for name in ("logits", "pooler_output", "image_embeds"):
            found = getattr(output, name, None)
            if isinstance(found, Tensor):
                return found.flatten(1)
        raise ModelError(
            f"model: {type(self.network).__name__} returns {', '.join(output.keys())}, neither logits nor a pooled "
            "output; name a layer by --layer"
        )


def open_hugging_face(name: str, weights: Path | None = None) -> Opened:
    """An image model by a folder of its files, or by a name whose files are in the cache of the Hugging Face hub.

    Weights are read from safetensors alone, and no code of a repository runs. Raises ModelError where the files are
    missing, hold other weights, or are no image model.
    """
    try:
        configuration = AutoConfig.from_pretrained(name, **_LOCAL)
    except Exception as error:  # OSError, ValueError and others, by version
        raise ModelError(
            f"model 'hf:{name}': no configuration of an image model in that folder, nor under that name in the cache "
            f"of the Hugging Face hub ({str(error).splitlines()[0]}). Nothing is downloaded unasked: fetch it with `hf "
            f"download {name}`, or name a folder that holds config.json and model.safetensors"
        ) from error
    classifies = any("ImageClassification" in each for each in configuration.architectures or ())
    kind: Any = AutoModelForImageClassification if classifies else AutoModel
    if weights is not None and weights != RANDOM:
        raise ModelError(f"weights: hf:{name} reads them from its own folder; leave {weights} out, or say random")
    if weights == RANDOM:
        module, origin = build_random(lambda: kind.from_config(configuration, **_OPTIONS)), "random"
    else:
        module, origin = _pretrained(name, kind), f"{name}, safetensors"
    wrapped = ImageModel(module)
    freeze(wrapped)
    return Opened(wrapped, _shape(configuration), _preprocessing(name), origin)


def _pretrained(name: str, kind: Any) -> nn.Module:
    transformers.utils.logging.disable_progress_bar()  # type: ignore[no-untyped-call]  # a command has its own
    try:
        module: nn.Module
        module, info = kind.from_pretrained(name, use_safetensors=True, output_loading_info=True, **_LOCAL, **_OPTIONS)
    except OSError as error:
        raise no_weights(f"hf:{name}", f"no model.safetensors: {str(error).splitlines()[0]}") from error
    absent = sorted(info["missing_keys"])
    if absent:
        raise ModelError(
            f"model 'hf:{name}': its file lacks weights of this model ({', '.join(absent[:4])}); transformers would "
            "draw them at random. Name the folder of a model that was saved whole"
        )
    return module


def _shape(configuration: Any) -> tuple[int, ...] | None:
    size, channels = getattr(configuration, "image_size", None), getattr(configuration, "num_channels", 3)
    sides = tuple(size) if isinstance(size, list | tuple) else (size, size)
    return (channels, *sides) if all(isinstance(side, int) for side in sides) else None


def _preprocessing(name: str) -> Preprocessing:
    """What the file beside the weights says, in units of a pixel in [0, 1]."""
    path = cached_file(
        name, "preprocessor_config.json", local_files_only=True, _raise_exceptions_for_missing_entries=False
    )
    if path is None:
        return Preprocessing()
    found = json.loads(Path(path).read_text(encoding="utf-8"))
    scale = 255 * float(found.get("rescale_factor", 1 / 255)) if found.get("do_rescale", True) else 255.0
    if not found.get("do_normalize", True) or not found.get("image_mean"):
        return Preprocessing(scale=round(scale, 9))
    mean, std = (tuple(map(float, found[each])) for each in ("image_mean", "image_std"))
    return Preprocessing(mean=mean, std=std, scale=round(scale, 9))
