/** The output: what the network says over the plane, how good it is, and the curve of the losses. */

import { app } from "./app.js";
import { CLASSES, ofScale, picture, variable } from "./colours.js";
import { brief, el, prepared, setText } from "./dom.js";
import { say } from "./words.js";

const panel = /** @type {HTMLElement} */ (document.getElementById("output"));
/** @type {any} */ let field = null;
/** @type {any} */ let dots = null;
/** @type {OffscreenCanvas|null} */ let small = null;
/** @type {any} */ let curve = null;
/** @type {any} */ let scores = null;
/** @type {any} */ let probe = null;
/** @type {number|null} */ let hovered = null;

/** Write the panel anew. */
export function writeOutput() {
  const { width, names = [], labels = [], axes } = app.opening.header;
  // An application: else a screen reader keeps the arrow keys to itself.
  const following = width > 1 ? { role: "application", "aria-describedby": "probe", title: say("probe"), onclick: look, onkeydown: move } : { role: "img" };
  field = el("canvas", { id: "field", "aria-label": say("output"), tabindex: 0, ...following });
  dots = el("canvas", { id: "dots", "aria-hidden": "true" });
  curve = el("canvas", { id: "curve", role: "img", "aria-label": say("loss"), tabindex: 0 });
  curve.addEventListener("pointermove", (/** @type {PointerEvent} */ event) => { hovered = event.offsetX; drawCurve(); });
  curve.addEventListener("pointerleave", () => { hovered = null; drawCurve(); });
  scores = scoresPlace();
  probe = el("p", { id: "probe", class: "faint mono" });
  panel.replaceChildren(el("h2", {}, say("output")),
    ...(width ? [el("div", { id: "plane" }, field, dots), legend(names, labels), ...(width > 2 ? [chooser(names, axes, width)] : []), ...(width > 1 ? [probe] : [])] : []),
    scores, el("h3", {}, say("loss")), curve);
  drawDots();
  drawOutput();
}

/** @param {string[]} names @param {string[]} labels */
function legend(names, labels) {
  const { range } = app.opening.header;
  const marks = labels.map((label, k) => {
    const canvas = el("canvas", { width: 14, height: 14 });
    shape(canvas.getContext("2d"), k, 7, 7, 5, true);
    return el("span", {}, canvas, label);
  });
  const ends = range ? [el("span", { class: "mono" }, `${names[names.length - 1]}: ${brief(range[0], 3)}`), gradient(), el("span", { class: "mono" }, brief(range[1], 3))] : [];
  return el("div", { class: "legend" }, ...marks, ...ends, el("span", { class: "faint" }, say("legend_points")));
}

function gradient() {
  const canvas = el("canvas", { width: 96, height: 12 });
  const bytes = Uint8Array.from({ length: 96 * 96 }, (_, i) => Math.round((i % 96) / 95 * 255));
  canvas.getContext("2d").putImageData(picture(bytes, 1, 96), 0, 0);
  return canvas;
}

/** @param {string[]} names @param {number[]} axes @param {number} width */
function chooser(names, axes, width) {
  const held = app.opening.header.held;
  const send = () => app.look({ axes: selects.map((each) => Number(each.value)), held, opening: true }).then(reopen);
  const selects = axes.map((axis, i) => el("select", { "aria-label": `${say("axes")} ${i + 1}`, onchange: send },
    ...names.slice(0, width).map((name, n) => el("option", { value: n, selected: n === axis }, name))));
  const others = names.slice(0, width).map((name, n) => {
    if (axes.includes(n)) return null;
    const input = el("input", { type: "number", step: "any", value: Number(brief(held[n]).replace("−", "-")), onchange: () => { held[n] = Number(input.value); app.look({ axes, held }); } });
    return el("label", { class: "field" }, name, input);
  });
  return el("details", { open: true }, el("summary", {}, say("axes")), el("div", { class: "row" }, ...selects),
    el("h3", {}, say("at_held")), ...others);
}

function reopen() {
  if (app.frame.header.what === "opening") { app.opening = app.frame; app.tell("opening"); }
}

/** Follow the point that was clicked. @param {MouseEvent} event */
function look(event) {
  follow(event.offsetX / field.clientWidth, 1 - event.offsetY / field.clientHeight);
}

/** @type {{[key: string]: [number, number]}} */
const ARROWS = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };

