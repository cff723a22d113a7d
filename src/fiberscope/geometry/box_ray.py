"""The ray in a box: straight ahead, each coordinate until its bound, by the distance gone."""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor


class BoxRay(NamedTuple):
    """Rays ``clip(x + t v)`` from rows x, one a row; `at` finds the points by their distance from x instead of by t.

    ``reach`` is the distance of the corner in which a ray ends; infinite where the box lets it go on.
    """

    rows: Float[Tensor, "batch n"]
    unit: Float[Tensor, "batch n"]
    lower: Float[Tensor, "batch n"]
    upper: Float[Tensor, "batch n"]
    reach: Float[Tensor, " batch"]
    knots: Float[Tensor, "batch n"]
    held: Float[Tensor, "batch n"]
    speed: Float[Tensor, "batch n"]
    last: Float[Tensor, " batch"]

    def at(self, distance: Float[Tensor, "batch k"]) -> Float[Tensor, "batch k n"]:
        """The points so far from the rows; the end of the ray where it is shorter."""
        square = distance.double().square()
        piece = torch.searchsorted(self.knots, square).clamp_max(self.knots.shape[1] - 1)
        held, speed = self.held.gather(1, piece), self.speed.gather(1, piece)
        time = ((square - held).clamp_min(0) / speed).sqrt().nan_to_num(nan=0.0).minimum(self.last[:, None])
        ahead = self.rows[:, None] + time[:, :, None].to(self.rows) * self.unit[:, None]
        return ahead.maximum(self.lower[:, None]).minimum(self.upper[:, None])


def box_ray(
    rows: Float[Tensor, "batch n"],
    directions: Float[Tensor, "batch n"],
    lower: Float[Tensor, "batch n"],
    upper: Float[Tensor, "batch n"],
) -> BoxRay:
    """The rays from rows in the box along directions, which need not have length 1.

    A coordinate that meets its bound stays there while the others go on, as in a projected-gradient step. The squared
    distance gone is piecewise quadratic in t, with a knot where a coordinate stops, so that it is inverted exactly.

    References:
        Bertsekas (1976), On the Goldstein-Levitin-Polyak gradient projection method (the projection arc).
    """
    unit = torch.nn.functional.normalize(directions, dim=1)
    # In double precision: sums over many coordinates are taken apart again.
    way = unit.double().abs()
    room = torch.where(unit > 0, upper - rows, rows - lower).double()
    stop = torch.where(way > 0, room / way, torch.inf)
    time, order = stop.sort(dim=1)
    square = way.gather(1, order).square()
    ending = torch.where(time.isfinite(), room.gather(1, order).square(), 0.0)
    held = ending.cumsum(dim=1) - ending
    speed = square.flip(1).cumsum(dim=1).flip(1)
    knots = torch.where(time.isfinite(), time.square() * speed + held, torch.inf)
    endless = (stop.isinf() & (way > 0)).any(dim=1)
    last = torch.where(time.isfinite(), time, 0.0).amax(dim=1)
    reach = torch.where(endless, torch.inf, ending.sum(dim=1).sqrt())
    return BoxRay(rows, unit, lower, upper, reach.to(rows), knots, held, speed, torch.where(endless, torch.inf, last))
