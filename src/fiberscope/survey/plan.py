"""The plan of a survey: all that decides its records, in one file that is written before anything is computed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from shlex import quote
from stat import S_ISDIR, S_ISLNK, S_ISREG
from typing import Any

from fiberscope.analysis.choices import NetworkChoice
from fiberscope.analysis.content_hash import hash_module, hash_source, hash_tensors
from fiberscope.analysis.provenance import versions
from fiberscope.analysis.subject import kind_for
from fiberscope.analysis.survey_choices import SurveyChoice
from fiberscope.judges import Panel
from fiberscope.models import Preprocessing
from fiberscope.models.opened import RANDOM
from fiberscope.problem import FiberscopeError
from fiberscope.survey.measure import Column, Measure, all_columns
from fiberscope.survey.measures import open_measures
from fiberscope.survey.plan_fields import MOST_BYTES, parse_plan, refuse_other_fields, shown
from fiberscope.survey.scene import Scene, open_scene
from fiberscope.survey.tasks import Task, cut
from fiberscope.variations.kinds import Kind
from fiberscope.whole_file import write_whole

FORMAT = 1
PLAN = "plan.json"
_FILES = {
    **dict.fromkeys((PLAN, "records.duckdb", "records.duckdb.wal", ".lock", ".running"), S_ISREG),
    "arrays.zarr": S_ISDIR,
}


@dataclass(frozen=True)
class Plan:
    """Names and content hashes of the network and the images, the measures, and what cuts them into tasks.

    ``threads`` are those that each task is computed on, wherever it is: sums are of another order on more. Two runs
    of one plan on one machine have the same records, bit for bit, whatever engine they ran on.
    """

    model: str
    weights: str | None
    layer: str
    input_shape: tuple[int, ...]
    dtype: str
    device: str
    network_sha256: str
    model_file_sha256: str | None
    judges_sha256: str | None
    data: str
    data_sha256: str
    images: int
    labelled: str | None
    reference_sha256: str
    measures: tuple[str, ...]
    measure_settings: Mapping[str, Mapping[str, object]]
    batch_size: int
    seed: int
    threads: int
    versions: Mapping[str, str]
    judges: tuple[str, ...] = ()
    preprocessing: Mapping[str, object] = field(default_factory=dict)
    normalise_latent: bool = False
    variations: Kind = "general"
    format: int = FORMAT

    @property
    def tasks(self) -> Sequence[Task]:
        """Runs of neighbouring images, the same for every engine and after every kill."""
        return cut(self.images, self.batch_size)


@dataclass(frozen=True, eq=False)
class Opened:
    """A plan with its scene, its measures and the columns of each open; what a worker needs."""

    plan: Plan
    scene: Scene
    measures: tuple[Measure, ...]
    columns: Mapping[str, tuple[Column, ...]]

    @property
    def all_columns(self) -> tuple[tuple[str, Column], ...]:
        """Every column with the name of its measure."""
        return tuple((name, column) for name, columns in self.columns.items() for column in columns)


def make_plan(choice: SurveyChoice, network: NetworkChoice) -> Opened:
    """Open what the choices name, and plan the survey of it.

    Raises FiberscopeError or ModelError that says which of the choices cannot be met.
    """
    if choice.batch_size < 1:
        raise FiberscopeError(f"batch-size: {choice.batch_size} images are asked for. Ask for at least one.")
    model = _absolute_spec(network.model)
    weights = network.weights if network.weights in (None, RANDOM) else network.weights.resolve()
    data = str(Path(choice.data).resolve()) if Path(choice.data).exists() else choice.data
    labelled = None if choice.labelled is None else choice.labelled.resolve()
    chosen = replace(network, model=model, weights=weights)
    names = tuple(_absolute_spec(name) for names in choice.measures for name in names.split(","))
    judges = tuple(_absolute_spec(name) for name in choice.judge)
    measures = open_measures(names)
    kind = kind_for(model, choice.variations)
    scene = open_scene(chosen, data, limit=choice.limit, labelled=labelled, judges=judges, seed=choice.seed, kind=kind)
    latent_map = scene.latent_map
    plan = Plan(
        model=model,
        weights=None if weights is None else str(weights),
        layer=network.layer or scene.network.layer,
        input_shape=tuple(latent_map.input_shape),
        dtype=network.dtype,
        device=network.device,
        data=data,
        images=scene.source.count,
        labelled=None if labelled is None else str(labelled),
        measures=names,
        measure_settings={
            name: {**measure.settings, **_file_of(name)} for name, measure in zip(names, measures, strict=True)
        },
        batch_size=choice.batch_size,
        seed=choice.seed,
        threads=1,
        versions=versions(),
        judges=judges,
        preprocessing={} if scene.network.preprocessing.changes_nothing else by_choices(scene.network.preprocessing),
        normalise_latent=network.normalise_latent,
        variations=kind,
        **hashes_of(scene, model, judges),
    )
    return Opened(plan, scene, measures, all_columns(measures, scene))


def hashes_of(scene: Scene, model: str, judges: tuple[str, ...]) -> dict[str, Any]:
    """Hashes of all that is opened, by their names in the plan."""
    return {
        "network_sha256": hash_module(scene.network.module) or "",
        "model_file_sha256": hash_source(model),
        "judges_sha256": None if scene.panel is None else _hash_judges(scene.panel, judges),
        "data_sha256": scene.source.sha256,
        "reference_sha256": hash_tensors([scene.reference.images, scene.reference.labels]),
    }


def by_choices(preprocessing: Preprocessing) -> dict[str, object]:
    """What is done to images, by the names of the choices."""
    found: dict[str, Any] = json.loads(json.dumps(asdict(preprocessing)))
    size = found.pop("size")
    values = {name: tuple(found[name]) for name in ("mean", "std")}
    return {**found, **values, "resize": None if size is None else tuple(size)}


def write_plan(plan: Plan, folder: Path) -> Path:
    """Write the plan whole, or not at all; raises FiberscopeError for one that could not be read again."""
    try:
        content = (json.dumps(asdict(plan), indent=2) + "\n").encode()
        found = parse_plan(content)
    except (ValueError, TypeError, RecursionError) as error:
        raise FiberscopeError(
            f"measures: settings of a measure are no JSON ({error}). Give numbers, texts, lists and objects of them."
        ) from error
    refuse_other_fields(found, where=f"out: {folder / PLAN}")
    return write_whole(content, folder / PLAN)


def read_plan(folder: Path, *, argument: str = "out") -> Plan:
    """The plan of a survey; raises FiberscopeError where there is none, it is damaged or of another version."""
    refuse_links(folder, argument=argument)
    try:
        with (folder / PLAN).open("rb") as file:
            found = parse_plan(file.read(MOST_BYTES + 1))
    except FileNotFoundError as error:
        raise FiberscopeError(
            f"{argument}: {folder} holds no survey ({PLAN} is missing). Begin one with: "
            f"fiberscope survey run --out {quote(str(folder))}"
        ) from error
    except (OSError, ValueError) as error:
        raise FiberscopeError(
            f"{argument}: {folder / PLAN} cannot be read ({error}). Restore it; nothing was changed."
        ) from error
    return plan_of(found, where=f"{argument}: {folder / PLAN}")


def plan_of(found: Mapping[str, Any], *, where: str) -> Plan:
    """The plan of these fields; raises FiberscopeError that says which of them is none, or is of another version."""
    version, writer = found.get("format"), found.get("versions")
    if type(version) is int and version != FORMAT:
        name = writer.get("fiberscope") if isinstance(writer, dict) else None
        raise FiberscopeError(
            f"{where} is of a survey of format {shown(version)}, this fiberscope reads format {FORMAT}. Nothing was "
            f"changed. Use the fiberscope that wrote it ({shown(name) if name else 'version unknown'})."
        )
    refuse_other_fields(found, where=where)
    lists = {name: tuple(found[name]) for name in ("input_shape", "measures", "judges") if name in found}
    before = found.get("preprocessing", {})
    tuples = {name: tuple(value) for name, value in before.items() if isinstance(value, list)}
    return Plan(**{**found, **lists, "preprocessing": {**before, **tuples}})


def refuse_links(folder: Path, *, argument: str) -> None:
    """Raise FiberscopeError where a file of a survey is a link, which may lead anywhere, or no file at all."""
    for name, is_what in _FILES.items():
        path = folder / name
        try:
            mode = path.lstat().st_mode
        except OSError:  # there is none, or whoever opens it is told why it cannot be
            continue
        if not is_what(mode):
            wanted = "a folder" if is_what is S_ISDIR else "a file"
            raise FiberscopeError(
                f"{argument}: {path} is {'a link' if S_ISLNK(mode) else 'something else'}, wanted {wanted} of the "
                f"survey's own. Put {wanted} there; nothing was changed."
            )


def _absolute_spec(name: str) -> str:
    """A file of the user's by its whole path, so that the survey can be resumed from elsewhere."""
    name = name.strip()
    kind, colon, rest = name.partition(":")
    if kind == "hf" and Path(rest).is_dir():
        return f"{kind}{colon}{Path(rest).resolve()}"
    path, colon, part = name.rpartition(":")
    if path.endswith((".py", ".onnx")) and Path(path).is_file():
        return f"{Path(path).resolve()}{colon}{part}"
    own = Path(name).exists() and ("/" in name or name.endswith((".onnx", ".pt2")))
    return str(Path(name).resolve()) if own else name


def _file_of(name: str) -> dict[str, object]:
    source = hash_source(name)
    return {} if source is None else {"file_sha256": source}


def _hash_judges(panel: Panel, own: Sequence[str]) -> str:
    """Of their weights, and of the files of those that are the user's own."""
    weights = hash_tensors(_weights_of(panel))
    files = [found for found in map(hash_source, own) if found is not None]
    return hashlib.sha256("".join([weights, *files]).encode()).hexdigest() if files else weights


def _weights_of(panel: Any) -> list[Any]:
    modules = [judge.module for judge in panel.judges if hasattr(judge, "module")]
    return [tensor for module in modules for tensor in module.state_dict().values()]
