"""A frame's reader is how an exported file reads the columns that an estimator was fitted to."""

from __future__ import annotations

import inspect
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..core.annotations import Array
from ..core.value import Value
from ..estimators.tables import TableEncoder
from ..ops.structural import astype, concatenate
from .fields import Field
from .frame_functions import FUNCTIONS, encode_frame
from .onnx_graph import OnnxGraph, Wire
from .onnx_texts import exact_codes
from .python_text import golden_array, without_annotations
from .refusal import ExportError
from .subject import Subject

_ROWS = 8


def reads_texts(levels: Sequence[Any]) -> bool:
    """Return whether categories are no numbers."""
    return not all(isinstance(level, (int, float)) for level in levels)


@dataclass(frozen=True)
class FrameReader:
    """How the columns of a frame become numbers, written for targets.

    Attributes
    ----------
    columns : list of dict
        The name of each, its categories if they are texts, and whether no number may be missing.
    subject : Subject
        What takes the numbers.
    """

    columns: list[dict[str, Any]]
    subject: Subject

    @classmethod
    def of(cls, table: TableEncoder, names: Sequence[str], subject: Subject) -> FrameReader:
        """Return the reader of an estimator's columns.

        Raises
        ------
        ExportError
            If a column has categories of several types.
        """
        columns = []
        for place, name in enumerate(names):
            levels = table.levels.get(place, [])
            is_text = reads_texts(levels)
            if is_text and not all(isinstance(level, str) for level in levels):
                raise ExportError(
                    f"export: column {name!r} holds categories that are neither all texts nor all "
                    "numbers; convert them to one type"
                )
            is_needed = table.means is None and place not in table.levels
            told = levels if is_text else None
            columns.append({"name": name, "levels": told, "must_be_there": is_needed})
        return cls(columns, subject)

    @property
    def target(self) -> str:
        """What is predicted."""
        return "prediction"

    def computing_in(self, dtype: Any, subject: Subject) -> FrameReader:
        """Return a reader for a subject of another dtype."""
        return replace(self, subject=subject)

    # --- in ONNX

    def by_column(self, subject: Subject) -> Subject:
        """Return a subject that takes an array for each column."""
        inner, (example,) = subject.function, subject.examples
        dtype = example.dtype

        def predict(*given: Any) -> Any:
            return inner(concatenate([astype(x, dtype=dtype) for x in given], axis=1))

        examples = tuple(np.zeros((1, 1), self._dtype(column)) for column in self.columns)
        return replace(subject, function=predict, examples=examples, names=())

    def wires(self, graph: OnnxGraph) -> tuple[list[Wire], list[Wire]]:
        """Return the inputs, a column each, and what becomes of them."""
        inputs, found = [], []
        for column in self.columns:
            kind = np.float64 if column["levels"] is None else object
            x = graph.input(column["name"], (graph.rows or 1, 1), kind)
            inputs.append(x)
            graph.place = column["name"]
            found.append(x if column["levels"] is None else exact_codes(graph, x, column["levels"]))
        return inputs, found

    def descriptions(self) -> dict[str, str]:
        """Return what each input is."""
        return {
            column["name"]: "a number, NaN where it is missing"
            if column["levels"] is None
            else f"one of {len(column['levels'])} categories"
            for column in self.columns
        }

    def metadata(self) -> str:
        """Return the columns as JSON."""
        return json.dumps(self.columns)

    def golden_by_column(self) -> tuple[list[Array], list[Array]]:
        """Return columns to test an export with, and the results."""
        table = self.golden()
        found = self._outputs(table)
        inputs = [
            np.array([[float("nan") if x is None else x] for x in values])
            if column["levels"] is None
            else np.array([["" if x is None else x] for x in values], object)
            for column, values in zip(self.columns, table.values(), strict=True)
        ]
        return inputs, [found]

    @staticmethod
    def _dtype(column: dict[str, Any]) -> Any:
        return np.float64 if column["levels"] is None else np.int64

    # --- in C and JavaScript

    def fields(self) -> list[Field]:
        """Return how the columns of a row are read."""
        told = self.descriptions()
        return [
            Field(
                column["name"],
                "number" if column["levels"] is None else "category",
                told[column["name"]],
                is_exact=True,
                must_be_there=column["must_be_there"],
                levels=tuple(column["levels"] or ()),
            )
            for column in self.columns
        ]

    def of_numbers(self, subject: Subject) -> Subject:
        """Return a subject that takes the numbers of the fields of a row."""
        inner, (example,) = subject.function, subject.examples
        names, width = tuple(field.name for field in self.fields()), len(self.columns)

        def predict(x: Any) -> Any:
            return astype(inner(astype(x, dtype=example.dtype)), dtype=np.dtype(np.float64))

        return replace(subject, function=predict, examples=(np.zeros((1, width)),), columns=names)

    def golden_texts(self) -> tuple[dict[str, list[str | None]], Array]:
        """Return the texts of a frame to test an export with, and the results."""
        table = self.golden()
        texts = {
            name: [None if x is None else x if isinstance(x, str) else repr(x) for x in values]
            for name, values in table.items()
        }
        return texts, self._outputs(table)

    # --- in Python

    def text(self) -> str:
        """Return the function and the columns that read a frame."""
        described = [f"    {column!a}," for column in self.columns]
        functions = [without_annotations(inspect.getsource(f)) for f in FUNCTIONS]
        lines = ["", "COLUMNS = [", *described, "]"]
        return "\n".join([*lines, *(f"\n\n{text}" for text in functions)])

    def call(self, name: str, inner: str, weights: list[str]) -> list[str]:
        """Return the function that users call."""
        if name == encode_frame.__name__:
            raise ExportError(f"python: the file has a {name} already; choose another name")
        (example,) = self.subject.examples
        lines = [
            "",
            f"def {name}(frame):",
            '    """Return the result for the rows of a frame, or of a dict of columns."""',
            f"    x = encode_frame(frame, COLUMNS).astype(np.{example.dtype})",
            '    with np.errstate(all="ignore"):',
            f"        return {inner}(x, [{', '.join(weights)}])",
        ]
        if not self.subject.is_classifier:
            return lines
        told = "# The class that each column of the result is the probability of."
        return [*lines, "", "", told, f"LABELS = {list(self.subject.labels)!a}"]

    def test(self, name: str) -> list[str]:
        """Return lines that compare golden vectors."""
        table = self.golden()
        wanted = golden_array(self._outputs(table))
        (example,) = self.subject.examples
        tolerance = "1e-5" if example.dtype == np.float32 else "1e-11"
        return [
            "",
            "",
            'if __name__ == "__main__":',
            f"    _found = {name}({table!a})",
            f"    _wanted = {wanted}",
            f"    np.testing.assert_allclose(_found, _wanted, rtol={tolerance}, atol={tolerance})",
            '    print("golden vectors: ok")',
        ]

    def golden(self) -> dict[str, list[Any]]:
        """Return a table to test an export with: usual values, missing and unseen ones."""
        rng, found = np.random.default_rng(0), {}
        for place, column in enumerate(self.columns):
            if column["levels"] is None:
                values: list[Any] = rng.normal(size=_ROWS).tolist()
                values[-1] = 0.0 if column["must_be_there"] else None
            else:
                levels = column["levels"] or [""]
                values = [levels[n % len(levels)] for n in range(_ROWS - 2)]
                values += [None, "no such category"]
            found[column["name"]] = values[place % _ROWS :] + values[: place % _ROWS]
        return found

    def _outputs(self, table: dict[str, list[Any]]) -> Array:
        (example,) = self.subject.examples
        x = encode_frame(table, self.columns).astype(example.dtype)
        with np.errstate(all="ignore"):
            found = self.subject.function(x)
        return np.asarray(found.data if isinstance(found, Value) else found)
