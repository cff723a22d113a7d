"""Each kind of images has its own variations, and those of faces are asked for where they fit."""

from __future__ import annotations

import pytest

import fiberscope as fs
from fiberscope.variations import catalogue, face_variations, variations_for


def names(variations):
    return [variation.name for variation in variations]


def test_each_kind_has_its_own_variations():
    shape = (1, 32, 32)
    assert names(variations_for("general", shape)) == names(catalogue(shape))
    assert names(variations_for("faces", shape)) == names(face_variations(shape))


def test_what_is_too_small_to_be_a_face_is_refused_with_what_to_do():
    with pytest.raises(fs.FiberscopeError, match=r"variations: those of faces .* \(12,\).* Take the general ones"):
        variations_for("faces", (12,))
