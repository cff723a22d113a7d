"""Bounds of latents over a box hold for every point in it, and affine maps are known as such."""

import pytest
import torch
from torch import Tensor, nn

import fiberscope as fs
from fiberscope.geometry.enclosure import enclose


class _Blocks(nn.Module):
    """Convolutions with batch normalisation, a residual that is rectified in place, and a mean."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.norm = nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4)
        self.second, self.last = nn.Conv2d(4, 4, 3, padding=1), nn.Linear(4, 3)
        nn.init.uniform_(self.norm.running_mean)
        nn.init.uniform_(self.norm.running_var, 0.1, 2.0)

    def forward(self, images: Tensor) -> Tensor:
        hidden = torch.relu(self.norm(self.first(images)))
        return self.last((hidden + torch.relu_(self.second(hidden))).mean((2, 3)))


class _Apply(nn.Module):
    def __init__(self, function) -> None:
        super().__init__()
        self.function = function

    def forward(self, images: Tensor) -> Tensor:
        return self.function(images)


def _written(x: Tensor) -> Tensor:
    kept = torch.zeros_like(x)
    kept[:, :18] = x[:, 18:]
    view = kept.view(len(x), 6, 6)
    view[:, 0].mul_(3.0)
    return kept[:, :5]


ACTIVATIONS = (nn.ReLU, nn.LeakyReLU, nn.ELU, nn.GELU, nn.SiLU, nn.Hardswish, nn.Mish, nn.Tanh, nn.Sigmoid, nn.ReLU6)
NETWORKS = {
    **{act.__name__: nn.Sequential(nn.Flatten(), nn.Linear(36, 8), act(), nn.Linear(8, 3)) for act in ACTIVATIONS},
    "blocks": _Blocks(),
    "linear": nn.Sequential(nn.Flatten(), nn.Linear(36, 4)),
    "pooled": nn.Sequential(nn.Conv2d(1, 3, 3), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(12, 3), nn.Tanh()),
    "affine": nn.Sequential(nn.Conv2d(1, 3, 3), nn.AvgPool2d(2), nn.Flatten(), nn.Linear(12, 3)),
    "softmax": nn.Sequential(nn.Flatten(), nn.Linear(36, 3), nn.Softmax(1)),
    "one over": nn.Sequential(nn.Flatten(), nn.Linear(36, 3), _Apply(lambda x: 1 / x)),
    "products": nn.Sequential(
        nn.Flatten(), _Apply(lambda x: (x[:, :5] - 0.5) * (x[:, 5:10] - 0.3) - x[:, 10:15].abs())
    ),
    "written": nn.Sequential(nn.Flatten(), _Apply(_written)),
    "cancelled": nn.Sequential(nn.Flatten(), _Apply(lambda x: ((1e4 + x) - 1e4)[:, :3])),
    "attention": nn.Sequential(nn.Flatten(1, 2), _Apply(lambda x: torch.softmax(x @ x.mT, 2) @ x), nn.Flatten()),
}


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_no_point_of_the_box_has_a_latent_outside_the_bounds(name: str, dtype: torch.dtype):
    generator = torch.Generator().manual_seed(0)
    latent_map = fs.LatentMap(NETWORKS[name].to(dtype).eval(), (1, 6, 6), dtype=dtype)
    lower = torch.rand(2, 36, generator=generator, dtype=torch.float64).to(dtype) - 0.5
    upper = lower + torch.rand(2, 36, generator=generator, dtype=torch.float64).to(dtype)
    bounds = enclose(latent_map, lower, lower, upper)
    assert bounds is not None
    for row in range(2):
        share = torch.rand(500, 36, generator=generator, dtype=torch.float64).to(dtype)
        share[:250].round_()
        points = (lower[row] + share * (upper[row] - lower[row])).maximum(lower[row]).minimum(upper[row])
        latents = latent_map(points).detach()
        assert bool(((latents >= bounds.lower[row]) & (latents <= bounds.upper[row])).all())


def test_affine_maps_are_known_as_such_and_no_others():
    affine = set()
    for name, network in NETWORKS.items():
        latent_map = fs.LatentMap(network.double().eval(), (1, 6, 6), dtype=torch.float64)
        rows = torch.full((1, 36), 0.5, dtype=torch.float64)
        bounds = enclose(latent_map, rows, rows - 0.5, rows + 0.5)
        affine |= {name} if bounds is not None and bounds.affine else set()
    assert affine == {"linear", "affine", "cancelled"}


def test_a_network_that_looks_at_its_numbers_has_no_bounds():
    choosy = fs.LatentMap(lambda x: x * (2.0 if x.detach().sum().item() > 1e9 else 1.0), (4,))
    rows = torch.full((1, 4), 0.5)
    assert enclose(choosy, rows, rows - 0.5, rows + 0.5) is None
