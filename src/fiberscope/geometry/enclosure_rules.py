"""Interval arithmetic of torch's operators: bounds of what each gives, from bounds of what it is given."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor

aten = torch.ops.aten


class Range(NamedTuple):
    """Bounds of a tensor, number by number, and whether it is an affine function of the input."""

    lower: Tensor
    upper: Tensor
    affine: bool

    @property
    def size(self) -> Tensor:
        """The greatest absolute value."""
        return self.lower.abs().maximum(self.upper.abs())

    def widened(self, slack: Tensor) -> Range:
        """The same with room for rounding; what became NaN is not bounded."""
        lower = (self.lower - slack).nan_to_num(nan=-torch.inf, posinf=torch.inf, neginf=-torch.inf)
        upper = (self.upper + slack).nan_to_num(nan=torch.inf, posinf=torch.inf, neginf=-torch.inf)
        return Range(lower, upper, self.affine)


Arguments = tuple[Any, ...]
Rule = Callable[[Callable[..., Any], Arguments, dict[str, Any]], Any]

_ULPS = 16  # units of rounding that one operator on single numbers may be off
_COARSE = 2.0**-10  # rounding of a product on a GPU that may use TF32


def rule_of(operator: Any) -> Rule | None:
    """The rule of an operator that is told its arguments with a `Range` for what varies; None where there is no rule.

    A rule itself gives None where it does not hold for these arguments.
    """
    return _RULES.get(operator)


def unit(like: Tensor) -> float:
    """The relative error of one product of floats."""
    eps = float(torch.finfo(like.dtype).eps)
    return eps if like.device.type == "cpu" or like.dtype == torch.float64 else max(eps, _COARSE)


def _moved(operator: Callable[..., Any], arguments: Arguments, options: dict[str, Any]) -> Any:
    """Numbers are moved about and none is changed: views, slices, joined tensors."""
    ranges = [each for each in _flat(arguments) if isinstance(each, Range)]
    low, high = (operator(*_at(arguments, end), **options) for end in (0, 1))
    affine = all(each.affine for each in ranges)
    if isinstance(low, Tensor):
        return Range(low, high, affine)
    return [Range(lower, upper, affine) for lower, upper in zip(low, high, strict=True)]


def _averaged(operator: Callable[..., Any], arguments: Arguments, options: dict[str, Any]) -> Range | None:
    """Sums and means with weights that are not negative."""
    given = arguments[0]
    if not isinstance(given, Range) or any(isinstance(each, Range) for each in _flat(arguments[1:])):
        return None
    lower, upper, size = (operator(each, *arguments[1:], **options) for each in (*given[:2], given.size))
    terms = given.lower.numel() / max(1, lower.numel())
    return Range(lower, upper, given.affine).widened((terms + _ULPS) * unit(lower) * size)


def _elementwise(operator: Callable[..., Any], arguments: Arguments, options: dict[str, Any]) -> Range | None:
    """An affine function of each number by itself, rising or falling; exact, so that only rounding is added."""
    if sum(isinstance(each, Range) for each in _flat(arguments)) != 1:
        return None
    given = next(each for each in arguments if isinstance(each, Range))
    size = given.size
    corners = (*given[:2], size, torch.zeros_like(size))
    parts = [operator(*(corner if each is given else each for each in arguments), **options) for corner in corners]
    low, high, far, zero = (part[0] if isinstance(part, tuple) else part for part in parts)
    found = Range(low.minimum(high), low.maximum(high), given.affine)
    # A difference may be far smaller than what it is made of, each part rounded by its own size.
    return found.widened(_ULPS * unit(low) * ((far - zero).abs() + zero.abs() + found.size))


def _divided(operator: Callable[..., Any], arguments: Arguments, options: dict[str, Any]) -> Range | None:
    """``a / b`` with a known divisor."""
    return None if isinstance(arguments[1], Range) else _elementwise(operator, arguments, options)


def _normalised(operator: Callable[..., Any], arguments: Arguments, options: dict[str, Any]) -> Range | None:
    """Batch normalisation with kept statistics, which is affine."""
    training = operator is aten.native_batch_norm.default and arguments[5]
    return None if training or not isinstance(arguments[0], Range) else _elementwise(operator, arguments, options)


def _sum(operator: Callable[..., Any], arguments: Arguments, options: dict[str, Any]) -> Range | None:
    """``a + alpha b`` and ``a - alpha b``, of one or two ranges."""
    if sum(isinstance(each, Range) for each in arguments[:2]) == 1:
        return _elementwise(operator, arguments, options)
    first, second = arguments[:2]
    if float(options.get("alpha", 1)) < 0 or len(arguments) > 2:
        return None
    over = operator is aten.sub.Tensor
    lower = operator(first.lower, second.upper if over else second.lower, **options)
    upper = operator(first.upper, second.lower if over else second.upper, **options)
    found = Range(lower, upper, first.affine and second.affine)
    return found.widened(_ULPS * unit(lower) * (first.size + second.size))


def _product(operator: Callable[..., Any], arguments: Arguments, options: dict[str, Any]) -> Range | None:
    """``a b`` number by number."""
    if sum(isinstance(each, Range) for each in arguments[:2]) == 1:
        return _elementwise(operator, arguments, options)
    first, second = arguments[:2]
    corners = torch.stack([operator(a, b) for a in first[:2] for b in second[:2]])
    found = Range(corners.amin(dim=0), corners.amax(dim=0), affine=False)
    return found.widened(_ULPS * unit(found.lower) * found.size)


def _rising(operator: Callable[..., Any], arguments: Arguments, options: dict[str, Any]) -> Range | None:
    """A function of each number by itself that never falls, and maxima over some of them."""
    given = arguments[0]
    if not isinstance(given, Range) or any(isinstance(each, Range) for each in _flat(arguments[1:])):
        return None
    ends = [operator(each, *arguments[1:], **options) for each in given[:2]]
    lower, upper = (end[0] if isinstance(end, tuple) else end for end in ends)
    found = Range(lower, upper, affine=False)
    return found.widened(_ULPS * unit(lower) * found.size)


def _rising_if_positive(operator: Callable[..., Any], arguments: Arguments, options: dict[str, Any]) -> Range | None:
    """An activation whose parameters are slopes and scales: it rises if none of them is negative."""
    numbers = [*arguments[1:], *options.values()]
    if not all(isinstance(each, int | float) and each >= 0 for each in numbers):
        return None
    return _rising(operator, arguments, options)


def _floored(floor: float) -> Rule:
    """An activation between min(0, x) and max(0, x) that is nowhere below ``floor``: SiLU, GELU, hard-swish, Mish."""

    def rule(operator: Callable[..., Any], arguments: Arguments, options: dict[str, Any]) -> Range | None:
        given = arguments[0]
        if not isinstance(given, Range):
            return None
        found = Range(given.lower.clamp(floor, 0.0), given.upper.clamp_min(0.0), affine=False)
        return found.widened(_ULPS * unit(found.lower) * given.upper.abs())

    return rule


def _between(low: float, high: float) -> Rule:
    """Whatever it is given, the result lies between two numbers."""

    def rule(operator: Callable[..., Any], arguments: Arguments, options: dict[str, Any]) -> Range | None:
        given = arguments[0]
        if not isinstance(given, Range):
            return None
        ends = [torch.full_like(given.lower, end) for end in (low, high)]
        return Range(ends[0], ends[1], affine=False).widened(torch.full_like(given.lower, _ULPS * unit(given.lower)))

    return rule


def _even(operator: Callable[..., Any], arguments: Arguments, options: dict[str, Any]) -> Range | None:
    """Squares and absolute values: they rise with the distance from zero."""
    given = arguments[0]
    if not isinstance(given, Range) or (operator is aten.pow.Tensor_Scalar and arguments[1] != 2):
        return None
    near = given.lower.maximum(-given.upper).clamp_min(0.0)
    lower, upper = (operator(each, *arguments[1:], **options) for each in (near, given.size))
    found = Range(lower, upper, affine=False)
    return found.widened(_ULPS * unit(lower) * found.size)


def _matrices(operator: Callable[..., Any], arguments: Arguments, options: dict[str, Any]) -> Range | None:
    """Products of matrices of which one is known."""
    first, second = arguments[:2]
    if isinstance(first, Range) and isinstance(second, Tensor):
        return _linear(first, second, operator, second.shape[-2])
    if isinstance(second, Range) and isinstance(first, Tensor):
        return _linear(second, first, lambda varying, known: operator(known, varying), first.shape[-1])
    return None


def _added_matrices(operator: Callable[..., Any], arguments: Arguments, options: dict[str, Any]) -> Range | None:
    """A bias plus a product of matrices, the bias and one of the matrices known."""
    bias, *factors = arguments
    if isinstance(bias, Range) or any(float(value) != 1 for value in options.values()):
        return None
    found = _matrices(aten.mm.default, tuple(factors), {})
    return None if found is None else _sum(aten.add.Tensor, (found, bias), {})


def _convolution(operator: Callable[..., Any], arguments: Arguments, options: dict[str, Any]) -> Range | None:
    """A convolution whose weights and biases are known, also a transposed one."""
    given, weight, bias, *rest = arguments
    if not isinstance(given, Range) or isinstance(weight, Range) or isinstance(bias, Range) or options:
        return None
    found = _linear(given, weight, lambda varying, known: operator(varying, known, None, *rest), weight.numel())
    return found if bias is None else _sum(aten.add.Tensor, (found, bias.view(-1, *[1] * (weight.ndim - 2))), {})


def _linear(given: Range, known: Tensor, apply: Callable[[Tensor, Tensor], Tensor], terms: int) -> Range:
    """A product that is linear in what varies and in what is known, each number a sum of so many terms."""
    positive, negative = known.clamp_min(0), known.clamp_max(0)
    lower = apply(given.lower, positive) + apply(given.upper, negative)
    upper = apply(given.upper, positive) + apply(given.lower, negative)
    size = apply(given.size, known.abs())
    return Range(lower, upper, given.affine).widened((terms + _ULPS) * unit(lower) * size)


def _flat(arguments: Arguments) -> list[Any]:
    return [one for each in arguments for one in (each if isinstance(each, list) else [each])]


def _at(arguments: Arguments, end: int) -> list[Any]:
    """The arguments with one end of each range in its place."""

    def chosen(each: Any) -> Any:
        if isinstance(each, list):
            return [chosen(one) for one in each]
        return each[end] if isinstance(each, Range) else each

    return [chosen(each) for each in arguments]


def _named(rule: Rule, names: str) -> dict[Any, Rule]:
    """The rule for all overloads of these operators; names that this torch does not have are left out."""
    found: dict[Any, Rule] = {}
    for name in names.split():
        packet, _, overload = name.partition(".")
        operator = getattr(aten, packet, None)
        overloads = [overload] if overload else operator.overloads() if operator is not None else []
        found |= {getattr(operator, each): rule for each in overloads if operator is not None and "out" not in each}
    return found


_RULES: dict[Any, Rule] = {
    **_named(
        _moved,
        "view.default _unsafe_view permute transpose.int t expand unsqueeze squeeze slice.Tensor select.int clone "
        "alias detach cat stack split.Tensor split_with_sizes unbind.int flip roll repeat constant_pad_nd "
        "reflection_pad1d reflection_pad2d replication_pad1d replication_pad2d pixel_shuffle "
        "pixel_unshuffle upsample_nearest2d.default",
    ),
    **_named(
        _averaged,
        "sum.default sum.dim_IntList mean.default mean.dim avg_pool1d avg_pool2d avg_pool3d _adaptive_avg_pool2d "
        "_adaptive_avg_pool3d",
    ),
    **_named(_elementwise, "neg rsub.Scalar add.Scalar sub.Scalar mul.Scalar"),
    **_named(_divided, "div.Tensor div.Scalar"),
    **_named(_normalised, "native_batch_norm.default _native_batch_norm_legit_no_training.default"),
    **_named(_sum, "add.Tensor sub.Tensor"),
    **_named(_product, "mul.Tensor"),
    **_named(
        _rising,
        "relu sigmoid tanh exp expm1 log log1p sqrt atan asinh erf hardtanh hardsigmoid clamp.default "
        "clamp_min.default clamp_max.default max_pool2d_with_indices max_pool3d_with_indices amax amin floor ceil "
        "round.default trunc sign",
    ),
    **_named(_rising_if_positive, "leaky_relu elu celu"),
    **_named(_floored(-0.28), "silu"),
    **_named(_floored(-0.17005), "gelu"),
    **_named(_floored(-0.376), "hardswish"),
    **_named(_floored(-0.309), "mish"),
    **_named(_between(-1.0, 1.0), "sin cos softsign"),
    **_named(_between(0.0, 1.0), "_softmax _safe_softmax"),
    **_named(_between(-torch.inf, 0.0), "_log_softmax log_sigmoid_forward.default"),
    **_named(_even, "abs pow.Tensor_Scalar square"),
    **_named(_matrices, "mm bmm"),
    **_named(_added_matrices, "addmm.default"),
    **_named(_convolution, "convolution.default"),
}
