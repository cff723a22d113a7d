from __future__ import annotations

from importlib import import_module
from inspect import unwrap

import pytest
import torch

import fiberscope as fs
from fibers import linear_map, normal, uniform, wavy_map
from fiberscope.variations import Variation, Yardsticks, catalogue, sensitivity, yardsticks

SHAPE = (1, 32, 32)
VARIATIONS = catalogue(SHAPE)


def centred(count=3):
    """Images that are black near the border, so that no part of them leaves on a shift."""
    inner = uniform(count, 1, 12, 12)
    return torch.nn.functional.pad(inner, (10, 10, 10, 10))


def power_spectrum():
    """z = |Fourier coefficient|² at some frequencies: an average over all shifts of products of pixels."""

    def model(x):
        spectrum = torch.fft.fft2(x[:, 0])[:, :3, :4].flatten(1)
        return spectrum.real**2 + spectrum.imag**2

    return fs.LatentMap(model, SHAPE, dtype=torch.float64)


def brightness_map():
    return fs.LatentMap(lambda x: x.flatten(1).sum(dim=1, keepdim=True), SHAPE, dtype=torch.float64)


def yardstick_of(latent_map):
    labels = torch.arange(8) % 2
    images = uniform(8, *latent_map.input_shape, seed=5)
    return yardsticks(latent_map, images, labels, count=30, generator=torch.Generator().manual_seed(0))


def by_name(found):
    return dict(zip(found.names, found.relative.abs().amax(dim=1).tolist(), strict=True))


def test_a_map_that_averages_over_shifts_is_blind_to_translation_and_to_nothing_else():
    latent_map = power_spectrum()
    seen = by_name(sensitivity(latent_map, centred(), VARIATIONS, yardstick=yardstick_of(latent_map)))
    for name in ("translation x", "translation y"):
        assert seen.pop(name) < 1e-12
    assert min(seen.values()) > 1e-2


def test_a_map_of_total_brightness_is_blind_to_all_that_keep_the_sum():
    latent_map = brightness_map()
    seen = by_name(sensitivity(latent_map, centred(), VARIATIONS, yardstick=yardstick_of(latent_map)))
    # Moves and blur keep the sum (growth does not); light, noise and a patch change it.
    for name in ("translation x", "translation y", "rotation", "shear", "blur"):
        assert seen.pop(name) < 1e-12, name
    assert min(seen.values()) > 1e-2
    assert {"contrast", "brightness"} < set(seen)


def test_of_all_directions_total_brightness_sees_brightness_best():
    latent_map = brightness_map()
    found = sensitivity(latent_map, centred(), VARIATIONS, yardstick=yardstick_of(latent_map))
    best = found.relative[found.names.index("brightness")]
    assert torch.equal(best, found.relative.amax(dim=0))
    # |J t| / |t| of a constant field is the length of the gradient, the square root of the number of pixels.
    assert torch.allclose(best * found.class_change, torch.tensor(32.0).double())


def test_on_a_linear_map_sensitivity_has_its_closed_form():
    latent_map, matrix = linear_map(3, 12)
    direction, images = normal(12, seed=3), uniform(4, 12)
    two, labels = uniform(2, 12, seed=9), torch.tensor([0, 1])
    along = Variation("along", "", -1.0, 1.0, lambda x, a: x + a[:, None] * direction)
    yardstick = yardsticks(latent_map, two, labels, count=7, generator=torch.Generator().manual_seed(0))
    found = sensitivity(latent_map, images, [along], yardstick=yardstick)
    change = two[1] - two[0]  # the only difference there is
    unit = (matrix @ change).norm() / change.norm()
    assert torch.allclose(found.class_change, unit.expand(4))
    assert torch.allclose(found.relative[0], (matrix @ direction).norm() / direction.norm() / unit)
    assert torch.allclose(found.length[0], direction.norm().expand(4))
    noise = yardstick.random @ matrix.T
    assert torch.allclose(found.random, noise.norm(dim=1).median() / unit)


def test_random_directions_are_seen_as_the_mean_square_of_the_jacobian_says():
    latent_map, matrix = linear_map(6, 400)
    yardstick = yardsticks(
        latent_map, uniform(4, 400), torch.arange(4), count=500, generator=torch.Generator().manual_seed(0)
    )
    along = Variation("along", "", -1.0, 1.0, lambda x, a: x + a[:, None])
    found = sensitivity(latent_map, uniform(1, 400), [along], yardstick=yardstick)
    assert float(found.random * found.class_change) == pytest.approx(float(matrix.norm()) / 20, rel=0.1)


def test_yardsticks_are_unit_vectors_between_classes_only():
    latent_map, _ = linear_map(2, 4)
    images = torch.tensor([[0.0, 0, 0, 0], [0.0, 1, 0, 0], [1.0, 0, 0, 0]]).double()
    found = yardsticks(latent_map, images, torch.tensor([0, 0, 1]), generator=torch.Generator().manual_seed(0))
    assert torch.allclose(found.class_changes.norm(dim=1), torch.ones(200).double())
    assert torch.allclose(found.random.norm(dim=1), torch.ones(200).double())
    assert bool((found.class_changes[:, 0] != 0).all())


