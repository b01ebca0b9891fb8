"""JavaScript: texts that no name or label of a user can end, and the module around a network."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np

from ...core.annotations import Array
from ..subject import Subject
from .binary import mark_of
from .forward import Forward, Slot

ARRAYS = {
    "f64": "Float64Array",
    "f32": "Float32Array",
    "i64": "BigInt64Array",
    "i32": "Int32Array",
    "i1": "Uint8Array",
}
# A number of JavaScript loses bits of integers beyond this one; a BigInt has them all.
_GREATEST = 2**53 - 1


def literal(value: Any) -> str:
    """Return a text, a number, or a list or dict of them as JavaScript, for use in HTML too.

    >>> literal("</script>"), literal([float("nan"), 0.5, 2])
    ('"\\\\u003c/script>"', '[NaN,0.5,2]')
    """
    if isinstance(value, dict):
        return "{" + ",".join(f"{literal(str(k))}:{literal(v)}" for k, v in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ",".join(map(literal, value)) + "]"
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, int) and abs(value) > _GREATEST:
        return f"{value}n"
    text = json.dumps(value, ensure_ascii=True)
    return text.replace("<", "\\u003c") if isinstance(value, str) else text


def remark(text: str) -> str:
    """Return a text as part of a comment to the end of the line."""
    return json.dumps(text, ensure_ascii=True)[1:-1].replace("<", "\\u003c")


def numbers(array: Array, kind: str) -> str:
    """Return the entries of an array as a list of JavaScript."""
    flat = np.ravel(array).tolist()
    if kind == "i64":
        return "[" + ",".join(f"{int(n)}n" for n in flat) + "]"
    if kind == "f32":
        flat = [float(str(np.float32(n))) for n in flat]
    return literal([int(n) if kind == "i1" else n for n in flat])


def _slots(slots: Sequence[Slot]) -> str:
    return literal([[ARRAYS[s.kind], s.at, math.prod(s.shape)] for s in slots]).replace('"', "")


FILLING = """
// Copies numbers into an array, and refuses what would become another number in it.
function fill(place, given, from = 0) {
  const isFloat = place instanceof Float64Array || place instanceof Float32Array;
  if (isFloat && (given instanceof Float64Array || given instanceof Float32Array)) {
    place.set(given.subarray(from, from + place.length));
    return;
  }
  const convert = place instanceof BigInt64Array ? BigInt : Number;
  for (let i = 0; i < place.length; i++) {
    const value = given[from + i];
    if (!["number", "bigint", "boolean"].includes(typeof value)) {
      const kind = Array.isArray(value) ? "an array" : typeof value;
      throw new TypeError(`entry ${from + i} is ${kind}; expected numbers, row after row`);
    }
    const number = convert(value);
    place[i] = number;
    if (!isFloat && (place[i] !== number || (place instanceof Uint8Array && place[i] > 1))) {
      const wanted = place instanceof Uint8Array ? "0 or 1" : "a whole number of 32 or 64 bits";
      throw new RangeError(`entry ${from + i} is ${value}; expected ${wanted}`);
    }
  }
}
"""
LOADING = """
// Returns the bytes of the module beside this file, in a browser, a worker or node.
async function beside(name) {
  const url = new URL(name, import.meta.url);
  if (url.protocol === "file:") {
    return (await import("node:fs/promises")).readFile(url);
  }
  const answer = await fetch(url);
  if (!answer.ok) throw new Error(`${url}: ${answer.status}`);
  return answer.arrayBuffer();
}

// Returns an instance of the module that was written with this file: of another one the addresses
// would be wrong.
async function instantiated(source) {
  const given = source ?? (await beside(FILE));
  const module = given instanceof WebAssembly.Module ? given : await WebAssembly.compile(given);
  const [mark] = WebAssembly.Module.customSections(module, "adjoint");
  if (!mark || new TextDecoder().decode(mark) !== MARK) {
    throw new Error(`${FILE} was not written together with this module; export both anew`);
  }
  return WebAssembly.instantiate(module);
}
"""
_NETWORK = """// {name}: {about}, written by adjoint.
const [FILE, MARK] = {module};
const INPUTS = {inputs};
const OUTPUTS = {outputs};
const HAS_ROWS = {has_rows};
const BLOCK = {block};

// What the columns of the result stand for.
export const labels = {labels};
{filling}{loading}
// Returns the network; `source` may be the bytes of the .wasm or a compiled WebAssembly.Module.
export async function load(source) {{
  return new Network(await instantiated(source));
}}

export class Network {{
  constructor(instance) {{
    this.instance = instance;
  }}

