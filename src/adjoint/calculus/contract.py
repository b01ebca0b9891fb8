"""The contract is what every primitive must keep; its clauses run over all cards.

A card says where to exercise it: ``domain`` holds the range of each argument (the last one for all
the rest), ``kinks`` points to stay away from, and ``cases`` tuples of a shape or an array for each
argument, ending in a dict of metadata. An elementwise card without cases is exercised on pairs of
shapes that broadcast.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NoReturn

import numpy as np

from ..core.annotations import Array, DTypeLike, Operand, Params, Shape
from ..core.primitive import Primitive
from ..core.spec import Spec
from ..core.tree import leaves
from ..graphs.graph import trace
from ..graphs.symbol import Symbol
from .check import check_gradients
from .claims import CLAIMS, Claim, Exercise
from .derivatives import jvp, vjp

Case = tuple[Any, ...]
Clause = Callable[[Primitive, Case, np.random.Generator], None]

_SHAPES: dict[int, Sequence[Case]] = {
    1: [((2, 3), {}), ((), {}), ((0, 2), {})],
    2: [
        ((2, 3), (2, 3), {}),
        ((2, 3), (3,), {}),
        ((2, 1), (1, 3), {}),
        ((), (2,), {}),
        ((1,), (0,), {}),
    ],
    3: [((2, 3), (3,), (2, 1), {}), ((2,), (), (), {})],
}
_KINK_DISTANCE = 0.05


def cases(primitive: Primitive) -> Sequence[Case]:
    """Return the shapes and metadata on which a card is exercised."""
    return primitive.trials.cases or _SHAPES[len(primitive.array_names)]


def arguments(
    primitive: Primitive, case: Case, rng: np.random.Generator, dtype: DTypeLike = np.float64
) -> tuple[list[Array], Params]:
    """Draw a case's arguments from the card's domain."""
    *places, params = case
    given = primitive.trials.domain
    domain = [*given, *[given[-1]] * len(places)]
    drawn = [
        _draw(place, low, high, primitive.trials.kinks, rng, dtype)
        for place, (low, high) in zip(places, domain, strict=False)
    ]
    return drawn, {**primitive.defaults, **params}


def _draw(
    place: Array | Shape,
    low: float,
    high: float,
    kinks: Sequence[float],
    rng: np.random.Generator,
    dtype: DTypeLike,
) -> Array:
    if isinstance(place, np.ndarray):
        return place.astype(dtype) if place.dtype.kind == "f" else place
    x = rng.uniform(low, high, place)
    for kink in kinks if low < high else ():
        away = np.where(x < kink, -_KINK_DISTANCE, _KINK_DISTANCE)
        x = np.where(np.abs(x - kink) < _KINK_DISTANCE, kink + away, x)
    return np.asarray(x, dtype)


def _closed(
    primitive: Primitive, args: Sequence[Array], params: Params
) -> tuple[Callable[..., Any], list[Array]]:
    """Return the primitive as a function of its float arguments alone, and those."""
    floats = [n for n, x in enumerate(args) if x.dtype.kind == "f"]

    def function(*xs: Operand) -> Any:
        full: list[Operand] = list(args)
        for n, x in zip(floats, xs, strict=True):
            full[n] = x
        return primitive.bind(full, params)

    return function, [args[n] for n in floats]


# --- the clauses: each takes a primitive, a case and a generator, and asserts


def source_equals_forward(primitive: Primitive, case: Case, rng: np.random.Generator) -> None:
    """The Python template, evaluated with NumPy, gives what the forward function gives."""
    args, params = arguments(primitive, case, rng)
    names = [f"a{n}" for n in range(len(args))]
    text = primitive.write_source(*names, **params)
    scope = {"np": np, **{helper.__name__: helper for helper in primitive.helpers}}
    expected = primitive.forward(*args, **params)
    got = eval(text, scope, dict(zip(names, args, strict=True)))
    np.testing.assert_allclose(got, expected, rtol=1e-14, atol=1e-14)


def latex_is_balanced(primitive: Primitive, case: Case, rng: np.random.Generator) -> None:
    """The LaTeX template mentions every argument, and its brackets match."""
    args, params = arguments(primitive, case, rng)
    names = [f"A_{{{n}}}" for n in range(len(args))]
    text = primitive.write_latex(*names, **params)
    assert text.count("{") == text.count("}"), text
    assert text.count(r"\left") == text.count(r"\right"), text
    assert text.count(r"\begin") == text.count(r"\end"), text
    assert names[0] in text, text
    assert not re.search(r"\{\{|\}\}\}\}", text), text


def inference_is_right(primitive: Primitive, case: Case, rng: np.random.Generator) -> None:
    """Shape and dtype are inferred as NumPy gives them; an array or a NumPy number comes out."""
    for dtype in (np.float64, np.float32):
        args, params = arguments(primitive, case, rng, dtype)
        result = primitive.bind(args, params)
        assert isinstance(result, (np.ndarray, np.generic)), type(result)
        specs = [Spec(x.shape, x.dtype) if x.dtype.kind != "b" else x for x in args]
        assert primitive.infer(*specs, **params) == (result.shape, result.dtype)


def inputs_are_not_changed(primitive: Primitive, case: Case, rng: np.random.Generator) -> None:
    """Neither the primitive nor its rules write into what they are given."""
    args, params = arguments(primitive, case, rng)
    before = [x.copy() for x in args]
    for x in args:
        x.flags.writeable = False
    function, floats = _closed(primitive, args, params)
    value, pull = vjp(function, *floats)
    if primitive.vjp is not None:
        seed = np.ones_like(value)
        seed.flags.writeable = False
        pull(seed)
    for x, kept in zip(args, before, strict=True):
        np.testing.assert_array_equal(x, kept)
        x.flags.writeable = True


def modes_agree(primitive: Primitive, case: Case, rng: np.random.Generator) -> None:
    """⟨g, J t⟩ = ⟨Jᵀ g, t⟩ for random g and t."""
    function, points = _closed(primitive, *arguments(primitive, case, rng))
    tangents = [rng.standard_normal(x.shape) for x in points]
    value, moved = jvp(function, points, tangents)
    g = rng.standard_normal(np.shape(value))
    cotangents = vjp(function, *points)[1](g)
    left = np.sum(g * moved)
    right = sum(np.sum(c * t) for c, t in zip(cotangents, tangents, strict=True))
    np.testing.assert_allclose(left, right, rtol=1e-10, atol=1e-12)


def derivatives_are_right(primitive: Primitive, case: Case, rng: np.random.Generator) -> None:
    """Both modes agree with numerical derivatives, to second order."""
    function, points = _closed(primitive, *arguments(primitive, case, rng))
    if all(x.size for x in points):
        check_gradients(function, *points)


def float32_stays(primitive: Primitive, case: Case, rng: np.random.Generator) -> None:
    """Results, cotangents and tangents of float32 arrays are float32, and near the float64 ones."""
    seed = int(rng.integers(2**32))
    results = []
    for dtype in (np.float32, np.float64):
        args, params = arguments(primitive, case, np.random.default_rng(seed), dtype)
        function, points = _closed(primitive, args, params)
        value, pull = vjp(function, *points)
        found = pull(np.ones_like(value))
        widened = params.get("dtype") == "float64"
        assert widened or value.dtype == dtype
        assert all(g.dtype == dtype for g in found), [g.dtype for g in found]
        results.append([np.asarray(value), *found])
    for single, double in zip(*results, strict=True):
        np.testing.assert_allclose(single, double, rtol=1e-4, atol=1e-5)


class StrictSymbol(Symbol):
    """A symbol on which NumPy's functions raise, to find stray NumPy in a rule."""

    __slots__ = ()

    def _raise(self, *names: object, **_: object) -> NoReturn:
        raise AssertionError(f"a derivative rule calls NumPy itself: {names[0]}")

    __array_ufunc__ = __array_function__ = _raise


