"""The two kinds of refusal: the caller's input, and the user's model."""

from __future__ import annotations


class FiberscopeError(ValueError):
    """Bad input: the message names the argument, what was found, what was wanted and what to do."""


class ModelError(FiberscopeError):
    """The model cannot be explored as it is: the message names what is wrong with it and the remedy."""
