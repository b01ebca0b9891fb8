"""The form of a function: its place in the table, computed in float64, called or written out."""

from __future__ import annotations

import functools
from collections.abc import Callable

from ..lanes import Lanes

Function = Callable[..., Lanes]

# By the names of the primitives whose native code they are.
FUNCTIONS: dict[str, Function] = {}


def native(function: Function) -> Function:
    """Make a function of lanes the native code of the primitive of its name."""
    FUNCTIONS[function.__name__] = function
    return function


def in_double(function: Function) -> Function:
    """Make a function of float64 lanes, for results of ``bits``, one of either float.

    Of float32 nothing overflows, underflows or cancels in float64 that would not in the result, and
    what is left of the error is the rounding of the result.
    """

    @functools.wraps(function)
    def of_either(*args: Lanes) -> Lanes:
        if args[0].kind == "f64":
            return function(*args, bits=53)
        wide = (x.convert("fpext", "f64") if x.kind == "f32" else x for x in args)
        return function(*wide, bits=24).convert("fptrunc", "f32")

    return of_either


def outlined(function: Function) -> Function:
    """Make a function one that is written once in a module, and called.

    A call costs less than a nanosecond for all lanes; LLVM would take a quarter of a millisecond
    for every instruction wherever the function is used. Only in such a function is there a branch.
    """

    @functools.wraps(function)
    def of_lanes(*args: Lanes) -> Lanes:
        return args[0].block.outline(function.__name__.strip("_"), function, *args)

    return of_lanes