def rules_are_pure(primitive: Primitive, case: Case, rng: np.random.Generator) -> None:
    """Rules are written in primitives: they trace with strict symbols, to the eager numbers."""
    args, params = arguments(primitive, case, rng)
    y = primitive.forward(*args, **params)
    floats = [x.dtype.kind == "f" for x in args]
    g = rng.standard_normal(np.shape(y))
    assert primitive.vjp is not None
    assert primitive.jvp is not None

    def pull(g: Operand, y: Operand, *xs: Operand) -> Any:
        assert primitive.vjp is not None
        return tuple(p for p in primitive.vjp(g, y, xs, params, floats) if p is not None)

    def push(y: Operand, *xs: Operand) -> Any:
        assert primitive.jvp is not None
        half = len(args)
        tangents = [t if f else None for t, f in zip(xs[half:], floats, strict=True)]
        return primitive.jvp(tangents, y, xs[:half], params)

    tangents = [rng.standard_normal(x.shape) for x in args]
    masks = any(x.dtype.kind == "b" for x in args) and "key" in primitive.param_names
    for rule, inputs in ((pull, [g, y, *args]), (push, [y, *args, *tangents])):
        with np.errstate(all="ignore"):
            expected = rule(*inputs)
        if masks:  # how many entries a mask picks cannot be traced
            continue
        got = leaves(trace(rule, *inputs, symbol=StrictSymbol, may_act=True)(*inputs))
        expected = expected if isinstance(expected, tuple) else (expected,)
        for left, right in zip(got, expected, strict=True):
            np.testing.assert_allclose(left, right, rtol=1e-12, atol=1e-12)


