"""What a search says of an image holds for the image itself."""

from __future__ import annotations

import pytest

from fiberscope.analysis.faces.priors import bring, face_prior, no_prior, smooth_prior
from small_faces import small_faces, small_latent_map


def test_the_residual_is_of_the_finished_image_whatever_the_search_believed():
    latent_map, (first, other) = small_latent_map(), small_faces(2, 1).images
    target = latent_map(other[None])[0]
    darker = no_prior(latent_map)._replace(decode=lambda rows: 0.9 * rows)
    found = bring(darker, first, other, target, latent_map, num_steps=0)
    assert found.reached
    fresh = (latent_map(found.image[None])[0] - target).norm() / target.norm()
    assert found.residual == pytest.approx(float(fresh), rel=1e-4)
    assert found.residual > 0.01


def test_smooth_changes_have_fewer_edges_than_changes_of_any_pixels():
    latent_map, (first, other) = small_latent_map(), small_faces(2, 1).images
    target = latent_map(other[None])[0]

    def edges(prior):
        change = bring(prior, first, other, target, latent_map, num_steps=0).image - first
        return float(change.diff(dim=2).square().sum() / change.square().sum())

    assert edges(smooth_prior(latent_map)) < 0.5 * edges(no_prior(latent_map))


def test_a_search_that_begins_on_the_fiber_has_reached_something_only_when_it_came_nearer():
    latent_map, faces = small_latent_map(), small_faces(4, 3)
    prior = face_prior(latent_map, faces, ())
    other = prior.decode(prior.encode(faces.images[-1:]))[0]  # on the fiber to the last bit
    target = latent_map(other[None])[0]
    toward = bring(prior, faces.images[0], other, target, latent_map, num_steps=0)
    stays = bring(prior, other, other, target, latent_map, num_steps=0)
    assert toward.reached
    assert not stays.reached
