"""The probes put to other libraries: python tests/edges/score_rivals.py [--probes].

Runs those of autograd, JAX, PyTorch and MyGrad that are installed, in reverse mode and float64, and
prints for each family how many probes each gets right, how many it refuses or fails with an error,
how many it gets wrong, silently, and for how many it lacks the function or its derivative.
Where we follow a convention, any answer as good as ours counts as right.
"""

import argparse
import importlib
import re
import sys
import warnings
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Protocol

import numpy as np
import ours
from probes import FAMILIES, PROBES
from probes.probe import Probe, matches

OUTCOMES = ("right", "error", "wrong", "missing")
# Other formulas may round otherwise.
RTOL = 1e-9
# How libraries say that they have no such function, or no derivative of it.
LACKING = re.compile(
    "module .* has no attribute|derivative for .* is not implemented|cannot involve non-constant"
)


class MissingNameError(Exception):
    """A library lacks a function."""


class Names:
    """The first of some modules to have a name has it."""

    def __init__(self, *modules: Any) -> None:
        self._modules = modules

    def __getattr__(self, name: str) -> Any:
        for module in self._modules:
            if hasattr(module, name):
                return getattr(module, name)
        raise MissingNameError(name)


class Library(Protocol):
    """What a probe asks of a library."""

    names: Any

    def argument(self, x: Any) -> Any:
        """Return an array as the library takes it."""

    def gradient(self, function: Any, args: Sequence[Any], floats: Sequence[int]) -> Sequence[Any]:
        """Return the gradients of a scalar function by its float arguments."""

    def hessian(self, function: Any, args: Sequence[Any], floats: Sequence[int]) -> Any:
        """Return the blocks of its Hessian."""


class Adjoint:
    """This library, for comparison."""

    def __init__(self) -> None:
        self.ad = importlib.import_module("adjoint")
        self.names = ours.Names()

    def argument(self, x: Any) -> Any:
        return x

    def gradient(self, function: Any, args: Sequence[Any], floats: Sequence[int]) -> Sequence[Any]:
        return self.ad.grad(function, tuple(floats))(*args)  # type: ignore[no-any-return]

    def hessian(self, function: Any, args: Sequence[Any], floats: Sequence[int]) -> Any:
        return self.ad.hessian(function, tuple(floats))(*args)


class Autograd:
    """HIPS autograd."""

    def __init__(self) -> None:
        self.autograd = importlib.import_module("autograd")
        special = importlib.import_module("autograd.scipy.special")
        self.names = Names(
            importlib.import_module("autograd.numpy"), special, Under(special=special)
        )

    def argument(self, x: Any) -> Any:
        return x if x.ndim else x[()]

    def gradient(self, function: Any, args: Sequence[Any], floats: Sequence[int]) -> Sequence[Any]:
        return [self.autograd.grad(function, n)(*args) for n in floats]

    def hessian(self, function: Any, args: Sequence[Any], floats: Sequence[int]) -> Any:
        grad, jacobian = self.autograd.grad, self.autograd.jacobian
        return [[jacobian(grad(function, n), m)(*args) for m in floats] for n in floats]


class Jax:
    """JAX in double precision."""

    def __init__(self) -> None:
        self.jax = importlib.import_module("jax")
        self.jax.config.update("jax_enable_x64", True)
        special = importlib.import_module("jax.scipy.special")
        self.names = Names(self.jax.numpy, self.jax.nn, Under(special=special))

    def argument(self, x: Any) -> Any:
        return self.jax.numpy.asarray(x)

    def gradient(self, function: Any, args: Sequence[Any], floats: Sequence[int]) -> Sequence[Any]:
        return self.jax.grad(function, tuple(floats))(*args)  # type: ignore[no-any-return]

    def hessian(self, function: Any, args: Sequence[Any], floats: Sequence[int]) -> Any:
        return self.jax.hessian(function, tuple(floats))(*args)


class MyGrad:
    """MyGrad, which has first derivatives alone."""

    def __init__(self) -> None:
        self.mygrad = importlib.import_module("mygrad")
        activations = importlib.import_module("mygrad.nnet.activations")
        constants = Under(array=np.array, inf=np.inf, nan=np.nan)
        self.names = Names(self.mygrad, activations, constants)

    def argument(self, x: Any) -> Any:
        return self.mygrad.tensor(x) if x.dtype.kind == "f" else x

    def gradient(self, function: Any, args: Sequence[Any], floats: Sequence[int]) -> Sequence[Any]:
        result = function(*args)
        if isinstance(result, self.mygrad.Tensor):
            result.backward()
        found = [(args[n].grad, args[n].data) for n in floats]
        return [np.zeros_like(x) if g is None else g for g, x in found]

    def hessian(self, function: Any, args: Sequence[Any], floats: Sequence[int]) -> Any:
        raise MissingNameError("second derivatives")


