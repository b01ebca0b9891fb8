"""A review compares a hand-written backward pass with the derivation, and names what is wrong."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from ..check import numerical_gradient
from ..graph import Graph
from . import derivation, sampling
from .comparison import NUMERICAL, TOLERANCE, agree
from .diagnosis import diagnose
from .record import Record
from .report import BackwardReview
from .scene import Scene
from .subject import LEARNING_RATE, Functions, Layer, Point, Subject, is_float

Array = np.ndarray[Any, Any]

# Attempts to find a point away from kinks, for each call that is asked for.
_TRIES = 5
_NUDGE = 1e-7


def check_backward(
    forward: Any,
    *backward_and_inputs: Any,
    wrt: Sequence[str] | None = None,
    parameters: Mapping[str, str] | None = None,
    calls: int = 3,
    seed: int = 0,
) -> BackwardReview:
    """Review a hand-written backward pass: find the first wrong term and name the mistake.

    The right gradients are adjoint's, of the forward pass traced as it is; where it cannot be
    traced, numerical ones. The user's functions are called, several times.

    Parameters
    ----------
    forward : callable, or object or class with methods ``forward`` and ``backward``
        A function of arrays in plain NumPy that returns the output, or the output and a cache. An
        object may have ``__call__`` for ``forward``.
    *backward_and_inputs
        For a function its backward function, ``backward(g, cache)`` or ``backward(g, *arrays)``,
        which returns one gradient or a tuple or dict of them; then in every form the arrays to
        call the forward pass with, or one function of a `numpy.random.Generator` that returns them.
        Sizes that all differ tell mistakes apart.
    wrt : sequence of str, optional
        The arguments and parameters to review; by default all floats but targets and masks.
    parameters : mapping of str to str, optional
        For an object, which attribute holds the gradient of which: ``{"W": "dW"}``. By default
        found by their names: dW, d_W, grad_W, W_grad, weight_grad and their kin. Where
        ``backward(g, learning_rate)`` updates the parameters, it is found from the update.
    calls : int
        How many calls to compare, each after another call with other numbers.
    seed : int
        Of the numbers.

    Returns
    -------
    BackwardReview
        True if right; its text names the first wrong term.

    Raises
    ------
    TypeError, ValueError
        If the passes cannot be called, or the forward pass gives no float output.

    Notes
    -----
    At a kink no gradient is right or wrong; such points are passed over.

    Examples
    --------
    >>> import numpy as np
    >>> import adjoint as ad
    >>> def forward(x, W):
    ...     return x @ W
    >>> def backward(g, x, W):
    ...     return g @ W.T, -(x.T @ g)
    >>> x, W = np.arange(10.0).reshape(5, 2), np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    >>> review = ad.check_backward(forward, backward, x, W)
    >>> bool(review), review.mistake
    (False, 'sign')
    """
    subject, inputs = _read(forward, backward_and_inputs, parameters, seed)
    scenes, source = _Reviewer(subject, inputs, wrt, seed).scenes(calls)
    method = "differences" if scenes[0].record is None else "derivation"
    findings = diagnose(subject, scenes, source)
    return BackwardReview(subject.label, findings, tuple(scenes[0].expected), len(scenes), method)


Inputs = Callable[[np.random.Generator], Sequence[Any]]


def _read(
    forward: Any, rest: tuple[Any, ...], parameters: Mapping[str, str] | None, seed: int
) -> tuple[Subject, Inputs]:
    """Return the subject in whichever form it is given, and a function that draws inputs."""
    is_layer = callable(getattr(forward, "backward", None))
    if not is_layer and not (callable(forward) and rest and callable(rest[0])):
        raise TypeError(
            "check_backward: expected (forward, backward, *arrays) or (layer, *arrays), where the "
            f"layer has the methods forward and backward; got {type(forward).__name__}"
        )
    arrays = rest if is_layer else rest[1:]
    draw = arrays[0] if len(arrays) == 1 and callable(arrays[0]) else None
    inputs: Inputs = (lambda rng: _tuple(draw(rng))) if draw else _given(arrays)
    if is_layer:
        return Layer(forward, inputs(np.random.default_rng(seed)), parameters), inputs
    if parameters is not None:
        raise TypeError("check_backward: parameters is for objects; functions have arguments")
    return Functions(forward, rest[0]), inputs


def _tuple(item: Any) -> tuple[Any, ...]:
    return tuple(item) if isinstance(item, (tuple, list)) else (item,)


def _given(arrays: Sequence[Any]) -> Inputs:
    """Return a function that gives the arrays as they are at first, and others like them after."""
    kept = [np.array(x) if isinstance(x, (list, np.ndarray)) else x for x in arrays]
    first = itertools.count()

    def draw(rng: np.random.Generator) -> Sequence[Any]:
        if next(first) <= 1:  # once to look at the shapes, once to call
            return kept
        return sampling.alike(Point(tuple(kept), {}), rng).arguments

    return draw


class _Reviewer:
    """Calls the passes and gathers what is right."""

    def __init__(
        self, subject: Subject, inputs: Inputs, wrt: Sequence[str] | None, seed: int
    ) -> None:
        self.subject, self.inputs, self.wrt = subject, inputs, wrt
        self.rng = np.random.default_rng(seed)
        self.traced = True

    def scenes(self, calls: int) -> tuple[list[Scene], str]:
        """Return the calls, each with its right gradients, and the derivation's source."""
        found: list[Scene] = []
        source = ""
        for _ in range(calls * _TRIES):
            point, before = self._points()
            scene = self._scene(point, before)
            if scene is None:
                continue
            if not source and scene.record is not None:
                names = self.subject.names(point)
                arrays = list(map(_float64, self.subject.floats(point)))
                source = derivation.backward_source(
                    self.subject.pure(point), arrays, names, scene.g
                )
            found.append(scene)
            if len(found) == calls:
                return found, source
        if not found:
            raise ValueError(
                "check_backward: every call lies at a kink, where no gradient is right or wrong; "
                "give inputs without ties and away from 0"
            )
        return found, source

    def _points(self) -> tuple[Point, Point]:
        start = self.subject.parameters()
        arguments = tuple(self.inputs(self.rng))
        point = Point(arguments, sampling.moved(start, self.rng))
        before = sampling.alike(point, self.rng)
        return point, Point(before.arguments, sampling.moved(start, self.rng))

    def _scene(self, point: Point, before: Point) -> Scene | None:
        """Return the call at a point after one at another, or None at a kink."""
        output = np.asarray(self.subject.forward(point))
        if output.dtype.kind != "f":
            raise ValueError(
                f"check_backward: the forward pass gave dtype {output.dtype}; expected floats"
            )
        g, g_before = (sampling.cotangent(output, self.rng) for _ in range(2))
        if not getattr(self.subject, "takes_g", True):
            g = g_before = np.ones_like(g)
        session = self.subject.session()
        session.call(before, g_before[()])
        attempt = session.call(point, g[()])
        record, gradients = self._right(point, g)
        earlier, previous = self._right(before, g_before)
        names = self._reviewed(attempt.gradients, gradients)
        scene = Scene(
            attempt,
            {name: gradients[name] for name in names},
            previous,
            record,
            earlier,
            np.asarray(g, np.float64),
            _batch(output, point),
            self._tolerance(point, output, record),
            LEARNING_RATE if self.subject.updates else None,
            dict(zip(self.subject.names(point), self.subject.floats(point), strict=True)),
        )

        def retry(wrap: Callable[[Any], Any]) -> Scene:
            return dataclasses.replace(scene, attempt=session.call(point, g[()], wrap), retry=None)

        if attempt.error:
            return dataclasses.replace(scene, retry=retry)
        return None if scene.wrong and self._at_kink(point, g, gradients) else scene

    def _tolerance(self, point: Point, output: Array, record: Record | None) -> float:
        dtypes = [str(x.dtype) for x in (*self.subject.floats(point), output)]
        allowed = max(TOLERANCE.get(dtype, 0.0) for dtype in dtypes)
        return allowed if record is not None else max(allowed, NUMERICAL)

    def _reviewed(self, given: Mapping[str, Any], gradients: Mapping[str, Array]) -> list[str]:
        if self.wrt is not None:
            unknown = set(self.wrt) - set(gradients)
            if unknown:
                raise ValueError(
                    f"wrt names {', '.join(sorted(unknown))}; there are {', '.join(gradients)}"
                )
            return [name for name in gradients if name in self.wrt]
        return [
            name
            for name in gradients
            if not (self.subject.optional(name) and not np.any(_or_zero(given.get(name))))
        ]

    def _right(self, point: Point, g: Array) -> tuple[Record | None, dict[str, Array]]:
        """Return the right gradients, by the derivation or else by differences."""
        names = self.subject.names(point)
        arrays = [_float64(x) for x in self.subject.floats(point)]
        wide = Point(tuple(map(_widened, point.arguments)), point.parameters)
        function = self.subject.pure(wide)
        graph = self._graph(function, arrays, names)
        g = np.asarray(g, np.float64)
        if graph is None:
            return None, dict(zip(names, _numerical(function, arrays, g), strict=True))
        record = Record(graph, arrays)
        found = record.gradients(record.pull(g))
        return record, dict(zip(names, found, strict=True))

    def _graph(
        self, function: Callable[..., Any], arrays: list[Array], names: list[str]
    ) -> Graph | None:
        graph = derivation.forward_graph(function, arrays, names) if self.traced else None
        if graph is None:
            self.traced = False
            return None
        plain = np.asarray(function(*arrays))
        value = np.asarray(graph.evaluate(arrays)[0])
        if not agree(value, plain, 1e-6):
            again = np.asarray(function(*arrays))
            if not agree(again, plain, 1e-12):
                raise ValueError(
                    "check_backward: the forward pass gives other results for the same arguments; "
                    "give what it draws (a mask, a seed) as an argument"
                )
            self.traced = False
            return None
        return graph

    def _at_kink(self, point: Point, g: Array, gradients: Mapping[str, Array]) -> bool:
        """Return whether the right gradient jumps near the point."""
        arrays = [_float64(x) for x in self.subject.floats(point)]
        for sign in (1, -1):
            shifts = [sign * _NUDGE * self.rng.uniform(0.5, 1, x.shape) for x in arrays]
            record = self._nudged(point, [x + s for x, s in zip(arrays, shifts, strict=True)])
            if record is None:
                return False
            near = record.gradients(record.pull(np.asarray(g, np.float64)))
            for x, y in zip(near, gradients.values(), strict=True):
                if np.all(np.isfinite(y)) and not agree(x, y, 1e-3):
                    return True
        return False

    def _nudged(self, point: Point, arrays: list[Array]) -> Record | None:
        graph = self._graph(self.subject.pure(point), arrays, self.subject.names(point))
        return None if graph is None else Record(graph, arrays)


def _or_zero(item: Any) -> Any:
    return 0 if item is None else item


def _float64(x: Any) -> Array:
    return np.array(x, np.float64)


def _widened(item: Any) -> Any:
    return np.asarray(item, np.float64) if is_float(item) else item


def _batch(output: Array, point: Point) -> int:
    """Return N, the size of the first axis: of the output, or of the first argument that has one."""
    shapes: Iterator[tuple[int, ...]] = iter(
        [output.shape, *(np.shape(item) for item in point.arguments)]
    )
    return next((shape[0] for shape in shapes if shape), 1)


def _numerical(function: Callable[..., Any], arrays: list[Array], g: Array) -> list[Array]:
    def scalar(*points: Any) -> Any:
        return np.sum(g * function(*points))

    with np.errstate(all="ignore"):
        return [numerical_gradient(scalar, arrays, n) for n in range(len(arrays))]
