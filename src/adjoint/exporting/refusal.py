"""A refusal says by name what a target cannot carry."""

from __future__ import annotations


class ExportError(ValueError):
    """A target cannot carry a part of what is exported; nothing was written.

    >>> ad.export(lambda x: np.sin(x), "sine.c", np.ones(3))
    Traceback (most recent call last):
    adjoint.exporting.refusal.ExportError: C99 has no sin: ...
    """
