"""A document is what the renderings of a derivation read: steps, inputs, results and an entry."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Protocol

from ...core.annotations import Array
from ..phrases import Phrases
from .entry_paths import EntryPaths
from .evaluator import Evaluator
from .formula import Formula
from .function_at_point import FunctionAtPoint
from .lines import WrittenProgram
from .step import Step


class Document(Protocol):
    """A derivation as `text`, `markdown`, `latex`, `html` and `script` see it."""

    program: WrittenProgram
    subject: FunctionAtPoint
    evaluator: Evaluator
    inputs: Mapping[str, Array]
    gradient: Mapping[str, Array]
    entry: EntryPaths | None

    equalities: int
    say: Phrases

    @property
    def title(self) -> str:
        """What is explained."""

    @property
    def verdict(self) -> str:
        """How many equalities hold."""

    def written(self, name: str) -> Formula:
        """Return how a name is written."""

    def __iter__(self) -> Iterator[Step]:
        """Walk through the steps."""

    def given(self) -> Iterator[tuple[Formula, Array]]:
        """Yield each input's formula and value, and those of long constants."""

    def results(self) -> Iterator[tuple[Formula, Array]]:
        """Yield each gradient's formula, and what the engine gives."""

    def printed(self, value: Array) -> str:
        """Return what is printed of a value."""

    def slack(self, name: str) -> float:
        """Return how far a value may be from the engine's."""
