"""What is opened beside the images: classes, judges and units do not depend on which images are looked at."""

import numpy as np
import torch

from fiberscope.explorer import open_scene


def test_digits_without_classes_are_read_judged_and_measured_as_all_digits_are(scene, tmp_path):
    np.savez(tmp_path / "mine.npz", images=scene.images[[3]].numpy())
    mine = open_scene(images=(str(tmp_path / "mine.npz"),))
    assert mine.labels is None
    assert (mine.scale, mine.num_classes, mine.panel is None) == (scene.scale, 10, False)
    torch.testing.assert_close(mine.factor, scene.factor)
    read = {column.name: column.values for column in mine.columns}
    assert read["network class"].tolist() == [int(scene.labels[3])]


def test_the_unit_of_radii_is_that_of_all_digits_whichever_are_looked_at(scene):
    assert open_scene(images=("0:3",)).scale == scene.scale


def test_images_of_a_shape_of_their_own_have_what_they_bring(tmp_path):
    from studies import labelled
    from surveys import write_survey

    network, data = write_survey(tmp_path), labelled(24)
    np.savez(tmp_path / "bare.npz", images=data.images.numpy())
    known, bare = (
        open_scene(network, labelled=tmp_path / "data.npz"),
        open_scene(network, images=(str(tmp_path / "bare.npz"),)),
    )
    assert known.scale is not None
    assert (bare.scale, bare.logits, bare.panel, bare.natural) == (None,) * 4
    torch.testing.assert_close(bare.factor, known.factor)


def test_faces_are_varied_as_faces_where_one_asks_for_it():
    scene = open_scene(images=("0:2",), variations="faces")
    assert "yaw" in {variation.name for variation in scene.variations}
    assert "variations='faces'" in scene.opened_by
