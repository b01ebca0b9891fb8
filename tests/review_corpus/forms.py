"""A form is how a layer is handed in: functions of arrays, of a cache, an object, self-updating."""

from __future__ import annotations

import ast
import linecache
import textwrap
from dataclasses import dataclass, field

import numpy as np

from .kinds import Kind


@dataclass(frozen=True)
class Layer:
    """A layer in one form, as source; the statements of its backward pass may be mutated."""

    kind: Kind
    form: str
    backward: str
    style: str = "plain"
    twist: tuple = ()  # of the form: ("stale", name), ("early",) or ("grown", name)
    label: dict = field(default_factory=dict)

    @property
    def name(self):
        return f"{self.kind.name}/{self.form}/{self.style}"

    def source(self):
        return _FORMS[self.form](self)

    def build(self):
        """Run the source; return the arguments of a review, the inputs' function last."""
        space = {"np": np}
        source, file = self.source(), f"<{self.name} {hash(self.source())}>"
        # As of a file, so that an error can be traced to its line.
        linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
        exec(compile(source, file, "exec"), space)
        if self.form in ("arrays", "cache"):
            return space["forward"], space["backward"], self.kind.draw
        rng = np.random.default_rng(7)
        drawn = dict(zip(self.kind.arguments, self.kind.draw(rng), strict=True))
        layer = space["Layer"](*(drawn[name] for name in self.kind.parameters))

        def inputs(rng):
            drawn = dict(zip(self.kind.arguments, self.kind.draw(rng), strict=True))
            return tuple(drawn[name] for name in self.inputs)

        return layer, inputs

    @property
    def inputs(self):
        return [name for name in self.kind.arguments if name not in self.kind.parameters]


def _names(text):
    return {node.id for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Name)}


def _used(layer):
    """Return the values of the forward pass that the backward pass reads."""
    made = _names(layer.kind.forward) | set(layer.kind.arguments)
    return sorted(made & (_names(layer.backward) | set()) - {"np", "k", "sum", "len", "range"})


def _indent(text, depth=1):
    return textwrap.indent(text, "    " * depth)


def _results(layer):
    found = [layer.kind.gradients[n] for n in layer.kind.arguments if n in layer.kind.gradients]
    return ", ".join(found)


def _arrays(layer):
    kind = layer.kind
    arguments = ", ".join(kind.arguments)
    return (
        f"def forward({arguments}):\n{_indent(kind.forward)}\n    return {kind.output}\n\n\n"
        f"def backward(g, {arguments}):\n{_indent(kind.forward)}\n{_indent(layer.backward)}\n"
        f"    return {_results(layer)}\n"
    )


def _cache(layer):
    kind, used = layer.kind, _used(layer)
    cache = "".join(f"{name}, " for name in used) or "() "
    return (
        f"def forward({', '.join(kind.arguments)}):\n{_indent(kind.forward)}\n"
        f"    return {kind.output}, ({cache})\n\n\n"
        f"def backward(g, cache):\n    {cache}= cache\n{_indent(layer.backward)}\n"
        f"    return {_results(layer)}\n"
    )


def _class(layer, tail, signature="self, g"):
    kind = layer.kind
    inputs, own = layer.inputs, kind.parameters
    made = [f"self.{name} = {name}" for name in own]
    start = [f"{name} = self.{name}" for name in own]
    keep = [_kept(layer, name) for name in _used(layer) if name not in own]
    take = [f"{name} = self.{name if name in own else '_' + name}" for name in _used(layer)]
    lines = [
        "class Layer:",
        f"    def __init__({', '.join(['self', *own])}):",
        *(_indent(line, 2) for line in made or ["pass"]),
        "",
        f"    def forward({', '.join(['self', *inputs])}):",
        *(_indent(line, 2) for line in [*start, kind.forward, *keep]),
        f"        return {kind.output}",
        "",
        f"    def backward({signature}):",
        *(_indent(line, 2) for line in [*take, layer.backward, *tail]),
    ]
    return "\n".join(lines) + "\n"


def _kept(layer, name):
    if layer.twist == ("stale", name):  # the first call's value stays
        return f"self._{name} = getattr(self, '_{name}', {name})"
    return f"self._{name} = {name}"


def _returned(layer):
    found = [layer.kind.gradients.get(name) for name in layer.inputs]
    found = [name for name in found if name is not None]
    return ["return " + ", ".join(found)] if found else []


def _object(layer):
    tail = []
    for name in layer.kind.parameters:
        value = layer.kind.gradients[name]
        if layer.twist == ("grown", name):
            value = f"getattr(self, 'd{name}', 0) + {value}"
        tail.append(f"self.d{name} = {value}")
    return _class(layer, [*tail, *_returned(layer)])


def _update(layer):
    own, gradients = layer.kind.parameters, layer.kind.gradients
    tail = [f"self.{name} = self.{name} - learning_rate * {gradients[name]}" for name in own]
    source = _class(layer, [*tail, *_returned(layer)], "self, g, learning_rate")
    return _early(layer, source) if layer.twist[:1] == ("early",) else source


def _early(layer, source):
    """Update a weight before the statement that reads it."""
    _, name, statement = layer.twist
    line = f"self.{name} = {name} = self.{name} - learning_rate * {layer.kind.gradients[name]}"
    late = f"        self.{name} = self.{name} - learning_rate * {layer.kind.gradients[name]}\n"
    source = source.replace(late, "")
    first = statement.splitlines()[0]
    return source.replace(f"        {first}\n", f"        {line}\n        {first}\n")


_FORMS = {"arrays": _arrays, "cache": _cache, "object": _object, "update": _update}


def forms_of(kind):
    """Return the forms that a kind can be given in."""
    return ["arrays", "cache", "object", *(["update"] if kind.parameters else [])]
