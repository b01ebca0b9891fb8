/** The session of a page without Python: trainings of WebAssembly that were built ahead, and what is seen of them. */

import { Choices, CLASSES } from "./choices.js";
import { forward, gradients, idle, probabilities, score } from "./dense.js";
import { Chance, toy } from "./toys.js";
import { Training } from "./training.js";

/**
 * @typedef {import("./link.js").Frame} Frame
 * @typedef {import("./choices.js").Network} Network
 */

const SIZE = 64, UNIT_SIZE = 24, MOST_CURVE = 240, MOST_READ = 4 * MOST_CURVE, MOST_MOMENTS = 100;

export class Engine {
  /** @param {Network[]} networks */
  constructor(networks) {
    this.choices = new Choices(networks);
    this.batch = networks[0].about.batch;
    /** @type {any} */ this.settings = this.choices.defaults;
    this.network = networks[0];
    /** @type {any} */ this.training = null;
    this.X = this.y = new Float64Array();
    /** How many rows are trained on, and in how many steps. */ this.split = this.stepsEach = 0;
    /** The parameters before the latest step. @type {Float64Array[]} */ this.before = [];
    /** @type {number[]} */ this.losses = [];
    /** What was read at the ends of epochs, of many at some: the test loss, and the accuracy on training and test. @type {Map<number, number[]>} */
    this.read_at = new Map();
    this.diverged = this.stopped = "";
    /** @type {number[]|null} */ this.probe = null;
    /** @type {{step: number, memory: ArrayBuffer}[]} */ this.moments = [];
    /** @type {number[]} */ this.sight = [];
    /** @type {number[]} */ this.middle = [];
  }

  /** Begin anew with settings; if these do not go together all stays as it was. @param {any} asked */
  async begin(asked) {
    if (!asked || typeof asked !== "object") throw new Error("settings: expected an object");
    const network = this.choices.nearest(asked, this.settings.layers), settings = this.choices.read(asked, network);
    const { instance } = await WebAssembly.instantiate(network.bytes);
    const { X, y } = toy(settings.data, settings.rows, settings.noise, settings.seed);
    // Whole batches only: the code was built for no other, and rows that are left over are test rows.
    const most = Math.floor(settings.rows / this.batch), wanted = Math.round((1 - settings.test) * settings.rows / this.batch);
    const split = Math.max(1, Math.min(wanted, most)) * this.batch;
    Object.assign(this, { network, settings, X, y, split, stepsEach: split / this.batch });
    this.training = new Training(instance, network.about, [X.subarray(0, 2 * split), y.subarray(0, split)], settings.seed);
    for (const [name, value] of Object.entries({ ...settings.options, lr: settings.lr })) this.training.settings[name] = value;
    this.draw(new Chance(settings.seed + 1));
    [this.before, this.losses, this.moments] = [[], [], []];
    this.read_at.clear();
    this.diverged = this.stopped = "";
    this.probe = null;
    this.keep();
    this.see();
  }

  /** Have all rows in sight. */
  see() {
    const columns = [0, 1].map((axis) => Array.from(this.X).filter((_, i) => i % 2 === axis));
    const [low, high] = [columns.map((x) => Math.min(...x)), columns.map((x) => Math.max(...x))];
    const margin = low.map((l, axis) => 0.12 * (high[axis] - l || 1));
    this.sight = [...low.map((l, axis) => l - margin[axis]), ...high.map((h, axis) => h + margin[axis])];
    this.middle = columns.map((x) => x.reduce((a, b) => a + b) / x.length);
  }

  /** Draw the first weights, as is usual for the activation; biases are 0. @param {Chance} chance */
  draw(chance) {
    const { training } = this, { about } = this.network;
    const first = training.view(training.Float, about.places.initial, about.size);
    first.fill(0);
    for (const { inputs, outputs, at, last } of this.places()) {
      const bound = Math.sqrt(6 / (inputs + outputs)), deviation = Math.sqrt(2 / inputs);
      const is_normal = this.network.activation === "relu" && !last;
      for (let i = 0; i < inputs * outputs; i++) first[at + i] = is_normal ? deviation * chance.normal() : bound * (2 * chance.uniform() - 1);
    }
    training.reset(this.settings.seed);
  }

  /** Where weights and biases of each layer lie in the state. */
  places() {
    const sizes = [2, ...this.network.units, CLASSES], { parameters } = this.network.about;
    return sizes.slice(1).map((outputs, i) => ({ inputs: sizes[i], outputs, at: parameters[2 * i][1], bias: parameters[2 * i + 1][1], last: i === sizes.length - 2 }));
  }

  /** The layers as they are now. */
  layers() {
    const { state } = this.training;
    return this.places().map(({ inputs, outputs, at, bias }) => ({ inputs, outputs, weight: state.slice(at, at + inputs * outputs), bias: state.slice(bias, bias + outputs) }));
  }

  get step() { return this.training.epoch * this.stepsEach + this.training.step; }

  // --- forward and back

  keep() {
    this.moments.push({ step: this.step, memory: this.training.memory.buffer.slice(0) });
    if (this.moments.length > MOST_MOMENTS) this.moments.splice(1, 1);  // the first one stays
  }

