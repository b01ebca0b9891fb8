"""The cards: one file a family, each primitive with all that is known about it."""

from . import (
    adapters,
    arithmetic,
    assembly,
    assignment,
    axes,
    contractions,
    convolution,
    cumulative,
    determinants,
    diagonals,
    differences,
    eigen,
    einsum,
    exponential,
    factorisations,
    filling,
    histograms,
    hyperbolic,
    indexing,
    inquiry,
    interpolation,
    logarithm,
    logic,
    matrices,
    missing,
    norms,
    ordering,
    padding,
    piecewise,
    polynomials,
    products,
    quantiles,
    random,
    rearrangement,
    reductions,
    refusals,
    requirement,
    rounding,
    scaling,
    selection,
    signs,
    softmax,
    solvers,
    statistics,
    structural,
    svd,
    trigonometric,
    windows,
)

# What the families make of primitives: public under the names that NumPy gives them.
COMPOSITES = tuple(
    function
    for module in tuple(globals().values())
    for function in getattr(module, "COMPOSITES", ())
)
