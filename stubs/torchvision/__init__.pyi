"""torchvision ships no types of its own; what is called is named in `torchvision.models`."""

from torchvision import models as models
