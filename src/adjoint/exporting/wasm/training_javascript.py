"""The module of JavaScript beside a training, and the class that a page shares with it."""

from __future__ import annotations

import base64
import math
from pathlib import Path
from typing import Any

import numpy as np

from ...core.annotations import Array
from .forward import BLOCK
from .javascript import ARRAYS, FILLING, LOADING, literal, module_beside, remark
from .training import BEYOND, TABLE, Placed, WasmTraining

_KINDS = ", ".join(f"{kind}: {array}" for kind, array in ARRAYS.items())
TRAINING = (
    f"{FILLING}\nconst KINDS = {{ {_KINDS} }};"
    + """
const ENDS = ["", "a loss is not finite", "0 was multiplied by infinity", "a weight is not finite"];

// Returns the numbers that a text of base 64 holds.
function decoded(text, kind) {
  return new KINDS[kind](Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer);
}

class Training {
  // `data` are arrays of numbers row after row: what the model takes, and what the loss takes.
  constructor(instance, about, data, seed = about.seed) {
    const { places, kind } = about;
    Object.assign(this, { instance, about, memory: instance.exports.memory });
    this.Float = KINDS[kind];
    this.size = this.Float.BYTES_PER_ELEMENT;
    this.schedules = Object.fromEntries(
      Object.entries(about.schedules).map(([name, { every, values }]) => [
        name,
        { every, values: decoded(values, kind) },
      ]),
    );
    // Sealed, as a setting of another name would do nothing.
    const free = Object.entries(about.settings).filter(([name]) => !(name in this.schedules));
    this.settings = Object.seal(Object.fromEntries(free));
    this.rows = this.count(data);
    let end = places.heap;
    const place = (bytes) => {
      const at = end;
      end = Math.ceil((end + bytes) / 64) * 64;
      return at;
    };
    const lengths = data.map((a, n) => a.length * KINDS[about.data[n].kind].BYTES_PER_ELEMENT);
    this.order = place(8 * (this.rows + BEYOND));
    // The order of the next epoch is drawn here.
    this.ahead = place(64 + 4 * (this.rows + BEYOND));
    this.data = lengths.map(place);
    const missing = end - this.memory.buffer.byteLength;
    if (missing > 0) this.memory.grow(Math.ceil(missing / 65536));
    data.forEach((array, n) => {
      fill(this.view(KINDS[about.data[n].kind], this.data[n], array.length), array);
    });
    this.reset(seed);
  }

  view(Kind, at, length) {
    return new Kind(this.memory.buffer, at, length);
  }

  // Returns how many rows there are, or says what is wrong with their number.
  count(data) {
    const { about } = this;
    if (data.length !== about.data.length) {
      throw new TypeError(`expected ${about.data.length} arrays, got ${data.length}`);
    }
    const rows = data.map((array, n) => array.length / about.data[n].size);
    if (!rows.every((n) => n === rows[0] && Number.isInteger(n) && n > 0)) {
      throw new RangeError(`arrays of ${rows.join(" and ")} rows; expected as many in each`);
    }
    if (![0, about.tail].includes(rows[0] % about.batch)) {
      throw new RangeError(
        `${rows[0]} rows leave ${rows[0] % about.batch} for the last batch, after batches of ` +
          `${about.batch}; this module was made for ${about.tail}`,
      );
    }
    return rows[0];
  }

  // Begins anew, with the first weights and perhaps another order of the rows.
  reset(seed = this.seed) {
    const { places, size } = this.about;
    this.seed = seed;
    const first = this.view(this.Float, places.initial, size);
    for (let n = 0; n < 3; n++) this.view(this.Float, places.states, 3 * size).set(first, n * size);
    this.record.fill(0n);
    this.view(Uint8Array, places.numbers, 8 * this.about.numbers).fill(0);
    const order = this.view(BigInt64Array, this.order, this.rows + BEYOND);
    order.fill(0n);
    for (let i = 0; i < this.rows; i++) order[i] = BigInt(i);
  }

  get record() {
    return this.view(BigInt64Array, this.about.places.record, this.about.integers);
  }

  // How many epochs are complete, and how many steps of the present one are taken.
  get epoch() {
    return Number(this.record[0]);
  }

  get step() {
    return Number(this.record[1]);
  }

  // Trains for some epochs; returns the mean loss of each.
  run(epochs) {
    if (!Number.isInteger(epochs) || epochs < 0) {
      throw new RangeError(`${epochs} epochs; expected a whole number, at least 0`);
    }
    return this.advance(this.epoch + epochs, Infinity);
  }

  // Writes the settings of so many steps; returns how many there are to a step.
  prepare(rows) {
    const names = Object.keys(this.about.settings);
    const table = this.view(this.Float, this.about.places.settings, rows * names.length);
    const taken = this.epoch * Math.ceil(this.rows / this.about.batch) + this.step;
    names.forEach((name, column) => {
      const own = this.schedules[name];
      for (let row = 0; row < rows; row++) {
        const at = own && Math.min(Math.floor((taken + row) / own.every), own.values.length - 1);
        table[row * names.length + column] = own ? own.values[at] : this.settings[name];
      }
    });
    return names.length;
  }

  // Takes at most so many steps before an epoch; returns the mean losses of completed epochs.
  advance(until, steps) {
    const { places, columns, shuffle } = this.about;
    const losses = [];
    const scheduled = Object.keys(this.schedules).length > 0;
    let left = Math.min(steps, 2 ** 50);
    while (this.epoch < until && left > 0) {
      const start = this.epoch;
      const end = Math.min(until, start + TABLE);
      const record = this.record;
      const now = scheduled ? Math.min(left, TABLE) : left;
      const stride = this.prepare(scheduled ? now : 1);
      // Steps left; the row of the settings, and how far apart rows are; no patience ends.
      [record[4], record[5], record[6]] = [BigInt(now), 0n, BigInt(scheduled ? stride : 0)];
      [record[8], record[9], record[14]] = [0n, 1n << 62n, BigInt(this.ahead)];
      // Row `start` of the table is its first here.
      const table = (places.table - 8 * columns * start) | 0;
      this.instance.exports.train(
        places.record, places.states, places.settings, this.order, places.numbers, table,
        ...this.data, places.held, places.workspace, BigInt(this.rows),
        BigInt.asIntN(64, BigInt(this.seed)), shuffle ? 1n : 0n, BigInt(end),
      );
      left -= now - Number(record[4]);
      const noted = this.view(Float64Array, places.table, columns * (this.epoch - start));
      for (let n = 0; n < noted.length; n += columns) losses.push(noted[n]);
      if (record[2] !== 0n) throw new RangeError(`the training ended: ${ENDS[record[2]]}`);
    }
    return losses;
  }

  // A copy of the whole state: parameters, what the optimiser remembers, and buffers.
  get state() {
    return this.view(this.Float, this.now, this.about.size).slice();
  }

  get now() {
    return this.about.places.states + Number(this.record[3]) * this.about.size * this.size;
  }

  // Copies of the parameters by path.
  parameters() {
    const state = this.state;
    return Object.fromEntries(
      this.about.parameters.map(([path, at, size]) => [path, state.slice(at, at + size)]),
    );
  }

  // Returns what the model gives for rows of numbers, one row after another.
  predict(rows) {
    const { x, y, places, predicts } = this.about;
    const [Given, Wanted] = [KINDS[x.kind], KINDS[y.kind]];
    const count = rows.length / x.size;
    if (!Number.isInteger(count)) {
      throw new RangeError(`${rows.length} numbers; expected a multiple of ${x.size}`);
    }
    const found = new Wanted(count * y.size);
    const arrays = predicts.map((at) => (at < 0 ? this.now + (-1 - at) * this.size : at));
    const own = this.view(Given, x.at, BLOCK * x.size);
    for (let row = 0; row < count; row += BLOCK) {
      const size = Math.min(BLOCK, count - row);
      own.fill(Given === BigInt64Array ? 0n : 0);
      fill(own.subarray(0, size * x.size), rows, row * x.size);
      if (this.instance.exports.predict(x.at, ...arrays, y.at, places.predicting)) {
        throw new RangeError("an index is out of range");
      }
      found.set(this.view(Wanted, y.at, size * y.size), row * y.size);
    }
    return found;
  }
}
"""
)
_MODULE = """// {name}: a training, written by adjoint.
const [FILE, MARK] = {module};
const ABOUT = {about};
const [BLOCK, TABLE, BEYOND] = {sizes};
{training}{loading}
// Returns the training on rows of numbers; `source` may be the bytes of the .wasm or a compiled
// WebAssembly.Module.
export async function load(data, {{ seed, source }} = {{}}) {{
  return new Training(await instantiated(source), ABOUT, data, seed);
}}

export {{ Training }};

const GOLDEN = {golden};

// Trains on the golden rows; it returns what it did, and throws where a bit differs.
export async function selfTest(source) {{
  const data = GOLDEN.data.map((text, n) => decoded(text, ABOUT.data[n].kind));
  const training = await load(data, {{ source }});
  const losses = training.run(GOLDEN.losses.length);
  const weights = Object.values(training.parameters()).flatMap((array) => Array.from(array));
  const expected = [...GOLDEN.losses, ...decoded(GOLDEN.weights, ABOUT.kind)];
  [...losses, ...weights].forEach((a, n) => {{
    const b = expected[n];
    if (!Object.is(a, b)) {{
      throw new Error(`golden training, number ${{n}}: ${{a}}, expected ${{b}}`);
    }}
  }});
  return `${{GOLDEN.losses.length}} golden epochs, to the bit: ok`;
}}
"""
TYPES = """export interface Options {
  seed?: number | bigint;
  source?: BufferSource | WebAssembly.Module;
}
export declare function load(
  data: ArrayLike<number | bigint | boolean>[],
  options?: Options,
): Promise<Training>;
export declare class Training {
  /** The optimiser's settings by name, but those on a schedule; change them between runs. */
  settings: Record<string, number>;
  readonly epoch: number;
  readonly step: number;
  readonly state: Float64Array | Float32Array;
  /** Train for some epochs; the mean loss of each. */
  run(epochs: number): number[];
  /** Take at most so many steps before an epoch; the mean losses of those that it completes. */
  advance(until: number, steps: number): number[];
  reset(seed?: number | bigint): void;
  parameters(): Record<string, Float64Array | Float32Array>;
  /** What the model gives for numbers row after row. */
  predict(rows: ArrayLike<number | bigint | boolean>): Float64Array | Float32Array;
}
export declare function selfTest(source?: BufferSource | WebAssembly.Module): Promise<string>;
"""


