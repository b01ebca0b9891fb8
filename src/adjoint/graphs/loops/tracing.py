"""Derivatives of a body are traced apart from what is traced, or swept, around it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ..tracing.tracer import Tracer, current, traced_by


@contextmanager
def traced_apart() -> Iterator[None]:
    """Trace with a tracer of its own, that shares the arrays which the outer one holds."""
    tracer, outer = Tracer(), current()
    if outer is not None:
        tracer.held, tracer.own_arrays = outer.held, outer.own_arrays
    with traced_by(tracer):
        yield
