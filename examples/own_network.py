"""A network of your own: which images share its latent with a digit?

Any torch module in eval mode will do. The latent is the output of the layer named `features`; nothing behind it runs.
"""

import torch
from torch import nn

import fiberscope as fs


class SmallCNN(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 8, 5, stride=2), nn.SiLU(), nn.Conv2d(8, 16, 5, stride=2), nn.SiLU(), nn.Flatten(),
            nn.Linear(16 * 16, 12),
        )  # fmt: skip
        self.head = nn.Linear(12, 10)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.head(self.features(images))


torch.manual_seed(0)
network = SmallCNN().eval()  # untrained here; load your weights with network.load_state_dict(...)
latent_map = fs.LatentMap.at_layer(network, "features", input_shape=(1, 28, 28))
print(f"{latent_map.input_size} pixels become {latent_map.latent_size} numbers")

digits = fs.data.mnist("test").images
fiber = fs.Fiber.through(latent_map, digits[:4])  # all images with the latents of the first four digits
found = fs.project(fiber, digits[4:8])  # four other digits, moved onto those fibers
for row, outcome in enumerate(found.outcome):
    print(f"digit {4 + row} with the latent of digit {row}: {outcome.value}, off by {found.residual_norm[row]:.1e}")