  /** @param {{step: number, memory: ArrayBuffer}} moment */
  restore({ memory }) {
    new Uint8Array(this.training.memory.buffer).set(new Uint8Array(memory));
    this.losses.length = Math.min(this.losses.length, this.training.epoch);
    this.diverged = "";
  }

  /** Take steps until so many are taken, or the time is over. @param {number} until @param {number} milliseconds */
  take(until, milliseconds) {
    const { stop_epoch, stop_loss } = this.settings, end = performance.now() + Math.min(milliseconds, 100);
    this.stopped = "";
    if (stop_epoch) until = Math.min(until, stop_epoch * this.stepsEach);
    if (this.step < until) this.keep();
    let count = this.stepsEach - this.training.step;  // up to an epoch's end, where the test loss is read
    while (this.step < until && !this.diverged) {
      const since = this.losses.length, started = performance.now(), from = this.step;
      this.advance(Math.min(count, until - from));
      this.read();
      const low = stop_loss ? this.losses.findIndex((loss, epoch) => epoch >= since && loss <= stop_loss) : -1;
      if (low >= 0) {
        const first = (low + 1) * this.stepsEach;
        this.rewind(first);
        if (first > this.step) this.advance(first - this.step);
        this.stopped = "loss";
        return;
      }
      const now = performance.now();
      if (now >= end) break;
      count = Math.max(1, Math.min(4 * count, Math.floor((this.step - from) / Math.max(now - started, 0.01) * (end - now))));
    }
    if (stop_epoch && this.training.epoch >= stop_epoch) this.stopped = "epoch";
  }

  /** @param {number} steps */
  advance(steps) {
    try {
      if (steps > 1) this.losses.push(...this.training.advance(Infinity, steps - 1));
      this.before = this.layers().flatMap(({ weight, bias }) => [weight, bias]);
      this.losses.push(...this.training.advance(Infinity, 1));
    } catch (error) {
      this.diverged = /** @type {Error} */ (error).message;
      while (this.losses.length < this.training.epoch) this.losses.push(NaN);
    }
  }

  /** Go back to the latest moment that is kept up to a step; `take` leads on from there, to the bit. @param {number} to */
  rewind(to) {
    while (this.moments.length > 1 && this.moments[this.moments.length - 1].step > to) this.moments.pop();
    this.restore(this.moments[this.moments.length - 1]);
    this.before = [];
  }

  /** The rows of the step to come: an epoch's order is known when it has begun, so it is tried out. */
  coming() {
    const { training, batch } = this, now = training.memory.buffer.slice(0), at = training.step;
    try { training.advance(Infinity, 1); } catch { /* its order is there */ }
    const order = Array.from(training.view(BigInt64Array, training.order, this.split).slice(at * batch, (at + 1) * batch), Number);
    new Uint8Array(training.memory.buffer).set(new Uint8Array(now));
    return { X: Float64Array.from(order.flatMap((row) => [this.X[2 * row], this.X[2 * row + 1]])), y: order.map((row) => this.y[row]) };
  }

  // --- what is seen

  /** What each layer gives for rows. @param {Float64Array} rows */
  outputs(rows) { return forward(this.layers(), this.network.activation, rows); }

  /** What each layer gives for the training rows, and how good that is there and on the test rows. */
  score() {
    const { X, y, split } = this, given = this.outputs(X.subarray(0, 2 * split)), last = given.length - 1;
    const train = score(given[last], y.subarray(0, split), CLASSES);
    const test = split < y.length ? score(this.outputs(X.subarray(2 * split))[last], y.subarray(split), CLASSES) : null;
    return { given, train, test };
  }

  /** Read the scores at the end of an epoch: the training itself notes its losses only. */
  read() {
    const { read_at, training } = this;
    if (training.step || !training.epoch || this.diverged || read_at.has(training.epoch)) return;
    const { train, test } = this.score();
    read_at.set(training.epoch, [test?.loss ?? NaN, train.quality, test?.quality ?? NaN]);
    if (read_at.size > MOST_READ) [...read_at.keys()].forEach((epoch, i) => { if (i % 2) read_at.delete(epoch); });
  }

  /** @param {string} what @returns {Frame} */
  frame(what = "frame") {
    this.read();
    const layers = this.layers(), { activation } = this.network, { given, train, test } = this.score();
    const coming = this.coming(), slopes = gradients(layers, activation, coming.X, coming.y);
    const values = layers.flatMap(({ weight, bias }) => [weight, bias]);
    /** @type {Frame} */
    const found = {
      header: {
        what, step: this.step, epoch: this.training.epoch, in_epoch: this.training.step, tier: "wasm", diverged: this.diverged, stopped: this.stopped, making: false, milliseconds: 0, now: {},
        rate: this.settings.lr, train, test, units: {},
        flow: this.named().map(({ name }, i) => [name, rms(values[i]), rms(slopes[i]), this.before.length ? rms(values[i].map((/** @type {number} */ v, /** @type {number} */ k) => v - this.before[i][k])) : 0]),
        idle: Object.fromEntries(this.network.units.map((units, i) => [2 * i, idle(given[i + 1], units, activation)])) },
      arrays: { values: joined(values), gradients: joined(slopes), ...this.curves() }, shapes: {} };
    this.pictures(found);
    for (const name of ["curve", "quality"]) found.shapes[name] = [found.arrays[name].length / 3, 3];
    return found;
  }