def test_images_without_a_tangent_are_marked_and_spoil_no_other():
    latent_map, images = power_spectrum(), centred(3)
    images[1] = 0.5
    yardstick = yardstick_of(latent_map)
    found = sensitivity(latent_map, images, VARIATIONS, yardstick=yardstick)
    lost = [name for name, row in zip(found.names, found.undefined, strict=True) if bool(row[1])]
    moves = ["translation x", "translation y", "rotation", "scale", "shear", "stroke thickness", "elastic warp"]
    assert lost == [*moves, "contrast", "blur", "occluding patch"]
    assert not bool(found.undefined[:, ::2].any())
    assert torch.equal(found.relative.isnan(), found.undefined)
    assert "rotation does not change 1 of 3 images (a tangent of length zero)" in found.sentence
    alone = sensitivity(latent_map, images[2:], VARIATIONS, yardstick=yardstick)
    assert torch.allclose(alone.relative[:, 0], found.relative[:, 2], rtol=1e-9, atol=1e-12)
    assert alone.sentence == ""


def test_a_tangent_is_none_where_rounding_could_be_all_that_it_changes_over_the_range():
    latent_map, images = wavy_map(3, 20), uniform(2, 20)

    def faint(most):
        change = torch.full((20,), 1e-15).double()
        return Variation("faint", "", -most, most, lambda x, a: x + a[:, None] * change, "", change.expand_as)

    found = sensitivity(latent_map, images, [faint(1.0), faint(1e6)], yardstick=yardstick_of(latent_map))
    assert found.undefined.tolist() == [[True, True], [False, False]]
    assert found.length[0].tolist() == [0, 0]
    assert torch.allclose(1e15 * found.length[1], torch.tensor(20.0).double().sqrt())


def test_a_dead_network_has_no_sensitivity_and_says_so():
    latent_map = fs.LatentMap(lambda x: torch.relu(x[:, :2] - 5) + 0 * x[:, :2], (4,), dtype=torch.float64)
    along = Variation("along", "", -1.0, 1.0, lambda x, a: x + a[:, None])
    found = sensitivity(latent_map, uniform(2, 4), [along], yardstick=yardstick_of(latent_map))
    assert bool(found.undefined.all())
    assert "the latent does not move" in found.sentence


def test_a_jacobian_that_is_known_is_taken_in_place_of_a_fresh_one(monkeypatch):
    latent_map, images = wavy_map(3, 20), uniform(7, 20)
    known, ask = fs.jacobian(latent_map, images), {"yardstick": yardstick_of(latent_map)}
    fresh = sensitivity(latent_map, images, catalogue((20,)), **ask)
    monkeypatch.setattr(import_module("fiberscope.variations.sensitivity"), "_CHUNK_BYTES", 4 * 20 * 8 * 2)
    found = sensitivity(latent_map, images, catalogue((20,)), jacobian=known, **ask)
    assert torch.allclose(found.relative, fresh.relative, rtol=1e-9)
    assert torch.allclose(found.class_change, fresh.class_change, rtol=1e-9)
    # Twice the Jacobian sees everything twice as well: only the unit changes.
    twice = sensitivity(latent_map, images, catalogue((20,)), jacobian=2 * known, **ask)
    assert torch.allclose(twice.class_change, 2 * fresh.class_change, rtol=1e-9)
    assert torch.allclose(twice.relative, fresh.relative, rtol=1e-9)


def test_many_images_are_taken_in_parts(monkeypatch):
    latent_map, images = wavy_map(3, 20), uniform(7, 20)
    yardstick, names = yardstick_of(latent_map), catalogue((20,))
    whole = sensitivity(latent_map, images, names, yardstick=yardstick)
    monkeypatch.setattr(import_module("fiberscope.variations.sensitivity"), "_CHUNK_BYTES", 4 * 20 * 8 * 2)
    parts = sensitivity(latent_map, images, names, yardstick=yardstick)
    assert torch.allclose(whole.relative, parts.relative, rtol=1e-9)


@pytest.mark.parametrize(
    ("ask", "words"),
    [
        (lambda f, x, y: sensitivity(f, x, [], yardstick=y), "variations"),
        (lambda f, x, y: sensitivity(f, x.float(), catalogue((20,)), yardstick=y), "images"),
        (
            lambda f, x, y: yardsticks(f, x, torch.zeros(4, dtype=torch.int64), generator=torch.Generator()),
            "count, labels",
        ),
        (lambda f, x, y: unwrap(yardsticks)(f, x, torch.arange(3), generator=torch.Generator()), "labels"),
        (lambda f, x, y: sensitivity(f, x, catalogue((20,)), yardstick=Yardsticks(y[0][:, :3], y[1])), "yardstick"),
        (lambda f, x, y: unwrap(sensitivity)(f, x, catalogue((20,)), yardstick=y, jacobian=x), "jacobian"),
        (
            lambda f, x, y: sensitivity(f, x, catalogue((20,)), yardstick=y, jacobian=fs.jacobian(f, x).float()),
            "jacobian",
        ),
        (
            lambda f, x, y: unwrap(sensitivity)(f, x, catalogue((20,)), yardstick=y, jacobian=fs.jacobian(f, x[1:])),
            "jacobian",
        ),
    ],
)
def test_what_does_not_fit_is_refused_by_name(ask, words):
    latent_map = wavy_map(3, 20)
    with pytest.raises(fs.FiberscopeError, match=f"^{words}"):
        ask(latent_map, uniform(4, 20), yardstick_of(latent_map))
