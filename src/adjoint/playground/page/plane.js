/** The plane: a picture of the output, the boundary between classes, and the rows; of this run or of another. */

import { app } from "./app.js";
import { CLASSES, picture, variable } from "./colours.js";
import { drawMark, kindOf } from "./marks.js";

/**
 * What is seen of a run: where the axes begin and end, the rows in the plane, and what the network says.
 * @typedef {{sight: number[], names: string[], axes: number[]|null, labels: string[], range: number[]|null, split: number,
 *   points: Float32Array|null, targets: Float32Array|null, field: Uint8Array|null, line: Float32Array|null, shape: number[]}} View
 */

/** What is seen of the present run. @returns {View} */
export function seen() {
  const { sight, names, axes, labels, range, split } = app.opening.header, { points, targets } = app.opening.arrays;
  const { field, line } = app.frame.arrays, shapes = app.frame.shapes;
  return /** @type {any} */ ({ sight, names, axes, labels, range, split, points: points || null, targets: targets || null,
    field: field || null, line: line || null, shape: shapes.field || shapes.line || [] });
}

/** @type {OffscreenCanvas|null} */ let small = null;

/** Draw pixels into a box, smoothed. @param {CanvasRenderingContext2D} context @param {ImageData} pixels @param {number} width @param {number} height */
export function drawPixels(context, pixels, width, height) {
  const size = pixels.width;
  if (!small || small.width !== size) small = new OffscreenCanvas(size, size);
  /** @type {any} */ (small.getContext("2d", { willReadFrequently: true })).putImageData(pixels, 0, 0);
  context.imageSmoothingEnabled = true;
  context.drawImage(small, 0, 0, width, height);
}

/** Draw the output over the plane. @param {CanvasRenderingContext2D} context @param {View} view @param {number} width @param {number} height */
export function drawField(context, view, width, height) {
  if (view.line) { drawLine(context, view, width, height); return; }
  if (!view.field) return;
  const [planes, size] = view.shape;
  drawPixels(context, picture(view.field, planes, size), width, height);
  if (view.labels.length) drawBoundary(context, view, view.sight, width, height);
}

/** Where coordinates lie in a picture. @param {number[]} sight @param {number} width @param {number} height */
export function placed(sight, width, height) {
  return [
    (/** @type {number} */ v) => (v - sight[0]) / (sight[2] - sight[0]) * width,
    (/** @type {number} */ v) => (sight[3] - v) / (sight[3] - sight[1]) * height,
  ];
}

/** Draw the rows. @param {CanvasRenderingContext2D} context @param {View} view @param {number} width @param {number} height */
export function drawDots(context, view, width, height) {
  const { points, targets, split, range, labels } = view;
  if (!points || !targets || view.line) return;
  const [x, y] = placed(view.sight, width, height);
  const size = (points.length > 1200 ? 2.2 : 3.4) * Math.min(1, 0.4 + width / 500);
  for (let i = 0; i < targets.length; i++) {
    drawMark(context, kindOf(targets[i], labels, range), x(points[2 * i]), y(points[2 * i + 1]), size, i < split);
  }
}

/**
 * Draw the boundary between the classes of a view, where the greatest probability changes, in a picture that shows a sight.
 * @param {CanvasRenderingContext2D} context
 * @param {View} view
 * @param {number[]} sight
 * @param {number} width
 * @param {number} height
 * @param {{colour?: string, dash?: number[], line?: number}} [look]
 */
export function drawBoundary(context, view, sight, width, height, { colour = variable("--ink"), dash = [], line = 1.3 } = {}) {
  if (!view.field || !view.labels.length) return;
  const [x, y] = placed(sight, width, height), own = view.sight, size = view.shape[1];
  const at = (/** @type {number[]} */ [across, down]) => [
    x(own[0] + (own[2] - own[0]) * across / size), y(own[3] - (own[3] - own[1]) * down / size)];
  context.strokeStyle = colour;
  context.lineWidth = line;
  context.setLineDash(dash);
  context.beginPath();
  for (const [from, to] of boundary(view.field, view.shape[0], size)) {
    const [a, b] = [at(from), at(to)];
    context.moveTo(a[0], a[1]);
    context.lineTo(b[0], b[1]);
  }
  context.stroke();
  context.setLineDash([]);
}

/** The boundary's pieces, each from one place to another, in pixels. @param {Uint8Array} bytes @param {number} planes @param {number} size */
function boundary(bytes, planes, size) {
  const count = size * size, pieces = /** @type {number[][][]} */ ([]);
  const best = (/** @type {number} */ i) => {
    if (planes === 1) return bytes[i] > 127 ? 1 : 0;
    let k = 0;
    for (let j = 1; j < planes; j++) if (bytes[j * count + i] > bytes[k * count + i]) k = j;
    return k;
  };
  // Between two points of different classes: where these two are equally probable.
  const share = (/** @type {number} */ a, /** @type {number} */ b, /** @type {number} */ i, /** @type {number} */ j) => {
    const ahead = (/** @type {number} */ at) => (planes === 1 ? bytes[at] - 127.5 : bytes[i * count + at] - bytes[j * count + at] + 0.5);
    const [p, q] = [ahead(a), ahead(b)];
    return p === q ? 0.5 : Math.max(0, Math.min(1, p / (p - q)));
  };
  for (let r = 0; r < size - 1; r++) for (let c = 0; c < size - 1; c++) {
    const corners = [r * size + c, r * size + c + 1, (r + 1) * size + c + 1, (r + 1) * size + c];
    const classes = corners.map(best);
    if (classes.every((k) => k === classes[0])) continue;
    const places = [[c, r], [c + 1, r], [c + 1, r + 1], [c, r + 1]];
    const cuts = [];
    for (let s = 0; s < 4; s++) {
      const e = (s + 1) % 4;
      if (classes[s] === classes[e]) continue;
      const t = share(corners[s], corners[e], classes[s], classes[e]);
      cuts.push([places[s][0] + 0.5 + t * (places[e][0] - places[s][0]), places[s][1] + 0.5 + t * (places[e][1] - places[s][1])]);
    }
    for (let s = 0; s + 1 < cuts.length; s += 2) pieces.push([cuts[s], cuts[s + 1]]);
  }
  return pieces;
}

/** With one column: the output over it. @param {CanvasRenderingContext2D} context @param {View} view @param {number} width @param {number} height */
function drawLine(context, view, width, height) {
  const { sight, range, labels, split, points, targets, line, shape: [count, series] } = view;
  if (!line || !points || !targets) return;
  const [low, high] = labels.length || !range ? [-0.1, 1.1] : [range[0] - 0.1 * (range[1] - range[0]), range[1] + 0.1 * (range[1] - range[0])];
  const x = (/** @type {number} */ v) => (v - sight[0]) / (sight[2] - sight[0]) * width;
  const y = (/** @type {number} */ v) => (high - v) / (high - low) * height;
  for (let i = 0; i < targets.length; i++) {
    const at = labels.length ? (targets[i] === 0 ? 0 : 1) : targets[i];
    drawMark(context, labels.length ? targets[i] : -1.9, x(points[2 * i]), y(at), 3.2, i < split);
  }
  for (let k = 0; k < series; k++) {
    context.strokeStyle = labels.length ? CLASSES[k % CLASSES.length] : variable("--ink");
    context.lineWidth = 2;
    context.beginPath();
    for (let i = 0; i < count; i++) context.lineTo(i / (count - 1) * width, y(line[i * series + k]));
    context.stroke();
  }
}
