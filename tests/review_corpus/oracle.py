"""The oracle says by finite differences alone which gradients of a layer are wrong."""

from __future__ import annotations

import functools

import numpy as np

from .kinds import BY_NAME

STEP = 1e-5
RATE = 0.25


@functools.cache
def _forward(kind_name):
    kind = BY_NAME[kind_name]
    space = {"np": np}
    body = "\n".join(f"    {line}" for line in kind.forward.splitlines())
    exec(f"def forward({', '.join(kind.arguments)}):\n{body}\n    return {kind.output}\n", space)
    return space["forward"]


@functools.cache
def truth(kind_name, seed):
    """Return arguments, a cotangent and the gradients by central differences."""
    kind, forward = BY_NAME[kind_name], _forward(kind_name)
    rng = np.random.default_rng(seed)
    arguments = kind.draw(rng)
    g = np.asarray(rng.standard_normal(np.shape(forward(*arguments))))
    gradients = {}
    for name in kind.gradients:
        place = kind.arguments.index(name)
        found = np.zeros(arguments[place].shape)
        for entry in np.ndindex(found.shape):
            values = []
            for step in (STEP, -STEP):
                moved = [np.array(x) for x in arguments]
                moved[place][entry] += step
                values.append(np.sum(g * forward(*moved)))
            found[entry] = (values[0] - values[1]) / (2 * STEP)
        gradients[name] = found
    return arguments, g, gradients


def wrong(layer):
    """Return the names of the gradients that are wrong, all of them if the pass raises."""
    with np.errstate(all="ignore"):
        return _wrong(layer)


def _wrong(layer):
    found = set()
    for seed in (1, 2):
        built = layer.build()
        arguments, g, gradients = truth(layer.kind.name, seed)
        try:
            _call(layer, built, tuple(map(_other, arguments)), np.asarray(_other(g)))
            given = _call(layer, built, arguments, g)
        except (ValueError, TypeError, IndexError, AttributeError):
            return set(gradients)
        found |= {name for name, x in gradients.items() if not _same(given.get(name), x)}
    return found


def _other(array):
    """Return another array of the same shape for the call before."""
    rolled = np.roll(array, 1, axis=0) if np.ndim(array) else array
    codes = array.dtype.kind != "f" or len(np.unique(array)) <= 2
    return rolled if codes and np.ndim(array) else rolled * 1.3


def _same(got, expected):
    if not isinstance(got, (np.ndarray, np.generic)) or np.shape(got) != expected.shape:
        return False
    if got.dtype == np.float32:
        return False
    scale = np.max(np.abs(expected), initial=0) + 1e-3
    return bool(np.all(np.abs(got - expected) <= 1e-6 * scale))


def _call(layer, built, arguments, g):
    """Return the gradients by name, of whichever form."""
    kind, g = layer.kind, g[()]
    if layer.form in ("arrays", "cache"):
        forward, backward = built[:2]
        result = forward(*arguments)
        given = (g, result[1]) if layer.form == "cache" else (g, *arguments)
        found = backward(*given)
        found = found if isinstance(found, tuple) else (found,)
        names = [name for name in kind.arguments if name in kind.gradients]
        return dict(zip(names, found, strict=True))
    drawn = dict(zip(kind.arguments, arguments, strict=True))
    instance = built[0]
    for name in kind.parameters:
        setattr(instance, name, np.array(drawn[name]))
    instance.forward(*(drawn[name] for name in layer.inputs))
    found = instance.backward(g, RATE) if layer.form == "update" else instance.backward(g)
    found = found if isinstance(found, tuple) else (found,)
    names = [name for name in layer.inputs if name in kind.gradients]
    gradients = dict(zip(names, found, strict=False))
    for name in kind.parameters:
        if layer.form == "update":
            gradients[name] = (drawn[name] - getattr(instance, name)) / RATE
        else:
            gradients[name] = getattr(instance, f"d{name}")
    return gradients
