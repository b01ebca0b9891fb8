"""An attribute is an array inside of an object, found by walking, with the path to it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import FunctionType, ModuleType
from typing import Any

import numpy as np

Path = tuple[tuple[str, Any], ...]

_DEEPEST = 6
_ALIASES = {
    "weight": ("weight", "weights", "W", "w"),
    "bias": ("bias", "biases", "b"),
}
_PARAMETER_STEMS = ("w", "weight", "weights", "b", "bias", "biases", "gamma", "beta")
_BIAS_STEMS = ("b", "bias", "biases", "beta")


def walk(item: object) -> Iterator[tuple[Path, Any]]:
    """Yield every array in an object, in its lists, dicts and the objects it holds."""
    return ((path, leaf) for path, leaf in _leaves(item, (), set()) if isinstance(leaf, np.ndarray))


def absent_parameters(item: object) -> Iterator[Path]:
    """Yield the places where a parameter could stand and None or False does: ``bias=None``."""
    for path, leaf in _leaves(item, (), set()):
        if (leaf is None or leaf is False) and is_parameter_name(str(path[-1][1])):
            yield path


def _leaves(item: object, path: Path, seen: set[int]) -> Iterator[tuple[Path, Any]]:
    if item is None or item is False or isinstance(item, np.ndarray):
        yield path, item
        return
    if id(item) in seen or len(path) > _DEEPEST:
        return
    seen.add(id(item))
    for step, child in _children(item):
        yield from _leaves(child, (*path, step), seen)


def _children(item: object) -> list[tuple[tuple[str, Any], Any]]:
    if isinstance(item, dict):
        return [(("item", key), child) for key, child in item.items()]
    if isinstance(item, (list, tuple)):
        return [(("item", key), child) for key, child in enumerate(item)]
    is_numpy = type(item).__module__.partition(".")[0] == "numpy"
    if is_numpy or isinstance(item, (type, FunctionType, ModuleType)):
        return []
    return [(("attribute", key), child) for key, child in getattr(item, "__dict__", {}).items()]


def read(item: Any, path: Path) -> Any:
    """Return what stands at a path, or None."""
    for kind, key in path:
        try:
            item = item[key] if kind == "item" else getattr(item, key)
        except (KeyError, IndexError, AttributeError, TypeError):
            return None
    return item


def write(item: object, path: Path, value: object) -> None:
    """Put a value at a path."""
    owner = read(item, path[:-1])
    kind, key = path[-1]
    if kind == "item":
        owner[key] = value
    else:
        setattr(owner, key, value)


def show(path: Path) -> str:
    """Return a path as Python writes it: layers[0].W."""
    text = ""
    for kind, key in path:
        text += f"[{key!r}]" if kind == "item" else f".{key}"
    return text.lstrip(".")


def parse(text: str) -> Path:
    """Return the path of a text such as ``layers[0].W``.

    >>> parse("layers[0].W")
    (('attribute', 'layers'), ('item', 0), ('attribute', 'W'))
    """
    path: list[tuple[str, Any]] = []
    for part in text.replace("[", ".[").split("."):
        if part.startswith("["):
            key = part[1:-1].strip("'\"")
            path.append(("item", int(key) if key.lstrip("-").isdigit() else key))
        elif part:
            path.append(("attribute", part))
    return tuple(path)


def stem_of(name: str) -> str:
    """Return a parameter's name without number, underscores and case: W1 and _w are w."""
    return name.strip("_").rstrip("0123456789").rstrip("_").lower()


def is_parameter_name(name: str) -> bool:
    """Return whether a name is one that parameters have."""
    return stem_of(name) in _PARAMETER_STEMS


def is_bias_name(name: str) -> bool:
    """Return whether a name is one that biases have."""
    return stem_of(name.rpartition(".")[2].partition("[")[0]) in _BIAS_STEMS


def gradient_names(name: str) -> list[str]:
    """Return the names under which the gradient of an attribute is looked for, best first.

    >>> gradient_names("W2")[:4]
    ['dW2', 'd_W2', 'grad_W2', 'W2_grad']
    """
    stems = [name]
    bare = name.strip("_")
    tail = bare[len(bare.rstrip("0123456789")) :]
    for aliases in _ALIASES.values():
        if bare.rstrip("0123456789") in aliases:
            stems += [alias + tail for alias in aliases]
    names = []
    for stem in dict.fromkeys([*stems, bare]):
        names += [f"d{stem}", f"d_{stem}", f"grad_{stem}", f"{stem}_grad"]
        names += [f"gradient_{stem}", f"{stem}_gradient", f"grad{stem}", f"g_{stem}", f"d{stem}_"]
        names += [f"d{stem.lower()}", f"_d{stem}"]
    if bare in ("data", "value"):
        names += ["grad", "gradient"]
    return list(dict.fromkeys(names))


def gradient_path(item: object, path: Path) -> Path | None:
    """Return where the gradient of an attribute stands, by the names of both."""
    kind, key = path[-1]
    for name in gradient_names(str(key)):
        place: Path = (*path[:-1], (kind, name))
        if name != key and isinstance(read(item, place), (np.ndarray, float, np.generic)):
            return place
    if kind == "item" and len(path) > 1 and not isinstance(key, int):
        return _beside(item, path, key)
    return None


def _beside(item: object, path: Path, key: object) -> Path | None:
    """Return the place in a dict of gradients beside a dict of parameters."""
    for container in ("grads", "gradients", "grad", "d_params", "dparams"):
        for name in (key, *gradient_names(str(key))):
            place: Path = (*path[:-2], ("attribute", container), ("item", name))
            if isinstance(read(item, place), (np.ndarray, float, np.generic)):
                return place
    return None


def explicit_paths(parameters: Mapping[str, str]) -> dict[Path, Path]:
    """Return the paths of a mapping of parameters to gradients that the user gave."""
    return {parse(value): parse(gradient) for value, gradient in parameters.items()}
