// The article's training twice in one process of node: as exported, and as a loop written by hand.
// Reads "NAME EPOCHS" line by line; answers with the seconds that they took, and the last loss.
import fs from "node:fs";
import readline from "node:readline";

const [folder] = process.argv.slice(2);
const numbers = (name, Kind) => {
  const bytes = fs.readFileSync(`${folder}/${name}`);
  return new Kind(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
};
const X = numbers("X.bin", Float64Array);
const y = numbers("y.bin", BigInt64Array);
const { load } = await import(`file://${folder}/article.mjs`);
const training = await load([X, y]);
const inOrder = await load([X, y]);
inOrder.about = { ...inOrder.about, shuffle: false };

// Layers of units with the logistic function, then softmax and cross-entropy; rows one by one, with
// the gradient of a batch added up in place. All arrays are made once.
class ByHand {
  constructor(sizes, weights, batch, rate, shuffles) {
    Object.assign(this, { sizes, batch, rate, shuffles });
    this.W = weights.filter((_, i) => i % 2 === 0).map((w) => w.slice());
    this.b = weights.filter((_, i) => i % 2 === 1).map((b) => b.slice());
    this.dW = this.W.map((w) => new Float64Array(w.length));
    this.db = this.b.map((b) => new Float64Array(b.length));
    this.a = sizes.map((n) => new Float64Array(n));
    this.d = sizes.map((n) => new Float64Array(n));
    this.labels = Int32Array.from(y, Number);
    this.order = Int32Array.from(this.labels, (_, i) => i);
  }

  row(n) {
    const { sizes, W, b, a, d, dW, db } = this;
    const last = sizes.length - 1;
    for (let i = 0; i < sizes[0]; i++) a[0][i] = X[n * sizes[0] + i];
    for (let l = 0; l < last; l++) {
      const [from, to, w, x, z] = [sizes[l], sizes[l + 1], W[l], a[l], a[l + 1]];
      for (let j = 0; j < to; j++) {
        let sum = b[l][j];
        for (let i = 0; i < from; i++) sum += x[i] * w[i * to + j];
        z[j] = l < last - 1 ? 1 / (1 + Math.exp(-sum)) : sum;
      }
    }
    const [z, delta, label] = [a[last], d[last], this.labels[n]];
    let greatest = z[0];
    for (let j = 1; j < z.length; j++) if (z[j] > greatest) greatest = z[j];
    let total = 0;
    for (let j = 0; j < z.length; j++) total += delta[j] = Math.exp(z[j] - greatest);
    const loss = Math.log(total) - (z[label] - greatest);
    for (let j = 0; j < z.length; j++) delta[j] = delta[j] / total - (j === label);
    for (let l = last - 1; l >= 0; l--) {
      const [from, to, w, x] = [sizes[l], sizes[l + 1], W[l], a[l]];
      const [g, dw, after, before] = [db[l], dW[l], d[l + 1], d[l]];
      for (let j = 0; j < to; j++) g[j] += after[j];
      for (let i = 0; i < from; i++) {
        let sum = 0;
        for (let j = 0; j < to; j++) {
          dw[i * to + j] += x[i] * after[j];
          sum += w[i * to + j] * after[j];
        }
        before[i] = sum * x[i] * (1 - x[i]);
      }
    }
    return loss;
  }

  run(epochs) {
    const { order, W, b, dW, db, batch } = this;
    const losses = [];
    for (let epoch = 0; epoch < epochs; epoch++) {
      for (let i = order.length - 1; this.shuffles && i > 0; i--) {
        const j = Math.floor(Math.random() * (i + 1));
        [order[i], order[j]] = [order[j], order[i]];
      }
      let sum = 0;
      for (let start = 0; start < order.length; start += batch) {
        const end = Math.min(start + batch, order.length);
        for (let k = start; k < end; k++) sum += this.row(order[k]);
        const scale = this.rate / (end - start);
        for (let l = 0; l < W.length; l++) {
          const [w, dw, v, dv] = [W[l], dW[l], b[l], db[l]];
          for (let i = 0; i < w.length; i++) (w[i] -= scale * dw[i]), (dw[i] = 0);
          for (let i = 0; i < v.length; i++) (v[i] -= scale * dv[i]), (dv[i] = 0);
        }
      }
      losses.push(sum / order.length);
    }
    return losses;
  }
}

const sizes = JSON.parse(fs.readFileSync(`${folder}/sizes.json`));
const byHand = (shuffles) =>
  new ByHand(sizes, Object.values(training.parameters()), 50, training.settings.lr, shuffles);
const runs = { wasm: training, javascript: byHand(true), "wasm in order": inOrder };
runs["javascript in order"] = byHand(false);
for await (const line of readline.createInterface({ input: process.stdin })) {
  const [name, epochs] = line.split(":");
  const start = performance.now();
  const losses = runs[name].run(+epochs);
  process.stdout.write(`${(performance.now() - start) / 1e3} ${losses.at(-1)}\n`);
}
