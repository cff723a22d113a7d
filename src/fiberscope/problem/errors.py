"""The kinds of refusal: the caller's input, the user's model, and a package that is not installed."""

from __future__ import annotations


class FiberscopeError(ValueError):
    """Bad input: the message names the argument, what was found, what was wanted and what to do."""


class ModelError(FiberscopeError):
    """The model cannot be explored as it is: the message names what is wrong with it and the remedy."""


class MissingPackageError(ImportError, FiberscopeError):
    """An optional package is not installed: the message names it and the command that installs it."""
