"""A network of timm: how many directions does a vision transformer see around an image, and how strongly?

Weights are random here, so that nothing has to be downloaded. Needs: pip install 'fiberscope[vision]'
"""

from pathlib import Path

import torch

import fiberscope as fs

opened = fs.models.open_model("timm:test_vit", Path("random"))  # the smallest vision transformer that timm has
assert opened.input_shape is not None  # (3, 160, 160)
network = fs.models.prepare(opened.module, opened.preprocessing, opened.input_shape)
latent_map = fs.LatentMap.at_layer(network, "network.fc_norm", input_shape=opened.input_shape)
image = torch.rand(1, *opened.input_shape, generator=torch.Generator().manual_seed(0))

split = fs.split_tangent(fs.jacobian(latent_map, image))
values = split.singular_values[0]
print(f"{latent_map.latent_size} latents of {latent_map.input_size} pixels")
print(f"it sees {int(split.rank[0])} directions, from {float(values[0]):.2g} down to {float(values.min()):.2g}")
print(f"it is blind to {latent_map.input_size - int(split.rank[0])}")

step = 0.01 * split.project_tangent(torch.randn(1, latent_map.input_size, generator=torch.Generator().manual_seed(1)))
before, after = latent_map(image), latent_map(latent_map.flatten(image) + step)
print(f"one blind step of length {float(step.norm()):.1f} moves the latent by {float((after - before).norm()):.1e}")
