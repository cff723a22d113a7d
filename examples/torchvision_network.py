"""A network of torchvision with a head of your own: an image that it takes for another one.

Weights are random here, so that nothing has to be downloaded: give your own file in place of `Path("random")`, or leave
it out where torch's cache holds them. Needs: pip install 'fiberscope[vision]'
"""

from pathlib import Path

import torch
from torch import nn

import fiberscope as fs

SHAPE = (3, 32, 32)
opened = fs.models.open_model("torchvision:resnet18", Path("random"))
torch.manual_seed(0)
opened.module.fc = nn.Linear(512, 10)  # ten classes, as in transfer learning
network = fs.models.prepare(opened.module, opened.preprocessing, SHAPE)  # mean and deviation of ImageNet are part of it
latent_map = fs.LatentMap(network.eval(), SHAPE)
print(f"resnet18 with {opened.weights} weights: {latent_map.latent_size} latents of {latent_map.input_size} pixels")

images = torch.rand(2, *SHAPE, generator=torch.Generator().manual_seed(0))
fiber = fs.Fiber.through(latent_map, images[:1])
found = fs.project(fiber, images[1:])
print(f"{found.outcome[0].value}: off by {float(found.residual_norm / fiber.target.norm()):.1e} of the latent's size")
print(f"pixels moved by {float((found.points - images[1:]).abs().mean()):.3f} on average, all of them in [0, 1]")
