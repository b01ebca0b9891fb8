"""A table's reader is how an exported file reads columns, and names its predictions."""

from __future__ import annotations

import inspect
import json
from collections import Counter
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..core.annotations import Array
from ..errors import require
from ..nn.module import Module
from ..ops.structural import astype, concatenate, reshape
from ..tables.calendar import part_of_time
from ..tables.column import Column
from ..tables.date_format import DateFormat
from ..tables.encoder import DTYPE
from ..tables.model import TableModel
from ..tables.scaling import scaling_of
from .fields import Field
from .onnx_graph import OnnxGraph, Wire
from .onnx_texts import descriptions, tidy_codes
from .python_text import golden_array, without_annotations
from .refusal import ExportError
from .subject import Subject
from .table_examples import GOLDEN_ROWS, text_examples, typed_examples
from .table_functions import ABOUT_DATES, CONSTANTS, FUNCTIONS, NO_MOMENT


def of_table_model(model: TableModel) -> Subject:
    """Return a model of `adjoint fit` as a subject, with the rules by which it reads a table."""
    return _subject(model, model.target.labels, DTYPE, model.target.answer)


def of_tabular(estimator: Any) -> Subject:
    """Return a fitted TabularClassifier or TabularRegressor as a subject.

    Raises
    ------
    ExportError
        If it is not fitted, or a class is neither a text nor a number.
    """
    kind = type(estimator).__name__
    if not hasattr(estimator, "model_"):
        raise ExportError(f"export: this {kind} is not fitted yet; call fit first")
    labels = getattr(estimator, "classes_", np.array([])).tolist()
    strange = [x for x in labels if not isinstance(x, (str, int, float))]
    if strange:
        raise ExportError(f"export: the class {strange[0]!r} is neither a text nor a number")
    # It computes in float64, see `TabularEstimator`.
    return _subject(estimator.model_, labels, np.float64, f"{kind}, as fitted")


def _subject(model: TableModel, labels: list[Any], dtype: Any, about: str) -> Subject:
    network, target = model.network, model.target
    network.eval()

    def predict(x: Any) -> Any:
        return target.answers(astype(network(x), dtype=np.dtype(np.float64)))

    is_classifier = target.task == "classification"
    return Subject(
        predict,
        (np.zeros((1, model.encoder.width), dtype),),
        about,
        has_rows=True,
        labels=tuple(map(str, labels)),
        is_classifier=is_classifier,
        reader=TableReader(model, labels, np.dtype(dtype)),
        names=("x",),
        classes=np.array(labels) if is_classifier else None,
        results=("variable",),
    )


