"""Numbers to pictures; computes nothing."""

from fiberscope.gallery.drift_chart import drift_chart
from fiberscope.gallery.fields import signed_grid
from fiberscope.gallery.images import filmstrip, image_grid
from fiberscope.gallery.numbers import full_number, percent, short_number
from fiberscope.gallery.pairs import pairs
from fiberscope.gallery.save import save_animation, save_png, to_png
from fiberscope.gallery.seen_unseen import seen_unseen
from fiberscope.gallery.share_chart import share_chart
from fiberscope.gallery.spectrum_chart import spectrum_chart

__all__ = [
    "drift_chart",
    "filmstrip",
    "full_number",
    "image_grid",
    "pairs",
    "percent",
    "save_animation",
    "save_png",
    "seen_unseen",
    "share_chart",
    "short_number",
    "signed_grid",
    "spectrum_chart",
    "to_png",
]
