"""Hints that go all the way: the line of code that turns what was given into what is wanted."""

from __future__ import annotations

import math
from collections.abc import Mapping

from torch import Tensor, nn


def shape_hint(name: str, found: tuple[int, ...], wanted: tuple[int, ...]) -> str:  # noqa: PLR0911  (a case each)
    """Returns how images of that shape become ``(batch, *wanted)``; nothing where no one way is likely."""
    if found == wanted:
        return f" Add the batch dimension: {name}[None]."
    if len(found) == 2 and found[1] == math.prod(wanted):
        return f" They are flat: {name}.reshape(-1, {', '.join(map(str, wanted))})."
    if len(wanted) != 3 or len(found) not in (2, 3, 4):
        return ""
    channels, height, width = wanted
    match found:
        case (*batch, h, w, c) if (h, w, c) == (height, width, channels):
            way = "permute(0, 3, 1, 2)" if batch else "permute(2, 0, 1)[None]"
            return f" Their channels come last: {name}.{way}."
        case (h, w) if (h, w, 1) == (height, width, channels):
            return f" Add batch and channel: {name}[None, None]."
        case (_, h, w) if (h, w) == (height, width):
            more = "" if channels == 1 else f".expand(-1, {channels}, -1, -1), if they are grey"
            return f" Add the channel dimension: {name}[:, None]{more}."
        case (_, c, h, w) if (h, w) == (height, width) and {c, channels} == {1, 3}:
            return _colour_hint(name, channels)
        case (_, c, _, _) if c == channels:
            return (
                f" Their size is another: resize them to {height} x {width}, or let the latent map do it: "
                f"Preprocessing(size=({height}, {width})) and the input_shape of your images."
            )
    return ""


def _colour_hint(name: str, channels: int) -> str:
    if channels == 3:
        return (
            f" They are grey: {name}.expand(-1, 3, -1, -1), or let the latent map do it: Preprocessing(channels='rgb')."
        )
    return (
        f" They are in colour: {name}.mean(dim=1, keepdim=True), or let the latent map do it: "
        "Preprocessing(channels='grey')."
    )


def range_hint(rows: Tensor) -> str:
    """Returns what pixels outside the box usually are, and what to do about it."""
    low, high = float(rows.min()), float(rows.max())
    if low >= 0 and 1.5 < high <= 255:
        return "They look like bytes: divide by 255."
    if -10 <= low < 0 and high <= 10:
        return (
            "They look normalised already: give the images as they were, in [0, 1], and let the latent map normalise "
            "them (models.prepare(module, models.Preprocessing(mean=..., std=...), shape); --mean and --std in a "
            "command), or give the Box that they fill."
        )
    return "Scale the images to the box (for bytes divide by 255), clamp them, or give a wider Box."


def model_hint(model: object) -> str | None:
    """Returns what to give in place of what is no model, None for what can be called."""
    if isinstance(model, str):
        return f"a name; open it: fs.models.open_model({model!r}).module, or fs.models.load for one that ships"
    if isinstance(model, type) and issubclass(model, nn.Module):
        return f"the class {model.__name__}; give an instance: {model.__name__}(...).eval()"
    if type(model).__name__ == "ExportedProgram":  # by its name: to import it takes a second
        return "an exported program; give its module: program.module(), or fs.models.open_model('net.pt2').module"
    if isinstance(model, Mapping):
        return "a mapping such as a state dict, which is no network; load it into one: network.load_state_dict(...)"
    return None if callable(model) else f"a {type(model).__name__}; give a torch module or a function"
