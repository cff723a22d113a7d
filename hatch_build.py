"""Makes the README's relative links and pictures absolute when the package is built: an index shows it far from them.

The setting is ``home`` in pyproject.toml, the address under which the project's files are seen as ``blob/HEAD/...``
and had as ``raw/HEAD/...``; empty, the README stays as it is.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

_CODE = re.compile(r"(```.*?```)", flags=re.DOTALL)
_LINK = re.compile(r"(?P<picture>!?)\[(?P<text>[^\]]*)\]\((?P<target>(?![a-z]+:|#)[^)\s]+)\)")


class ReadmeHook(MetadataHookInterface):
    """The README as it goes into the package's metadata."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Sets the readme."""
        text = (Path(self.root) / "README.md").read_text(encoding="utf-8")
        metadata["readme"] = {"content-type": "text/markdown", "text": absolute(text, self.config.get("home", ""))}


def absolute(text: str, home: str) -> str:
    """Returns the text with its relative links under that address; as it is where there is none."""
    if not home:
        return text
    parts = _CODE.split(text)
    parts[::2] = [_LINK.sub(lambda link: _under(link, home), part) for part in parts[::2]]  # those outside of fences
    return "".join(parts)


def _under(link: re.Match[str], home: str) -> str:
    kind = "raw" if link["picture"] else "blob"
    return f"{link['picture']}[{link['text']}]({home.rstrip('/')}/{kind}/HEAD/{link['target']})"