# What an expansion must answer as the forward function does, in any one entry.
_SPECIAL = (np.nan, np.inf, -np.inf, 0.0, -0.0)


def expansion_equals_forward(primitive: Primitive, case: Case, rng: np.random.Generator) -> None:
    """What a card says that it is made of is primitives, and gives what the forward function gives.

    In shape, dtype and numbers, at NaN, infinities and zeros too: native code is made of it.
    """
    assert primitive.expand is not None
    for dtype, tolerance in ((np.float64, 1e-12), (np.float32, 1e-4)):
        args, params = arguments(primitive, case, rng, dtype)
        if not all(x.size for x in args):
            return  # there is no native code for arrays without entries
        expand = functools.partial(primitive.expand, **params)
        graph = trace(expand, *args, symbol=StrictSymbol, may_act=True)
        for point in _special_points(args, rng):
            with np.errstate(all="ignore"):
                expected, got = primitive.forward(*point, **params), graph(*point)
            assert (np.shape(got), got.dtype) == (np.shape(expected), expected.dtype)
            np.testing.assert_allclose(got, expected, rtol=tolerance, atol=tolerance)


def _special_points(args: Sequence[Array], rng: np.random.Generator) -> Iterator[list[Array]]:
    """Yield the arguments, and the same with a special number somewhere in one of them."""
    yield list(args)
    for n, x in enumerate(args):
        for number in _SPECIAL if x.dtype.kind == "f" else ():
            changed = x.copy()
            changed.flat[rng.integers(x.size)] = number
            yield [*args[:n], changed, *args[n + 1 :]]


# --- the facts on a card are clauses too


def _clause_of(claim: Claim) -> Clause:
    """Return the clause that a claim holds on a case."""

    def clause(primitive: Primitive, case: Case, rng: np.random.Generator) -> None:
        args, params = arguments(primitive, case, rng)
        claim(Exercise(primitive, args, params, _varied(primitive, case, args), rng))

    clause.__name__, clause.__doc__ = claim.__name__, claim.__doc__
    return clause


def _varied(primitive: Primitive, case: Case, args: Sequence[Array]) -> list[int]:
    """Return which arguments may have any numbers: not those that a case gives for a reason."""
    is_free = primitive.kind == "elementwise" and len(args) == 1
    return [
        n
        for n, x in enumerate(args)
        if x.dtype.kind == "f" and (is_free or not isinstance(case[n], np.ndarray))
    ]


_CLAIMED = tuple(map(_clause_of, CLAIMS))
CLAUSES: dict[str, Clause] = {
    clause.__name__: clause
    for clause in (
        source_equals_forward,
        latex_is_balanced,
        inference_is_right,
        inputs_are_not_changed,
        modes_agree,
        derivatives_are_right,
        float32_stays,
        rules_are_pure,
        expansion_equals_forward,
        *_CLAIMED,
    )
}
_OF_CONSTANTS = (
    source_equals_forward,
    latex_is_balanced,
    inference_is_right,
    expansion_equals_forward,
    *_CLAIMED,
)


def clauses(primitive: Primitive) -> Iterator[str]:
    """Yield the names of the clauses that bind a primitive; a constant has no derivative."""
    for name, clause in CLAUSES.items():
        if clause is expansion_equals_forward and primitive.expand is None:
            continue
        if primitive.vjp is not None or clause in _OF_CONSTANTS:
            yield name


def check_primitive(primitive: Primitive, clause: str, *, seed: int = 0) -> None:
    """Assert one clause of the contract on all cases of a card.

    Raises
    ------
    AssertionError
        Saying what the card breaks, with the case.
    """
    for case in cases(primitive):
        try:
            with np.errstate(invalid="ignore", divide="ignore"):
                CLAUSES[clause](primitive, case, np.random.default_rng(seed))
        except Exception as error:
            error.add_note(f"primitive {primitive.name}, clause {clause}, case {case}")
            raise
