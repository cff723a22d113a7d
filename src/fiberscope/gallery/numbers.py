"""Numbers as they stand in captions and tables: three figures, powers of ten, a true minus sign."""

from __future__ import annotations

import math

# No line may break between a number and its percent sign.
_SPACE = "\N{NO-BREAK SPACE}"
_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def short_number(value: float, *, digits: int = 3) -> str:
    """Write the value to at most so many significant digits, for running text and captions."""
    factor, times, power = full_number(value, digits=digits).partition("×")
    # The factor of an exact power of ten says nothing in a line of text.
    return power if times and _trimmed(factor) == "1" else f"{_trimmed(factor)}{times}{power}"


def full_number(value: float, *, digits: int = 3) -> str:
    """Write the value to exactly so many significant digits, for columns that are read downward.

    Powers of ten take over where plain digits would need many zeros.
    """
    if not math.isfinite(value):
        return "not a number" if math.isnan(value) else ("∞" if value > 0 else "−∞")
    if value == 0:
        return "0"
    scientific = f"{abs(value):.{digits - 1}e}"
    factor, power = scientific.split("e", maxsplit=1)[0], int(scientific.split("e")[1])
    sign = "−" if value < 0 else ""
    if -3 <= power <= 4:
        return f"{sign}{float(scientific):.{max(digits - 1 - power, 0)}f}"
    return f"{sign}{factor}×{power_of_ten(power)}"


def power_of_ten(exponent: int) -> str:
    """Write ten to a whole power."""
    return f"10{str(exponent).translate(_SUPERSCRIPT)}" if exponent else "1"


def percent(share: float, *, digits: int = 1) -> str:
    """Write a share of one as a percentage that says 0 % or 100 % only where it is exactly that."""
    if not math.isfinite(share):
        return "not a number"
    least = 10.0**-digits  # percent that so many digits can write
    if 0 < 100 * share < least:
        return f"<{least:.{digits}f}{_SPACE}%"
    if 100 - least < 100 * share < 100:
        return f">{100 - least:.{digits}f}{_SPACE}%"
    return f"{100 * share:.{0 if share in (0, 1) else digits}f}{_SPACE}%".replace("-", "−")


def _trimmed(digits: str) -> str:
    return digits.rstrip("0").rstrip(".") if "." in digits else digits
