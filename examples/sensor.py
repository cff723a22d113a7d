"""Not about images: twelve sensors, each with its own range and its own unit.

A fiber is then all readings that a model answers alike. The box has bounds for each sensor, and what the model wants
done to readings before it sees them is part of the latent map, so that every number here is in the sensor's own unit.
"""

import torch
from torch import nn

import fiberscope as fs

names = (
    [f"temperature {i}" for i in range(4)] + [f"pressure {i}" for i in range(4)] + [f"current {i}" for i in range(4)]
)
lower = torch.tensor([-20.0] * 4 + [900.0] * 4 + [0.0] * 4)  # °C, hPa, A
upper = torch.tensor([60.0] * 4 + [1100.0] * 4 + [5.0] * 4)

torch.manual_seed(0)
model = nn.Sequential(nn.Linear(12, 24), nn.Tanh(), nn.Linear(24, 2)).eval()  # wear and load of a machine, say
middle, half = (lower + upper) / 2, (upper - lower) / 2
preprocessing = fs.models.Preprocessing(mean=middle.tolist(), std=half.tolist())
latent_map = fs.LatentMap(fs.models.prepare(model, preprocessing, (12,)), (12,))

random = torch.Generator().manual_seed(0)
readings = lower + (upper - lower) * torch.rand(2, 12, generator=random)
fiber = fs.Fiber.through(latent_map, readings[:1], box=fs.Box(lower, upper))
found = fs.project(fiber, readings[1:])
inside = bool(((found.points >= lower) & (found.points <= upper)).all())
print(f"answer {latent_map(found.points)[0].tolist()}, wanted {fiber.target[0].tolist()}")
print(f"{found.outcome[0].value}; every sensor in its range: {inside}")
change = (found.points - readings[1:])[0]
for place in (change / half).abs().topk(3).indices.tolist():
    print(f"{names[place]}: {float(readings[1, place]):.2f} became {float(found.points[0, place]):.2f}")
