"""What readers of other libraries type from memory, and what is written here instead."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any, ParamSpec, TypeVar

_C = TypeVar("_C")
_P = ParamSpec("_P")
_R = TypeVar("_R")

_DTYPE = "x.astype(np.float32)"
_CPU = "nothing, there is only the CPU"
_FIT = 'ad.fit(model, (X, y), loss="cross_entropy", epochs=10)'

# By module or class, and by the name that it lacks.
INSTEAD: Mapping[str, Mapping[str, str]] = {
    "adjoint": {
        "Variable": "ad.tensor(data, requires_grad=True)",
        "cat": "np.concatenate",
        "from_numpy": "ad.tensor(array), or the array itself",
        "jacfwd": 'ad.jacobian(f, mode="forward")',
        "jacrev": "ad.jacobian(f)",
        "jit": "ad.compile",
        "lax": "ad.scan, ad.while_loop, ad.fori_loop and ad.cond",
        "load": "ad.load_weights(model, path)",
        "manual_seed": "rng= in layers and seed= in ad.fit",
        "numpy": "import numpy as np: NumPy's own functions are differentiated",
        "rand": "np.random.default_rng(0).random",
        "randn": "np.random.default_rng(0).normal",
        "save": "ad.save_weights(model, path)",
        "switch": "ad.cond inside of ad.cond, or np.choose",
    },
    "adjoint.nn": {
        "Dense": "nn.Linear(n_inputs, n_outputs)",
        "ModuleDict": "a dict",
        "ModuleList": "a list",
        "Activation": "nn.Tanh(), nn.ReLU() and so on",
        "Input": "nothing: each layer is told the size of its input",
        "init": "nn.initialise",
    },
    "adjoint.nn.functional": {
        "l1_loss": "F.mae_loss",
        "binary_cross_entropy_with_logits": "F.binary_cross_entropy, which takes logits",
        "nll_loss": "F.cross_entropy of logits",
    },
    "adjoint.optim": {"lr_scheduler": "lr=ad.optim.Cosine(0.1, steps=1000) and its kin"},
    "Tensor": {
        "clone": "x.copy()",
        "contiguous": "x, as it is",
        "cpu": _CPU,
        "cuda": _CPU,
        "device": _CPU,
        "dim": "x.ndim",
        "double": "x.astype(np.float64)",
        "expand": "np.broadcast_to(x, shape)",
        "float": _DTYPE,
        "long": "x.astype(np.int64)",
        "numel": "x.size",
        "permute": "np.transpose(x, axes)",
        "register_hook": "ad.custom_vjp around the value",
        "t": "x.T",
        "to": _DTYPE,
        "type": _DTYPE,
        "unsqueeze": "x[np.newaxis]",
        "view": "x.reshape(shape)",
    },
    "Module": {
        "add": "nn.Sequential(first, second)",
        "add_module": "an assignment, self.name = layer",
        "compile": _FIT,
        "count_params": "sum(p.size for p in model.parameters())",
        "cpu": _CPU,
        "cuda": _CPU,
        "double": "dtype=np.float64 in the layers",
        "evaluate": "a metric of the predictions, as np.mean(model.predict(X) == y)",
        "fit": _FIT,
        "float": "dtype=np.float32 in the layers",
        "get_weights": "model.state_dict()",
        "load": "ad.load_weights(model, path)",
        "load_weights": "ad.load_weights(model, path)",
        "predict": "model(X), or np.argmax(model(X), axis=1); nn.MLP has predict",
        "register_buffer": "an assignment, self.name = nn.Buffer(array)",
        "register_parameter": "an assignment, self.name = nn.Parameter(array)",
        "save": "ad.save_weights(model, path)",
        "save_weights": "ad.save_weights(model, path)",
        "set_weights": "model.load_state_dict(state)",
        "to": "dtype=np.float32 in the layers",
        "weights": "model.parameters(), or model.state_dict() by name",
    },
    "fit": {
        "criterion": 'loss="cross_entropy"',
        "learning_rate": "optimizer=lambda p: ad.optim.Adam(p, lr=0.01)",
        "lr": "optimizer=lambda p: ad.optim.Adam(p, lr=0.01)",
        "max_iter": "epochs=",
        "random_state": "seed=",
        "validation_data": "validation=(X_val, y_val)",
        "validation_split": "validation=(X_val, y_val), of rows that you hold out",
        "verbose": "progress=",
        "x": "the data as one argument, data=(X, y)",
        "y": "the data as one argument, data=(X, y)",
    },
}


def instead(place: str, name: str) -> str:
    """Return the clause of an error that says what to write; empty where nothing is known.

    >>> instead("Tensor", "view")
    '; write x.reshape(shape)'
    """
    found = INSTEAD.get(place, {}).get(name)
    return f"; write {found}" if found else ""


class _Answer:
    """An attribute that a class lacks: whoever reads it is told what to write instead."""

    def __init__(self, owner: type, place: str, name: str) -> None:
        self.owner, self.place, self.name = owner, place, name

    def __get__(self, instance: object, kind: type) -> Any:
        try:  # a class that stands after the owner among the bases may have it
            return getattr(super(self.owner, kind if instance is None else instance), self.name)
        except AttributeError:
            who = f"{kind.__name__!r} object" if instance is not None else f"{kind.__name__}"
            raise AttributeError(
                f"{who} has no attribute {self.name!r}{instead(self.place, self.name)}"
            ) from None

    def __repr__(self) -> str:
        return f"<not here{instead(self.place, self.name)}>"


def answers(place: str) -> Callable[[type[_C]], type[_C]]:
    """Return a decorator for the class that is called ``place`` in `INSTEAD`.

    Its objects answer the names that are listed there, and none of these shows in their ``dir``. A
    method ``__getattr__`` would do the same, but Python looks up all attributes of a class that has
    one the slow way, which would be felt in every operation.
    """

    def decorate(owner: type[_C]) -> type[_C]:
        for name in INSTEAD[place]:
            setattr(owner, name, _Answer(owner, place, name))
        owner.__dir__ = _names  # type: ignore[assignment]
        return owner

    return decorate


def _names(value: object) -> list[str]:
    """Return the names of an object's attributes, without those that it only answers."""

    def is_there(name: str) -> bool:
        found = inspect.getattr_static(value, name, None)
        return not isinstance(found, _Answer) or hasattr(value, name)

    return list(filter(is_there, object.__dir__(value)))


def advised(function: Callable[_P, _R]) -> Callable[_P, _R]:
    """Let a function say what works when it is called with the arguments of another library's.

    Raises
    ------
    TypeError
        At a call, if the function has no such keyword or takes fewer arguments by position.
    """
    signature = inspect.signature(function)
    kinds = [parameter.kind for parameter in signature.parameters.values()]
    by_position = kinds.count(inspect.Parameter.POSITIONAL_OR_KEYWORD)
    name = function.__name__

    @functools.wraps(function)
    def called(*args: _P.args, **kwargs: _P.kwargs) -> _R:
        for keyword in kwargs:
            if keyword not in signature.parameters:
                advice = instead(name, keyword)
                raise TypeError(f"{name}: there is no argument {keyword!r}{advice}")
        if len(args) > by_position:
            advice = instead(name, "y")
            raise TypeError(
                f"{name}: takes {by_position} arguments by position, got {len(args)}{advice}"
            )
        return function(*args, **kwargs)

    return called
