"""Small networks of other kinds than the shipped one, trained for seconds on the shipped digits."""

from __future__ import annotations

import itertools

import torch
from torch import Tensor, nn

import fiberscope as fs


class Residual(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(channels),
            nn.ReLU(),
            nn.Conv2d(channels, channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(channels),
        )

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(x + self.body(x))


def layer_norm_perceptron() -> nn.Sequential:
    """LayerNorm and GELU, latent 12."""
    widths = (784, 256, 128)
    layers: list[nn.Module] = [nn.Flatten()]
    for before, after in itertools.pairwise(widths):
        layers += [nn.Linear(before, after), nn.LayerNorm(after), nn.GELU()]
    return nn.Sequential(*layers, nn.Linear(128, 12))


def batch_norm_residual() -> nn.Sequential:
    """Batch normalisation and residual blocks, latent 16."""
    return nn.Sequential(
        nn.Conv2d(1, 8, 3, stride=2, padding=1, bias=False),
        nn.BatchNorm2d(8),
        nn.ReLU(),
        Residual(8),
        nn.Conv2d(8, 16, 3, stride=2, padding=1, bias=False),
        nn.BatchNorm2d(16),
        nn.ReLU(),
        Residual(16),
        nn.Flatten(),
        nn.Linear(16 * 49, 16),
    )


def tanh_encoder() -> nn.Sequential:
    """The encoder of a tanh autoencoder, latent 16 inside (-1, 1)."""
    return nn.Sequential(
        nn.Flatten(), nn.Linear(784, 256), nn.Tanh(), nn.Linear(256, 64), nn.Tanh(), nn.Linear(64, 16), nn.Tanh()
    )


def trained(encoder: nn.Sequential, decoder: nn.Sequential, *, epochs: int, reconstruct: bool = False) -> nn.Sequential:
    """The encoder after training with its decoder, in eval mode."""
    digits = fs.data.mnist("test")
    model = nn.Sequential(encoder, decoder)
    optimiser = torch.optim.AdamW(model.parameters(), lr=2e-3)
    shuffle = torch.Generator().manual_seed(0)
    for _ in range(epochs):
        for batch in torch.randperm(10_000, generator=shuffle).split(100):
            out, images = model(digits.images[batch]), digits.images[batch]
            loss = (
                nn.functional.binary_cross_entropy_with_logits(out, images.flatten(1))
                if reconstruct
                else nn.functional.cross_entropy(out, digits.labels[batch])
            )
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
    return encoder.eval().requires_grad_(False)


def make(kind: str) -> nn.Sequential:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        if kind == "layer norm, GELU":
            return trained(layer_norm_perceptron(), nn.Sequential(nn.Linear(12, 10)), epochs=3)
        if kind == "batch norm, residual":
            return trained(batch_norm_residual(), nn.Sequential(nn.Linear(16, 10)), epochs=2)
        decoder = nn.Sequential(nn.Linear(16, 64), nn.Tanh(), nn.Linear(64, 256), nn.Tanh(), nn.Linear(256, 784))
        return trained(tanh_encoder(), decoder, epochs=5, reconstruct=True)


KINDS = ("layer norm, GELU", "batch norm, residual", "tanh autoencoder")


def pairs(count: int, *, seed: int) -> tuple[Tensor, Tensor]:
    """Indices of test digits and of digits of other classes, drawn with a seed."""
    labels = fs.data.mnist("test").labels
    generator = torch.Generator().manual_seed(seed)
    first = torch.randperm(10_000, generator=generator)[:count]
    second = torch.randperm(10_000, generator=generator)[:count]
    while bool((same := labels[first] == labels[second]).any()):
        second[same] = torch.randint(10_000, (int(same.sum()),), generator=generator)
    return first, second