/** Follow a point that the arrow keys move, from the middle on. @param {KeyboardEvent} event */
function move(event) {
  const way = ARROWS[event.key], { sight } = app.opening.header;
  if (!way || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  event.stopPropagation();  // elsewhere these keys take steps
  const at = app.frame.header.probe?.at;
  const shares = way.map((by, i) => (at ? (at[i] - sight[i]) / (sight[i + 2] - sight[i]) : 0.5) + by / 40);
  const [x, y] = shares.map((share) => Math.max(0, Math.min(1, share)));
  follow(x, y);
}

/** Follow a point of the plane. @param {number} x its share of the width @param {number} y and of the height, from below */
function follow(x, y) {
  const { sight, axes, held } = app.opening.header;
  app.look({ axes, held, probe: [sight[0] + x * (sight[2] - sight[0]), sight[1] + y * (sight[3] - sight[1])] });
}

/** Draw all of it as it is now. */
export function drawOutput() {
  if (!field) return;
  if (field.isConnected) drawField();
  drawCurve();
  writeScores();
}

function drawField() {
  const [context, width, height] = prepared(field);
  const { sight, labels = [] } = app.opening.header;
  const bytes = /** @type {Uint8Array} */ (app.frame.arrays.field);
  if (app.frame.arrays.line) { drawLine(context, width, height); return; }
  if (!bytes) return;
  const bigger = app.magnified && app.frame.arrays[`units ${app.magnified.place}`];
  if (app.magnified && bigger) { drawUnit(context, /** @type {Uint8Array} */ (bigger), app.magnified.unit, width, height); return; }
  const [planes, size] = app.frame.shapes.field;
  if (!small || small.width !== size) small = new OffscreenCanvas(size, size);
  /** @type {any} */ (small.getContext("2d", { willReadFrequently: true })).putImageData(picture(bytes, planes, size), 0, 0);
  context.imageSmoothingEnabled = true;
  context.drawImage(small, 0, 0, width, height);
  if (labels.length) drawContour(context, bytes, planes, size, width, height);
  const { probe: found } = app.frame.header;
  if (found) {
    const [x, y] = placed(sight, width, height);
    context.strokeStyle = variable("--ink");
    context.lineWidth = 2;
    context.beginPath();
    context.arc(x(found.at[0]), y(found.at[1]), 7, 0, 7);
    context.stroke();
  }
}

/** Show the unit under the pointer or the focus in the place of the output. @param {CanvasRenderingContext2D} context @param {Uint8Array} bytes @param {number} unit @param {number} width @param {number} height */
function drawUnit(context, bytes, unit, width, height) {
  const picked = new OffscreenCanvas(24, 24);
  /** @type {any} */ (picked.getContext("2d", { willReadFrequently: true })).putImageData(picture(bytes.subarray(unit * 576, unit * 576 + 576), 1, 24), 0, 0);
  context.imageSmoothingEnabled = true;
  context.drawImage(picked, 0, 0, width, height);
}

/** Where coordinates lie in the picture. @param {number[]} sight @param {number} width @param {number} height */
function placed(sight, width, height) {
  return [
    (/** @type {number} */ v) => (v - sight[0]) / (sight[2] - sight[0]) * width,
    (/** @type {number} */ v) => (sight[3] - v) / (sight[3] - sight[1]) * height,
  ];
}

/** Draw the rows, over the field: once, since they stay where they are. */
function drawDots() {
  if (!dots || !dots.isConnected) return;
  const [context, width, height] = prepared(dots);
  const { points, targets } = app.opening.arrays, { sight, split, range, labels = [] } = app.opening.header;
  if (!points || app.opening.header.width < 2) return;
  const [x, y] = placed(sight, width, height);
  const size = points.length > 1200 ? 2.2 : 3.4;
  for (let i = 0; i < targets.length; i++) {
    const share = range ? (targets[i] - range[0]) / (range[1] - range[0]) : 0;
    shape(context, labels.length ? targets[i] : -1 - share, x(points[2 * i]), y(points[2 * i + 1]), size, i < split);
  }
}

/**
 * Draw the mark of a class, or of a number from -1 (least) to -2 (greatest).
 * @param {CanvasRenderingContext2D} context
 * @param {number} kind
 * @param {number} x
 * @param {number} y
 * @param {number} r
 * @param {boolean} filled
 */
function shape(context, kind, x, y, r, filled) {
  const colour = kind >= 0 ? CLASSES[kind % CLASSES.length] : ofScale(-kind - 1);
  context.beginPath();
  const corners = kind < 0 ? 0 : [0, 4, 3, 5, 8][kind % 5];
  if (!corners) context.arc(x, y, r, 0, 7);
  else for (let i = 0; i < corners; i++) {
    const angle = 2 * Math.PI * i / corners + (corners === 4 ? Math.PI / 4 : -Math.PI / 2);
    const far = corners === 8 && i % 2 ? r * 0.5 : r * 1.2;
    context.lineTo(x + far * Math.cos(angle), y + far * Math.sin(angle));
  }
  context.closePath();
  if (!filled && kind >= 0) {
    // A white rim: else a hollow mark is lost in a field of its own colour.
    context.lineWidth = 4.4;
    context.strokeStyle = "#ffffff";
    context.stroke();
  }
  context.lineWidth = filled ? 0.9 : 1.8;
  context.fillStyle = colour;
  // The colour of a number may be that of the field around it, so its edge is drawn in ink.
  context.strokeStyle = kind < 0 ? variable("--ink") : filled ? "#ffffff" : colour;
  if (kind < 0 && !filled) context.setLineDash([2, 1.5]);
  if (filled || kind < 0) context.fill();
  context.stroke();
  context.setLineDash([]);
}

/** The boundary between classes: where the greatest probability changes. @param {CanvasRenderingContext2D} context @param {Uint8Array} bytes @param {number} planes @param {number} size @param {number} width @param {number} height */
function drawContour(context, bytes, planes, size, width, height) {
  const count = size * size;
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
  context.strokeStyle = variable("--ink");
  context.lineWidth = 1.3;
  context.beginPath();
  const [w, h] = [width / size, height / size];
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
      cuts.push([(places[s][0] + 0.5 + t * (places[e][0] - places[s][0])) * w, (places[s][1] + 0.5 + t * (places[e][1] - places[s][1])) * h]);
    }
    for (let s = 0; s + 1 < cuts.length; s += 2) { context.moveTo(cuts[s][0], cuts[s][1]); context.lineTo(cuts[s + 1][0], cuts[s + 1][1]); }
  }
  context.stroke();
}

