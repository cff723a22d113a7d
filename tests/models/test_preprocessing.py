"""What is done to images before a network sees them belongs to the latent map."""

import pytest
import torch
from torch import nn
from torch.nn import functional

import fiberscope as fs
from fiberscope.models import Direction, Preprocessing, prepare
from fiberscope.models.preprocessing import Prepared

IMAGENET = {"mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)}
COLOUR = torch.rand(2, 3, 6, 8, generator=torch.Generator().manual_seed(0))
GREY = COLOUR[:, :1]


def seen(images, **options):
    """What the network gets."""
    return prepare(nn.Identity(), Preprocessing(**options), tuple(images.shape[1:]))(images)


def embedding():
    torch.manual_seed(0)
    layers = [nn.Conv2d(3, 6, 3), nn.Tanh(), nn.Flatten(), nn.Linear(6 * 36, 5)]
    return nn.Sequential(*layers).eval().requires_grad_(False)


def test_pixels_are_scaled_and_normalised_by_channel():
    mean, std = (torch.tensor(IMAGENET[name])[:, None, None] for name in ("mean", "std"))
    torch.testing.assert_close(seen(COLOUR, **IMAGENET), (COLOUR - mean) / std)
    torch.testing.assert_close(seen(COLOUR, scale=255.0, mean=(127.0,), std=(128.0,)), (255 * COLOUR - 127) / 128)


def test_channels_become_what_the_network_takes():
    assert torch.equal(seen(COLOUR, channels="bgr"), COLOUR.flip(1))
    assert torch.equal(seen(GREY, channels="rgb"), GREY.expand(-1, 3, -1, -1))
    # means are in the order of the network's channels
    assert torch.equal(seen(COLOUR, channels="bgr", mean=(0.1, 0.2, 0.3))[:, 0], COLOUR[:, 2] - 0.1)
    luma = seen(COLOUR, channels="grey")
    torch.testing.assert_close(luma[:, 0], 0.299 * COLOUR[:, 0] + 0.587 * COLOUR[:, 1] + 0.114 * COLOUR[:, 2])
    assert torch.equal(seen(GREY, channels="grey"), GREY)


@pytest.mark.parametrize("size", [(3, 5), (12, 9), (6, 2)], ids=str)
def test_a_resize_is_that_of_torch_with_antialiasing(size):
    wanted = functional.interpolate(COLOUR, size=size, mode="bilinear", antialias=True)
    torch.testing.assert_close(seen(COLOUR, size=size), wanted)


@pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated")  # torch's own forward mode uses it
def test_it_is_differentiable_in_both_modes():
    front = prepare(nn.Identity(), Preprocessing(**IMAGENET, size=(4, 4), channels="rgb"), (1, 6, 8)).double()
    images = GREY[:1].double().requires_grad_()
    torch.autograd.gradcheck(front, images, check_forward_ad=True)


def test_what_changes_nothing_is_left_out():
    network = embedding()
    assert prepare(network, Preprocessing(), (3, 8, 8)) is network
    assert isinstance(prepare(network, Preprocessing(scale=255.0), (3, 8, 8)), Prepared)


def test_layers_keep_their_names_and_the_box_stays_in_the_images_own_pixels():
    module = prepare(embedding(), Preprocessing(**IMAGENET, size=(8, 8), channels="rgb"), (1, 12, 12))
    latent_map = fs.LatentMap.at_layer(module, "network.3", input_shape=(1, 12, 12))
    images = torch.rand(4, 1, 12, 12, generator=torch.Generator().manual_seed(1))
    found = fs.project(fs.Fiber.through(latent_map, images[:2]), images[2:])
    assert found.points.shape == (2, 1, 12, 12)
    assert [outcome.value for outcome in found.outcome] == ["converged"] * 2
    assert bool(((found.points >= 0) & (found.points <= 1)).all())


def test_a_sensor_vector_is_normalised_by_coordinate():
    row = torch.tensor([[1.0, 2.0, 3.0]])
    assert seen(row, mean=(1.0, 1.0, 1.0), std=(1.0, 2.0, 4.0)).tolist() == [[0, 0.5, 0.5]]


@pytest.mark.parametrize(
    ("shape", "options", "message"),
    [
        ((1, 6, 6), IMAGENET, r"mean: 3 values for 1 channels .*--channels rgb"),
        ((3, 6, 6), {"std": (1.0, 2.0)}, "std: 2 values for 3 channels"),
        ((4, 6, 6), {"channels": "rgb"}, r"channels: rgb needs images of 1 or 3 channels, .*found \(4, 6, 6\)"),
        ((12,), {"channels": "grey"}, r"channels: grey needs images of 1 or 3 channels"),
        ((12,), {"size": (3, 3)}, r"resize: only images"),
        ((3, 6, 6), {"size": (0, 3)}, r"resize: expected a height and a width of at least 1"),
        ((3, 6, 6), {"std": (0.0,)}, "std and scale above zero"),
        ((3, 6, 6), {"scale": -1.0}, "std and scale above zero"),
        ((3, 6, 6), {"mean": (float("nan"),)}, "expected finite numbers"),
        ((3, 6, 6), {"mean": ()}, "mean, std, scale: expected"),
    ],
)
def test_what_no_image_can_be_prepared_with_is_refused(shape, options, message):
    with pytest.raises(fs.FiberscopeError, match=message):
        prepare(nn.Identity(), Preprocessing(**options), shape)


# latents by their direction


@pytest.fixture(scope="module")
def cosine():
    return fs.LatentMap(Direction(embedding()), (3, 8, 8))


@pytest.fixture(scope="module")
def pictures():
    return torch.rand(8, 3, 8, 8, generator=torch.Generator().manual_seed(2))


def test_directions_are_unit_vectors_whose_jacobian_does_not_see_length(cosine, pictures):
    latents = cosine(pictures)
    torch.testing.assert_close(latents.norm(dim=1), torch.ones(8))
    jacobian = fs.jacobian(cosine, pictures)
    assert float((latents[:, None] @ jacobian).abs().max()) < 1e-6
    assert fs.split_tangent(jacobian).rank.tolist() == [4] * 8


def test_project_reaches_another_direction_though_the_jacobian_lacks_a_rank(cosine, pictures):
    found = fs.project(fs.Fiber.through(cosine, pictures[:4]), pictures[4:])
    assert [outcome.value for outcome in found.outcome] == ["converged"] * 4
    # the length is free: only the direction was asked for
    lengths = [embedding()(images).norm(dim=1) for images in (found.points, pictures[:4])]
    assert float((lengths[0] / lengths[1] - 1).abs().max()) > 0.01


def test_walk_keeps_the_direction(cosine, pictures):
    fiber = fs.Fiber.through(cosine, pictures[:4])
    path = fs.walk(fiber, pictures[:4], pictures[4:] - pictures[:4], length=1.0, num_steps=5)
    assert [outcome.value for outcome in path.outcome] == ["converged"] * 4
    assert float(path.residual_norm.max()) < 1e-4
    assert float(path.arc_length[-1].min()) > 0.9


def test_a_layer_that_runs_twice_is_refused_behind_a_direction_too():
    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.mix = nn.Linear(6, 6)

        def forward(self, x):
            return self.mix(torch.relu(self.mix(x)))

    from fiberscope.problem.layers import CutModule

    with pytest.raises(fs.ModelError, match="'mix' runs 2 times"):
        fs.LatentMap(Direction(CutModule(Twice().eval(), "mix")), (6,))
