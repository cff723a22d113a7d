"""Kinds of small networks, drawn at random: what ``random_networks.py`` sends the moves through."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

Made = tuple[nn.Module, tuple[int, ...]]


class Apply(nn.Module):
    """A function as a layer."""

    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x)


class Residual(nn.Module):
    """Adds what its part makes of the input to the input."""

    def __init__(self, part: nn.Module) -> None:
        super().__init__()
        self.part = part

    def forward(self, x: Tensor) -> Tensor:
        return x + self.part(x)


class Attention(nn.Module):
    """Self-attention over tokens, fused as torch chooses."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.qkv = nn.Linear(width, 3 * width)

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.scaled_dot_product_attention(*self.qkv(x).chunk(3, dim=-1))


class _Swish(torch.autograd.Function):
    """An activation with a backward of its own and no forward mode."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * torch.sigmoid(x)

    @staticmethod
    def backward(ctx, gradient):
        (x,) = ctx.saved_tensors
        s = torch.sigmoid(x)
        return gradient * (s + x * s * (1 - s))


SMOOTH = (nn.GELU, nn.SiLU, nn.Tanh, nn.Sigmoid, nn.Softplus, nn.Mish, nn.Softsign, nn.ELU)
KINKED = (nn.ReLU, nn.LeakyReLU, nn.ReLU6, nn.Hardswish, nn.Hardtanh, nn.PReLU)
WILD = (
    lambda x: 1 / x,
    lambda x: torch.sin(50 * x),
    lambda x: x.abs() ** 0.1,
    lambda x: torch.exp(5 * x),
    lambda x: x.abs().sqrt(),
    lambda x: (1e4 + x) - 1e4,
)


def _pick(choices, generator):
    return choices[int(torch.randint(len(choices), (1,), generator=generator))]


def _size(low: int, high: int, generator: torch.Generator) -> int:
    return int(torch.randint(low, high + 1, (1,), generator=generator))


def _linear(generator: torch.Generator) -> Made:
    n, m = _size(6, 20, generator), _size(1, 5, generator)
    return nn.Linear(n, m), (n,)


def _mlp(activations) -> Callable[[torch.Generator], Made]:
    def make(generator: torch.Generator) -> Made:
        n, m, wide = _size(6, 20, generator), _size(1, 5, generator), _size(6, 24, generator)
        act = _pick(activations, generator)
        layer = act() if isinstance(act, type) else Apply(act)
        return nn.Sequential(nn.Linear(n, wide), layer, nn.Linear(wide, m)), (n,)

    return make


def _wild_and_coarse(generator: torch.Generator) -> Made:
    network, shape = _mlp(WILD)(generator)
    with torch.no_grad():
        for weights in network.parameters():
            weights.copy_(torch.randn(weights.shape, generator=generator))
    return network, shape


def _conv(generator: torch.Generator) -> Made:
    m, act = _size(1, 5, generator), _pick(SMOOTH + KINKED, generator)
    pool = _pick((nn.AvgPool2d(2), nn.MaxPool2d(2), nn.AdaptiveAvgPool2d(2), nn.AdaptiveMaxPool2d(2)), generator)
    norm = _pick((nn.BatchNorm2d(4), nn.GroupNorm(2, 4), nn.Identity(), nn.InstanceNorm2d(4)), generator)
    return nn.Sequential(nn.Conv2d(1, 4, 3), norm, act(), pool, nn.Flatten(), nn.LazyLinear(m)), (1, 6, 6)


def _filled(make: Callable[[torch.Generator], Made]) -> Callable[[torch.Generator], Made]:
    def filled(generator: torch.Generator) -> Made:
        network, shape = make(generator)
        with torch.no_grad():
            network.eval()(torch.rand(2, *shape))
        return network, shape

    return filled


def _residual(generator: torch.Generator) -> Made:
    n, m, act = 12, _size(1, 5, generator), _pick(SMOOTH + KINKED, generator)
    blocks = [Residual(nn.Sequential(nn.Linear(n, n), act(), nn.LayerNorm(n))) for _ in range(2)]
    return nn.Sequential(*blocks, nn.Linear(n, m)), (n,)


def _attention(generator: torch.Generator) -> Made:
    m = _size(1, 4, generator)
    return nn.Sequential(nn.Linear(3, 8), Residual(Attention(8)), nn.Flatten(), nn.Linear(40, m)), (5, 3)


def _encoder(generator: torch.Generator) -> Made:
    layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
    return nn.Sequential(nn.Linear(3, 8), layer, nn.Flatten(), nn.Linear(40, _size(1, 4, generator))), (5, 3)


def _bounded(generator: torch.Generator) -> Made:
    n, m = _size(8, 16, generator), _size(2, 5, generator)
    unit = Apply(lambda z: nn.functional.normalize(z, dim=1))
    end = _pick((nn.Softmax(1), unit, nn.LogSoftmax(1), nn.Sigmoid(), nn.ReLU()), generator)
    return nn.Sequential(nn.Linear(n, 12), nn.Tanh(), nn.Linear(12, m), end), (n,)


def _in_place(generator: torch.Generator) -> Made:
    first = _pick((nn.ReLU(inplace=True), nn.Hardtanh(inplace=True), Apply(lambda x: x.mul_(2.0))), generator)
    return nn.Sequential(first, nn.Flatten(), nn.Linear(16, 8), nn.SiLU(inplace=True), nn.Linear(8, 2)), (1, 4, 4)


def _wide(generator: torch.Generator) -> Made:
    n, act = _size(2, 5, generator), _pick(SMOOTH + KINKED, generator)
    return nn.Sequential(nn.Linear(n, n + 6), act()), (n,)


def _many_axes(generator: torch.Generator) -> Made:
    return nn.Sequential(nn.Conv2d(1, 2, 3), _pick(SMOOTH + KINKED, generator)()), (1, 4, 4)


def _own_backward(generator: torch.Generator) -> Made:
    n, m = _size(2, 8, generator), _size(1, 12, generator)
    return nn.Sequential(nn.Linear(n, 10), Apply(_Swish.apply), nn.Linear(10, m)), (n,)


def _tiny(generator: torch.Generator) -> Made:
    shape = _pick(((1,), (1, 1, 1), (2,), (1, 2)), generator)
    return nn.Sequential(nn.Flatten(), nn.LazyLinear(1), _pick(SMOOTH, generator)()), shape


def _dead(generator: torch.Generator) -> Made:
    network = nn.Sequential(nn.Linear(10, 6), nn.ReLU(), nn.Linear(6, 4), nn.ReLU())
    with torch.no_grad():
        network[0].bias.sub_(0.8 * torch.rand(6, generator=generator))
    return network, (10,)


def _modulus(generator: torch.Generator) -> Made:
    m = _size(2, 8, generator)

    def features(x: Tensor) -> Tensor:
        return torch.fft.rfft2(x).abs().flatten(1)[:, :m]

    return Apply(features), (1, 4, 4)


KINDS: dict[str, Callable[[torch.Generator], Made]] = {
    "linear": _linear,
    "smooth MLP": _mlp(SMOOTH),
    "kinked MLP": _mlp(KINKED),
    "wild MLP": _mlp(WILD),
    "wild MLP, coarse": _wild_and_coarse,
    "convolutional": _filled(_conv),
    "residual": _residual,
    "attention": _attention,
    "transformer": _encoder,
    "bounded output": _bounded,
    "in place": _in_place,
    "more latents than pixels": _wide,
    "several axes": _many_axes,
    "own backward": _own_backward,
    "tiny": _filled(_tiny),
    "dead latents": _dead,
    "Fourier moduli": _modulus,
}
