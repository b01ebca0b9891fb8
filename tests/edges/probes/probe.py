"""A probe is a function at a point where derivatives go wrong, and what is right there."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy

# Why a gradient is right: the reasons that more than one family gives.
DERIVATIVE = "derivative"
LIMIT = "limit of the derivative"
OVERFLOW = "derivative, though an intermediate result overflows or underflows"
NO_INFLUENCE = "the branch not taken has no influence (docs/decisions/0002)"
UNDEFINED = "no derivative, nor a value: NaN, as the value"
OUTSIDE = "outside of the domain: the value is NaN, the gradient the formula's (PyTorch, rule 5)"
STRONG_ZERO = "listed exception: 0·∞ counts as 0 (docs/decisions/0002)"
FLAT = "derivative between the jumps; 0 at a jump too (PyTorch: torch.floor, torch.sign)"
# docs.pytorch.org/docs/stable/notes/autograd.html, "Gradients for non-differentiable functions".
LEAST_NORM = "convention: sub-gradient of least norm (PyTorch, Autograd mechanics, rule 2)"
TIES = "convention: equal entries share the gradient (PyTorch: torch.amax)"
HALVES = "convention: half each (PyTorch: torch.maximum)"
BOUND = "convention: on a bound the gradient is x's (PyTorch: torch.clamp)"
EMPTY = "derivative: no entries, or a sum over none"

at = dict


@dataclass(frozen=True)
class Probe:
    """One row of a table.

    Parameters
    ----------
    text : str
        The function's body, in ``np`` and the arguments' names: statements, then an expression. It
        is text because the page shows it, and because any namespace may stand for ``np``.
    at : dict
        The arguments. Python floats and lists become arrays of the precision under test; arrays
        keep their dtype. Only floats are differentiated by.
    gives : tuple
        At order 1, the gradient of the result's sum by each float argument; at order 2, a matrix:
        the Hessian of the sum by all their entries, in order.
    why : str
        What makes it right, or which convention holds, with its source.
    also : sequence of tuple
        Other answers as good as ours where we follow a convention: right for other libraries.
    truth : tuple, optional
        The derivative that a listed exception of the strong zero hides.
    value : optional
        The function's result, where that is at stake too.
    error, message : type and str
        What is raised instead, and a part of what it says.
    single : bool
        Whether the numbers fit float32 as well.
    """

    text: str
    at: dict[str, Any]
    gives: tuple[Any, ...]
    why: str
    order: int = 1
    also: Sequence[tuple[Any, ...]] = ()
    truth: tuple[Any, ...] | None = None
    value: Any = None
    error: type[Exception] | None = None
    message: str = ""
    single: bool = True
    rtol: float = 1e-13
    atol: float = 0.0

    @property
    def name(self) -> str:
        """The text at its point, which is unique."""
        return f"{self.text} at {self.point}" + (" (Hessian)" if self.order == 2 else "")

    @property
    def point(self) -> str:
        """The arguments as the tables show them."""
        return ", ".join(f"{name}={show(x)}" for name, x in self.at.items())

    def function(self, np: Any) -> Callable[..., Any]:
        """Return the probed function, of arrays in the order of ``at``."""
        *statements, expression = self.text.split("; ")
        lines = [f"def probed({', '.join(self.at)}):", *statements, f"return {expression}"]
        scope = {"np": np}
        exec(compile("\n    ".join(lines), self.text, "exec"), scope)
        return scope["probed"]  # type: ignore[return-value]

    def arrays(self, dtype: Any = numpy.float64) -> list[Any]:
        """Return the arguments, with numbers of no explicit dtype in the one given."""
        return [
            x if isinstance(x, numpy.ndarray) else _as_array(x, dtype) for x in self.at.values()
        ]

    @property
    def floats(self) -> tuple[int, ...]:
        """Which arguments the probe differentiates by: in vain, if it is to be refused."""
        kinds = [x.dtype.kind for x in self.arrays()]
        return tuple(n for n, kind in enumerate(kinds) if kind == "f" or self.error)

    @property
    def fits_single(self) -> bool:
        """Whether the probe makes sense in float32, of all arguments or none."""
        typed = any(isinstance(x, numpy.ndarray) and x.dtype.kind == "f" for x in self.at.values())
        return self.single and not typed and self.error is None


class Family(NamedTuple):
    """The probes of one kind of function: a table of the page."""

    title: str
    probes: Sequence[Probe]


def gradient(text: str, at: dict[str, Any], gives: Any, why: str, **more: Any) -> Probe:
    """Return a probe of first derivatives; with one argument its gradient needs no tuple."""
    more["also"] = [_tuple(other) for other in more.get("also", ())]
    return Probe(text, at, _tuple(gives), why, **more)


def hessian(text: str, at: dict[str, Any], gives: Any, why: str, **more: Any) -> Probe:
    """Return a probe of second derivatives; that of one number needs no matrix."""
    more["also"] = [_matrix(other) for other in more.get("also", ())]
    return Probe(text, at, _matrix(gives), why, order=2, **more)


def exception(
    text: str, at: dict[str, Any], truth: Any, *, order: int = 1, value: Any = None
) -> Probe:
    """Return a probe of a listed exception: we give 0 where right is ``truth``."""
    hidden = _tuple(truth) if order == 1 else _matrix(truth)
    zeros = tuple(numpy.zeros_like(part) for part in map(numpy.asarray, hidden))
    return Probe(text, at, zeros, STRONG_ZERO, order=order, truth=hidden, value=value)


def refused(
    text: str,
    at: dict[str, Any],
    error: type[Exception],
    message: str,
    why: str,
    *,
    also: Sequence[Any] = (),
) -> Probe:
    """Return a probe that raises a clear error; ``also`` is the gradient, where there is one."""
    others = [_tuple(other) for other in also]
    return Probe(text, at, (), why, error=error, message=message, also=others)


def matches(probe: Probe, found: Sequence[Any], expected: Sequence[Any], rtol: float) -> bool:
    """Return whether derivatives are those expected: in shape, and NaN only where it is due."""
    return len(found) == len(expected) and all(
        numpy.shape(got) == numpy.shape(right)
        and numpy.allclose(got, right, rtol=rtol, atol=probe.atol, equal_nan=True)
        for got, right in zip(found, expected, strict=True)
    )


def show(x: Any) -> str:
    """Return a number or an array as Python would write it, with a dtype that is not usual."""
    if isinstance(x, numpy.ndarray):
        if not x.size:
            return f"zeros({x.shape})".replace(" ", "")
        shown = str(x.tolist())
        return shown if x.dtype in (float, int, bool) else f"{x.dtype}({shown})"
    return str(x)


def _as_array(x: Any, dtype: Any) -> Any:
    array = numpy.asarray(x)
    return array.astype(dtype) if array.dtype == numpy.float64 else array


def _tuple(gives: Any) -> tuple[Any, ...]:
    return gives if isinstance(gives, tuple) else (gives,)


def _matrix(gives: Any) -> tuple[Any, ...]:
    return (numpy.atleast_2d(gives),)
