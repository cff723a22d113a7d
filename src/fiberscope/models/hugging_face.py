"""The door for image models of Hugging Face's transformers. The only file that imports transformers."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from torch import nn

from fiberscope.models.empty_network import build_empty
from fiberscope.models.hub.described import Described, image_shape
from fiberscope.models.hub.files import declared_tensors, read_object
from fiberscope.models.hub.preprocessing import WORDS, described
from fiberscope.models.hub.weights import check_shapes, first_few, unused
from fiberscope.models.image_model import ImageModel, of_two_towers
from fiberscope.models.opened import RANDOM, Opened, build_random, no_weights
from fiberscope.models.preprocessing import Preprocessing
from fiberscope.models.torchvision_package import torchvision
from fiberscope.models.weights import freeze
from fiberscope.problem.errors import MissingPackageError, ModelError

try:
    with suppress(ImportError):
        torchvision()  # transformers imports it where it is, and cannot help itself where that fails
    import transformers
    from huggingface_hub import constants as hub
    from transformers.utils.hub import cached_file
except ImportError as missing:
    raise MissingPackageError(
        f"Hugging Face's models need packages that are not installed ({missing}): pip install 'fiberscope[huggingface]'"
    ) from missing

# The kernels that transformers prefers have no forward mode on a CPU; those that a file names may be code of the hub.
_EAGER = "eager"
_KERNELS = ("attn_implementation", "_attn_implementation", "_attn_implementation_internal", "experts_implementation")
_MOST_RANDOM = 2**31  # numbers of a network that is drawn: 8 GiB
_BESIDE_A_FILE = 2**26  # numbers that a network may make beside those of its file, such as tables of positions


def open_hugging_face(name: str, weights: Path | None = None) -> Opened:
    """An image model by a folder of its files, or by a name whose files are in the cache of the Hugging Face hub.

    It is of the class that its config.json names. Weights are read from safetensors alone, and no code of a repository
    runs; nothing is built before its size is known. Raises ModelError where the files are missing or damaged, hold
    other weights, or are no image model.
    """
    if weights is not None and weights != RANDOM:
        raise ModelError(f"weights: hf:{name} reads them from its own folder; leave {weights} out, or say random")
    with _quiet_and_offline():
        model = _describe(name)
        shape = image_shape(model)
        preprocessing, said = _preprocessing(model.path.parent)
        if weights == RANDOM:
            build_empty(model.build, most_numbers=_MOST_RANDOM, source=str(model.path))
            module, origin = build_random(model.build), "random"
        else:
            module, origin = _pretrained(model)
    wrapped = ImageModel(module)
    freeze(wrapped)
    return Opened(wrapped, shape, preprocessing, origin + said)


@contextmanager
def _quiet_and_offline() -> Iterator[None]:
    """Lets transformers neither print nor ask the hub, whatever the files say; a command has its own progress."""
    words = transformers.utils.logging
    words.disable_progress_bar()  # type: ignore[no-untyped-call]
    before, loudness = hub.HF_HUB_OFFLINE, words.get_verbosity()
    hub.HF_HUB_OFFLINE = True
    words.set_verbosity_error()  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        hub.HF_HUB_OFFLINE = before
        words.set_verbosity(loudness)


def _describe(name: str) -> Described:
    path = _config(name)
    words = _without(read_object(path), _KERNELS)
    kind_of_model = words.get("model_type")
    if kind_of_model == "timm_wrapper" or (kind_of_model is None and "architecture" in words):
        raise ModelError(
            f"model 'hf:{name}' is a network of timm: take --model timm:{words.get('architecture', 'NAME')} "
            f"--weights {path.parent / 'model.safetensors'}"
        )
    if not isinstance(kind_of_model, str) or kind_of_model not in transformers.CONFIG_MAPPING:
        brings = "; it is code that the repository brings, which does not run here" if "auto_map" in words else ""
        raise ModelError(
            f"{path}: model_type {kind_of_model!r} is none that transformers {transformers.__version__} has{brings}. "
            "Give the network itself as file.py:factory, or install a transformers that has it"
        )
    if words.get("quantization_config"):
        raise ModelError(
            f"{path}: the weights are quantised (quantization_config), which has no gradient. Take the model as it was "
            "before quantisation"
        )
    try:
        configuration = transformers.CONFIG_MAPPING[kind_of_model].from_dict(words, attn_implementation=_EAGER)
    except Exception as error:  # by version, whatever wrong types and missing keys raise
        raise ModelError(
            f"{path} is no configuration of {kind_of_model} ({_first_line(error)}). Fetch it again"
        ) from error
    for part in _parts(configuration):
        if getattr(part, "use_pretrained_backbone", False):
            part.use_pretrained_backbone = False  # it would be downloaded, to be overwritten
    return Described(name, path, configuration, _class(words, configuration, path))


def _config(name: str) -> Path:
    if Path(name).is_dir() and (Path(name) / "config.json").is_file():
        return Path(name) / "config.json"
    try:
        found: Any = cached_file(name, "config.json", local_files_only=True)
        return Path(found)
    except Exception as error:  # OSError, ValueError and others, by version
        raise ModelError(
            f"model 'hf:{name}': no configuration of an image model in that folder, nor under that name in the cache "
            f"of the Hugging Face hub ({_first_line(error)}). Nothing is downloaded unasked: fetch it with `hf "
            f"download {name}`, or name a folder that holds config.json and model.safetensors"
        ) from error


def _without(words: Any, names: tuple[str, ...]) -> Any:
    if isinstance(words, dict):
        return {key: _without(value, names) for key, value in words.items() if key not in names}
    return [_without(value, names) for value in words] if isinstance(words, list) else words


def _parts(configuration: Any) -> Iterator[Any]:
    yield configuration
    for value in list(vars(configuration).values()):
        if isinstance(value, transformers.PretrainedConfig):
            yield from _parts(value)


def _class(words: Mapping[str, Any], configuration: Any, path: Path) -> Any:
    named = words.get("architectures") or []
    if not isinstance(named, list) or not all(isinstance(each, str) and each.isidentifier() for each in named):
        raise ModelError(f"{path}: architectures is {named!r}, wanted a list of names of classes. Fetch it again")
    kind: Any = _found_class(named[0]) if named else _usual_class(configuration)
    wanted = named[0] if named else f"model_type {configuration.model_type}"
    if kind is None:
        raise ModelError(
            f"{path}: transformers {transformers.__version__} has no network {wanted}. Give the network itself as "
            "file.py:factory, or install a transformers that has it"
        )
    if not isinstance(configuration, kind.config_class):
        raise ModelError(
            f"{path}: it is of model_type {configuration.model_type}, but {wanted} wants a "
            f"{kind.config_class.__name__}. Fetch it again, or save the model by its own save_pretrained"
        )
    if kind.main_input_name != "pixel_values" and not of_two_towers(kind):
        raise ModelError(
            f"model: {kind.__name__} of {path} takes {kind.main_input_name}, not images; name an image model"
        )
    return kind


def _found_class(name: str) -> Any:
    try:
        found = getattr(transformers, name, None)
    except Exception:  # a class whose own packages are missing
        return None
    is_model = isinstance(found, type) and issubclass(found, transformers.PreTrainedModel)
    return found if is_model and not name.startswith("_") else None


def _usual_class(configuration: Any) -> Any:
    kinds = transformers.MODEL_MAPPING.get(type(configuration), None)
    return kinds[0] if isinstance(kinds, tuple) else kinds


def _preprocessing(folder: Path) -> tuple[Preprocessing, str]:
    """Returns what is done to images, and what is to be said of it."""
    for file, key in (("processor_config.json", "image_processor"), ("preprocessor_config.json", None)):
        path = folder / file
        words: Any = read_object(path) if path.is_file() else None
        words = words.get(key) if words is not None and key is not None else words
        if words is None:
            continue
        if not isinstance(words, dict):
            raise ModelError(f"{path}: {key} is a {type(words).__name__}, wanted an object, {{...}}. Fetch it again")
        return described({**_usual_words(words), **words}, path), ""
    return Preprocessing(), "; its folder has no preprocessor_config.json, so images reach it as they are"


def _usual_words(words: Mapping[str, Any]) -> Mapping[str, Any]:
    """Returns what a processor of that class does where its file is silent."""
    name = words.get("image_processor_type") or words.get("feature_extractor_type")
    if not isinstance(name, str) or not name.isidentifier() or name.startswith("_"):
        return {}
    try:
        kind = getattr(transformers, name.replace("FeatureExtractor", "ImageProcessor"))
        if not issubclass(kind, transformers.ImageProcessingMixin):
            return {}
        usual = kind()
    except Exception:  # a class of another version, or whose own packages are missing
        return {}
    return {each: getattr(usual, each) for each in WORDS if hasattr(usual, each)}


def _pretrained(model: Described) -> tuple[nn.Module, str]:
    """Returns the model with the weights of its folder, and where they are from in words."""
    folder = model.path.parent
    if (folder / "adapter_config.json").is_file():
        raise ModelError(
            f"{folder} holds an adapter (adapter_config.json), which needs the weights of another model. Merge them, "
            "by merge_and_unload() of peft, and save the whole"
        )
    tensors = declared_tensors(folder)
    if not tensors:
        raise no_weights(f"hf:{model.name}", f"no model.safetensors in {folder}")
    numbers = sum(math.prod(each.shape) for each in tensors.values())
    empty = build_empty(model.build, most_numbers=2 * numbers + _BESIDE_A_FILE, source=str(model.path))
    check_shapes(empty, tensors, model)
    try:
        module, info = model.kind.from_pretrained(
            str(folder),
            config=model.configuration,
            use_safetensors=True,
            output_loading_info=True,
            local_files_only=True,
        )
    except Exception as error:
        raise ModelError(
            f"model 'hf:{model.name}': its weights cannot be read into {model.kind.__name__} ({_first_line(error)}). "
            "Fetch the folder again"
        ) from error
    absent = sorted(info["missing_keys"])
    if absent:
        raise ModelError(
            f"model 'hf:{model.name}': its file lacks weights of {model.kind.__name__} ({first_few(absent)}); "
            "transformers would draw them at random. Name the folder of a model that was saved whole"
        )
    origin = f"{model.name}, safetensors" + unused(module, sorted(info["unexpected_keys"]), model)
    if any(each.dtype in ("F16", "BF16") for each in tensors.values()):
        return module.float(), f"{origin}; computed in 32 bits, saved in 16"
    return module, origin


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)
