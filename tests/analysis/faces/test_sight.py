"""What is read off the Jacobian at a face, beside the same by a few lines of linear algebra."""

from __future__ import annotations

import pytest
import torch

from fiberscope.analysis.faces.sight import see_faces
from fiberscope.variations import face_variations, yardsticks
from small_faces import SHAPE, small_faces, small_latent_map

PEOPLE, PICTURES = 4, 3


@pytest.fixture(scope="module")
def seen():
    latent_map, faces = small_latent_map(), small_faces(PEOPLE, PICTURES)
    probes = faces.images[::PICTURES]
    sight = see_faces(latent_map, probes, faces, face_variations(SHAPE)[:2], seed=0)
    matrices = [torch.func.jacrev(latent_map)(probe[None])[0].flatten(1).double() for probe in probes]
    return faces, sight, matrices


def test_invisible_shares_are_of_all_pictures_of_means_of_people_and_of_what_is_left(seen):
    faces, sight, matrices = seen
    flat = faces.images.flatten(1).double()
    means = flat.view(PEOPLE, PICTURES, -1).mean(dim=1)
    kinds = {
        "invisible": flat - flat.mean(dim=0),
        "invisible_between": means - means.mean(dim=0),
        "invisible_within": flat - means.repeat_interleave(PICTURES, dim=0),
    }
    for row, matrix in enumerate(matrices):
        rows = torch.linalg.svd(matrix, full_matrices=False).Vh
        for name, differences in kinds.items():
            share = 1 - (differences @ rows.T).square().sum() / differences.square().sum()
            assert float(getattr(sight, name)[row]) == pytest.approx(float(share), rel=1e-4), name
    assert not torch.allclose(sight.invisible_between, sight.invisible_within, rtol=1e-3)


def test_other_pictures_of_a_person_are_measured_by_the_ways_to_them_in_units_of_a_change_of_person(seen):
    faces, sight, matrices = seen
    changes = yardsticks(
        small_latent_map(), faces.images, faces.labels, count=100, generator=torch.Generator().manual_seed(0)
    )
    for row, matrix in enumerate(matrices):
        first = faces.images[row * PICTURES]
        ways = (faces.images[row * PICTURES + 1 : (row + 1) * PICTURES] - first).flatten(1).double()
        rates = (ways @ matrix.T).norm(dim=1) / ways.norm(dim=1)
        unit = (changes.class_changes.double() @ matrix.T).norm(dim=1).median()
        assert float(sight.same_person[row]) == pytest.approx(float(rates.median() / unit), rel=1e-3)


def test_the_directions_shown_are_unseen_and_of_length_one(seen):
    _, sight, matrices = seen
    for row, matrix in enumerate(matrices):
        directions = sight.unseen[row].double()
        assert float((matrix @ directions.T).norm(dim=0).max() / matrix.norm()) < 1e-5
        assert directions.norm(dim=1).numpy() == pytest.approx(1, abs=1e-5)
        assert float(directions.sum(dim=1).min()) >= 0  # of the two signs the one that adds light
