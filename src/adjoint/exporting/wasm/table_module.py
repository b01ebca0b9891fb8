"""The module of JavaScript around a model of a table: rows are objects of values by column."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ...core.annotations import Array
from ..fields import Field
from ..subject import Subject
from .forward import Forward
from .javascript import LOADING, literal, module_beside, remark
from .reading_script import reading_script

# The declarations say of more classes only that they are texts.
_MOST_CLASSES = 50
# Runs a module on the numbers of rows; the page has it, too.
RUNNING = """
function run(exports, numbers) {
  const { one, many, memory } = exports;
  const rows = numbers.length / WIDTH;
  const results = new Float64Array(rows * SIZE);
  for (let row = 0; row < rows; ) {
    const count = rows - row >= BLOCK ? BLOCK : 1;
    const given = numbers.subarray(row * WIDTH, (row + count) * WIDTH);
    new Float64Array(memory.buffer, GIVEN, count * WIDTH).set(given);
    if ((count > 1 ? many : one)()) throw new RangeError("0 was multiplied by infinity");
    results.set(new Float64Array(memory.buffer, WANTED, count * SIZE), row * SIZE);
    row += count;
  }
  return results;
}

// Returns the place of the greatest number, or of the first that is none.
function likeliestOf(chances) {
  let best = 0;
  chances.forEach((value, n) => {
    if (value > chances[best] || (value !== value && chances[best] === chances[best])) best = n;
  });
  return best;
}
"""
_TABLE = """// {name}: {about}, written by adjoint.
const [FILE, MARK] = {module};
const [BLOCK, GIVEN, WANTED, SIZE] = {places};

// The classes, and what they are called among the probabilities.
export const labels = {labels};
const NAMES = {names};
const IS_ONE_CLASS = {is_classifier};
{reading}
// The columns of a row: what each is called and what it holds.
export const columns = {columns};
{loading}{running}
// Returns the model; `source` may be the bytes of the .wasm or a compiled WebAssembly.Module.
export async function load(source) {{
  return new Model(await instantiated(source));
}}

export class Model {{
  constructor(instance) {{
    this.instance = instance;
  }}

  // Returns what is predicted of a row, an object of values by column: {predicted}.
  predict(row) {{
    return this.predictAll([row])[0];
  }}

  // Returns what is predicted of each of some rows.
  predictAll(rows) {{
    const results = run(this.instance.exports, readRows(rows));
    return Array.from(rows, (_, n) => {{
      const own = results.subarray(n * SIZE, (n + 1) * SIZE);
      if (!NAMES.length) return SIZE === 1 ? own[0] : Array.from(own);
      const probabilities = Object.fromEntries(NAMES.map((name, k) => [name, own[k]]));
      if (!IS_ONE_CLASS) return {{ labels: labels.filter((_, k) => own[k] > 0.5), probabilities }};
      return {{ label: labels[likeliestOf(own)], probabilities }};
    }});
  }}
}}

const GOLDEN = {golden};

