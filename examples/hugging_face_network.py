"""A vision transformer of Hugging Face from a folder: along its fiber, from one image towards another.

The folder is written here from a configuration, with random weights. Yours is one that `save_pretrained` or
`hf download` made; only safetensors are read. Needs: pip install 'fiberscope[huggingface]'
"""

from pathlib import Path
from tempfile import TemporaryDirectory

import torch

import fiberscope as fs
from fiberscope.models.hugging_face import transformers

configuration = transformers.ViTConfig(
    hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64, image_size=32, patch_size=8
)
with TemporaryDirectory() as folder:
    torch.manual_seed(0)
    transformers.ViTForImageClassification(configuration).save_pretrained(folder)
    opened = fs.models.open_model(f"hf:{Path(folder)}")

assert opened.input_shape is not None
latent_map = fs.LatentMap.at_layer(opened.module, "network.vit.layernorm", input_shape=opened.input_shape)
whole = fs.LatentMap(opened.module, opened.input_shape)
print(f"tokens of the last layer: {latent_map.latent_size} numbers; logits: {whole.latent_size}")

images = torch.rand(2, *opened.input_shape, generator=torch.Generator().manual_seed(0))
fiber = fs.Fiber.through(whole, images[:1])
path = fs.walk(fiber, images[:1], images[1:] - images[:1], length=2.0, num_steps=4)
drift = float(path.residual_norm.max() / fiber.target.norm())
print(f"walked {float(path.arc_length[-1]):.2f}: {path.outcome[0].value}, logits off by {drift:.1e} of their size")
