"""The bounds that a foreign ONNX file is held to, and the refusals that name them."""

from __future__ import annotations

from fiberscope.problem.errors import ModelError

LIMIT = 2**30
"""Bytes that opening an ONNX file may need beyond the file's own size: 1 GiB."""

NODES = 50_000
"""Operators that a graph may have."""

_SHOWN = 60  # characters of a file's own words in a message


def refuse_beyond(needed: int, doing: str) -> None:
    """Raise ModelError where what is done takes more bytes than `LIMIT`."""
    if needed > LIMIT:
        raise ModelError(
            f"model: {doing} its ONNX graph takes {needed / 2**30:.3g} GiB, wanted at most {LIMIT / 2**30:.3g} GiB. "
            "Where that is meant, give the network itself as file.py:factory or as an exported program .pt2"
        )


def quote(text: str) -> str:
    """The file's own words as they may be printed: in quotes, control characters escaped, cut where they are long."""
    return ascii(text if len(text) <= _SHOWN else f"{text[:_SHOWN]}...")


def tell(error: Exception) -> str:
    """The kind and the first line of an error, as they may be printed."""
    lines = str(error).splitlines() or ["no reason given"]
    first = next((line for line in lines if line.strip()), lines[0])
    plain = "".join(letter if letter.isprintable() else "?" for letter in first)
    return f"{type(error).__name__}: {plain[:300]}"
