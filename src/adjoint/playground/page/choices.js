/** What can be chosen on the page without Python: one of the networks that were built ahead, and settings of its training. */

import { TOYS } from "./toys.js";

/**
 * @typedef {import("./link.js").Header} Header
 * @typedef {{units: number[], activation: string, optimizer: string, about: any, bytes: Uint8Array<ArrayBuffer>}} Network
 */

export const CLASSES = 2;
const MOST_STEPS = 20_000_000;
/** What the session with Python has beside these, here has one value. */
const FIXED = ["loss", "batch_size", "initialise", "norm", "dropout", "schedule", "mistake", "dtype"];
/** @type {{[name: string]: [number, number, boolean]}} least, most, and whether it is whole */
const RANGES = { rows: [20, 2000, true], noise: [0, 5, false], test: [0, 0.9, false], seed: [0, 2 ** 32 - 1, true], lr: [1e-12, 1e6, false], stop_epoch: [0, 1e9, true], stop_loss: [0, 1e9, false] };

/** Of the options of optimisers, those that have no number above 0 in all. @type {typeof RANGES} */
const OPTIONS = { beta1: [0, 1 - 1e-9, false], beta2: [0, 1 - 1e-9, false], epsilon: [1e-300, 1e9, false] };

/** A hidden layer as settings have it: norm and dropout are those of all. @param {number} units @param {string} activation */
function layer(units, activation) { return { units, activation, norm: null, dropout: null }; }

/** A number in a range, or a refusal. @param {string} name @param {any} value */
export function number(name, value, range = RANGES[name]) {
  const [least, most, whole] = range;
  if (typeof value !== "number" || !(value >= least && value <= most)) throw new Error(`${name}: expected a number from ${least} to ${most}, got ${JSON.stringify(value)}`);
  if (whole && !Number.isInteger(value)) throw new Error(`${name}: expected a whole number, got ${value}`);
  return value;
}

/** @param {number[]} units */
function sum(units) { return units.reduce((a, b) => a + b, 0); }

export class Choices {
  /** @param {Network[]} networks */
  constructor(networks) {
    this.networks = networks;
    this.defaults = {
      data: "moons", formula: "y > sin(x)", rows: 300, noise: 0.15, classes: CLASSES, test: 0.3, seed: 0, features: ["x1", "x2"],
      layers: [layer(4, "tanh"), layer(4, "tanh")], norm: "none", dropout: 0, initialise: "auto",
      dtype: "float64", loss: "cross_entropy", mistake: "none", optimizer: "adam", lr: 0.01, options: {}, schedule: "constant", schedule_options: {}, batch_size: networks[0].about.batch,
      stop_epoch: 0, stop_loss: 0, changes: [] };
  }

  /** What can be chosen. @returns {Header} */
  menu() {
    /** @type {Header} */ const optimizers = {};
    for (const { optimizer, about } of this.networks) {
      const { lr, ...options } = about.settings;
      optimizers[optimizer] = options;
    }
    return {
      what: "menu", fixed: FIXED, built: this.networks.length,
      data: Object.fromEntries(TOYS.map((name) => [name, { classes: true, any: false }])),
      features: { x1: "x₁", x2: "x₂" }, functions: [], exports: [], dtypes: ["float64"], mistakes: ["none"], changeable: { settings: [], first_only: [] }, activations: [...new Set(this.networks.map((each) => each.activation))], initialisers: ["auto"], norms: ["none"],
      losses: { classes: ["cross_entropy"], score: [], number: [], counts: [] }, optimizers, schedules: { constant: {} },
      limits: { layers: Math.max(...this.networks.map((each) => each.units.length)), units: Math.max(...this.networks.flatMap((each) => each.units)), rows: RANGES.rows[1], classes: CLASSES, steps: MOST_STEPS, drawn: 0, formula: 0, session: 0 },
      defaults: this.defaults };
  }

  /**
   * The network built ahead that is nearest to what is asked for, on the side to which it changes.
   * @param {any} asked
   * @param {any[]} now the layers of before
   * @returns {Network}
   */
  nearest(asked, now) {
    const layers = asked.layers ?? this.defaults.layers;
    if (!Array.isArray(layers)) throw new Error("layers: expected a list");
    if (layers.some((each) => each?.norm || each?.dropout)) throw new Error("layers: this page has neither norm nor dropout");
    const wanted = layers.map((/** @type {any} */ each) => Number(each?.units));
    // All layers have one activation here: that of the layer in which it was changed.
    const activation = layers.map((/** @type {any} */ each) => each?.activation).find((/** @type {string} */ name, /** @type {number} */ i) => name !== now[i]?.activation) ?? layers[0]?.activation ?? "tanh";
    const grows = wanted.length === now.length ? Math.sign(sum(wanted) - sum(now.map((/** @type {any} */ each) => each.units))) : 0;
    // First as many layers, then no step back, then the units.
    const far = (/** @type {Network} */ each) => 100 * Math.abs(each.units.length - wanted.length) + (grows * (sum(each.units) - sum(wanted)) < 0 ? 50 : 0) +
      each.units.reduce((all, units, i) => all + Math.abs(units - (wanted[i] ?? units)), 0);
    const fits = this.networks.filter((each) => each.activation === activation && each.optimizer === (asked.optimizer ?? this.defaults.optimizer));
    if (!fits.length || !wanted.every(Number.isFinite)) throw new Error("settings: there is no such network on this page");
    return fits.reduce((a, b) => (far(b) < far(a) ? b : a));
  }

  /** The checked settings of a training. @param {any} asked @param {Network} network */
  read(asked, network) {
    /** @type {any} */
    const found = { ...this.defaults, options: {}, optimizer: network.optimizer, layers: network.units.map((units) => layer(units, network.activation)) };
    if ("data" in asked) found.data = asked.data;
    if (!TOYS.includes(found.data)) throw new Error(`data: there is no ${JSON.stringify(asked.data)} on this page`);
    for (const name of Object.keys(RANGES)) if (name in asked) found[name] = number(name, asked[name]);
    // Else an address of the page with Python would have another training here, without a word.
    for (const name of [...FIXED, "features", "classes", "changes"]) {
      if (name in asked && JSON.stringify(asked[name]) !== JSON.stringify(found[name])) throw new Error(`${name}: this page has only ${JSON.stringify(found[name])}`);
    }
    const { lr, ...known } = network.about.settings;
    for (const [name, value] of Object.entries(asked.options || {})) {
      if (!Object.hasOwn(known, name)) throw new Error(`options: on this page ${network.optimizer} has no ${JSON.stringify(name)}`);
      found.options[name] = number(name, value, OPTIONS[name] || [0, 1e9, false]);
    }
    return found;
  }
}
