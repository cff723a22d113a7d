"""Numbers as they stand in captions and tables: three figures, powers of ten, a true minus sign."""

from __future__ import annotations

import math

# No line may break between a number and its percent sign.
_SPACE = "\N{NO-BREAK SPACE}"
_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def short_number(value: float, *, digits: int = 3) -> str:
    """Write the value to so many significant digits, as a power of ten where plain digits need many zeros."""
    if not math.isfinite(value):
        return "not a number" if math.isnan(value) else ("∞" if value > 0 else "−∞")
    if value == 0:
        return "0"
    mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
    if -3 <= int(exponent) <= 4:
        plain = f"{float(f'{mantissa}e{exponent}'):.{max(digits - 1 - int(exponent), 0)}f}"
        return _trimmed(plain).replace("-", "−")
    factor = _trimmed(mantissa).replace("-", "−")
    return f"{'' if factor == '1' else f'{factor}×'}{power_of_ten(int(exponent))}"


def power_of_ten(exponent: int) -> str:
    """Write ten to a whole power."""
    return f"10{str(exponent).translate(_SUPERSCRIPT)}" if exponent else "1"


def percent(share: float) -> str:
    """Write a share of one as a percentage that says 0 % or 100 % only where it is exactly that."""
    if not math.isfinite(share):
        return "not a number"
    if 0 < share < 0.001:
        return f"<0.1{_SPACE}%"
    if 0.999 < share < 1:
        return f">99.9{_SPACE}%"
    return f"{100 * share:.{0 if share in (0, 1) else 1}f}{_SPACE}%".replace("-", "−")


def _trimmed(digits: str) -> str:
    return digits.rstrip("0").rstrip(".") if "." in digits else digits
