"""A network that torch.export wrote: one file with the graph and the weights, and no code of yours.

Export with a batch of any size; otherwise the network runs in chunks of the size that it was exported for.
"""

from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from torch import nn

import fiberscope as fs

torch.manual_seed(0)
model = nn.Sequential(nn.Conv2d(1, 6, 5, stride=3), nn.GELU(), nn.Flatten(), nn.LayerNorm(6 * 64), nn.Linear(6 * 64, 8))
images = fs.data.mnist("test").images
with TemporaryDirectory() as folder:
    path = Path(folder) / "net.pt2"
    any_batch = ({0: torch.export.Dim("batch")},)
    torch.export.save(torch.export.export(model.eval(), (images[:2],), dynamic_shapes=any_batch), path)
    opened = fs.models.open_model(str(path))

assert opened.input_shape is not None
latent_map = fs.LatentMap(opened.module, opened.input_shape)
torch.testing.assert_close(latent_map(images[:5]), model(images[:5]))
fiber = fs.Fiber.through(latent_map, images[:1])
far = fs.farthest(fiber, images[:1], num_steps=20)
print(f"images {opened.input_shape}, latent {latent_map.latent_size}; the same numbers as before the export")
print(f"an image {float(far.distance):.1f} away with the same latent: off by {float(far.residual_norm):.1e}")
