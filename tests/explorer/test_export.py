"""Files hold the images that were found: to look at rounded, to prove in full."""

import io
import json
import string
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from explorer.states import STROKE, ZERO, along, relative_residual, starting
from fiberscope import models
from fiberscope.explorer import ImageRef, Morph, as_json, picture, read_state
from fiberscope.explorer.export import MOST_STATES, export
from fiberscope.explorer.memory import Memory
from fiberscope.explorer.requests import answers, read_request
from fiberscope.problem import FiberscopeError

STATES = (
    starting(along("smooth", 12, 2.0), STROKE),
    starting(along("data", 12, -1.0), space="natural"),
    starting(along("seen", 8, 3.0), image=ImageRef(index=3), radius=0.3),
    starting(along("random", 12, 4.0), image=ImageRef(pixels=bytes(range(56)) * 14), straight=True),
)


def file_of(scene, format_, *states):
    *pieces, file = export(scene, states, format_, Memory())
    assert pieces == [None] * len(pieces)
    return file


@pytest.fixture(scope="module")
def archive(scene):
    with np.load(io.BytesIO(file_of(scene, "npz", *STATES).content), allow_pickle=False) as arrays:
        return dict(arrays)


@pytest.mark.parametrize("state", STATES)
def test_a_png_is_the_rounded_image_and_holds_its_state(scene, state):
    file, found = file_of(scene, "png", state), picture(scene, state)
    with Image.open(io.BytesIO(file.content)) as opened:
        assert opened.format == "PNG"
        grey = np.asarray(opened)
        assert read_state(json.loads(opened.text["fiberscope state"]), scene) == state
        assert float(opened.text["fiberscope residual"].split()[0]) == pytest.approx(found.residual, rel=1e-3)
    np.testing.assert_array_equal(grey, (255 * found.image[0]).round().numpy())
    assert file.media == "image/png"


def test_what_was_exported_can_be_chosen_again(scene):
    file = file_of(scene, "png", STATES[0])
    with Image.open(io.BytesIO(file.content)) as opened:
        again = starting(image=ImageRef(pixels=opened.tobytes()))
    assert float((picture(scene, again).image - picture(scene, STATES[0]).image).abs().max()) <= 0.5 / 255 + 1e-6


@pytest.mark.parametrize(("format_", "kind"), [("apng", "PNG"), ("webp", "WEBP")])
def test_an_animation_shows_the_way_and_ends_at_the_picture(scene, format_, kind):
    state = starting(along("smooth", 12, 3.0), STROKE)
    file = file_of(scene, format_, state)
    with Image.open(io.BytesIO(file.content)) as opened:
        assert opened.format == kind
        assert opened.is_animated
        assert opened.n_frames > 10
        assert min(opened.size) >= 250
        first = np.asarray(opened.convert("L"))
        opened.seek(opened.n_frames - 1)
        last = np.asarray(opened.convert("L"))
    side = len(first) // 28
    for shown, found in ((first, picture(scene, starting())), (last, picture(scene, state))):
        np.testing.assert_array_equal(shown[::side, ::side], (255 * found.image[0]).round().numpy())


@pytest.mark.parametrize("format_", ["apng", "webp"])
def test_however_many_moves_the_animation_stays_short(scene, format_):
    state = starting(*(along("smooth", 12, 0.3, place=i % 12) for i in range(40)))
    with Image.open(io.BytesIO(file_of(scene, format_, state).content)) as opened:
        assert 20 < opened.n_frames <= 100


def test_an_archive_holds_every_number_and_no_pickle(archive, scene):
    found = [picture(scene, state) for state in STATES]
    for name in ("images", "starts", "latents", "targets", "probabilities"):
        wanted = torch.stack([getattr(each, {"probabilities": name}.get(name, name[:-1])) for each in found])
        np.testing.assert_array_equal(archive[name], wanted)
    assert archive["distances"].tolist() == [each.distance for each in found]
    assert archive["tolerances"].tolist() == [each.tolerance for each in found]
    assert archive["outcomes"].tolist()[::3] == ["converged", "straight line"]
    assert all(array.dtype.kind in "fU" for array in archive.values())


