"""Text that any file can hold and any terminal can show: names and messages may come from elsewhere."""

from __future__ import annotations

import os
import unicodedata
from pathlib import Path

_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})  # controls, directions, halves of letters, line ends


def plain(text: str) -> str:
    """Write on one line what would move a cursor, turn the direction of text, or not be seen, as its escape."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_escape(sign) if unicodedata.category(sign) in _HIDDEN else sign for sign in text)


def plain_lines(text: str) -> str:
    """Write each line so, those behind the first indented: none of them can pass for a message of its own."""
    return "\n  ".join(line if not line else plain(line.removeprefix("  ")) for line in text.split("\n"))


def plain_name(path: Path | str) -> str:
    """Write the name of a file so, in whatever encoding its bytes are."""
    return plain(os.fsencode(path).decode("utf-8", "backslashreplace"))


def _escape(sign: str) -> str:
    return sign.encode("unicode_escape", "surrogatepass").decode("ascii")
