"""How far one can go in a tube: closed forms for linear maps and spheres, theorems for the rest."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

import fiberscope as fs
from fibers import EVERYWHERE, linear_map, normal, sphere, uniform, wavy_map
from fiberscope.moves.boundary import End, boundary
from fiberscope.moves.widths import widths

INSIDE = 2e-3  # how far inside the surface, as a share of the radius, points may be


def ends(found) -> set[End]:
    return {end for way in found.end for end in way}


def test_in_a_tube_around_a_linear_fiber_the_surface_is_where_the_linear_picture_says():
    latent_map, matrix = linear_map(3, 8)
    images, directions = normal(4, 8), normal(6, 4, 8, seed=1)
    tube = fs.Tube(fs.Fiber.through(latent_map, images, box=EVERYWHERE), torch.tensor([0.1, 1.0, 5.0, 0.3]).double())
    found = boundary(tube, images, directions, length=100.0)
    speed = (torch.nn.functional.normalize(directions, dim=2) @ matrix.T).norm(dim=2)
    assert torch.allclose(found.linear, tube.radius / speed)
    assert torch.allclose(found.distance, found.linear, rtol=INSIDE)
    assert torch.allclose(found.linear_in_box, found.linear, rtol=INSIDE)
    assert ends(found) == {End.SURFACE}


def test_away_from_the_middle_the_linear_picture_starts_where_the_image_is():
    latent_map, matrix = linear_map(2, 6)
    images, directions = normal(3, 6), normal(4, 3, 6, seed=1)
    tube = fs.Tube(fs.Fiber(latent_map, images @ matrix.T + 0.3, EVERYWHERE), 1.0)
    found = boundary(tube, images, directions, length=100.0)
    assert torch.allclose(found.distance, found.linear, rtol=5e-3)


def test_in_a_tube_around_a_sphere_distances_are_those_of_the_shell():
    images = torch.tensor([[2.0, 0, 0, 0, 0]], dtype=torch.float64)
    tube = fs.Tube(fs.Fiber.through(sphere(), images, box=EVERYWHERE), 1.0)
    ways = torch.tensor([[1.0, 0, 0, 0, 0], [-1.0, 0, 0, 0, 0], [0, 1.0, 0, 0, 0]], dtype=torch.float64)[:, None]
    found = boundary(tube, images, ways, length=10.0)
    exact = torch.tensor([5**0.5 - 2, 2 - 3**0.5, 1.0]).double()
    assert torch.allclose(found.distance[:, 0], exact, rtol=INSIDE)
    assert torch.allclose(found.linear[:, 0], torch.tensor([0.25, 0.25, torch.inf]).double())


def test_a_linear_map_has_no_bending_whatever_faces_the_ray_meets():
    latent_map, _ = linear_map(3, 30)
    images = uniform(5, 30).round() * uniform(5, 30, seed=3)  # many pixels on the floor of the box
    tube = fs.Tube(fs.Fiber.through(latent_map, images), 0.7)
    found = boundary(tube, images, normal(8, 5, 30, seed=2))
    assert torch.allclose(found.distance, found.linear_in_box, rtol=1e-4)
    assert float((found.distance / found.linear - 1).abs().max()) > 0.05


def test_every_point_keeps_bound_and_box_and_lies_on_the_surface_or_at_the_end():
    latent_map = wavy_map(3, 40)
    images, directions = uniform(4, 40).round(), normal(5, 4, 40, seed=2)
    for radius in (1e-4, 0.05, 0.5, 5.0):
        tube = fs.Tube(fs.Fiber.through(latent_map, images), radius)
        found = boundary(tube, images, directions)
        norm = torch.stack([tube.residual(points).norm(dim=1) for points in found.points])
        assert bool((norm <= radius).all())
        assert torch.allclose(norm, found.residual_norm, atol=1e-12)
        assert bool(((found.points >= 0) & (found.points <= 1)).all())
        assert bool((norm[found.at_surface] >= (1 - INSIDE) * radius).all())
        gone = (found.points - images).flatten(2).norm(dim=2)
        assert torch.allclose(gone, found.distance, atol=1e-12)


def test_a_thin_tube_is_its_linear_picture():
    latent_map, images = wavy_map(3, 40), uniform(4, 40)
    found = boundary(fs.Tube(fs.Fiber.through(latent_map, images), 1e-6), images, normal(5, 4, 40, seed=2))
    assert torch.allclose(found.distance, found.linear, rtol=INSIDE)


def test_the_first_exit_is_found_even_where_the_latent_comes_back():
    # z = sin(3 x): within 0.5 of zero again and again; first out at asin(0.5) / 3.
    latent_map = fs.LatentMap(lambda x: torch.sin(3 * x), (1,), dtype=torch.float64)
    images = torch.zeros(1, 1, dtype=torch.float64)
    tube = fs.Tube(fs.Fiber.through(latent_map, images, box=fs.Box(-9.0, 9.0)), 0.5)
    found = boundary(tube, images, torch.ones(1, 1, 1, dtype=torch.float64))
    assert float(found.distance) == pytest.approx(torch.pi / 18, rel=INSIDE)


def test_what_ends_a_ray_is_said():
    latent_map = fs.LatentMap(lambda x: x.sum(1, keepdim=True), (4,), dtype=torch.float64)
    images = torch.full((1, 4), 0.5).double()
    unseen = torch.tensor([[[1.0, -1.0, 0, 0]]]).double()
    tube = fs.Tube(fs.Fiber.through(latent_map, images), 0.1)
    at_corner = boundary(tube, images, unseen)
    assert at_corner.end == ((End.BOX,),)
    assert float(at_corner.distance) == pytest.approx(0.5**0.5)
    assert bool(at_corner.linear.isinf().all())
    assert boundary(tube, images, unseen, length=0.2).end == ((End.LENGTH,),)
    assert not bool(at_corner.at_surface.any())


def test_rays_do_not_talk_to_each_other():
    latent_map, images, directions = wavy_map(3, 40), uniform(4, 40), normal(5, 4, 40, seed=2)
    fiber = fs.Fiber.through(latent_map, images)
    together = boundary(fs.Tube(fiber, 0.3), images, directions)
    alone = boundary(fs.Tube(fs.Fiber.through(latent_map, images[2:3]), 0.3), images[2:3], directions[3:4, 2:3])
    assert torch.allclose(alone.points[0, 0], together.points[3, 2], atol=1e-9)


def test_frozen_pixels_stay():
    latent_map, images, directions = wavy_map(3, 40), uniform(4, 40), normal(5, 4, 40, seed=2)
    frozen = torch.arange(40) < 25
    found = boundary(fs.Tube(fs.Fiber.through(latent_map, images), 0.3), images, directions, frozen=frozen)
    assert torch.equal(found.points[..., :25], images[:, :25].expand(5, 4, 25))
    assert float(found.distance.min()) > 0


def test_widths_of_a_linear_tube_are_the_semi_axes_and_fewer_are_seen_as_it_grows():
    latent_map, matrix = linear_map(3, 8)
    values = torch.linalg.svdvals(matrix)
    fiber = fs.Fiber.through(latent_map, normal(4, 8), box=EVERYWHERE)
    for radius in (0.1, 1.0, 3.0):
        found = widths(fs.Tube(fiber, radius), normal(4, 8), length=1e3)
        assert torch.allclose(found.true, (radius / values)[:, None].expand(3, 4), rtol=INSIDE)
        assert bool(found.bounded.all())
        for size in (0.03, 0.3, 1.0):
            seen = int((radius / values < size).sum())
            assert found.dimension_seen(size).tolist() == found.linear_dimension_seen(size).tolist() == [seen] * 4


def test_a_direction_that_only_the_box_ends_is_not_seen():
    latent_map = fs.LatentMap(lambda x: 0.01 * x.sum(1, keepdim=True), (4,), dtype=torch.float64)
    images = uniform(2, 4)
    found = widths(fs.Tube(fs.Fiber.through(latent_map, images), 1.0), images)
    assert not bool(found.bounded.any())
    assert found.dimension_seen(1e3).tolist() == [0, 0]


def test_on_digits_in_single_precision_the_bound_holds_for_each_image_alone():
    latent_map = fs.LatentMap(fs.models.load("mnist-classifier").encoder, (1, 28, 28))
    images = fs.data.mnist("test").images[:3]
    fiber = fs.Fiber.through(latent_map, images)
    for radius in (0.01, 0.75, 15.0):
        found = widths(fs.Tube(fiber, radius), images)
        assert bool(found.bounded.all())
        for points in (*found.forward.points, *found.backward.points):
            alone = torch.cat([latent_map(image[None]) for image in points]).detach()
            assert bool(((alone - fiber.target).norm(dim=1) <= radius).all())


@pytest.mark.parametrize(
    ("break_it", "argument"),
    [
        (lambda t, x, v: boundary(t, x + 0.9 * (1 - x), v), "images: row 0 lies outside the tube"),
        (lambda t, x, v: boundary(t, x, v[:, :, :30]), "directions: expected"),
        (lambda t, x, v: boundary(t, x, 0 * v), "directions: zero"),
        (lambda t, x, v: boundary(t, x, v, length=0.0), "length: expected"),
        (lambda t, x, v: boundary(fs.Tube(fs.Fiber(t.latent_map, t.target, EVERYWHERE), 0.1), x, v), "length: the box"),
        (lambda t, x, v: widths(t, x).dimension_seen(0.0), "size: expected"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(break_it, argument):
    latent_map, images = wavy_map(3, 40), uniform(2, 40)
    tube = fs.Tube(fs.Fiber.through(latent_map, images), 0.01)
    with pytest.raises(fs.FiberscopeError, match=argument):
        break_it(tube, images, normal(1, 2, 40))


def test_a_dead_latent_has_no_width_and_spoils_no_other():
    matrix: Tensor = torch.tensor([[1.0, 2.0, 0.5, 0.0], [0, 0, 0, 0]], dtype=torch.float64)
    latent_map = fs.LatentMap(lambda x: x @ matrix.T, (4,), dtype=torch.float64)
    images = uniform(1, 4)
    found = widths(fs.Tube(fs.Fiber.through(latent_map, images, box=EVERYWHERE), 0.1), images, length=10.0)
    assert float(found.true[0]) == pytest.approx(0.1 / float(matrix[0].norm()), rel=INSIDE)
    assert bool(found.true[1].isnan().all())
    assert found.dimension_seen(5.0).tolist() == found.linear_dimension_seen(5.0).tolist() == [1]
