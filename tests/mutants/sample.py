"""Which mutants are tried: a seeded sample, the same share of each part of the package."""

from __future__ import annotations

import random
from pathlib import Path

from .mutant import Mutant, mutants
from .tree import PACKAGE, ROOT

# Parts of the package, and the modules and packages that each is made of.
NOUNS = {
    "core": ["core"],
    "ops": ["ops"],
    "graphs": ["graphs"],
    "compiler": ["compiler"],
    "optim": ["optim"],
    "nn": ["nn"],
    "training": ["training"],
}


def drawn(nouns: list[str], count: int, seed: int) -> list[Mutant]:
    """Draw mutants without replacement, the same number of each noun as far as it has so many.

    Parameters
    ----------
    nouns : list of str
        Keys of `NOUNS`, or modules or packages of adjoint; all of `NOUNS` if the list is empty.
    count : int
        How many mutants in all.
    seed : int
    """
    rows = []
    for noun in nouns or NOUNS:
        row = mutants_of(noun)
        random.Random(f"{seed} {noun}").shuffle(row)
        rows.append(row)
    return _in_turns(rows)[:count]


def mutants_of(noun: str) -> list[Mutant]:
    """Return all mutants of a noun, in the order of files and lines."""
    package = ROOT / PACKAGE
    files = [file for module in NOUNS.get(noun, [noun]) for file in _files(package, module)]
    names = [file.relative_to(package).as_posix() for file in files]
    return [
        mutant
        for name, file in zip(names, files, strict=True)
        for mutant in mutants(name, file.read_text(encoding="utf-8"))
    ]


def with_keys(keys: list[list[str]]) -> list[Mutant]:
    """Return the mutants that have these keys, as far as the source still has them."""
    wanted = {tuple(key) for key in keys}
    files = sorted({file for file, *_ in wanted})
    found = [mutant for file in files for mutant in mutants_of(file.removesuffix(".py"))]
    return [mutant for mutant in found if mutant.key in wanted]


def _files(package: Path, module: str) -> list[Path]:
    path = package / module.replace(".", "/")
    files = sorted(path.rglob("*.py")) if path.is_dir() else [path.with_suffix(".py")]
    if not all(file.is_file() for file in files) or not files:
        raise ValueError(f"adjoint has no module {module!r}; nouns are {', '.join(NOUNS)}")
    return files


def _in_turns(rows):
    """Take one of each row, then the next of each, until all are taken."""
    longest = max(map(len, rows), default=0)
    return [row[turn] for turn in range(longest) for row in rows if turn < len(row)]
