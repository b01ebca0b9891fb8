"""A call sampler calls both passes away from kinks, and finds the right gradients there."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from ...calculus.check import numerical_gradient
from ...core.annotations import Array
from ...graphs.graph import Graph, trace
from ...graphs.tracing.naming import identifier
from . import sampling
from .compared_call import ComparedCall
from .comparison import NUMERICAL, TOLERANCE, agree
from .pass_pair import LEARNING_RATE, PassPair, Point, is_data, is_float, is_optional, quietly
from .sizes import rows
from .steps import Steps
from .traced_run import TracedRun

Inputs = Callable[[np.random.Generator], Sequence[Any]]

# So many points are tried for each call that is asked for, until one is away from kinks.
_TRIES = 5
# How far a point is moved to look for a kink beside it: far above rounding, so that the sides of a
# kink are told apart, and so little that a smooth gradient hardly changes.
_NUDGE = 1e-7
_LARGE = 1000


class CallSampler:
    """Makes the calls that a review compares.

    Parameters
    ----------
    passes : PassPair
    inputs : callable
        Draws arguments for the forward pass.
    wrt : sequence of str or None
        The gradients to compare; all by default.
    seed : int
    """

    def __init__(
        self, passes: PassPair, inputs: Inputs, wrt: Sequence[str] | None, seed: int
    ) -> None:
        self.passes, self.inputs, self.wrt = passes, inputs, wrt
        self.rng = np.random.default_rng(seed)
        self.traced = True

    def compared_calls(self, calls: int) -> list[ComparedCall]:
        """Return so many calls, each after another one and with its right gradients."""
        attempts = (self._compared_call(*self._points()) for _ in range(calls * _TRIES))
        found = [call for call, _ in zip(_present(attempts), range(calls), strict=False)]
        if not found:
            raise ValueError(
                "check_backward: every call lies at a kink, where no gradient is right or wrong; "
                "give inputs without ties and away from 0"
            )
        return found

    def steps(self, call: ComparedCall) -> Steps:
        """Return the derivation of a call's right gradients."""
        arrays = [np.asarray(x, np.float64) for x in call.arrays.values()]
        with _with_floats_kept(self.passes.space):
            return Steps(self.passes.pure(call.point), arrays, list(call.arrays), call.g)

    def _points(self) -> tuple[Point, Point]:
        """Return a point, and one for the call before."""
        start = self.passes.parameters()
        point = Point(tuple(self.inputs(self.rng)), sampling.moved(start, self.rng))
        before = sampling.alike(point, self.rng)
        return point, Point(before.arguments, sampling.moved(start, self.rng))

    def _compared_call(self, point: Point, before: Point) -> ComparedCall | None:
        """Return the call at a point after one at another, or None at a kink."""
        output = np.asarray(self.passes.forward(point))
        if output.dtype.kind != "f":
            raise ValueError(
                f"check_backward: the forward pass gave dtype {output.dtype}; expected floats"
            )
        _check_numbers(point, output)
        g, g_before = (self._cotangent(output) for _ in range(2))
        session = self.passes.session()
        # First another call on the same object: a stale cache, or a gradient that is added to the
        # one before, shows only in a second call.
        session.call(before, g_before[()])
        attempt = session.call(point, g[()])
        run, gradients = self._right(point, g)
        earlier, previous = self._right(before, g_before)
        call = ComparedCall(
            point,
            attempt,
            {
                name: gradients[name]
                for name in self._reviewed(point, attempt.gradients, gradients, output.size == 1)
            },
            previous,
            run,
            earlier,
            np.asarray(g, np.float64),
            rows(output, point.arguments, run),
            self._tolerance(point, output, run),
            LEARNING_RATE if self.passes.updates else None,
            dict(zip(self.passes.names(point), self.passes.floats(point), strict=True)),
        )

        def retry(wrap: Callable[[Any], Any]) -> ComparedCall:
            return dataclasses.replace(call, attempt=session.call(point, g[()], wrap), retry=None)

        if attempt.error:
            return dataclasses.replace(call, retry=retry)
        if call.wrong and self._at_kink(point, g, gradients):
            return None
        return self._with_ignored(call, g_before) if self.passes.takes_g else call

    def _with_ignored(self, call: ComparedCall, other: Array) -> ComparedCall:
        """Return the call with the gradients that are the same for another cotangent."""
        # Each on an object of its own, which remembers nothing of another call. The other cotangent
        # is large, so that a gradient whose fractions are cut off shows that it follows.
        session = self.passes.session
        attempts = [session().call(call.point, g[()]) for g in (call.g, _LARGE * other)]
        first, second = (dataclasses.replace(call, attempt=a).got for a in attempts)
        ignoring = [
            name
            for name in call.wrong
            if np.any(call.expected[name])
            and np.any(call.got[name])
            and np.all(np.isfinite(call.got[name]))
            and np.array_equal(first.get(name, np.nan), second.get(name, np.nan))
        ]
        if not ignoring:
            return call
        g = np.ones_like(call.g)
        _, right = self._right(call.point, g)
        expected = {name: right[name] for name in call.expected}
        without_g = dataclasses.replace(call, expected=expected, previous=right, g=g)
        return dataclasses.replace(call, ignoring=ignoring, without_g=without_g)

    def _cotangent(self, output: Array) -> Array:
        drawn = sampling.cotangent(output, self.rng)
        return drawn if self.passes.takes_g else np.ones_like(drawn)

    def _tolerance(self, point: Point, output: Array, run: TracedRun | None) -> float:
        dtypes = [str(x.dtype) for x in (*self.passes.floats(point), output)]
        allowed = max(TOLERANCE.get(dtype, 0.0) for dtype in dtypes)
        return allowed if run is not None else max(allowed, NUMERICAL)

    def _reviewed(
        self,
        point: Point,
        given: Mapping[str, Any],
        gradients: Mapping[str, Array],
        is_loss: bool,
    ) -> list[str]:
        """Return the names that are compared: those asked for, or all but targets without one."""
        if self.wrt is None:
            optional = self._optional(point)
            asked = [name for name, item in given.items() if item is not None and np.any(item)]
            optional |= _declined(given) if is_loss else set()
            return [name for name in gradients if name not in optional or name in asked]
        unknown = set(self.wrt) - set(gradients)
        if unknown:
            raise ValueError(
                f"check_backward: wrt names {', '.join(sorted(unknown))}, but what has a gradient "
                f"is {', '.join(gradients)}"
            )
        return [name for name in gradients if name in self.wrt]

    def _optional(self, point: Point) -> set[str]:
        """Return the names of arguments whose gradients nobody needs."""
        arrays = dict(zip(self.passes.names(point), self.passes.floats(point), strict=True))
        arguments = list(arrays)[: len(arrays) - len(point.parameters)]
        return {n for n in arguments if self.passes.is_whole or is_optional(n, arrays[n])}

    # --- what is right

    @quietly
    def _right(self, point: Point, g: Array) -> tuple[TracedRun | None, dict[str, Array]]:
        """Return the right gradients, by a traced sweep or else by differences."""
        names = self.passes.names(point)
        arrays = [np.array(x, np.float64) for x in self.passes.floats(point)]
        # In float64, whatever the user computes in: what is right must err far less than what is
        # judged.
        wide = Point(tuple(map(_widened, point.arguments)), point.parameters)
        function = self.passes.pure(wide)
        graph = self._graph(function, arrays, names)
        g = np.asarray(g, np.float64)
        if graph is None:
            return None, dict(zip(names, _numerical(function, arrays, g), strict=True))
        run = TracedRun(graph, arrays)
        found = run.gradients(run.pull(g))
        return run, dict(zip(names, found, strict=True))

    def _graph(
        self, function: Callable[..., Any], arrays: list[Array], names: list[str]
    ) -> Graph | None:
        """Return the traced forward pass, or None where its trace is not there or not the same."""
        if not self.traced:
            return None
        plain = np.asarray(function(*arrays))
        graph = _traced(function, arrays, names)
        if graph is None:
            with _with_floats_kept(self.passes.space):
                graph = _traced(function, arrays, names)
        if graph is not None and agree(np.asarray(graph.evaluate(arrays)[0]), plain, 1e-6):
            return graph
        _check_repeatable(np.asarray(function(*arrays)), plain)
        # A trace that gives other numbers froze a branch: from now on only differences are right.
        self.traced = False
        return None

    @quietly
    def _at_kink(self, point: Point, g: Array, gradients: Mapping[str, Array]) -> bool:
        """Return whether the right gradient jumps near the point."""
        arrays = [np.array(x, np.float64) for x in self.passes.floats(point)]
        for sign in (1, -1):
            # What the output does not depend on stays: labels that are floats are places.
            shifts = [
                sign * _NUDGE * self.rng.uniform(0.5, 1, x.shape) * bool(np.any(right))
                for x, right in zip(arrays, gradients.values(), strict=True)
            ]
            near = [x + shift for x, shift in zip(arrays, shifts, strict=True)]
            graph = self._graph(self.passes.pure(point), near, self.passes.names(point))
            if graph is None:
                return False
            run = TracedRun(graph, near)
            found = run.gradients(run.pull(np.asarray(g, np.float64)))
            for x, y in zip(found, gradients.values(), strict=True):
                # A smooth gradient moves by about the nudge; at a kink it jumps.
                if np.all(np.isfinite(y)) and not agree(x, y, 1e-3):
                    return True
        return False


