"""Members of a zip archive, and an archive of members; the same members give the same bytes."""

from __future__ import annotations

import io
import zipfile


def members_of(content: bytes) -> list[tuple[str, bytes]]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return [(name, archive.read(name)) for name in archive.namelist()]


def zip_of(members: list[tuple[str, bytes]], method: int = zipfile.ZIP_STORED) -> bytes:
    """An archive of members in this order; what a name cannot hold is left out of it."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, data in members:
            archive.writestr(zipfile.ZipInfo(name.encode(errors="ignore").decode()), data, method)
    return buffer.getvalue()