@dataclass(frozen=True)
class TableReader:
    """How the columns of a table become numbers, written for targets.

    Attributes
    ----------
    model : TableModel
    labels : list
        The classes as they are predicted.
    dtype : dtype
        What the network computes in.
    """

    model: TableModel
    labels: list[Any]
    dtype: np.dtype[Any]

    @property
    def target(self) -> str:
        """What is predicted."""
        target = self.model.target
        return target.answer if target.quantiles else target.name

    def computing_in(self, dtype: Any, subject: Subject) -> TableReader:
        """Return a reader for a subject of another dtype."""
        return replace(self, dtype=np.dtype(dtype))

    # --- in ONNX

    def by_column(self, subject: Subject) -> Subject:
        """Return a subject that takes an array for each column: numbers, or those of categories."""
        columns = [_Scaled(column) for column in self.model.encoder.columns]
        outputs, dtype = subject.function, self.dtype

        def predict(*given: Any) -> Any:
            parts = [part for read, x in zip(columns, given, strict=True) for part in read(x)]
            found = outputs(astype(concatenate(parts, axis=1), dtype=dtype))
            return found if len(found.shape) == 2 else reshape(found, shape=(found.shape[0], 1))

        kinds = {"number": np.float64, "category": np.int64, "date": np.int64}
        examples = tuple(np.zeros(1, kinds[one.column.kind]) for one in columns)
        places = {id(one): one.column.name for one in columns}
        return replace(subject, function=predict, examples=examples, names=(), places=places)

    def wires(self, graph: OnnxGraph) -> tuple[list[Wire], list[Wire]]:
        """Return the inputs, a column each, and what becomes of them."""
        kinds = {"number": np.float64, "category": object, "date": np.int64}
        columns, shape = self.model.encoder.columns, (graph.rows or 1, 1)
        inputs = [graph.input(one.name, shape, kinds[one.kind]) for one in columns]
        found = []
        for column, x in zip(columns, inputs, strict=True):
            graph.place = column.name
            if column.kind == "category":
                missing = column.missing if column.has_missing else None
                x = tidy_codes(graph, x, column.levels, missing)
            found.append(x.reshaped(shape[:1]))
        return inputs, found

    def descriptions(self) -> dict[str, str]:
        """Return what each input is."""
        return descriptions(self.model.encoder.columns)

    def metadata(self) -> str:
        """Return how the columns are read, and how texts write them, as JSON."""
        return json.dumps([_described(one) for one in self.model.encoder.columns])

    def golden_by_column(self) -> tuple[list[Array], list[Array]]:
        """Return a table of numbers, texts and moments to test an export with, and the results."""
        pyarrow = require("pyarrow", extra="cli", purpose="a model of a table")
        inputs, columns = [], {}
        for place, column in enumerate(self.model.encoder.columns):
            given, arrow = typed_examples(column, place, pyarrow)
            inputs.append(given)
            columns[column.name] = arrow
        with np.errstate(all="ignore"):
            found = self._outputs(pyarrow.table(columns))
        return inputs, [found if found.ndim == 2 else found[:, np.newaxis]]

    # --- in C and JavaScript

    def fields(self) -> list[Field]:
        """Return how the columns of a row are read."""
        return [
            Field.of(_described(one), str(one), is_time=one.dates is not None and one.dates.is_time)
            for one in self.model.encoder.columns
        ]

    def of_numbers(self, subject: Subject) -> Subject:
        """Return a subject that takes the numbers of the fields of a row."""
        columns, outputs, dtype = self.model.encoder.columns, subject.function, self.dtype
        fields = self.fields()

        def predict(x: Any) -> Any:
            parts, place = [], 0
            for column, field in zip(columns, fields, strict=True):
                parts += _from_numbers(column, field, x[:, place : place + len(field.numbers)])
                place += len(field.numbers)
            return outputs(astype(concatenate(parts, axis=1), dtype=dtype))

        names = tuple(name for field in fields for name in field.numbers)
        example = np.zeros((1, len(names)))
        return replace(subject, function=predict, examples=(example,), columns=names)

    def golden_texts(self) -> tuple[dict[str, list[str | None]], Array]:
        """Return the texts of a table to test an export with, and the results."""
        pyarrow = require("pyarrow", extra="cli", purpose="a model of a table")
        table = self.golden()
        arrays = [pyarrow.array(values, pyarrow.string()) for values in table.values()]
        with np.errstate(all="ignore"):
            return table, self._outputs(pyarrow.table(arrays, names=list(table)))

    # --- in Python

    def text(self) -> str:
        """Return the functions and constants that read a table."""
        columns = self.model.encoder.columns
        has_dates = any(column.kind == "date" for column in columns)
        left_out = () if has_dates else ABOUT_DATES
        functions = [
            without_annotations(inspect.getsource(f)) for f in FUNCTIONS if f not in left_out
        ]
        constants = [f"{name} = {value!a}" for name, value in CONSTANTS.items()]
        described = [f"    {_described(column)!a}," for column in columns]
        lines = ["", *constants, "COLUMNS = [", *described, "]"]
        return "\n".join([*lines, *(f"\n\n{text}" for text in functions)])

    def call(self, name: str, inner: str, weights: list[str]) -> list[str]:
        """Return the function that users call."""
        if name in {*CONSTANTS, *(f.__name__ for f in FUNCTIONS)}:
            raise ExportError(
                f"python: the file has its own {name}; choose another name, as --name model"
            )
        target, state = self.model.target, ", ".join(weights)
        lines = [
            "",
            f"def {name}(table):",
            '    """Return the predictions for the rows of a table, by column.',
            "",
            "    The table is a dict of the values of each column: texts as they stand in a file,",
            "    numbers, or dates; None is missing.",
            '    """',
            f"    x = encode_table(table, COLUMNS).astype(np.{self.dtype})",
            '    with np.errstate(all="ignore"):',
            f"        y = {inner}(x, [{state}])",
        ]
        if target.kind == "regression":
            return [*lines, '    return {"prediction": y}']
        if target.task == "regression":
            names = list(target.columns_of(np.empty((0, target.outputs))))
            return [*lines, f"    return dict(zip({names!a}, y.T))"]
        kind = ", object" if all(isinstance(label, str) for label in self.labels) else ""
        return [
            *lines,
            '    chances = {f"probability_{label}": y[:, k] for k, label in enumerate(LABELS)}',
            f'    return {{"prediction": np.array(LABELS{kind})[y.argmax(axis=1)], **chances}}',
            "",
            "",
            f"LABELS = {self.labels!a}",
        ]

    def test(self, name: str) -> list[str]:
        """Return lines that compare golden vectors: texts that are usual, missing and unseen."""
        with np.errstate(all="ignore"):  # weights and bounds of columns may be huge
            table = self.golden()
            found = self._predicted(table)
        wanted = ", ".join(f"{column!a}: {_written_out(y)}" for column, y in found.items())
        return [
            "",
            "",
            'if __name__ == "__main__":',
            f"    _table = {table!a}",
            f"    _expected = {{{wanted}}}",
            f"    _found = {name}(_table)",
            "    assert list(_found) == list(_expected)",
            "    for _column, _wanted in _expected.items():",
            "        if not isinstance(_wanted[0], float):",
            "            assert _found[_column].tolist() == _wanted, _column",
            "        else:",
            "            y = _found[_column]",
            "            np.testing.assert_allclose(y, _wanted, rtol=1e-5, atol=1e-6)",
            '    print("golden vectors: ok")',
        ]

    def golden(self) -> dict[str, list[str | None]]:
        """Return a table of texts to test an export with."""
        columns = self.model.encoder.columns
        count = GOLDEN_ROWS
        return {c.name: text_examples(c, place, count) for place, c in enumerate(columns)}

    def _predicted(self, table: dict[str, list[str | None]]) -> dict[str, Any]:
        pyarrow = require("pyarrow", extra="cli", purpose="a model of a table")
        arrays = [pyarrow.array(values, pyarrow.string()) for values in table.values()]
        found = self._outputs(pyarrow.table(arrays, names=list(table)))
        if self.model.target.task == "regression":
            return self.model.target.columns_of(found)
        kind = object if all(isinstance(label, str) for label in self.labels) else None
        chances = {f"probability_{label}": found[:, k] for k, label in enumerate(self.labels)}
        return {"prediction": np.array(self.labels, kind)[found.argmax(axis=1)], **chances}

    def _outputs(self, block: Any) -> Array:
        rows = self.model.encoder.encode(block, Counter())
        return self.model.outputs(rows.astype(self.dtype))


