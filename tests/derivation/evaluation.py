"""A scope gives the formulas of a section values: symbols' entries, or numbers in adjoint's arrays.

Which of the two, is the algebra's business (`entries`, `arrays`). A partial derivative is taken by
differentiating: the scope is cut at the variable, that is, all that the section defines is computed
anew from a value put in the variable's place, and the algebra differentiates this function.
"""

from __future__ import annotations

import functools
import itertools
import operator
from collections.abc import Iterator
from typing import Any

import numpy as np
from latex import LatexError, Statement, Tree
from page import Section

Indices = dict[str, int]
STEPS = 3
# What the optimisers are handed in every step.
GRADIENT = "g"


class Scope:
    """The names of a section: those that are given, and those that are computed from them."""

    def __init__(self, section: Section, algebra: Any, given: dict[str, Any]) -> None:
        self.section, self.algebra, self.given = section, algebra, given
        self.definitions = section.definitions()
        self.known: dict[str, Any] = dict(given)
        self.underway: set[str] = set()
        self.gradients: dict[Any, Any] = {}

    @classmethod
    def of(cls, section: Section, algebra: Any) -> Scope:
        """Return a scope in which the algebra chooses all that the section does not define."""
        defined = section.definitions()
        given = {
            name: algebra.choose(name, where)
            for name, where in section.declared.items()
            if name not in defined
        }
        return cls(section, algebra, given)

    def with_given(self, **given: Any) -> Scope:
        """Return the scope with other values, for what was defined, too: its definition is cut."""
        return Scope(self.section, self.algebra, {**self.given, **given})

    def named(self, name: str, indices: Indices) -> Any:
        """Return what a name stands for: an index, a value, a size."""
        if name in indices:
            return self.algebra.number(indices[name])
        if name in self.underway:
            raise LatexError(f"{name} is defined by itself")
        if name not in self.known:
            self.underway.add(name)
            self.known[name] = self._computed(name)
            self.underway.remove(name)
        return self.known[name]

    def _computed(self, name: str) -> Any:
        if name in self.definitions:
            return self._defined(*self.definitions[name])
        if name in self.algebra.sizes:
            return self.algebra.number(self.algebra.sizes[name])
        if name == r"\mathbf{1}":
            return self.algebra.ones(self.shape(name))
        raise LatexError(f"nothing says what {name} is")

    def _defined(self, target: Tree, formula: Tree) -> Any:
        if target.kind == "symbol":
            return self.value(formula, {})
        rows, columns = self.shape(self.section.array_name(target.name))
        letters = [part.name for part in target.parts]
        if len(letters) == 1:
            letters = ["", *letters] if rows == 1 else [*letters, ""]
        return self.algebra.stack(
            [
                [self.value(formula, dict(zip(letters, place, strict=True))) for place in row]
                for row in _places(rows, columns)
            ]
        )

    def shape(self, name: str) -> tuple[int, ...]:
        """Return the sizes with which a name is declared; () of a number."""
        if name not in self.section.declared:
            raise LatexError(f"nothing says where {name} lives")
        sizes = self.section.declared[name].parts
        return tuple(
            int(size.name) if size.kind == "number" else self.algebra.sizes[size.name]
            for size in sizes
        )

    def value(self, tree: Tree, indices: Indices) -> Any:
        """Return what a formula comes to where its free indices are given."""
        parts = tree.parts
        match tree.kind:
            case "number":
                return self.algebra.number(int(tree.name))
            case "symbol":
                return self.named(tree.name, indices)
            case "entry":
                return self.entry(tree, indices)
            case "sum":
                return self.sum(tree, indices)
            case "partial":
                return self.partial(*parts, indices)
            case "call":
                return self.algebra.call(tree.name, self.value(parts[0], indices))
            case "matrix":
                return [[self.cell(cell, indices) for cell in row.parts] for row in parts]
            case "power" if parts[0] == Tree("symbol", "e"):
                return self.algebra.exp(self.value(parts[1], indices))
        return self.combined(tree.kind, [self.value(part, indices) for part in parts])

    def cell(self, tree: Tree, indices: Indices) -> Any:
        return tree.name if tree.kind == "gap" else self.value(tree, indices)

    def combined(self, kind: str, values: list[Any]) -> Any:
        """Return the value of an operation that only needs those of its operands."""
        match kind:
            case "add":
                return functools.reduce(operator.add, self.of_one_shape(values))
            case "negative":
                return -values[0]
            case "hadamard":
                return functools.reduce(operator.mul, self.of_one_shape(values))
            case "product":
                return functools.reduce(self.algebra.product, values)
            case "fraction":
                return values[0] / values[1]
            case "power":
                return values[0] ** values[1]
            case "transpose":
                return values[0].T
            case "root":
                return self.algebra.sqrt(values[0])
            case "log":
                return self.algebra.log(values[0])
        raise LatexError(f"{kind} has no value")

    def of_one_shape(self, values: list[Any]) -> list[Any]:
        """Return the values: on paper nothing is broadcast."""
        shapes = [np.shape(value) for value in values]
        if len(set(shapes)) > 1:
            raise LatexError(f"entry by entry, of shapes {shapes}")
        return values

    def sum(self, tree: Tree, indices: Indices) -> Any:
        lower, upper, body = tree.parts
        bounds = [int(self.value(bound, indices)) for bound in (lower, upper)]
        terms = [
            self.value(body, {**indices, tree.name: i}) for i in range(bounds[0], bounds[1] + 1)
        ]
        return functools.reduce(operator.add, terms, self.algebra.number(0))

    def entry(self, tree: Tree, indices: Indices) -> Any:
        if tree.name == r"\delta":
            first, second = (self.place(part, indices) for part in tree.parts)
            return self.algebra.number(int(first == second))
        if self.numbered(tree) in self.section.declared:
            return self.named(self.numbered(tree), indices)
        places = [self.place(part, indices) for part in tree.parts]
        name = self.section.array_name(tree.name)
        if not self.shape(name):
            return self.history(name)[places[0] - 1]
        return self.at(self.named(name, {}), places)

    def numbered(self, tree: Tree) -> str:
        """Return the name that β_1 has if it is a symbol, not the first entry of β."""
        return f"{tree.name}_{tree.parts[0].name}"

    def at(self, array: Any, places: list[int]) -> Any:
        """Return an entry; one index is enough in a row or a column."""
        if len(places) == 1:
            places = [1, *places] if array.shape[0] == 1 else [*places, 1]
        if len(places) != 2 or not all(
            0 < i <= n for i, n in zip(places, array.shape, strict=True)
        ):
            raise LatexError(f"no entry {places} in an array of shape {array.shape}")
        return array[places[0] - 1, places[1] - 1]

    def place(self, tree: Tree, indices: Indices) -> int:
        if tree.kind == "number":
            return int(tree.name)
        if tree.name in indices:
            return indices[tree.name]
        if tree.name in self.algebra.sizes:
            return self.algebra.sizes[tree.name]
        raise LatexError(f"{tree.name} is no index")

    def partial(self, numerator: Tree, denominator: Tree, indices: Indices) -> Any:
        """Return ∂numerator/∂denominator; of a whole array, the array of the derivatives."""
        name = self.section.array_name(denominator.name)
        key = (
            numerator,
            name,
            *sorted((k, indices[k]) for k in free_letters(self, numerator) if k in indices),
        )
        if key not in self.gradients:
            self.gradients[key] = self.algebra.gradient(
                lambda y: self.with_given(**{name: y}).value(numerator, indices),
                self.named(name, {}),
            )
        gradient = self.gradients[key]
        if denominator.kind == "symbol":
            return gradient
        return self.at(gradient, [self.place(part, indices) for part in denominator.parts])

    def history(self, name: str) -> list[Any]:
        """Return a number after each of the first steps of its update, from 0; or those given."""
        updates = self.section.updates()
        if name == GRADIENT:
            return self.algebra.history(name, STEPS)
        if name not in updates:
            raise LatexError(f"{name} has no update, so no value in a step")
        found = [self.algebra.number(0)]
        for step in range(STEPS):
            now = {name: found[-1], GRADIENT: self.algebra.history(GRADIENT, STEPS)[step]}
            found.append(self.with_given(**now).value(updates[name], {}))
        return found[1:]

    def holds(self, statement: Statement) -> bool:
        """Whether all sides are equal, for all values of the free indices."""
        letters = free_letters(self, Tree("all", parts=statement.sides))
        for places in itertools.product(*(range(1, size + 1) for size in letters.values())):
            indices = dict(zip(letters, places, strict=True))
            values = [self.value(side, indices) for side in statement.sides]
            if not all(self.same(*pair) for pair in itertools.pairwise(values)):
                return False
        return True

    def same(self, left: Any, right: Any) -> bool:
        if isinstance(left, list):
            left, right = right, left
        if isinstance(right, list):
            return all(self.algebra.same(*pair) for pair in _shown(right, left))
        return bool(self.algebra.same(left, right))


