"""The kinds of files: how many of each are mutated, which files of a folder, in what grammar, and the doors."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from benchmarks.mutated_files import arrays, good_files, graphs, pictures, tables, values, weights
from benchmarks.mutated_files.mutations import Mutation

import fiberscope as fs
from fiberscope import survey
from fiberscope.analysis.choices import NetworkChoice
from fiberscope.analysis.layers import run_layers
from fiberscope.analysis.survey_choices import EngineChoice


class Places(NamedTuple):
    """Folders: what files may name and is trusted, and what no file has a right to."""

    trusted: Path
    outside: Path


Door = Callable[[Path], object]


@dataclass(frozen=True)
class Kind:
    """``make`` writes good files into a folder for each; of these ``grammars`` are mutated, and all ``doors`` tried.

    ``seal`` mends after a mutation what would give it away at once.
    """

    make: Callable[[Path], None]
    grammars: Mapping[str, tuple[Mutation, ...]]
    doors: Mapping[str, Door]
    seal: Callable[[Path], None] | None = None


def kinds(places: Places) -> Mapping[str, Kind]:
    """Every kind by its name."""
    return {**_pictures_and_arrays(), **_networks(places), **_surveys(places)}


def _pictures_and_arrays() -> Mapping[str, Kind]:
    idx: Mapping[str, Door] = {
        "load_labelled": lambda folder: fs.data.load_labelled(_first(folder, "*images*")),
        "load_images": lambda folder: fs.data.load_images(_first(folder, "*images*")),
        "mnist": lambda folder: fs.data.mnist("test", folder),
    }
    labelled: Mapping[str, Door] = {"load_labelled": lambda folder: fs.data.load_labelled(folder / "x.npz")}
    return {
        "png": Kind(good_files.png, {"x.png": pictures.PNG}, _images("x.png")),
        "jpeg": Kind(good_files.jpeg, {"x.jpg": pictures.JPEG}, _images("x.jpg")),
        "npz": Kind(good_files.npz, {"x.npz": arrays.NPZ}, {"load_images": _grey("x.npz")}),
        "labelled": Kind(good_files.labelled, {"x.npz": arrays.NPZ}, labelled),
        "idx": Kind(good_files.idx, {"*ubyte": arrays.IDX, "*.gz": arrays.IDX_GZ}, idx),
    }


def _networks(places: Places) -> Mapping[str, Kind]:
    outside, factory = places.outside, f"{places.trusted / 'net.py'}:make"

    def weights_beside(name: str) -> Mapping[str, Door]:
        return {"layers": lambda folder: run_layers(NetworkChoice(model=factory, weights=folder / name))}

    def model(name: str) -> Mapping[str, Door]:
        return {"layers": lambda folder: run_layers(NetworkChoice(model=str(folder / name)))}

    tensors = weights.safetensors_mutations(outside)
    card = {"network.json": values.json_mutations(outside), "network.safetensors": tensors}
    return {
        "safetensors": Kind(good_files.safetensors_, {"x.safetensors": tensors}, weights_beside("x.safetensors")),
        "state_dict": Kind(good_files.state_dict, {"x.pt": weights.STATE_DICT}, weights_beside("x.pt")),
        "card": Kind(good_files.card, card, model("network.json"), good_files.seal_card),
        "onnx": Kind(good_files.onnx_, {"x.onnx": graphs.onnx_mutations(outside)}, model("x.onnx")),
        "pt2": Kind(good_files.pt2, {"x.pt2": weights.archive_mutations(outside)}, model("x.pt2")),
    }


def _surveys(places: Places) -> Mapping[str, Kind]:
    text = values.json_mutations(places.outside)
    records = {"records.duckdb": tables.table_mutations(places.outside), "**/zarr.json": text, "**/c/**/*": ()}

    def make(folder: Path) -> None:
        good_files.survey(folder, places.trusted)

    return {
        "plan": Kind(make, {"plan.json": text}, SURVEY, tables.forget_more),
        "survey": Kind(make, records, SURVEY),
    }


class _EnoughError(Exception):
    """A survey got as far as computing."""


def _resume(folder: Path) -> object:
    def stop(_: object) -> None:
        raise _EnoughError

    try:
        return survey.resume_survey(folder, EngineChoice(workers=1), on_progress=stop)
    except _EnoughError:
        return None


def _images_found(folder: Path) -> object:
    names = survey.query(folder, "SELECT name FROM columns WHERE type LIKE 'arrays%' LIMIT 3").rows
    return [survey.read_images(folder, str(name), range(3)).shape for (name,) in names]


SURVEY: Mapping[str, Door] = {
    "status": survey.status,
    "query": lambda folder: survey.query(folder, "SELECT * FROM records", most=20),
    "summary": survey.summary,
    "export": lambda folder: survey.export(folder, folder / "out.csv", format="csv").read_text(errors="replace"),
    "images": _images_found,
    "compare": lambda folder: survey.compare_surveys(folder, folder),
    "resume": _resume,
}


def _images(name: str) -> Mapping[str, Door]:
    return {
        "load_images, grey": _grey(name),
        "load_images, colour": lambda folder: fs.data.load_images(folder / name, shape=(3, 28, 28)),
    }


def _grey(name: str) -> Door:
    return lambda folder: fs.data.load_images(folder / name)


def _first(folder: Path, pattern: str) -> Path:
    return min(folder.glob(pattern))