class _Scaled(Module):
    """A column of numbers as the columns that a network reads."""

    def __init__(self, column: Column) -> None:
        self.column = column

    def forward(self, x: Any) -> list[Any]:
        """Return columns, (n, 1) each, of numbers, moments or the numbers of categories."""
        found = [x]
        if self.column.kind == "number":
            found = self.column.columns_of(np.where(np.isfinite(x), x, np.nan))
        elif self.column.kind == "date":
            seconds = np.where(x == NO_MOMENT, np.nan, x / 1e6)
            found = self.column.columns_of(seconds, lambda part: part_of_time(part, x))
        return [reshape(astype(y, dtype=np.dtype(DTYPE)), shape=(x.shape[0], 1)) for y in found]


def _from_numbers(column: Column, field: Field, x: Any) -> list[Any]:
    """Return the columns that a network reads, (n, 1) each, of the numbers of a field."""
    first = x[:, 0]
    if column.kind == "category":
        found = [first]
    elif column.kind == "number":
        found = column.columns_of(np.where(np.isfinite(first), first, np.nan))
    else:
        found = column.columns_of(first, lambda part: x[:, 1 + field.parts.index(part)])
    return [reshape(astype(y, dtype=np.dtype(DTYPE)), shape=(x.shape[0], 1)) for y in found]


def _described(column: Column) -> dict[str, Any]:
    found: dict[str, Any] = {
        "name": column.name,
        "kind": column.kind,
        "missing": column.missing,
        "has_missing": column.has_missing,
    }
    if column.kind == "category":
        return {**found, "levels": column.levels}
    if column.kind == "date":
        dates = column.dates or DateFormat("ymd")
        usual = DateFormat("time" if dates.is_time else "ymd")
        return {
            **found,
            "quantiles": column.quantiles,
            "years": column.years(),
            "parts": column.parts,
            "patterns": list(dates.patterns()),
            "usual_patterns": list(usual.patterns()),
        }
    format = column.numbers
    return {
        **found,
        "quantiles": column.quantiles,
        "scaling": scaling_of(column.quantiles) if column.has_value else None,
        "pattern": format.pattern,
        "marks": format.marks,
        "units": (format.before, format.after),
    }


def _written_out(values: Array) -> str:
    """Return values as Python, which has no literals for NaN and infinity."""
    return golden_array(values) if values.dtype.kind == "f" else ascii(values.tolist())
