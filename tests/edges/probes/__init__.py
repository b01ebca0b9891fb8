"""The edge suite: tables of probes, one family a file."""

from . import (
    dtypes,
    exponential,
    indexing,
    linalg,
    loops,
    losses,
    ordering,
    piecewise,
    powers,
    products,
    programs,
    reductions,
    refusals,
    shapes,
    special,
    statistics,
    strong_zero,
    trigonometric,
)
from .probe import Family, Probe

FAMILIES: list[Family] = [
    module.FAMILY
    for module in (
        piecewise,
        powers,
        exponential,
        trigonometric,
        reductions,
        statistics,
        ordering,
        special,
        losses,
        products,
        linalg,
        shapes,
        indexing,
        dtypes,
        programs,
        loops,
        strong_zero,
        refusals,
    )
]
PROBES: list[Probe] = [probe for family in FAMILIES for probe in family.probes]