/** With one column: the output over it. @param {CanvasRenderingContext2D} context @param {number} width @param {number} height */
function drawLine(context, width, height) {
  const line = app.frame.arrays.line, [count, series] = app.frame.shapes.line;
  const { sight, range, labels = [], split } = app.opening.header;
  const { points, targets } = app.opening.arrays;
  const [low, high] = labels.length ? [-0.1, 1.1] : [range[0] - 0.1 * (range[1] - range[0]), range[1] + 0.1 * (range[1] - range[0])];
  const x = (/** @type {number} */ v) => (v - sight[0]) / (sight[2] - sight[0]) * width;
  const y = (/** @type {number} */ v) => (high - v) / (high - low) * height;
  for (let i = 0; i < targets.length; i++) {
    const at = labels.length ? (targets[i] === 0 ? 0 : 1) : targets[i];
    shape(context, labels.length ? targets[i] : -1.9, x(points[2 * i]), y(at), 3.2, i < split);
  }
  for (let k = 0; k < series; k++) {
    context.strokeStyle = labels.length ? CLASSES[k % CLASSES.length] : variable("--ink");
    context.lineWidth = 2;
    context.beginPath();
    for (let i = 0; i < count; i++) context.lineTo(i / (count - 1) * width, y(line[i * series + k]));
    context.stroke();
  }
}

/** Write where the scores stand. */
function scoresPlace() {
  const { labels = [] } = app.opening.header, kind = labels.length ? "accuracy" : "r2";
  const cell = (/** @type {string} */ which, /** @type {string} */ what) => el("span", { class: "number", "data-score": `${which} ${what}` });
  const lines = ["loss", "quality"].flatMap((what) => [
    el("span", { "data-hint": what === "loss" ? "loss" : kind }, say(what === "loss" ? "loss" : kind)), cell("train", what), cell("test", what)]);
  return el("div", { id: "scores" },
    el("div", { class: "scores" }, el("span"), el("span", { class: "faint number" }, el("i", { class: "line train" }), say("train")), el("span", { class: "faint number" }, el("i", { class: "line held" }), say("held")), ...lines,
      el("span", { "data-hint": "lr" }, say("lr")), el("span", { class: "number", "data-score": "rate" }), el("span")),
    labels.length ? el("div", { id: "confusion" }) : null);
}

function writeScores() {
  const { train, test, rate, probe: found } = app.frame.header, { labels = [] } = app.opening.header;
  if (!train) return;
  const now = /** @type {{[key: string]: any}} */ ({ "train loss": train.loss, "train quality": train.quality, "test loss": test?.loss, "test quality": test?.quality });
  for (const cell of scores.querySelectorAll("[data-score]")) {
    const { score } = cell.dataset;
    setText(cell, score === "rate" ? String(Number(Number(rate).toPrecision(4))) : brief(now[score]));
    if (!app.playing) cell.title = String(score === "rate" ? rate : now[score]);
  }
  const counts = JSON.stringify((test || train).confusion), place = scores.querySelector("#confusion");
  if (place && place.dataset.counts !== counts) {
    place.dataset.counts = counts;
    place.replaceChildren(confusion((test || train).confusion, labels, test ? "held" : "train"));
  }
  if (probe) setText(probe, found ? `${say("probed")} (${found.at.map((/** @type {number} */ v) => brief(v, 3)).join(", ")}): ${answered(found, labels)}` : say("probe"));
}