def free_letters(scope: Scope, tree: Tree, bound: frozenset[str] = frozenset()) -> dict[str, int]:
    """Return the indices for which a formula is stated, with the size of what they run over."""
    not_free = bound | scope.algebra.sizes.keys()
    if tree.kind == "entry":
        return {name: size for name, size in _indexed(scope, tree) if name not in not_free}
    found: dict[str, int] = {}
    if tree.kind == "sum":
        lower, upper, body = tree.parts
        if upper.kind == "symbol" and upper.name not in not_free:
            found[upper.name] = STEPS
        parts, bound = (lower, body), bound | {tree.name}
    else:
        parts = tree.parts
    for part in parts:
        found = free_letters(scope, part, bound) | found
    return found


def _indexed(scope: Scope, tree: Tree) -> Iterator[tuple[str, int]]:
    """Yield the letters that an entry has for indices, and how far each may run."""
    if tree.name == r"\delta" or scope.numbered(tree) in scope.section.declared:
        return
    shape = scope.shape(scope.section.array_name(tree.name))
    sizes = shape if len(tree.parts) == 2 else [max(shape, default=STEPS)]
    for part, size in zip(tree.parts, sizes, strict=True):
        if part.kind == "symbol":
            yield part.name, size


def _places(rows: int, columns: int) -> Iterator[list[tuple[int, int]]]:
    for i in range(1, rows + 1):
        yield [(i, j) for j in range(1, columns + 1)]


def _shown(rows: list[list[Any]], array: Any) -> Iterator[tuple[Any, Any]]:
    """Pair the cells of a matrix that leaves some out with the entries that they stand for."""
    for i, row in _positions(rows, array.shape[0], lambda row: row[0] == r"\vdots"):
        for j, cell in _positions(row, array.shape[1], lambda cell: isinstance(cell, str)):
            yield cell, array[i, j]


def _positions(items: list[Any], size: int, is_gap: Any) -> Iterator[tuple[int, Any]]:
    gap = next((i for i, item in enumerate(items) if is_gap(item)), None)
    if gap is None and len(items) != size:
        raise LatexError(f"{len(items)} shown where there are {size}")
    for i, item in enumerate(items):
        if gap is None or i < gap:
            yield i, item
        elif i > gap:
            yield size - len(items) + i, item
