"""Opening a survey again: only where what decided its records is still the same."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Literal, cast

from fiberscope.analysis.choices import NetworkChoice
from fiberscope.analysis.content_hash import hash_source
from fiberscope.analysis.survey_choices import SurveyChoice
from fiberscope.models import Preprocessing
from fiberscope.problem import FiberscopeError
from fiberscope.survey.plan import Opened, Plan, by_choices, hashes_of, make_plan
from fiberscope.survey.scene import Scene, open_scene

_DECIDING = ("fiberscope", "torch")  # versions: with other ones the bits of a record may differ
_SENTENCES = {
    "network_sha256": "the network's weights have changed",
    "model_file_sha256": "the file of the network has changed",
    "judges_sha256": "the judges have changed",
    "data_sha256": "the images have changed",
    "reference_sha256": "the labelled images that set the units have changed",
}
# Hashes that another choice changes by itself: where it is told, they say nothing of their own.
_FOLLOWS = {
    "network_sha256": {"model", "weights", "dtype", "mean", "std", "scale", "resize", "channels"},
    "model_file_sha256": {"model"},
    "judges_sha256": {"judges"},
    "data_sha256": {"data", "input_shape"},
    "reference_sha256": {"labelled", "data", "input_shape"},
}
_MEASURE, _FILE = "measure ", "file_sha256"


def reopen(plan: Plan) -> Opened:
    """Open again what a plan was made of; raises FiberscopeError that names what is another one now."""
    choice = SurveyChoice(
        out=Path(),
        data=plan.data,
        measures=plan.measures,
        limit=plan.images,
        labelled=_path(plan.labelled),
        judge=plan.judges,
        batch_size=plan.batch_size,
        seed=plan.seed,
        variations=plan.variations,
    )
    opened = make_plan(choice, network_of(plan))
    refuse_other(plan, opened.plan)
    return opened


def reopen_scene(plan: Plan, *, device: str, argument: str = "out") -> Scene:
    """Open again the network and the images of a plan, to look at them on any device; its measures stay closed.

    Python files that the plan names run: see `refuse_strangers`. Raises FiberscopeError that names what is another one
    now.
    """
    network = replace(network_of(plan), device=device)
    labelled = _path(plan.labelled)
    scene = open_scene(
        network,
        plan.data,
        limit=plan.images,
        labelled=labelled,
        judges=plan.judges,
        seed=plan.seed,
        kind=plan.variations,
    )
    now = replace(plan, images=scene.source.count, **hashes_of(scene, plan.model, plan.judges))
    changes = _changes(plan, now)
    if changes:
        raise FiberscopeError(
            f"{argument}: since the survey was begun {'; '.join(changes)}, so its numbers are not those of what is "
            "there now. Restore it, or make another survey."
        )
    return scene


def network_of(plan: Plan) -> NetworkChoice:
    """The network of a plan, as it was chosen."""
    before: dict[str, Any] = dict(plan.preprocessing)
    network = NetworkChoice(
        model=plan.model,
        weights=_path(plan.weights),
        layer=None if plan.layer == "output" else plan.layer,
        input_shape=plan.input_shape,
        dtype=cast("Literal['float32', 'float64']", plan.dtype),
        device=plan.device,
        normalise_latent=plan.normalise_latent,
    )
    return replace(network, **before)


def refuse_changed_files(plan: Plan, *, argument: str = "out") -> None:
    """Raise FiberscopeError where a file is another one than the plan says, before it is opened."""
    settings = {
        name: values if hash_source(name) is None else {**values, _FILE: hash_source(name)}
        for name, values in plan.measure_settings.items()
    }
    model = hash_source(plan.model) or plan.model_file_sha256  # a file that is gone is told by whoever opens it
    changes = _changes(plan, replace(plan, model_file_sha256=model, measure_settings=settings))
    if changes:
        raise FiberscopeError(
            f"{argument}: since the survey was begun {'; '.join(changes)}. Its records and new ones would not belong "
            "together. Restore it, or begin another survey in a folder of its own; nothing was run."
        )


def refuse_other(plan: Plan, now: Plan) -> None:
    """Raise FiberscopeError that names each thing that decides records and is another one now."""
    changes = _changes(plan, now)
    if changes:
        raise FiberscopeError(
            f"out: the survey was begun with something else: {'; '.join(changes)}. Its records and new ones would not "
            "belong together. Restore it, or begin another survey in a folder of its own."
        )


def _changes(plan: Plan, now: Plan) -> list[str]:
    old, new = _deciding(plan), _deciding(now)
    other = [name for name in {**old, **new} if old.get(name) != new.get(name)]
    told = [name for name in other if not _follows(name).intersection(other)]
    return [_SENTENCES.get(name) or _sentence(name, old.get(name), new.get(name)) for name in told]


def _follows(name: str) -> set[str]:
    return {"measures"} if name.startswith(_MEASURE) else _FOLLOWS.get(name, set())


def _sentence(name: str, old: object, new: object) -> str:
    measure, is_file, _ = name.partition(f": {_FILE}")
    return f"the file of {measure} has changed" if is_file else f"{name} was {old} and is {new}"


def _deciding(plan: Plan) -> dict[str, object]:
    """All that decides records, one value a name, so that no more is told than what has changed."""
    found = json.loads(json.dumps(asdict(plan)))
    versions, preprocessing = found.pop("versions"), found.pop("preprocessing")
    settings = {
        f"{_MEASURE}{measure}: {name}": value
        for measure, values in found.pop("measure_settings").items()
        for name, value in values.items()
    }
    return {
        **found,
        **json.loads(json.dumps(by_choices(Preprocessing()))),
        **preprocessing,
        **{name: versions.get(name) for name in _DECIDING},
        **settings,
    }


def _path(name: str | None) -> Path | None:
    return None if name is None else Path(name)
