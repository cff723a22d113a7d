"""SFace, a face embedding that is fetched once, for grey faces."""

from __future__ import annotations

from pathlib import Path

from torch import fx, nn

from fiberscope.models.direction import Direction
from fiberscope.models.onnx_file import load_onnx
from fiberscope.models.preprocessing import Preprocessing, prepare
from fiberscope.models.quicken import quicken

FACE_SHAPE = (1, 112, 112)
FACE_PREPROCESSING = Preprocessing(scale=255.0, channels="rgb")
"""A grey face in [0, 1] is shown as all three colours, in bytes."""


def load_sface(path: Path) -> nn.Module:
    """The embedding of colour images in bytes into 128 numbers; raises ModelError when the file cannot be read.

    References:
        Zhong, Deng, Hu, Zhao, Li and Wen (2021), SFace: Sigmoid-Constrained Hypersphere Loss.
    """
    network = load_onnx(path)
    return quicken(network) if isinstance(network, fx.GraphModule) else network


def load_face_embedding(path: Path, *, direction_only: bool = False) -> nn.Module:
    """The embedding of faces (1, 112, 112) in [0, 1], from its ONNX file.

    ``direction_only`` divides the embedding by its length: that is what a cosine compares. Raises ModelError when the
    file cannot be read.
    """
    prepared = prepare(load_sface(path), FACE_PREPROCESSING, FACE_SHAPE)
    return (Direction(prepared) if direction_only else prepared).eval()
