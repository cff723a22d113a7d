"""Faces and the face embedding, where they were fetched; and what is said where they were not."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
import torch

import fiberscope as fs
from fiberscope.data import faces, find_package, package_named
from fiberscope.data.faces import read_pgm, square


def _path(name, kind):
    package = package_named(name, kind)
    return find_package(package) / package.members[0].replace("*", "1")


def _is_there(name, kind):
    try:
        return _path(name, kind).is_file()
    except fs.FiberscopeError:
        return False


has_faces = pytest.mark.skipif(not _is_there("faces", "data"), reason="needs: fiberscope data fetch faces")
has_embedding = pytest.mark.skipif(
    not _is_there("face-embedding", "models"), reason="needs: fiberscope models fetch face-embedding"
)


def write_pgm(path, pixels):
    path.write_bytes(b"P5\n%d %d\n255\n" % (pixels.shape[1], pixels.shape[0]) + pixels.tobytes())
    return path


def test_a_picture_is_read_and_its_edges_go_on(tmp_path):
    pixels = (np.arange(112 * 92) % 256).astype(np.uint8).reshape(112, 92)
    read = read_pgm(write_pgm(tmp_path / "1.pgm", pixels))
    assert torch.equal((255 * read[0]).round().to(torch.uint8), torch.from_numpy(pixels))
    whole = square(read[None])
    assert whole.shape == (1, 1, 112, 112)
    assert torch.equal(whole[..., 10:102], read[None])
    assert torch.equal(whole[..., :10], read[None][..., :1].expand(1, 1, 112, 10))


def test_files_that_are_no_such_pictures_are_refused_by_name(tmp_path):
    with pytest.raises(fs.FiberscopeError, match=r"1\.pgm has 9 x 8 pixels, wanted 92 x 112"):
        read_pgm(write_pgm(tmp_path / "1.pgm", np.zeros((8, 9), np.uint8)))
    (tmp_path / "2.pgm").write_bytes(b"P5\n92 112\n255\nshort")
    with pytest.raises(fs.FiberscopeError, match=r"2\.pgm is no PGM picture"):
        read_pgm(tmp_path / "2.pgm")


def test_without_the_faces_the_command_that_fetches_them_is_named(tmp_path):
    with pytest.raises(fs.FiberscopeError, match="get it with: fiberscope data fetch faces"):
        faces(tmp_path)


@has_faces
def test_there_are_forty_people_in_ten_pictures_each():
    found = faces()
    assert found.images.shape == (400, 1, 112, 112)
    assert found.labels.bincount().tolist() == [10] * 40
    start = hashlib.sha256(_path("faces", "data").parent.joinpath("1.pgm").read_bytes()).hexdigest()
    assert start.startswith("0198d5a79bb658bd")


@has_embedding
def test_the_embedding_is_what_onnx_runtime_computes_of_the_file():
    onnxruntime = pytest.importorskip("onnxruntime")
    onnx = pytest.importorskip("onnx")
    from fiberscope.models.face_embedding import FACE_SHAPE, load_face_embedding

    path = _path("face-embedding", "models")
    model = onnx.load(str(path))
    for weight in [each for each in model.graph.input if each.name != "data"]:
        model.graph.input.remove(weight)  # weights stand among the inputs of the file
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    images = torch.rand(2, *FACE_SHAPE, generator=torch.Generator().manual_seed(0))
    given = (255 * images.expand(-1, 3, -1, -1)).numpy()
    wanted = np.concatenate([session.run(None, {"data": each[None]})[0] for each in given])
    found = load_face_embedding(path)(images).numpy()
    assert np.abs(found - wanted).max() <= 1e-5 * np.abs(wanted).max()
    direction = load_face_embedding(path, direction_only=True)(images).norm(dim=1)
    torch.testing.assert_close(direction, torch.ones(2))


@has_faces
@has_embedding
def test_the_embedding_knows_the_first_people_again():
    from fiberscope.models.face_embedding import load_face_embedding

    found = faces()
    network = load_face_embedding(_path("face-embedding", "models"))
    few = [10 * person + picture for person in range(5) for picture in (0, 4)]
    with torch.no_grad():
        unit = torch.nn.functional.normalize(network(found.images[few]), dim=1)
    alike = unit @ unit.T - 2 * torch.eye(len(few))
    assert (alike.argmax(dim=1) ^ 1).tolist() == list(range(len(few)))


@has_faces
def test_faces_are_named_as_images_of_any_command():
    from fiberscope.analysis.selection import select

    found = select(["faces:0,399"], shape=(3, 112, 112))
    assert found.names == ("person 1, picture 1", "person 40, picture 10")
    assert torch.equal(found.images[:, :1], faces().images[[0, 399]])
    assert torch.equal(found.images[:, 2], found.images[:, 0])
    with pytest.raises(fs.FiberscopeError, match="index 400 is out of range; there are 400 fetched faces, 0 to 399"):
        select(["faces:400"], shape=(1, 112, 112))
    with pytest.raises(fs.FiberscopeError, match="the fetched faces are grey images"):
        select(["faces:0"], shape=(1, 28, 28))
