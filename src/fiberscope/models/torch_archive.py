"""Archives that torch writes: state dicts, exported programs and TorchScript share their suffixes."""

from __future__ import annotations

import struct
import zipfile
from pathlib import Path

from fiberscope.problem.errors import ModelError

_BROKEN = (zipfile.BadZipFile, OSError, ValueError, EOFError, RuntimeError, NotImplementedError, OverflowError)


def refuse_torchscript(path: Path) -> None:
    """Raises ModelError where the file is a network in TorchScript: loading it could run what it holds."""
    if path.is_file() and any(name.endswith("/constants.pkl") for name in _sizes(path)):
        raise ModelError(
            f"{path} is TorchScript, a network with its code, neither a state dict nor an exported program. Where you "
            f"trust it, load it in a file of your own: def net(): return torch.jit.load({str(path)!r}), and give that "
            "as --model file.py:net"
        )


def refuse_what_is_no_state_dict(path: Path) -> None:
    """Raises ModelError where the file is a network, or an archive that unpacks to more than it has."""
    refuse_torchscript(path)
    sizes = _sizes(path)
    if any(name.partition("/")[2].startswith("models/") and name.endswith(".json") for name in sizes):
        raise ModelError(
            f"{path} is an exported program, a network with its own weights; name it {path.with_suffix('.pt2').name} "
            "and give it as --model"
        )
    if sum(size for size, _ in sizes.values()) > path.stat().st_size or any(packed for _, packed in sizes.values()):
        raise ModelError(f"{path} is packed, and torch packs no weights, so it is refused; save it again by torch.save")


def _sizes(path: Path) -> dict[str, tuple[int, bool]]:
    """Bytes of each record and whether it is packed, by name; nothing where the file is no archive."""
    try:
        with zipfile.ZipFile(path) as archive:
            infos = archive.infolist()
            return {info.filename: (info.file_size, info.compress_type != zipfile.ZIP_STORED) for info in infos}
    except (*_BROKEN, struct.error):
        return {}  # of an older format, or damaged: its reader will tell
