"""Good files of every kind: a folder for each, with all that its door reads. Small, and the same every time."""

from __future__ import annotations

import gzip
import hashlib
import json
import struct
import warnings
from collections import OrderedDict
from pathlib import Path

import numpy as np
import onnx
import safetensors.torch
import torch
from onnx import TensorProto, helper, numpy_helper
from PIL import Image, PngImagePlugin
from torch import nn

from fiberscope import models
from fiberscope.analysis.choices import NetworkChoice
from fiberscope.analysis.survey_choices import EngineChoice, SurveyChoice
from fiberscope.survey import run_survey

SIDE = 6
FACTORY = f"""import torch

def make():
    torch.manual_seed(0)
    layers = torch.nn.Conv2d(1, 4, 3), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear({4 * (SIDE - 2) ** 2}, 3)
    network = torch.nn.Sequential(*layers)
    network.input_shape = (1, {SIDE}, {SIDE})
    return network
"""


def png(folder: Path) -> None:
    grey = _pixels()
    colour = np.stack([grey, 255 - grey, grey // 2], axis=2)
    words = PngImagePlugin.PngInfo()
    words.add_text("Title", "a picture")
    words.add_itxt("Comment", "with words")
    _save(Image.fromarray(grey), folder / "grey" / "x.png")
    _save(Image.fromarray(colour), folder / "colour" / "x.png", pnginfo=words)
    _save(Image.fromarray(grey).convert("P"), folder / "palette" / "x.png")
    _save(Image.fromarray(grey).convert("LA"), folder / "alpha" / "x.png")
    _save(Image.fromarray(grey.astype(np.uint16) * 257), folder / "deep" / "x.png")
    _save(Image.fromarray(grey > 128), folder / "bits" / "x.png")


def jpeg(folder: Path) -> None:
    grey = _pixels()
    turned = Image.Exif()
    turned[0x0112] = 6
    _save(Image.fromarray(grey), folder / "grey" / "x.jpg", quality=90)
    _save(Image.fromarray(np.stack([grey] * 3, axis=2)), folder / "colour" / "x.jpg", progressive=True, exif=turned)


def npz(folder: Path) -> None:
    images = np.stack([_pixels(seed) for seed in range(3)])[:, None]
    for name, array in {"bytes": images, "floats": (images / 255).astype(np.float32), "doubles": images / 255}.items():
        np.savez(_room(folder / name / "x.npz"), images=array)
    np.savez_compressed(_room(folder / "packed" / "x.npz"), images[0, 0])


def labelled(folder: Path) -> None:
    images = np.stack([_pixels(seed) for seed in range(4)])[:, None]
    for name, kind in {"int64": np.int64, "uint8": np.uint8}.items():
        np.savez(_room(folder / name / "x.npz"), images=images, labels=np.array([0, 1, 1, 0], dtype=kind))


def idx(folder: Path) -> None:
    for name, pack in {"raw": bytes, "packed": lambda content: gzip.compress(content, mtime=0)}.items():
        end = "" if name == "raw" else ".gz"
        images = b"".join(_pixels(seed).tobytes() for seed in range(3))
        content = struct.pack(">IIII", 0x803, 3, 28, 28) + images
        _room(folder / name / f"t10k-images-idx3-ubyte{end}").write_bytes(pack(content))
        (folder / name / f"t10k-labels-idx1-ubyte{end}").write_bytes(
            pack(struct.pack(">II", 0x801, 3) + bytes([0, 1, 2]))
        )


def safetensors_(folder: Path) -> None:
    tensors = _network().state_dict()
    safetensors.torch.save_file(tensors, _room(folder / "plain" / "x.safetensors"))
    safetensors.torch.save_file(tensors, _room(folder / "words" / "x.safetensors"), metadata={"format": "pt"})


def state_dict(folder: Path) -> None:
    torch.save(_network().state_dict(), _room(folder / "plain" / "x.pt"))
    torch.save(_network().state_dict(), _room(folder / "old" / "x.pt"), _use_new_zipfile_serialization=False)


def card(folder: Path) -> None:
    shipped = Path(models.__file__).parent / "shipped"
    for name in models.available()[:2]:
        for end in (".json", ".safetensors"):
            _room(folder / name / f"network{end}").write_bytes((shipped / f"{name}{end}").read_bytes())


def seal_card(folder: Path) -> None:
    """Let the card have the checksum of the weights beside it, as who made both would."""
    path = folder / "network.json"
    found = json.loads(path.read_bytes())
    found["sha256"] = hashlib.sha256((folder / "network.safetensors").read_bytes()).hexdigest()
    path.write_text(json.dumps(found))


def onnx_(folder: Path) -> None:
    random = np.random.default_rng(0)
    size = SIDE * SIDE

    def constant(name: str, *shape: int, kind: type = np.float32) -> TensorProto:
        return numpy_helper.from_array((random.standard_normal(shape) * 9).astype(kind), name)

    dense = [
        helper.make_node("Flatten", ["x"], ["flat"], name="first"),
        helper.make_node("Gemm", ["flat", "w", "b"], ["h"], name="second", transB=1),
        helper.make_node("Relu", ["h"], ["act"], name="act"),
        helper.make_node("MatMul", ["act", "v"], ["y"], name="last"),
    ]
    weights = [constant("w", 8, size), constant("b", 8), constant("v", 8, 3)]
    _write_graph(dense, weights, "N", folder / "dense")
    steps = [
        numpy_helper.from_array(np.array([-1, 4 * (SIDE - 2) ** 2]), "sizes"),
        numpy_helper.from_array(np.float32(0.1), "scale"),
    ]
    conv = [
        helper.make_node("DequantizeLinear", ["k", "scale"], ["kernel"], name="weights"),
        helper.make_node("Conv", ["x", "kernel"], ["c"], name="first", kernel_shape=[3, 3]),
        helper.make_node("Clip", ["c"], ["act"], name="act"),
        helper.make_node("Reshape", ["act", "sizes"], ["flat"], name="second"),
        helper.make_node("Gemm", ["flat", "v"], ["y"], name="last"),
    ]
    _write_graph(
        conv,
        [constant("k", 4, 1, 3, 3, kind=np.int8), constant("v", 4 * (SIDE - 2) ** 2, 3), *steps],
        1,
        folder / "conv",
    )


def pt2(folder: Path) -> None:
    dense = OrderedDict(first=nn.Flatten(), second=nn.Linear(SIDE * SIDE, 8), act=nn.GELU(), last=nn.Linear(8, 3))
    batch = torch.export.Dim("batch")
    examples = (torch.rand(2, 1, SIDE, SIDE, generator=torch.Generator().manual_seed(0)),)
    with warnings.catch_warnings():  # torch warns of its own insides
        warnings.simplefilter("ignore")
        torch.manual_seed(0)
        any_size = torch.export.export(nn.Sequential(dense).eval(), examples, dynamic_shapes=({0: batch},))
        torch.export.save(any_size, _room(folder / "dense" / "x.pt2"))
        torch.export.save(torch.export.export(_network(), examples), _room(folder / "conv" / "x.pt2"))


def survey(folder: Path, trusted: Path) -> None:
    """Surveys that are done: of a network that ships, which nobody has to trust, and of one from a factory."""
    images = np.stack([_pixels(seed) for seed in range(6)])[:, None]
    data = trusted / "data.npz"
    np.savez(data, images=images, labels=np.arange(6) % 2)
    small = trusted / "small.npz"
    np.savez(small, images=images[:, :, :SIDE, :SIDE], labels=np.arange(6) % 2)
    engine = EngineChoice(workers=1)
    shipped = SurveyChoice(folder / "shipped", data=str(data), measures=("recognition",), batch_size=2)
    run_survey(shipped, NetworkChoice(), engine)
    own = SurveyChoice(folder / "own", data=str(small), measures=("recognition", "nearest"), batch_size=4)
    network = NetworkChoice(model=f"{trusted / 'net.py'}:make", input_shape=(1, SIDE, SIDE))
    run_survey(own, network, engine)


def _pixels(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (28, 28), dtype=np.uint8)


def _network() -> nn.Module:
    found: dict[str, object] = {}
    exec(FACTORY, found)
    network: nn.Module = found["make"]()  # type: ignore[operator]
    return network.eval()


def _save(picture: Image.Image, path: Path, **options: object) -> None:
    picture.save(_room(path), **options)


def _write_graph(nodes: list[onnx.NodeProto], weights: list[TensorProto], batch: str | int, folder: Path) -> None:
    images = helper.make_tensor_value_info("x", TensorProto.FLOAT, [batch, 1, SIDE, SIDE])
    latents = helper.make_tensor_value_info("y", TensorProto.FLOAT, [batch, 3])
    graph = helper.make_graph(nodes, "graph", [images], [latents], initializer=weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    _room(folder / "x.onnx").write_bytes(model.SerializeToString())


def _room(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path