def test_latents_in_an_archive_are_those_of_the_network_itself(archive, encoder):
    images = torch.from_numpy(archive["images"])
    latents = encoder(images)
    assert torch.allclose(latents, torch.from_numpy(archive["latents"]), atol=1e-3, rtol=1e-4)
    assert float(relative_residual(encoder, images[:2]).max()) <= 1e-4
    targets = torch.from_numpy(archive["targets"])
    residuals = ((latents - targets).norm(dim=1) / targets.norm(dim=1)).detach().numpy()
    np.testing.assert_allclose(archive["relative_residuals"], residuals, atol=1e-5)
    assert (residuals <= archive["tolerances"] * (1 + 1e-5)).tolist() == [True, True, True, False]


def test_an_archive_says_where_it_comes_from(archive, scene):
    assert [read_state(json.loads(text), scene) for text in archive["states"].tolist()] == list(STATES)
    told = json.loads(str(archive["provenance"]))
    assert told["weights_sha256"] == models.card("mnist-classifier").sha256
    assert told["model"] == "mnist-classifier"
    assert told["layer"] == "encoder"
    assert told["rtol"] == 1e-4
    assert {"torch", "fiberscope"} <= set(told["versions"])


@pytest.mark.parametrize("format_", ["png", "apng", "webp", "npz"])
@pytest.mark.parametrize("name", ['ü "<b>/../../x\r\nSet-Cookie: a', "a" * 500, "", "💡.png"])
def test_file_names_are_plain(scene, format_, name):
    odd = replace(scene, names=(name, *scene.names[1:]))
    file = file_of(odd, format_, starting(image=ImageRef(index=0)))
    assert set(file.name) <= set(string.ascii_letters + string.digits + "-.")
    assert file.name.startswith("fiberscope-")
    assert len(file.name) < 100
    assert file.name.count(".") == 1
    assert file.name.endswith({"apng": ".png"}.get(format_, f".{format_}"))


@pytest.mark.parametrize(("format_", "count"), [("png", 0), ("png", 2), ("apng", 2), ("webp", 0), ("npz", 0)])
def test_the_wrong_number_of_states_is_refused(scene, format_, count):
    with pytest.raises(FiberscopeError, match=rf"^states: {count} for a file of the kind {format_}"):
        file_of(scene, format_, *[starting()] * count)


def ask(scene, **fields):
    return list(answers(scene, Memory(), read_request({"type": "export", "id": 1, **fields})))


def test_the_most_states_are_taken_and_no_more(scene):
    most = [as_json(starting(image=ImageRef(index=i))) for i in range(MOST_STATES)]
    *_, answer = ask(scene, format="npz", states=most)
    with np.load(io.BytesIO(answer.arrays["bytes"].tobytes()), allow_pickle=False) as arrays:
        assert arrays["images"].shape == (MOST_STATES, 1, 28, 28)
    with pytest.raises(FiberscopeError, match=r"^states: expected a list of at most 48 entries, found 49 entries"):
        ask(scene, format="npz", states=[*most, most[0]])


@pytest.mark.parametrize(("field", "value"), [("format", "exe"), ("format", None), ("states", None), ("states", {})])
def test_a_wish_that_cannot_be_is_refused(scene, field, value):
    with pytest.raises(FiberscopeError, match=rf"^{field}: "):
        ask(scene, **{"format": "png", "states": [as_json(starting())], field: value})


def test_work_comes_in_pieces_so_that_others_have_their_turn(scene):
    pieces = list(export(scene, (starting(Morph(ZERO)),), "webp", Memory()))
    assert pieces[:-1] == [None] * (len(pieces) - 1)
    assert len(pieces) > 20
