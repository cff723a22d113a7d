"""Words that hold: what is said to have converged is there by itself, and what is unreachable is proven so."""

import pytest
import torch
from torch import Tensor, nn

import fiberscope as fs
from fibers import uniform
from fiberscope.moves.verdict import measure

WILD = {
    "reciprocal": lambda x: 1 / x,
    "fast sine": lambda x: torch.sin(50 * x),
    "steep root": lambda x: x.abs() ** 0.1,
}


class _Act(nn.Module):
    def __init__(self, function) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x)


@pytest.mark.parametrize("act", WILD)
def test_a_converged_row_is_on_its_fiber_in_the_users_own_module_by_itself(act: str):
    outcomes = set()
    for seed in range(6):
        generator = torch.Generator().manual_seed(seed)
        network = nn.Sequential(nn.Linear(12, 16), _Act(WILD[act]), nn.Linear(16, 2)).eval()
        with torch.no_grad():
            for weights in network.parameters():
                weights.copy_(torch.randn(weights.shape, generator=generator))
        images, goals = (torch.rand(7, 12, generator=generator) for _ in range(2))
        fiber = fs.Fiber.through(fs.LatentMap(network, (12,)), goals)
        found = fs.project(fiber, images, num_restarts=1, num_steps=30)
        for row, outcome in enumerate(found.outcome):
            with torch.no_grad():
                alone = (network(found.points[row : row + 1])[0] - fiber.target[row]).norm()
            assert (outcome is fs.Outcome.CONVERGED) == bool(found.residual_norm[row] <= found.tolerance[row])
            if outcome is fs.Outcome.CONVERGED:
                assert float(alone) <= float(found.tolerance[row])
            outcomes.add(outcome)
    assert fs.Outcome.CONVERGED in outcomes


def _moody(off: float):
    """The sum of the pixels, off by so much in a batch of one."""
    return lambda x: x.sum(1, keepdim=True) + (off if len(x) == 1 else 0.0)


def _map(model) -> fs.LatentMap:
    return fs.LatentMap(model, (4,), dtype=torch.float64)


def test_a_row_whose_passes_differ_by_more_than_the_tolerance_is_at_rounding_level():
    found = fs.project(fs.Fiber(_map(_moody(3e-13)), torch.ones(1).double()), uniform(3, 4), rtol=1e-13)
    assert found.outcome == (fs.Outcome.ROUNDING,) * 3
    assert bool((found.residual_norm > found.tolerance).all())


def test_a_row_that_can_be_within_the_tolerance_in_all_passes_is_brought_there():
    found = fs.project(fs.Fiber(_map(_moody(1.2e-13)), torch.ones(1).double()), uniform(3, 4), rtol=1e-13)
    assert found.outcome == (fs.Outcome.CONVERGED,) * 3 or fs.Outcome.ROUNDING in found.outcome
    for row, outcome in enumerate(found.outcome):
        if outcome is fs.Outcome.CONVERGED:
            assert float((found.points[row].sum() + 1.2e-13 - 1).abs()) <= 1e-13


def test_a_walk_ends_before_a_point_that_is_off_its_fiber_by_itself():
    model = lambda x: x[:, :1] + ((x[:, 1:2] > 0.6) & (torch.tensor(len(x)) == 1)) * 1e-13  # noqa: E731
    latent_map = _map(model)
    images = torch.full((2, 4), 0.5, dtype=torch.float64)
    way = torch.tensor([[0.0, 1, 0, 0], [0.0, -1, 0, 0]], dtype=torch.float64)
    found = fs.walk(fs.Fiber.through(latent_map, images), images, way, length=0.4, num_steps=4, rtol=1e-14)
    assert found.outcome == (fs.Outcome.ROUNDING, fs.Outcome.CONVERGED)
    assert bool((found.residual_norm <= found.tolerance).all())
    assert float(found.points[:, 0, 1].max()) <= 0.6
    assert torch.allclose(found.arc_length[-1], torch.tensor([0.1, 0.4]).double())


def test_rows_are_measured_alone_only_where_they_may_have_arrived():
    sizes = []

    def counted(x: Tensor) -> Tensor:
        sizes.append(len(x))
        return x.sum(1, keepdim=True)

    latent_map, rows = _map(counted), uniform(4, 4)
    targets = rows.sum(1, keepdim=True) + torch.tensor([[0.0], [1.0], [0.0], [1.0]])
    sizes.clear()
    seen = measure(latent_map, rows, targets, torch.full((4,), 1e-10).double())
    assert sizes == [4, 1, 1]
    assert (seen.most > 0.5).tolist() == [False, True, False, True]