// Compares the golden vectors; it returns what it did, and throws where a number differs.
export function selfTest(model) {{
  const names = COLUMNS.map((column) => column.name);
  const rows = GOLDEN.map(([texts]) => Object.fromEntries(texts.map((t, k) => [names[k], t])));
  const together = run(model.instance.exports, readRows(rows));
  GOLDEN.forEach(([, wanted], n) => {{
    const alone = run(model.instance.exports, readRows([rows[n]]));
    wanted.forEach((b, k) => {{
      for (const a of [alone[k], together[n * SIZE + k]]) {{
        const same = a === b || (a !== a && b !== b);
        if (!same && !(Math.abs(a - b) <= {tolerance} * (1 + Math.abs(b)))) {{
          throw new Error(`golden vector ${{n}}, result ${{k}}: ${{a}}, expected ${{b}}`);
        }}
      }}
    }});
  }});
  return `${{GOLDEN.length}} golden vectors: ok`;
}}
"""


def table_module(
    subject: Subject,
    fields: Sequence[Field],
    forward: Forward,
    path: Path,
    texts: Mapping[str, Sequence[str | None]],
    expected: Array,
    *,
    target: str,
) -> str:
    """Return the text of the module of JavaScript.

    Parameters
    ----------
    texts, expected : mapping of str to sequence of str or None, array
        Golden vectors: texts by column, and what is predicted of each row.
    target : str
        What is predicted, in a few words.
    """
    wanted = np.reshape(expected, (len(expected), -1)).tolist()
    rows = zip(map(list, zip(*texts.values(), strict=True)), wanted, strict=True)
    golden = ",\n".join(literal([row, y]) for row, y in rows)
    return _TABLE.format(
        name=remark(path.stem),
        about=remark(subject.about),
        module=module_beside(path, forward.module),
        places=literal(places(forward)),
        labels=literal(_labels(subject)),
        names=literal(list(subject.labels)),
        is_classifier=literal(subject.is_classifier),
        reading=reading_script(fields),
        columns=literal([{"name": field.name, "about": field.about} for field in fields]),
        loading=LOADING,
        running=RUNNING,
        predicted=_told(subject, places(forward)[3], remark(target)),
        golden=f"[\n{golden},\n]",
        tolerance=forward.tolerance,
    )


def places(forward: Forward) -> list[int]:
    """Return the rows of a block, where numbers go in and come out, and how many of a row."""
    (given,), (wanted,) = forward.inputs, forward.outputs
    return [forward.block, given.at, wanted.at, int(np.prod(wanted.shape))]


def _told(subject: Subject, size: int, target: str) -> str:
    if subject.labels:
        return "its class and the probabilities"
    return "a number" if size == 1 else f"an array of {size} numbers, {target}"


def _labels(subject: Subject) -> list[Any]:
    return [] if subject.classes is None else list(subject.classes.tolist())


def table_types(subject: Subject, fields: Sequence[Field], forward: Forward, target: str) -> str:
    """Return the declarations for TypeScript."""
    kinds = {
        "number": "number | bigint | string | null",
        "category": "string | number | bigint | boolean | null",
        "date": "string | Date | null",
    }
    rows = [
        line
        for field in fields
        for line in (
            f"  /** {_remark(field.about)} */",
            f"  {literal(field.name)}: {kinds[field.kind]};",
        )
    ]
    lines = [
        "export interface Row {",
        *rows,
        "}",
        *_prediction(subject, places(forward)[3], target),
        "export declare const columns: { name: string; about: string }[];",
        "export declare function load(",
        "  source?: BufferSource | WebAssembly.Module,",
        "): Promise<Model>;",
        "export declare class Model {",
        "  constructor(instance: WebAssembly.Instance);",
        "  predict(row: Row): Prediction;",
        "  predictAll(rows: Row[]): Prediction[];",
        "}",
        "export declare function selfTest(model: Model): string;",
    ]
    return "\n".join([*lines, ""])


def _prediction(subject: Subject, size: int, target: str) -> list[str]:
    if not subject.labels:
        kind = "number" if size == 1 else "number[]"
        about = [] if size == 1 else [f"/** {_remark(_told(subject, size, target))} */"]
        return [
            *about,
            f"export type Prediction = {kind};",
            "export declare const labels: never[];",
        ]
    few = len(subject.labels) <= _MOST_CLASSES
    labels = " | ".join(map(literal, _labels(subject))) if few else "string | number"
    names = " | ".join(map(literal, subject.labels)) if few else "string"
    one = f"label: {labels}" if subject.is_classifier else f"labels: ({labels})[]"
    return [
        "export interface Prediction {",
        f"  {one};",
        f"  probabilities: Record<{names}, number>;",
        "}",
        f"export declare const labels: ({labels})[];",
    ]


def _remark(text: str) -> str:
    return remark(text).replace("*/", "*\\/")
