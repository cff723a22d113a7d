"""How a move ended, a row at a time, and what to do about it."""

from __future__ import annotations

from enum import Enum

from fiberscope.problem import FiberscopeError


class Outcome(Enum):
    """The way a row ended; the value is a name for tables, `advice` one sentence for a person."""

    CONVERGED = "converged"
    BOX_CORNER = "box corner"
    UNREACHABLE = "unreachable inside the box"
    STALLED = "stalled"
    RANK_DEFICIENT = "rank-deficient"
    VISIBLE = "direction visible"
    OUT_OF_STEPS = "out of steps"
    ROUNDING = "at rounding level"
    NOT_FINITE = "not finite"

    @property
    def advice(self) -> str:
        """One sentence that says what happened and what to do."""
        return _ADVICE[self]


_ADVICE = {
    Outcome.CONVERGED: "The row is where it was sent, to the stated tolerance.",
    Outcome.BOX_CORNER: "No direction is left that stays invisible and inside the box; free some frozen pixels, "
    "choose another direction or widen the box.",
    Outcome.UNREACHABLE: "It is proven that no image in the box has this latent with these frozen pixels; the point is "
    "the best approach. To reach it widen the box or free frozen pixels; or choose another target.",
    Outcome.STALLED: "No start led to an image in the box with this latent, and nothing proves that there is none; the "
    "point is the best approach. Start from another image or give project more num_steps or num_restarts; if that does "
    "not help widen the box or free frozen pixels.",
    Outcome.RANK_DEFICIENT: "The Jacobian lost rank here (a dead latent), so some latents cannot be moved; explore a "
    "layer before that activation, let it leak and follow, or start elsewhere.",
    Outcome.VISIBLE: "The network sees all of the direction, so nothing of it leads along the fiber; choose another, "
    "for instance from a basis of the null space.",
    Outcome.OUT_OF_STEPS: "Still on the way when the steps ran out; raise num_steps, or accept a larger rtol.",
    Outcome.ROUNDING: "The residual is what rounding leaves in this dtype, where a pass over the row alone may differ "
    "from one over its batch; use float64 for a smaller one, or accept a larger rtol.",
    Outcome.NOT_FINITE: "The model returned NaN or infinity near this image; check its weights and the box.",
}


class MoveFailedError(FiberscopeError):
    """Raised by ``raise_if_failed``: some rows of a move did not end where they were sent."""


def raise_if_failed(outcomes: tuple[Outcome, ...]) -> None:
    """Raise `MoveFailedError` with the first failed rows and their advice, unless every row converged."""
    failed = [(row, outcome) for row, outcome in enumerate(outcomes) if outcome is not Outcome.CONVERGED]
    if failed:
        lines = [f"row {row}: {outcome.value}. {outcome.advice}" for row, outcome in failed[:3]]
        more = f" (and {len(failed) - 3} more)" if len(failed) > 3 else ""
        raise MoveFailedError(f"{len(failed)} of {len(outcomes)} rows failed{more}. " + " ".join(lines))
