"""A table's reader is how an exported file reads columns, and names its predictions."""

from __future__ import annotations

import ast
import inspect
from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..core.annotations import Array
from ..errors import require
from ..ops.softmax import softmax
from ..ops.structural import astype
from ..tables.column import Column
from ..tables.encoder import DTYPE
from ..tables.model import TableModel
from ..tables.scaling import scaling_of
from .python_source import golden_array
from .refusal import ExportError
from .subject import Subject
from .table_functions import CONSTANTS, FUNCTIONS

_STRANGE = ["", "NA", "  ?", "no such thing", "\u7ea2", "inf", None]


def of_table_model(model: TableModel) -> Subject:
    """Return a model of `adjoint fit` as a subject, with the rules by which it reads a table.

    Raises
    ------
    ExportError
        If a column is read by rules that a file cannot carry, which is named.
    """
    for column in model.encoder.columns:
        if column.kind == "date":
            raise ExportError(
                f"export: column {column.name!r} holds dates, which an exported file cannot read "
                f"yet; fit a model with --drop {column.name!r}"
            )
    network, target = model.network, model.target
    network.eval()

    def predict(x: Any) -> Any:
        found = astype(network.forward(x), dtype=np.dtype(np.float64))
        if target.task == "regression":
            return found[:, 0] * target.std + target.mean
        return softmax(found, axis=1)

    return Subject(
        predict,
        (np.zeros((1, model.encoder.width), DTYPE),),
        f"the prediction of {target.name}",
        has_rows=True,
        labels=tuple(target.labels),
        is_classifier=target.task == "classification",
        reader=TableReader(model),
        names=("x",),
    )


@dataclass(frozen=True)
class TableReader:
    """How the columns of a table become numbers, written as Python."""

    model: TableModel

    @property
    def refusal(self) -> str:
        """Why a target without texts cannot carry it."""
        first = self.model.encoder.columns[0]
        return f"column {first.name!r} of a table is read as texts"

    def text(self) -> str:
        """Return the functions and constants that read a table."""
        functions = [_without_annotations(inspect.getsource(f)) for f in FUNCTIONS]
        constants = [f"{name} = {value!a}" for name, value in CONSTANTS.items()]
        columns = [f"    {_described(column)!a}," for column in self.model.encoder.columns]
        lines = ["", *constants, "COLUMNS = [", *columns, "]"]
        return "\n".join([*lines, *(f"\n\n{text}" for text in functions)])

    def call(self, name: str, inner: str, weights: list[str]) -> list[str]:
        """Return the function that users call."""
        if name in {*CONSTANTS, *(f.__name__ for f in FUNCTIONS)}:
            raise ExportError(
                f"python: the file has a {name} already; choose another name, as --name model"
            )
        target, state = self.model.target, ", ".join(weights)
        lines = [
            "",
            f"def {name}(table):",
            '    """Return the predictions for the rows of a table, by column.',
            "",
            "    The table is a dict of the values of each column: texts as they stand in a file,",
            "    or numbers; None is missing.",
            '    """',
            "    x = encode_table(table, COLUMNS)",
            '    with np.errstate(all="ignore"):',
            f"        y = {inner}(x, [{state}])",
        ]
        if target.task == "regression":
            return [*lines, '    return {"prediction": y}']
        return [
            *lines,
            '    chances = {f"probability_{label}": y[:, k] for k, label in enumerate(LABELS)}',
            '    return {"prediction": np.array(LABELS, object)[y.argmax(axis=1)], **chances}',
            "",
            "",
            f"LABELS = {target.labels!a}",
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
            "        if isinstance(_wanted[0], str):",
            "            assert _found[_column].tolist() == _wanted, _column",
            "        else:",
            "            y = _found[_column]",
            "            np.testing.assert_allclose(y, _wanted, rtol=1e-5, atol=1e-6)",
            '    print("golden vectors: ok")',
        ]

    def golden(self) -> dict[str, list[str | None]]:
        """Return a table of texts to test an export with."""
        columns = self.model.encoder.columns
        count = max(len(_STRANGE) + 8, 16)
        return {c.name: _examples(c, place, count) for place, c in enumerate(columns)}

    def _predicted(self, table: dict[str, list[str | None]]) -> dict[str, Any]:
        pyarrow = require("pyarrow", extra="cli", purpose="a model of a table")
        arrays = [pyarrow.array(values, pyarrow.string()) for values in table.values()]
        block = pyarrow.table(arrays, names=list(table))
        return self.model.predict(block, Counter())


def _described(column: Column) -> dict[str, Any]:
    found: dict[str, Any] = {
        "name": column.name,
        "kind": column.kind,
        "missing": column.missing,
        "has_missing": column.has_missing,
    }
    if column.kind == "category":
        return {**found, "levels": column.levels}
    format = column.numbers
    return {
        **found,
        "quantiles": column.quantiles,
        "scaling": scaling_of(column.quantiles) if column.has_value else None,
        "pattern": format.pattern,
        "marks": format.marks,
        "units": (format.before, format.after),
    }


def _examples(column: Column, place: int, count: int) -> list[str | None]:
    if column.kind == "category":
        usual = column.levels or [""]
    else:
        numbers = np.linspace(column.quantiles[0], column.quantiles[-1], 7)
        usual = [_written(column, number) for number in numbers.tolist()]
    values: list[str | None] = [usual[n % len(usual)] for n in range(count - len(_STRANGE))]
    values += _STRANGE
    return values[place % count :] + values[: place % count]


def _written(column: Column, number: float) -> str:
    format = column.numbers
    text = f"{abs(number):.3f}".replace(".", format.decimal)
    return f"{'-' if number < 0 else ''}{format.before}{text}{format.after}"


def _written_out(values: Array) -> str:
    """Return values as Python, which has no literals for NaN and infinity."""
    return golden_array(values) if values.dtype.kind == "f" else ascii(values.tolist())


def _without_annotations(source: str) -> str:
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            node.returns = None
            for argument in node.args.args:
                argument.annotation = None
    for parent in ast.walk(tree):
        for field, value in ast.iter_fields(parent):
            if isinstance(value, list):
                setattr(parent, field, [_plain(child) for child in value])
    return ast.unparse(ast.fix_missing_locations(tree))


def _plain(child: Any) -> Any:
    if isinstance(child, ast.AnnAssign) and child.value is not None:
        return ast.Assign(targets=[child.target], value=child.value)
    return child
