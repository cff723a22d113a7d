"""What fits the images of a network is found without being named, where it is there."""

from __future__ import annotations

import pytest
import torch

import fiberscope as fs
from fiberscope.analysis import subject
from fiberscope.analysis.choices import NetworkChoice
from fiberscope.analysis.network import open_network
from fiberscope.data import LabelledImages

NETWORK = """
import torch

def of():
    return torch.nn.Sequential(torch.nn.AvgPool2d(28), torch.nn.Flatten())
"""


@pytest.fixture
def network(tmp_path):
    (tmp_path / "network.py").write_text(NETWORK)
    return open_network(NetworkChoice(model=f"{tmp_path / 'network.py'}:of", input_shape=(1, 112, 112)))


def test_the_fetched_faces_set_the_units_for_a_network_of_faces_and_for_no_other(network, monkeypatch):
    known = LabelledImages(torch.rand(4, 1, 112, 112), torch.tensor([0, 0, 1, 1]), "orl-faces")
    monkeypatch.setattr(subject, "faces", lambda: known)
    assert subject.open_subject(network, kind="faces").reference is known
    own = LabelledImages(torch.rand(4, 1, 112, 112), torch.tensor([0, 0, 1, 1]), "own")
    assert subject.open_subject(network, own=own, kind="faces").reference is own
    with pytest.raises(fs.FiberscopeError, match="no labelled images of shape"):
        subject.open_subject(network)


def test_a_face_embedding_takes_faces_unless_one_asks_for_something_else():
    assert subject.kind_for("face-embedding", None) == "faces"
    assert subject.kind_for("face-embedding", "general") == "general"
    assert subject.kind_for("mnist-classifier", None) == "general"
    assert subject.kind_for("mnist-classifier", "faces") == "faces"
