/** A chain of dense layers, computed beside the training for what is shown; none of it goes back. */

/**
 * @typedef {{inputs: number, outputs: number, weight: Float64Array, bias: Float64Array}} Layer
 * @typedef {{loss: number, quality: number, confusion: number[][]}} Score
 */

/** Each activation, and its slope by what it gave. @type {{[name: string]: [(z: number) => number, (a: number) => number]}} */
const ACTIVATIONS = {
  tanh: [Math.tanh, (a) => 1 - a * a],
  relu: [(z) => Math.max(0, z), (a) => (a > 0 ? 1 : 0)],
};

/**
 * Return what each layer gives for rows, the rows first; behind the last one there is no activation.
 * @param {Layer[]} layers
 * @param {string} activation
 * @param {Float64Array} X
 */
export function forward(layers, activation, X) {
  const given = [X], [apply] = ACTIVATIONS[activation];
  layers.forEach(({ inputs, outputs, weight, bias }, place) => {
    const x = given[place], rows = x.length / inputs, found = new Float64Array(rows * outputs);
    for (let r = 0; r < rows; r++) for (let o = 0; o < outputs; o++) {
      let sum = bias[o];
      for (let i = 0; i < inputs; i++) sum += x[r * inputs + i] * weight[i * outputs + o];
      found[r * outputs + o] = place < layers.length - 1 ? apply(sum) : sum;
    }
    given.push(found);
  });
  return given;
}

/** The probabilities of classes, row by row. @param {Float64Array} z @param {number} classes */
export function probabilities(z, classes) {
  const found = new Float64Array(z.length);
  for (let at = 0; at < z.length; at += classes) {
    const row = z.subarray(at, at + classes), most = Math.max(...row);
    const powers = row.map((v) => Math.exp(v - most)), sum = powers.reduce((a, b) => a + b);
    found.set(powers.map((v) => v / sum), at);
  }
  return found;
}

/**
 * Return the gradient of the mean cross-entropy by weight and bias of each layer.
 * @param {Layer[]} layers
 * @param {string} activation
 * @param {Float64Array} X
 * @param {ArrayLike<number>} y
 * @returns {Float64Array[]}
 */
export function gradients(layers, activation, X, y) {
  const given = forward(layers, activation, X), slope = ACTIVATIONS[activation][1];
  const classes = layers[layers.length - 1].outputs, rows = y.length;
  let back = probabilities(given[layers.length], classes).map((p, i) => (p - (y[Math.floor(i / classes)] === i % classes ? 1 : 0)) / rows);
  /** @type {Float64Array[]} */ const found = [];
  for (let place = layers.length - 1; place >= 0; place--) {
    const { inputs, outputs, weight } = layers[place], x = given[place];
    const byWeight = new Float64Array(inputs * outputs), byBias = new Float64Array(outputs), before = new Float64Array(rows * inputs);
    for (let r = 0; r < rows; r++) for (let o = 0; o < outputs; o++) {
      const d = back[r * outputs + o];
      byBias[o] += d;
      for (let i = 0; i < inputs; i++) {
        byWeight[i * outputs + o] += x[r * inputs + i] * d;
        before[r * inputs + i] += weight[i * outputs + o] * d;
      }
    }
    found.unshift(byWeight, byBias);
    back = before.map((d, i) => d * slope(x[i]));
  }
  return found;
}

/** How good the outputs for some rows are. @param {Float64Array} z @param {ArrayLike<number>} y @param {number} classes @returns {Score} */
export function score(z, y, classes) {
  const confusion = Array.from({ length: classes }, () => new Array(classes).fill(0));
  const rows = y.length;
  let loss = 0, right = 0;
  for (let r = 0; r < rows; r++) {
    const row = Array.from(z.subarray(r * classes, (r + 1) * classes)), most = Math.max(...row);
    loss += most + Math.log(row.reduce((sum, v) => sum + Math.exp(v - most), 0)) - row[y[r]];
    const guess = row.indexOf(most);
    confusion[y[r]][Math.max(guess, 0)] += 1;
    right += guess === y[r] ? 1 : 0;
  }
  return { loss: loss / rows, quality: right / rows, confusion };
}

/** What is wrong with each unit of a hidden layer: "dead", "saturated" or nothing. @param {Float64Array} outputs @param {number} units @param {string} activation */
export function idle(outputs, units, activation) {
  const slope = ACTIVATIONS[activation][1], rows = outputs.length / units;
  return Array.from({ length: units }, (_, unit) => {
    let flat = 0, dead = 0;
    for (let r = 0; r < rows; r++) {
      const size = Math.abs(slope(outputs[r * units + unit]));
      flat += size < 0.05 ? 1 : 0;
      dead += size === 0 ? 1 : 0;
    }
    return dead === rows ? "dead" : flat >= 0.9 * rows ? "saturated" : "";
  });
}