class Torch:
    """PyTorch, through a small adapter of names."""

    def __init__(self) -> None:
        self.torch = importlib.import_module("torch")
        self.names = torch_names(self.torch)

    def argument(self, x: Any) -> Any:
        return self.torch.tensor(x, requires_grad=x.dtype.kind == "f")

    def gradient(self, function: Any, args: Sequence[Any], floats: Sequence[int]) -> Sequence[Any]:
        xs = [args[n] for n in floats]
        found = self.torch.autograd.grad(function(*args), xs, allow_unused=True)
        return [
            np.zeros(x.shape) if g is None else g.numpy() for g, x in zip(found, xs, strict=True)
        ]

    def hessian(self, function: Any, args: Sequence[Any], floats: Sequence[int]) -> Any:
        of_floats = ours.closed(function, args, floats)
        return self.torch.autograd.functional.hessian(of_floats, tuple(args[n] for n in floats))


class Under:
    """Names of our own choice."""

    def __init__(self, **names: Any) -> None:
        self.__dict__.update(names)


def torch_names(torch: Any) -> Names:
    """Return PyTorch's functions under NumPy's names and with NumPy's arguments."""

    def tensor(x: Any, dtype: Any = None) -> Any:
        if isinstance(x, torch.Tensor):
            return x
        plain = np.asarray(x, dtype)
        return torch.tensor(plain)

    def of_tensors(function: Callable[..., Any]) -> Callable[..., Any]:
        return lambda *args: function(*map(tensor, args))

    def along(function: Callable[..., Any], default: Any = None) -> Callable[..., Any]:
        def reduced(x: Any, axis: Any = default, keepdims: bool = False) -> Any:
            dim = tuple(range(x.ndim)) if axis is None else axis
            return function(x, dim=dim, keepdim=keepdims)

        return reduced

    def product(x: Any, axis: Any = None) -> Any:
        return torch.prod(x) if axis is None else torch.prod(x, dim=axis)

    def spread(function: Callable[..., Any]) -> Callable[..., Any]:
        return lambda x, axis=None, ddof=0: function(x, dim=axis, correction=ddof)

    def norm(x: Any, ord: Any = None, axis: Any = None) -> Any:
        return torch.linalg.norm(x, ord, dim=axis)

    functional = torch.nn.functional
    pairs = (
        "maximum",
        "minimum",
        "fmax",
        "fmin",
        "heaviside",
        "where",
        "clip",
        "hypot",
        "copysign",
    )
    adapted = {name: of_tensors(getattr(torch, name)) for name in pairs}
    adapted |= {
        "array": tensor,
        "zeros": lambda shape: torch.zeros(shape, dtype=torch.float64),
        "max": along(torch.amax),
        "min": along(torch.amin),
        "ptp": lambda x: torch.amax(x) - torch.amin(x),
        "sum": along(torch.sum),
        "mean": along(torch.mean),
        "nansum": along(torch.nansum),
        "nanmean": along(torch.nanmean),
        "logsumexp": along(torch.logsumexp),
        "prod": product,
        "var": spread(torch.var),
        "std": spread(torch.std),
        "cumsum": lambda x: torch.cumsum(x, 0),
        "cumprod": lambda x: torch.cumprod(x, 0),
        "softmax": lambda x: torch.softmax(x, -1),
        "log_softmax": lambda x: torch.log_softmax(x, -1),
        "softplus": functional.softplus,
        "softmax_cross_entropy": lambda x, y: functional.cross_entropy(x, y, reduction="none"),
        "sort": lambda x: torch.sort(x, stable=True)[0],
        "median": lambda x: torch.quantile(x, 0.5),
        "percentile": lambda x, q: torch.quantile(x, q / 100),
        "transpose": lambda x: x.permute(tuple(range(x.ndim)[::-1])),
        "dot": lambda x, y: x * y if 0 in (x.ndim, y.ndim) else x @ y,
        "vdot": lambda x, y: torch.dot(x.reshape(-1), y.reshape(-1)),
        "cov": lambda *xs: torch.cov(torch.stack(xs)),
        "expand_dims": torch.unsqueeze,
        "repeat": torch.repeat_interleave,
        "tile": lambda x, reps: torch.tile(x, (reps,)),
        "flip": lambda x: torch.flip(x, tuple(range(x.ndim))),
        "meshgrid": lambda *xs: torch.meshgrid(*xs, indexing="xy"),
        "split": torch.tensor_split,
        "take_along_axis": torch.take_along_dim,
        "cross": lambda x, y: torch.linalg.cross(x, y),
        "tensordot": lambda x, y, axes: torch.tensordot(x, y, dims=axes),
        "linalg": Names(Under(norm=norm), torch.linalg),
        "special": Names(Under(logsumexp=along(torch.logsumexp)), torch.special),
    }
    return Names(Under(**adapted), torch)