def _present(calls: Iterable[ComparedCall | None]) -> Iterator[ComparedCall]:
    return (call for call in calls if call is not None)


@contextmanager
def _with_floats_kept(space: dict[str, Any]) -> Iterator[None]:
    """Let ``float(x)`` in the user's module be x, since a forward pass often ends with it."""
    known = "float" in space
    if not known:
        space["float"] = lambda x=0.0: x
    try:
        yield
    finally:
        if not known:
            space.pop("float", None)


def _traced(
    function: Callable[..., Any], arrays: Sequence[Array], names: Sequence[str]
) -> Graph | None:
    try:
        graph = trace(function, *arrays, arguments=[identifier(name) for name in names])
    except Exception:  # whatever the user's code raises when it is given symbols
        return None
    usable = len(graph.outputs) == 1 and getattr(graph.outputs[0], "node", None) is not None
    return graph if usable else None


def _check_numbers(point: Point, output: Array) -> None:
    """Refuse a call in which a wrong gradient would look like a right one."""
    if any(np.any(np.isnan(item)) for item in point.arguments if is_float(item)):
        raise ValueError("check_backward: an argument has NaN, where no gradient can be compared")
    if output.size == 0:
        raise ValueError(
            f"check_backward: the forward pass gave shape {output.shape}, without any entry; give "
            "a batch of several rows"
        )


def _declined(given: Mapping[str, Any]) -> set[str]:
    """Return the data that a loss's backward pass gives None for, beside other gradients."""
    declined = {name for name, item in given.items() if item is None and is_data(name)}
    return declined if any(item is not None for item in given.values()) else set()


def _check_repeatable(again: Array, first: Array) -> None:
    if not agree(again, first, 1e-12):
        raise ValueError(
            "check_backward: the forward pass gives other results for the same arguments; give "
            "what it draws (a mask, a seed) as an argument"
        )


def _widened(item: object) -> Any:
    return np.asarray(item, np.float64) if is_float(item) else item


def _numerical(function: Callable[..., Any], arrays: list[Array], g: Array) -> list[Array]:
    def scalar(*points: Any) -> Any:
        return np.sum(g * function(*points))

    return [numerical_gradient(scalar, arrays, n) for n in range(len(arrays))]