/** @param {any} found @param {string[]} labels */
function answered(found, labels) {
  if (!labels.length) return brief(found.answer[0]);
  return found.answer.map((/** @type {number} */ p, /** @type {number} */ k) => `P(${labels[k]}) = ${brief(p, 3)}`).join(", ");
}

/** @param {number[][]} counts @param {string[]} labels @param {string} where */
function confusion(counts, labels, where) {
  const is_open = panel.querySelector("details.confusion[open]") !== null;
  return el("details", { class: "confusion", open: is_open }, el("summary", { "data-hint": "confusion" }, `${say("confusion")} (${say(where)})`),
    el("table", { class: "confusion" }, el("tr", {}, el("th"), ...labels.map((label) => el("th", { scope: "col" }, label))),
      ...counts.map((row, i) => el("tr", {}, el("th", { scope: "row" }, labels[i]), ...row.map((n, j) => el("td", { class: i === j ? "right" : "" }, String(n)))))));
}

/** Draw the losses over the epochs; the ends of the lines are the losses now. */
function drawCurve() {
  if (!curve || !curve.isConnected) return;
  const [context, width, height] = prepared(curve);
  const numbers = app.frame.arrays.curve, [count] = app.frame.shapes.curve || [0];
  const ink = variable("--faint");
  context.font = "11px system-ui, sans-serif";
  context.fillStyle = ink;
  if (!count) { context.fillText(say("curve_empty"), 6, 20); return; }
  const epochs = /** @type {number[]} */ ([]), lines = /** @type {number[][]} */ ([[], []]);
  for (let i = 0; i < count; i++) { epochs.push(numbers[3 * i]); lines[0].push(numbers[3 * i + 1]); lines[1].push(numbers[3 * i + 2]); }
  const all = lines.flat().filter((v) => Number.isFinite(v));
  let low = Math.min(...all), high = Math.max(...all);
  const log = low > 0 && high / low > 100;
  const scaled = (/** @type {number} */ v) => (log ? Math.log10(v) : v);
  [low, high] = [scaled(low), scaled(high)];
  if (!(high > low)) { low -= 0.5; high += 0.5; }
  const [left, right, top, bottom] = [52, width - 8, 8, height - 18];
  const first = epochs[0], last = Math.max(epochs[count - 1], first + 1);
  const x = (/** @type {number} */ v) => left + (v - first) / (last - first) * (right - left);
  const y = (/** @type {number} */ v) => bottom - (scaled(v) - low) / (high - low) * (bottom - top);
  context.strokeStyle = variable("--line");
  context.strokeRect(left, top, right - left, bottom - top);
  context.textAlign = "right";
  for (const v of [low, high]) context.fillText(brief(log ? 10 ** v : v, 2), left - 4, (v === low ? bottom : top + 8));
  context.textAlign = "left";
  context.fillText(String(first), left, height - 4);
  context.textAlign = "right";
  context.fillText(`${say("epoch")} ${last.toLocaleString("en")}`, right, height - 4);
  const marks = [[variable("--positive"), []], [variable("--held"), [5, 3]]];
  lines.forEach((line, k) => {
    if (!line.some(Number.isFinite)) return;
    context.strokeStyle = /** @type {string} */ (marks[k][0]);
    context.setLineDash(/** @type {number[]} */ (marks[k][1]));
    context.lineWidth = 1.6;
    context.beginPath();
    line.forEach((v, i) => { if (Number.isFinite(v)) context.lineTo(x(epochs[i]), y(v)); });
    context.stroke();
  });
  context.setLineDash([]);
  if (hovered === null) return;
  const near = epochs.reduce((a, e, i) => (Math.abs(x(e) - /** @type {number} */ (hovered)) < Math.abs(x(epochs[a]) - /** @type {number} */ (hovered)) ? i : a), 0);
  context.strokeStyle = ink;
  context.beginPath();
  context.moveTo(x(epochs[near]), top); context.lineTo(x(epochs[near]), bottom);
  context.stroke();
  context.fillStyle = variable("--ink");
  context.textAlign = "right";
  context.fillText(`${epochs[near]}: ${lines.filter((line) => Number.isFinite(line[near])).map((line) => brief(line[near])).join(" / ")}`, right - 4, top + 14);
}

app.on("opening", writeOutput);
app.on("frame", drawOutput);
app.on("magnified", () => { if (field && field.isConnected) drawField(); });
app.on("playing", writeScores);
app.on("theme", drawOutput);
