"""Numbers to pictures; computes nothing."""

from fiberscope.gallery.approach_sheet import approach_sheet
from fiberscope.gallery.collision_chart import collision_chart
from fiberscope.gallery.collision_sheet import CollisionWords, collision_sheet
from fiberscope.gallery.drift_chart import drift_chart
from fiberscope.gallery.extremes_sheet import extremes_sheet
from fiberscope.gallery.fiber_rows import fiber_rows
from fiberscope.gallery.fields import signed_grid
from fiberscope.gallery.heat_chart import heat_chart
from fiberscope.gallery.histograms import Histogram, histograms
from fiberscope.gallery.images import filmstrip, image_grid
from fiberscope.gallery.neighbourhood_sheet import neighbourhood_sheet
from fiberscope.gallery.numbers import full_number, percent, short_number
from fiberscope.gallery.paired_chart import paired_chart
from fiberscope.gallery.pairs import pairs
from fiberscope.gallery.quantile_chart import quantile_chart
from fiberscope.gallery.quartile_chart import Mark, quartile_chart
from fiberscope.gallery.radius_chart import Curve, radius_chart
from fiberscope.gallery.save import save_animation, save_png, to_png
from fiberscope.gallery.seen_unseen import seen_unseen
from fiberscope.gallery.sensitivity_chart import sensitivity_chart
from fiberscope.gallery.share_chart import share_chart
from fiberscope.gallery.spectra_chart import spectra_chart
from fiberscope.gallery.spectrum_chart import spectrum_chart
from fiberscope.gallery.unseen_by_network import unseen_by_network
from fiberscope.gallery.variation_curves import variation_curves
from fiberscope.gallery.variation_sheet import variation_sheet

__all__ = [
    "CollisionWords",
    "Curve",
    "Histogram",
    "Mark",
    "approach_sheet",
    "collision_chart",
    "collision_sheet",
    "drift_chart",
    "extremes_sheet",
    "fiber_rows",
    "filmstrip",
    "full_number",
    "heat_chart",
    "histograms",
    "image_grid",
    "neighbourhood_sheet",
    "paired_chart",
    "pairs",
    "percent",
    "quantile_chart",
    "quartile_chart",
    "radius_chart",
    "save_animation",
    "save_png",
    "seen_unseen",
    "sensitivity_chart",
    "share_chart",
    "short_number",
    "signed_grid",
    "spectra_chart",
    "spectrum_chart",
    "to_png",
    "unseen_by_network",
    "variation_curves",
    "variation_sheet",
]