def about(made: WasmTraining) -> dict[str, Any]:
    """Return what the class Training has to know of a module."""
    return {
        "kind": made.kind,
        "batch": made.batch,
        "tail": made.tail,
        "settings": made.settings,
        "schedules": {
            name: {"every": own.every, "values": encoded(own.values)}
            for name, own in made.schedules.items()
        },
        "data": [
            {"name": name, "kind": kind, "size": math.prod(shape)}
            for name, kind, shape in made.data
        ],
        "parameters": [[p.path, p.offset, math.prod(p.shape)] for p in made.parameters],
        # Places in the state are told from addresses by their sign.
        "predicts": [-1 - p.offset if isinstance(p, Placed) else p for p in made.predicts],
        **{
            name: {"kind": slot.kind, "at": slot.at, "size": math.prod(slot.shape)}
            for name, slot in (("x", made.x), ("y", made.y))
        },
        "places": made.places,
        "size": made.size,
        "columns": made.columns,
        "integers": made.integers,
        "numbers": made.numbers,
        "seed": made.seed,
        "shuffle": made.shuffle,
    }


def encoded(array: Array) -> str:
    """Return the bytes of an array in base 64."""
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()


def training_module(made: WasmTraining, path: Path) -> str:
    """Return the text of the module of JavaScript beside a training."""
    golden = {
        "data": [encoded(array) for array in made.golden.data],
        "losses": made.golden.losses,
        "weights": encoded(made.golden.weights),
    }
    return _MODULE.format(
        name=remark(path.stem),
        about=literal(about(made)),
        sizes=literal(sizes()),
        training=TRAINING,
        loading=LOADING,
        module=module_beside(path, made.module),
        golden=literal(golden),
    )


def sizes() -> list[int]:
    """Return the numbers that the class Training calls BLOCK, TABLE and BEYOND."""
    return [BLOCK, TABLE, BEYOND]
