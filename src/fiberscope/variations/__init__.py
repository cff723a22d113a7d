"""Variations: named changes of an image, and how visible each is to a network."""

from fiberscope.variations.catalogue import catalogue, choose
from fiberscope.variations.faces import expression, face_variations
from fiberscope.variations.free_part import FreePart, free_part, give_way
from fiberscope.variations.invariance import InvarianceRange, Reach, invariance_range
from fiberscope.variations.kinds import variations_for
from fiberscope.variations.latent_scale import LatentScale, latent_scale
from fiberscope.variations.quartiles import Quartiles, quartiles, quartiles_by_class
from fiberscope.variations.radius import radius_of
from fiberscope.variations.response import Response, response
from fiberscope.variations.sensitivity import Sensitivity, Yardsticks, sensitivity, yardsticks
from fiberscope.variations.variation import Orbit, Variation

__all__ = [
    "FreePart",
    "InvarianceRange",
    "LatentScale",
    "Orbit",
    "Quartiles",
    "Reach",
    "Response",
    "Sensitivity",
    "Variation",
    "Yardsticks",
    "catalogue",
    "choose",
    "expression",
    "face_variations",
    "free_part",
    "give_way",
    "invariance_range",
    "latent_scale",
    "quartiles",
    "quartiles_by_class",
    "radius_of",
    "response",
    "sensitivity",
    "variations_for",
    "yardsticks",
]