  // Returns the result for arrays of numbers, row after row; or several results in an array.
  run(...given) {{
    if (given.length !== INPUTS.length) {{
      throw new TypeError(`expected ${{INPUTS.length}} arrays, got ${{given.length}}`);
    }}
    const rows = HAS_ROWS ? given[0].length / INPUTS[0][2] : 1;
    given.forEach((array, n) => {{
      if (array.length !== rows * INPUTS[n][2] || !Number.isInteger(rows)) {{
        const size = `${{HAS_ROWS ? "a multiple of " : ""}}${{INPUTS[n][2]}}`;
        throw new RangeError(`array ${{n}} has ${{array.length}} numbers; expected ${{size}}`);
      }}
    }});
    const {{ one, many, memory }} = this.instance.exports;
    const results = OUTPUTS.map(([Kind, , size]) => new Kind(rows * size));
    for (let row = 0; row < rows; ) {{
      const count = rows - row >= BLOCK ? BLOCK : 1;
      INPUTS.forEach(([Kind, at, size], n) => {{
        fill(new Kind(memory.buffer, at, count * size), given[n], row * size);
      }});
      if ((count > 1 ? many : one)()) {{
        throw new RangeError(
          "an index or a label is out of range, or 0 was multiplied by infinity in a gradient",
        );
      }}
      OUTPUTS.forEach(([Kind, at, size], n) => {{
        results[n].set(new Kind(memory.buffer, at, count * size), row * size);
      }});
      row += count;
    }}
    return results.length === 1 ? results[0] : results;
  }}
{predict}}}

const GOLDEN = {golden};

// Compares the golden vectors; it returns what it did, and throws where a number differs.
export function selfTest(network) {{
  GOLDEN.forEach(([given, wanted], call) => {{
    const found = [network.run(...given)].flat();
    wanted.forEach((numbers, n) => {{
      const [array, tolerance] = [found[n], TOLERANCES[n]];
      numbers.forEach((expected, i) => {{
        const [a, b] = [Number(array[i]), Number(expected)];
        const same = a === b || (a !== a && b !== b);
        if (!same && !(Math.abs(a - b) <= tolerance * (1 + Math.abs(b)))) {{
          const place = `golden vector ${{call}}, result ${{n}}[${{i}}]`;
          throw new Error(`${{place}}: ${{a}}, expected ${{b}}`);
        }}
      }});
    }});
  }});
  return `${{GOLDEN.length}} golden vectors: ok`;
}}
"""
_PREDICT = """
  // Returns the label of the most probable class of each row.
  predict(...given) {
    const result = this.run(...given);
    return Array.from({ length: result.length / labels.length }, (_, row) => {
      const own = result.subarray(row * labels.length, (row + 1) * labels.length);
      let best = 0;
      own.forEach((value, n) => {
        if (value > own[best] || (value !== value && own[best] === own[best])) best = n;
      });
      return labels[best];
    });
  }
"""


def module_beside(path: Path, module: bytes) -> str:
    """Return where a module of JavaScript finds the module of WebAssembly, and its mark."""
    return literal(["./" + quote(path.name), mark_of(module)])


def network_module(
    subject: Subject,
    forward: Forward,
    path: Path,
    inputs: Sequence[Array],
    expected: Sequence[Array],
) -> str:
    """Return the text of the module of JavaScript beside a network.

    Parameters
    ----------
    inputs, expected : sequence of array
        Golden vectors: calls along the first axis of each, and their results.
    """
    calls = [
        "["
        + ",".join(
            "["
            + ",".join(numbers(x[call], s.kind) for x, s in zip(arrays, slots, strict=True))
            + "]"
            for arrays, slots in ((inputs, forward.inputs), (expected, forward.outputs))
        )
        + "]"
        for call in range(len(expected[0]))
    ]
    tolerances = [
        forward.tolerance if slot.kind in ("f32", "f64") else 0 for slot in forward.outputs
    ]
    classifies = subject.is_classifier and subject.labels
    text = _NETWORK.format(
        name=remark(path.stem),
        about=remark(subject.about),
        inputs=_slots(forward.inputs),
        outputs=_slots(forward.outputs),
        has_rows=literal(subject.has_rows),
        block=forward.block,
        labels=literal(list(subject.labels)),
        filling=FILLING,
        loading=LOADING,
        module=module_beside(path, forward.module),
        predict=_PREDICT if classifies else "",
        golden="[\n" + ",\n".join(calls) + ",\n]",
    )
    return text.replace(
        "const GOLDEN", f"const TOLERANCES = {literal(tolerances)};\nconst GOLDEN", 1
    )


def network_types(subject: Subject, forward: Forward) -> str:
    """Return the declarations for TypeScript."""
    given = ", ".join(
        f"x{n}: ArrayLike<number | bigint | boolean>" for n in range(len(forward.inputs))
    )
    kinds = [ARRAYS[slot.kind] for slot in forward.outputs]
    result = kinds[0] if len(kinds) == 1 else f"[{', '.join(kinds)}]"
    classifies = subject.is_classifier and subject.labels
    predict = [f"  /** The label of the most probable class. */\n  predict({given}): string[];"]
    lines = [
        "export declare const labels: string[];",
        "export declare function load(",
        "  source?: BufferSource | WebAssembly.Module,",
        "): Promise<Network>;",
        "export declare class Network {",
        "  constructor(instance: WebAssembly.Instance);",
        "  /** The result for numbers row after row. */",
        f"  run({given}): {result};",
        *(predict if classifies else []),
        "}",
        "export declare function selfTest(network: Network): string;",
    ]
    return "\n".join([*lines, ""])
