"""A survey brings its network, its images and what it measured, as far as it is; what has changed since is refused."""

import numpy as np
import pytest
import torch

from explorer.columns import browse
from fiberscope.analysis.choices import NetworkChoice
from fiberscope.analysis.survey_choices import EngineChoice
from fiberscope.cli.app import run
from fiberscope.explorer import open_scene
from fiberscope.explorer.script import script
from fiberscope.explorer.state import ImageRef, State
from fiberscope.problem import FiberscopeError
from fiberscope.survey import query, run_survey
from fiberscope.survey.lock import alone_in
from surveys import COUNT, choose, edit_plan, forget_plan, write_survey


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The files of a survey, and its folder: whole, with one image at which a measure failed."""
    files = tmp_path_factory.mktemp("files")
    choice = choose(files, files / "survey", "spectrum", "nearest", "own:picky")
    run_survey(choice, write_survey(files))
    return files, choice.out


@pytest.fixture(scope="module")
def opened(made):
    return open_scene(survey=made[1])


@pytest.fixture
def own(tmp_path):
    """A survey that a test may spoil."""
    choice = choose(tmp_path, tmp_path / "survey", "own:own")
    run_survey(choice, write_survey(tmp_path))
    return tmp_path, choice.out


def column(scene, name):
    return next(column for column in scene.columns if column.name == name)


def test_its_network_and_its_images_are_opened(made, opened):
    files, _ = made
    data = np.load(files / "data.npz")
    np.testing.assert_array_equal(opened.images, data["images"])
    assert opened.labels.tolist() == data["labels"].tolist()
    assert opened.names == tuple(f"data {place}" for place in range(COUNT))
    assert opened.latent_map.latent_size == 3
    assert opened.scale is not None
    bright = State(ImageRef(index=3))
    assert f"survey=Path({str(made[1])!r})" in script(opened, bright)


def test_every_number_is_a_column_with_its_meaning_and_unit(made, opened):
    rows = query(made[1], "SELECT name, unit, meaning FROM columns WHERE type IN ('BIGINT', 'FLOAT')").rows
    told = {each.name: (each.unit, each.meaning) for each in opened.columns}
    wanted = {name: (unit, meaning) for name, unit, meaning in rows if name not in ("image", "label")}
    assert wanted.items() <= told.items()
    assert {"index", "label", *wanted} == set(told)
    assert {"blindness", "ink"} <= set(wanted)
    for name in wanted:
        stored = [value for (value,) in query(made[1], f"SELECT {name} FROM records ORDER BY image").rows]
        known = np.array([np.nan if value is None else value for value in stored])
        np.testing.assert_array_equal(column(opened, name).values, known)


def test_an_image_at_which_a_measure_failed_comes_last(opened):
    for descending in (False, True):
        items = browse(opened, sort="ink", descending=descending).fields["items"]
        assert (items[-1]["index"], items[-1]["value"]) == (7, None)
        values = [item["value"] for item in items[:-1]]
        assert values == sorted(values, reverse=descending)


def test_a_survey_on_its_way_shows_what_is_stored_and_the_rest_comes_last(tmp_path):
    choice, network = choose(tmp_path, tmp_path / "survey", "own:own"), write_survey(tmp_path)

    def stop(now):
        if now.done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_survey(choice, network, EngineChoice(workers=1), on_progress=stop)
    with alone_in(choice.out):  # as the survey that goes on has it
        scene = open_scene(survey=choice.out)
    known = np.isfinite(column(scene, "ink").values)
    assert len(known) == len(scene.images) == COUNT
    assert 0 < known.sum() < COUNT
    items = browse(scene, sort="ink", descending=True).fields["items"]
    assert [item["value"] is not None for item in items] == sorted(known, reverse=True)


def test_the_survey_may_have_been_made_on_another_device(own):
    forget_plan(own[1])
    edit_plan(own[1], device="cuda:7", versions={"torch": "1.0"})
    assert open_scene(survey=own[1]).images.device == torch.device("cpu")


@pytest.mark.parametrize(
    ("file", "words"),
    [("network.py", "the file of the network has changed"), ("data.npz", "the images have changed")],
)
def test_what_has_changed_since_is_refused(own, file, words):
    files, out = own
    if file == "data.npz":
        np.savez(files / file, images=np.zeros((COUNT, 1, 6, 6), np.float32), labels=np.arange(COUNT) % 3)
    else:
        (files / file).write_text((files / file).read_text().replace("manual_seed(0)", "manual_seed(1)"))
    with pytest.raises(FiberscopeError, match=f"^survey: since the survey was begun .*{words}"):
        open_scene(survey=out)


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"images": ("0:3",)}, "survey, images"),
        ({"network": NetworkChoice(model="mnist-autoencoder", input_shape=(3, 8, 8))}, "survey, model, input-shape"),
    ],
)
def test_what_a_survey_brings_is_not_named_besides(made, options, named):
    with pytest.raises(FiberscopeError, match=f"^{named}: the survey brings its own network and images"):
        open_scene(survey=made[1], **options)


@pytest.mark.parametrize(
    ("option", "words"),
    [("--survey", "survey: {folder} holds no survey"), ("--records", "A survey is opened by --survey")],
)
def test_a_folder_that_is_none_is_refused_with_a_sentence(option, words, tmp_path, capsys):
    assert run(["explore", "--no-browser", "--port", "0", option, str(tmp_path)]) == 2
    assert words.format(folder=tmp_path) in " ".join(capsys.readouterr().err.split())
