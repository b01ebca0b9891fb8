"""Decorators of functions of lanes: `native` code of a primitive, `in_double`, `outlined`."""

from __future__ import annotations

import functools
from collections.abc import Callable

from ..lanes import Lanes

Function = Callable[..., Lanes]

# The functions by the names of the primitives whose native code they are.
FUNCTIONS: dict[str, Function] = {}


def native(function: Function) -> Function:
    """Make a function of lanes the native code of the primitive of the same name."""
    FUNCTIONS[function.__name__] = function
    return function


def in_double(function: Function) -> Function:
    """Make a function of float64 lanes one of float32 as well, computed in float64.

    The function is told by ``bits`` how many bits of the result count, and may take a shorter
    polynomial for 24. Intermediate results of float32 arguments neither overflow nor cancel in
    float64, so that nearly all of the error is the final rounding.
    """

    @functools.wraps(function)
    def of_either(*args: Lanes) -> Lanes:
        if args[0].kind == "f64":
            return function(*args, bits=53)
        wide = (x.convert("fpext", "f64") if x.kind == "f32" else x for x in args)
        return function(*wide, bits=24).convert("fptrunc", "f32")

    return of_either


def outlined(function: Function) -> Function:
    """Make a function one that is written once in a module and called, rather than written out.

    A call costs less than a nanosecond for all lanes, while LLVM takes a quarter of a millisecond
    to compile each instruction, at each use. Only functions of this form may branch.
    """

    @functools.wraps(function)
    def of_lanes(*args: Lanes) -> Lanes:
        return args[0].block.outline(function.__name__.strip("_"), function, *args)

    return of_lanes
