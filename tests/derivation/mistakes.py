"""A mistake is a formula with one thing wrong in it, as a hand that copies it might get wrong."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from latex import Statement, Tree
from page import Equation, Section


def mistakes(section: Section, equation: Equation) -> Iterator[tuple[str, Equation]]:
    """Yield every equation that is one mistake away, and what the mistake is."""
    for i, statement in enumerate(equation.statements):
        letters = _letters(statement)
        for j, side in enumerate(statement.sides):
            if j == 0 and statement.relations[0] in {":=", r"\leftarrow"}:
                continue
            for what, wrong in _wrong(side, section, letters):
                sides = (*statement.sides[:j], wrong, *statement.sides[j + 1 :])
                changed = replace(statement, sides=sides)
                all_ = (*equation.statements[:i], changed, *equation.statements[i + 1 :])
                yield what, Equation(equation.number, all_)


def _letters(statement: Statement) -> list[str]:
    """Return the indices of a statement, in the order of their first use."""
    found: dict[str, None] = {}

    def visit(tree: Tree) -> None:
        if tree.kind == "entry":
            found.update((part.name, None) for part in tree.parts if part.kind == "symbol")
        for part in tree.parts:
            visit(part)

    for side in statement.sides:
        visit(side)
    return list(found)


def _wrong(tree: Tree, section: Section, letters: list[str]) -> Iterator[tuple[str, Tree]]:
    """Yield the trees with one mistake, at the root or further down."""
    yield from _wrong_here(tree, section, letters)
    if tree.kind == "entry":
        return
    for i, part in enumerate(tree.parts):
        for what, wrong in _wrong(part, section, letters):
            yield what, replace(tree, parts=(*tree.parts[:i], wrong, *tree.parts[i + 1 :]))


def _wrong_here(tree: Tree, section: Section, letters: list[str]) -> Iterator[tuple[str, Tree]]:
    parts = tree.parts
    match tree.kind:
        case "transpose" | "root" | "negative" | "log":
            yield f"without the {tree.kind}", parts[0]
        case "add":
            for i, part in enumerate(parts):
                yield f"sign of term {i + 1}", _with(tree, i, _negated(part))
                yield f"without term {i + 1}", _of(tree, [*parts[:i], *parts[i + 1 :]])
        case "product" | "hadamard":
            for i in range(len(parts)):
                yield f"without factor {i + 1}", _of(tree, [*parts[:i], *parts[i + 1 :]])
            for i in range(len(parts) - 1):
                if _is_array(parts[i], section) and _is_array(parts[i + 1], section):
                    swapped = [*parts[:i], parts[i + 1], parts[i], *parts[i + 2 :]]
                    yield f"factors {i + 1} and {i + 2} swapped", _of(tree, swapped)
        case "fraction":
            yield "without the denominator", parts[0]
            yield "upside down", replace(tree, parts=parts[::-1])
        case "power":
            yield "without the exponent", parts[0]
        case "call" if tree.name == r"\sigma'":
            yield "σ for σ'", replace(tree, name=r"\sigma")
        case "call" if tree.name == r"\sigma":
            yield "σ' for σ", replace(tree, name=r"\sigma'")
        case "call" if tree.name == r"\mathrm{sign}":
            yield "without the sign", parts[0]
        case "number":
            yield "another number", replace(tree, name=str(int(tree.name) + 1))
        case "sum":
            yield "without the first term", _with(tree, 0, Tree("number", "2"))
            yield "without the sum", _substituted(parts[2], tree.name, "1")
        case "entry":
            yield from _wrong_entries(tree, section, letters)
        case "symbol":
            yield from (
                (f"{other} for {tree.name}", replace(tree, name=other))
                for other in _like(tree.name, section)
            )


def _wrong_entries(tree: Tree, section: Section, letters: list[str]) -> Iterator[tuple[str, Tree]]:
    """Yield the entry with two indices swapped, another index, and one of another array."""
    if len(tree.parts) == 2 and tree.name != r"\delta":
        yield "indices swapped", replace(tree, parts=tree.parts[::-1])
    for i, part in enumerate(tree.parts):
        for letter in letters:
            if part.kind == "symbol" and letter != part.name:
                yield f"{letter} for {part.name}", _with(tree, i, Tree("symbol", letter))
    for other in _like(section.array_name(tree.name), section):
        yield f"{other} for {tree.name}", replace(tree, name=other)


def _like(name: str, section: Section) -> list[str]:
    """Return the names that are declared as this one is."""
    where = section.declared.get(name)
    return [other for other, place in section.declared.items() if place == where and other != name]


def _is_array(tree: Tree, section: Section) -> bool:
    """Whether a factor is a matrix, so that its place in a product matters."""
    if tree.kind == "partial":
        return tree.parts[1].kind == "symbol" and _is_array(tree.parts[1], section)
    if tree.kind == "transpose":
        return True
    where: Any = section.declared.get(tree.name) if tree.kind == "symbol" else None
    return where is not None and bool(where.parts)


def _with(tree: Tree, i: int, part: Tree) -> Tree:
    return replace(tree, parts=(*tree.parts[:i], part, *tree.parts[i + 1 :]))


def _of(tree: Tree, parts: list[Tree]) -> Tree:
    return parts[0] if len(parts) == 1 else replace(tree, parts=tuple(parts))


def _negated(tree: Tree) -> Tree:
    return tree.parts[0] if tree.kind == "negative" else Tree("negative", parts=(tree,))


def _substituted(tree: Tree, letter: str, number: str) -> Tree:
    if tree.kind == "symbol" and tree.name == letter:
        return Tree("number", number)
    return replace(tree, parts=tuple(_substituted(part, letter, number) for part in tree.parts))
