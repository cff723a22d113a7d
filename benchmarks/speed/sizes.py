"""How much is measured: everything, a few minutes of it, or just enough to see that it runs."""

from __future__ import annotations

from typing import NamedTuple


class Size(NamedTuple):
    """Counts of images and repeats; seconds after which a search for a metamer is given up."""

    repeats: int = 5
    jacobian_images: int = 512
    forward_mode_images: int = 8  # of them: m forward passes are cheap, n are not
    direction_images: int = 6
    power_images: int = 1
    walkers: int = 16
    walk_steps: int = 20
    null_walkers: int = 1
    trial_images: int = 4
    slow_trial_images: int = 1
    metamer_images: int = 32
    metamer_repeats: int = 2
    default_images: int = 8
    cap_seconds: float = 3.0
    project_images: int = 256
    batches: tuple[int, ...] = (1, 4, 16, 64, 256)
    latency_images: int = 64
    nearest_pairs: int = 64
    dataset_images: int = 10_000
    memory_images: tuple[int, ...] = (1_000, 10_000)
    networks: int = 4


SIZES = {
    "full": Size(),
    "quick": Size(
        repeats=3,
        jacobian_images=128,
        forward_mode_images=4,
        direction_images=2,
        power_images=1,
        walkers=4,
        null_walkers=0,
        trial_images=1,
        slow_trial_images=1,
        metamer_images=8,
        metamer_repeats=1,
        default_images=2,
        cap_seconds=0.3,
        project_images=32,
        batches=(1, 4, 16),
        latency_images=8,
        nearest_pairs=4,
        dataset_images=200,
        memory_images=(100, 200),
        networks=1,
    ),
    "tiny": Size(
        repeats=1,
        jacobian_images=4,
        forward_mode_images=1,
        direction_images=1,
        power_images=0,
        walkers=2,
        walk_steps=3,
        null_walkers=0,
        trial_images=1,
        slow_trial_images=1,
        metamer_images=2,
        metamer_repeats=1,
        default_images=1,
        cap_seconds=0.1,
        project_images=4,
        batches=(1, 4),
        latency_images=2,
        nearest_pairs=2,
        dataset_images=20,
        memory_images=(10, 20),
        networks=1,
    ),
}