def test_what_has_a_latent_in_the_box_is_never_called_unreachable_though_no_search_finds_it():
    # The derivative leads away from the only images with this latent: every search stalls.
    trap = _map(lambda x: (x[:, :1] - 0.9).square() * (x[:, :1] - 0.1).square() - 1e-4 * x[:, :1])
    fiber = fs.Fiber.through(trap, torch.full((1, 4), 0.9).double())
    found = fs.project(fiber, torch.full((1, 4), 0.1).double(), num_restarts=0, num_steps=2, frozen=None)
    assert fs.Outcome.UNREACHABLE not in found.outcome


def test_a_stalled_row_says_that_nothing_is_proven():
    wavy = _map(lambda x: torch.sin(9 * x).sum(1, keepdim=True) + 0.1 * x.sum(1, keepdim=True))
    found = fs.project(fs.Fiber(wavy, torch.tensor([4.39]).double()), uniform(1, 4), num_restarts=0)
    far = fs.project(fs.Fiber(wavy, torch.tensor([9.0]).double()), uniform(1, 4), num_restarts=0)
    assert fs.Outcome.UNREACHABLE not in found.outcome
    assert far.outcome == (fs.Outcome.UNREACHABLE,)  # a sine is at most 1
    with pytest.raises(fs.MoveFailedError, match=r"row 0: unreachable inside the box.*proven"):
        far.raise_if_failed()


PROVEN = {
    "linear": (nn.Linear(6, 3), 4.0),
    "convolution and pooling": (
        nn.Sequential(nn.Unflatten(1, (1, 6)), nn.Conv1d(1, 3, 3), nn.AvgPool1d(4), nn.Flatten()),
        4.0,
    ),
    "sigmoid": (nn.Sequential(nn.Linear(6, 3), nn.Sigmoid()), 1.1),
    "tanh behind anything": (nn.Sequential(_Act(torch.fft.fft), _Act(torch.real), nn.Linear(6, 3), nn.Tanh()), 1.1),
    "kinked in place": (nn.Sequential(nn.Linear(6, 8), nn.ReLU(inplace=True), nn.Linear(8, 3)), 9.0),
}


@pytest.mark.parametrize("kind", PROVEN)
def test_a_target_beyond_the_bounds_of_the_outputs_or_of_an_affine_map_is_unreachable(kind: str):
    torch.manual_seed(0)
    network, far = PROVEN[kind]
    latent_map = fs.LatentMap(network.double().eval(), (6,))
    target = torch.tensor([0.3, far, 0.3]).double()
    found = fs.project(fs.Fiber(latent_map, target), uniform(2, 6), num_restarts=0)
    assert set(found.outcome) <= {fs.Outcome.UNREACHABLE, fs.Outcome.RANK_DEFICIENT}
    assert fs.Outcome.UNREACHABLE in found.outcome


def test_an_affine_target_between_the_bounds_of_each_latent_is_proven_by_their_combination():
    latent_map = _map(lambda x: torch.stack([x.sum(1), x.sum(1) + 0.1 * x[:, 0]], 1))
    target = torch.tensor([3.0, 1.0]).double()  # each is possible, the two together are not
    assert fs.project(fs.Fiber(latent_map, target), uniform(1, 4)).outcome == (fs.Outcome.UNREACHABLE,)


def test_frozen_pixels_count_in_the_proof():
    latent_map = _map(lambda x: x.sum(1, keepdim=True))
    fiber = fs.Fiber(latent_map, torch.tensor([3.9]).double())
    images = torch.full((1, 4), 0.1).double()
    frozen = torch.tensor([True, False, False, False])
    assert fs.project(fiber, images).outcome == (fs.Outcome.CONVERGED,)
    assert fs.project(fiber, images, frozen=frozen).outcome == (fs.Outcome.UNREACHABLE,)


def test_a_network_that_decides_by_its_numbers_gives_no_proof():
    def model(x: Tensor) -> Tensor:
        return x.sum(1, keepdim=True) if float(x.detach().sum()) < 3.99 * len(x) else 9 * x.sum(1, keepdim=True)

    latent_map = fs.LatentMap(model, (4,), dtype=torch.float64)
    found = fs.project(fs.Fiber(latent_map, torch.tensor([36.0]).double()), uniform(1, 4), num_restarts=0, num_steps=2)
    assert fs.Outcome.UNREACHABLE not in found.outcome