  /** @param {Frame} found */
  pictures(found) {
    const last = this.network.units.length + 1;
    const shares = probabilities(this.outputs(this.plane(SIZE))[last], CLASSES).filter((_, i) => i % CLASSES === 1);
    found.arrays.field = bytes(shares);
    found.shapes.field = [1, SIZE, SIZE];
    const given = this.outputs(this.plane(UNIT_SIZE));
    this.network.units.forEach((units, i) => {
      const most = given[i + 1].reduce((a, v) => Math.max(a, Math.abs(v)), 1e-30), count = UNIT_SIZE * UNIT_SIZE;
      found.header.units[2 * i] = most;
      found.arrays[`units ${2 * i}`] = bytes(Float64Array.from({ length: units * count }, (_, k) => 0.5 + 0.5 * given[i + 1][(k % count) * units + Math.floor(k / count)] / most));
    });
    if (!this.probe) return;
    const one = this.outputs(Float64Array.from(this.probe));
    found.header.probe = { at: this.probe, hidden: Object.fromEntries(this.network.units.map((_, i) => [2 * i, Array.from(one[i + 1])])), outputs: Array.from(one[last]), answer: Array.from(probabilities(one[last], CLASSES)) };
  }

  /** Points of the plane row by row from the top. @param {number} size */
  plane(size) {
    const [left, bottom, right, top] = this.sight;
    return Float64Array.from({ length: 2 * size * size }, (_, k) => {
      const share = ((k % 2 ? Math.floor(k / 2 / size) : Math.floor(k / 2) % size) + 0.5) / size;
      return k % 2 ? top - share * (top - bottom) : left + share * (right - left);
    });
  }

  /** Epochs with losses, and with accuracies, on training and test; of many, some. */
  curves() {
    const count = this.losses.length, epochs = some(count).map((place) => place + 1);
    const read = [...this.read_at.keys()].filter((epoch) => epoch <= count).sort((a, b) => a - b);
    const shown = some(read.length).map((place) => read[place]);
    // The test loss is known where it was read; elsewhere the line goes on.
    const all = [...new Set([...epochs, ...shown])].sort((a, b) => a - b);
    return {
      curve: Float32Array.from(all.flatMap((epoch) => [epoch, this.losses[epoch - 1], this.read_at.get(epoch)?.[0] ?? NaN])),
      quality: Float32Array.from(shown.flatMap((epoch) => [epoch, ...(this.read_at.get(epoch) || []).slice(1)])) };
  }

  named() {
    return this.places().flatMap(({ inputs, outputs }, i) => [
      { name: `layers[${2 * i}].weight`, shape: [inputs, outputs], size: inputs * outputs }, { name: `layers[${2 * i}].bias`, shape: [outputs], size: outputs }]);
  }

  /** The frame that says what there is, with the rows as points. @returns {Frame} */
  opening() {
    const found = this.frame("opening"), { activation } = this.network;
    const name = activation === "relu" ? "ReLU" : "Tanh";
    const layers = this.places().flatMap(({ inputs, outputs, last }, i) => [
      { kind: "Linear", path: `layers[${2 * i}]`, place: 2 * i, in: inputs, out: outputs, text: `${inputs}, ${outputs}` },
      ...(last ? [] : [{ kind: name, path: `layers[${2 * i + 1}]`, place: 2 * i + 1, text: "" }])]);
    Object.assign(found.header, {
      settings: this.settings, own_model: false, own_table: false, drawn: null, names: ["x₁", "x₂", "y"], labels: ["0", "1"], rows: [this.split, this.y.length - this.split],
      split: this.split, range: null, width: 2, held: this.middle, axes: [0, 1], sight: this.sight, notes: [], steps_each: this.stepsEach, layers, parameters: this.named() });
    found.arrays.points = Float32Array.from(this.X);
    found.arrays.targets = Float32Array.from(this.y);
    return found;
  }
}

/** The places of some of so many, the first and the last among them. @param {number} count */
function some(count) {
  const shown = Math.min(count, MOST_CURVE);
  return Array.from({ length: shown }, (_, i) => (shown < 2 ? 0 : Math.round(i * (count - 1) / (shown - 1))));
}

/** @param {Float64Array} x */
function rms(x) { return Math.sqrt(x.reduce((sum, v) => sum + v * v, 0) / x.length); }

/** @param {Float64Array[]} arrays */
function joined(arrays) { return Float32Array.from(arrays.flatMap((array) => Array.from(array))); }

/** Shares from 0 to 1 as bytes; what is no number is in the middle. @param {Float64Array} shares */
function bytes(shares) { return Uint8Array.from(shares, (v) => Math.round(255 * Math.max(0, Math.min(1, Number.isNaN(v) ? 0.5 : v)))); }