LIBRARIES: dict[str, Callable[[], Library]] = {
    "adjoint": Adjoint,
    "autograd": Autograd,
    "jax": Jax,
    "torch": Torch,
    "mygrad": MyGrad,
}


def outcome(library: Library, probe: Probe) -> str:
    """Return how a library does on a probe."""
    try:
        found = derivative(library, probe)
    except (MissingNameError, NotImplementedError):
        return "missing"
    except Exception as error:
        if LACKING.search(str(error)):
            return "missing"
        return "error" if probe.error is None else "right"
    return "right" if any(_matches(probe, found, x) for x in answers(probe, found)) else "wrong"


def answers(probe: Probe, found: Sequence[Any]) -> list[Sequence[Any]]:
    """Return all the answers that are right; where we raise an error, NaN says as much."""
    if probe.error is not None:
        return [*probe.also, [np.full_like(x, np.nan, float) for x in found]]
    return [probe.gives, *probe.also] if probe.truth is None else [probe.truth]


def derivative(library: Library, probe: Probe) -> list[Any]:
    """Return a library's derivative in the shape in which the probe states it."""
    arrays = probe.arrays()
    args = [library.argument(x) for x in arrays]
    function = probe.function(library.names)
    total = function if probe.error else lambda *xs: library.names.sum(function(*xs))
    if probe.order == 1:
        return [np.asarray(g) for g in library.gradient(total, args, probe.floats)]
    blocks = library.hessian(total, args, probe.floats)
    sizes = [arrays[n].size for n in probe.floats]
    rows = [
        [np.reshape(np.asarray(block), (size, -1)) for block in row]
        for size, row in zip(sizes, blocks, strict=True)
    ]
    return [np.block(rows)]


def _matches(probe: Probe, found: Sequence[Any], expected: Sequence[Any]) -> bool:
    scale = max((np.max(np.abs(x), initial=0) for x in map(_finite, expected)), default=0)
    loose = replace(probe, atol=max(probe.atol, RTOL * (float(scale) or 1e-3)))
    return matches(loose, found, expected, max(RTOL, probe.rtol))


def _finite(x: Any) -> Any:
    array = np.asarray(x, float)
    return array[np.isfinite(array)]


def installed() -> dict[str, Library]:
    """Return the libraries that can be imported."""
    found = {}
    for name, library in LIBRARIES.items():
        try:
            found[name] = library()
        except ImportError:
            print(f"{name} is not installed", file=sys.stderr)
    return found


def show_table(scores: dict[str, list[str]]) -> None:
    """Print, for each family and library, the counts of the four outcomes."""
    rows = iter(zip(*scores.values(), strict=True))
    print(f"| family ({' / '.join(OUTCOMES)}) | {' | '.join(scores)} |")
    print("|---" * (len(scores) + 1) + "|")
    for family in FAMILIES:
        columns = zip(*[next(rows) for _ in family.probes], strict=True)
        print(f"| {family.title} | {' | '.join(map(_counts, columns))} |")
    print(f"| all | {' | '.join(map(_counts, scores.values()))} |")


def _counts(outcomes: Sequence[str]) -> str:
    counts = Counter(outcomes)
    return " / ".join(str(counts[outcome]) for outcome in OUTCOMES)


def main() -> None:
    """Put every probe to every library and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--probes", action="store_true", help="print each probe's outcome too")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    with np.errstate(all="ignore"):
        scores = {
            name: [outcome(library, probe) for probe in PROBES]
            for name, library in installed().items()
        }
    if arguments.probes:
        for probe, *outcomes in zip(PROBES, *scores.values(), strict=True):
            shown = "  ".join(f"{n} {o:7}" for n, o in zip(scores, outcomes, strict=True))
            print(f"{shown}  {probe.name}")
        print()
    show_table(scores)


if __name__ == "__main__":
    main()
