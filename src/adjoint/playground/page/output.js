/** The output: what the network says over the plane, how good it is, and the curve of the losses. */

import { app } from "./app.js";
import { picture, variable } from "./colours.js";
import { drawPinnedBoundary, pinButton, pinnedRows, pinnedRun } from "./compare.js";
import { drawCurve } from "./curve.js";
import { brief, el, prepared, setText } from "./dom.js";
import { drawAt, drawKey, drawTools, draws, withDrawn } from "./draw.js";
import { drawMark } from "./marks.js";
import { curveOf, svgButton } from "./pictures.js";
import { drawDots, drawField as drawPlane, drawPixels, placed, seen } from "./plane.js";
import { say } from "./words.js";

const panel = /** @type {HTMLElement} */ (document.getElementById("output"));
/** @type {any} */ let field = null;
/** @type {any} */ let dots = null;
/** @type {any} */ let curve = null;
/** @type {any} */ let scores = null;
/** @type {any} */ let probe = null;
/** @type {number|null} */ let hovered = null;

/** Write the panel anew. */
export function writeOutput() {
  const { width, names = [], labels = [], axes } = app.opening.header;
  // An application: else a screen reader keeps the arrow keys to itself.
  const following = width > 1 ? { role: "application", "aria-describedby": "probe", onclick: look, onkeydown: move } : { role: "img" };
  field = el("canvas", { id: "field", "data-hint": width > 1 ? "field" : "output", "aria-label": say("output"), tabindex: 0, ...following });
  dots = el("canvas", { id: "dots", "aria-hidden": "true" });
  curve = el("canvas", { id: "curve", "data-hint": "curve", role: "img", "aria-label": say("curve"), tabindex: 0 });
  curve.addEventListener("pointermove", (/** @type {PointerEvent} */ event) => { hovered = event.offsetX; drawHistory(); });
  curve.addEventListener("pointerleave", () => { hovered = null; drawHistory(); });
  scores = scoresPlace();
  probe = el("p", { id: "probe", "data-hint": "followed", class: "faint mono" });
  const kind = labels.length ? "accuracy" : "r2";
  const curves = [["loss", "loss"], ["quality", kind]].map(([name, text]) => el("button", {
    "aria-pressed": app.curve === name, "data-curve": name, "data-hint": text, onclick: () => { app.curve = name; app.tell("curve"); } }, say(text)));
  panel.replaceChildren(el("div", { class: "row" }, el("h2", { "data-hint": "output" }, say("output")), pinButton(), width ? svgButton("output", say("output")) : null),
    ...(width ? [el("div", { id: "plane" }, field, dots), legend(names, labels), ...(width > 2 ? [chooser(names, axes, width)] : []), ...(width > 1 ? [probe] : []), ...drawTools()] : []),
    scores, ...pinnedRun(), el("div", { class: "row" }, el("span", { class: "choice", role: "group", "aria-label": say("curve") }, ...curves), svgButton("curve", say("curve"))), curve);
  drawRows();
  drawOutput();
  writeScores();
}

/** @param {string[]} names @param {string[]} labels */
function legend(names, labels) {
  const { range } = app.opening.header;
  const marks = labels.map((label, k) => {
    const canvas = el("canvas", { width: 14, height: 14 });
    drawMark(canvas.getContext("2d"), k, 7, 7, 5, true);
    return el("span", {}, canvas, label);
  });
  const ends = range ? [el("span", { class: "mono" }, `${names[names.length - 1]}: ${brief(range[0], 3)}`), gradient(), el("span", { class: "mono" }, brief(range[1], 3))] : [];
  return el("div", { class: "legend" }, ...marks, ...ends, el("span", { class: "faint", "data-hint": "legend_points" }, say("legend_points")));
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
  const selects = axes.map((axis, i) => el("select", { "data-hint": "axes", "aria-label": `${say("axes")} ${i + 1}`, onchange: send },
    ...names.slice(0, width).map((name, n) => el("option", { value: n, selected: n === axis }, name))));
  const others = names.slice(0, width).map((name, n) => {
    if (axes.includes(n)) return null;
    const input = el("input", { type: "number", step: "any", value: Number(brief(held[n]).replace("−", "-")), onchange: () => { held[n] = Number(input.value); app.look({ axes, held }); } });
    return el("label", { class: "field", "data-hint": "at_held" }, name, input);
  });
  return el("details", { open: true }, el("summary", { "data-hint": "axes" }, say("axes")), el("div", { class: "row" }, ...selects),
    el("h3", { "data-hint": "at_held" }, say("at_held")), ...others);
}

function reopen() {
  if (app.frame.header.what === "opening") { app.opening = app.frame; app.tell("opening"); }
}

/** Follow the point that was clicked. @param {MouseEvent} event */
function look(event) {
  if (draws()) drawAt(at(event.offsetX / field.clientWidth, 1 - event.offsetY / field.clientHeight), event.shiftKey || undefined);
  else follow(event.offsetX / field.clientWidth, 1 - event.offsetY / field.clientHeight);
}

/** @type {{[key: string]: [number, number]}} */
const ARROWS = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };

/** Follow a point that the arrow keys move, from the middle on. @param {KeyboardEvent} event */
function move(event) {
  const way = ARROWS[event.key], { sight } = app.opening.header;
  if (drawKey(event, () => app.frame.header.probe?.at || at(0.5, 0.5))) return;
  if (!way || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  event.stopPropagation();  // elsewhere these keys take steps
  const probed = app.frame.header.probe?.at;
  const shares = way.map((by, i) => (probed ? (probed[i] - sight[i]) / (sight[i + 2] - sight[i]) : 0.5) + by / 40);
  const [x, y] = shares.map((share) => Math.max(0, Math.min(1, share)));
  follow(x, y);
}

/** A place in the plane. @param {number} x its share of the width @param {number} y and of the height, from below */
function at(x, y) {
  const { sight } = app.opening.header;
  return [sight[0] + x * (sight[2] - sight[0]), sight[1] + y * (sight[3] - sight[1])];
}

/** Follow a point of the plane. @param {number} x its share of the width @param {number} y and of the height, from below */
function follow(x, y) {
  const { axes, held } = app.opening.header;
  app.look({ axes, held, probe: at(x, y) });
}

/** Draw all of it as it is now. */
export function drawOutput() {
  if (!field) return;
  if (field.isConnected) drawField();
  drawHistory();
}

function drawField() {
  const [context, width, height] = prepared(field), view = seen();
  const bigger = app.magnified && app.frame.arrays[`units ${app.magnified.place}`];
  if (app.magnified && bigger) {
    const at = app.magnified.unit * 576;
    drawPixels(context, picture(/** @type {Uint8Array} */ (bigger.subarray(at, at + 576)), 1, 24), width, height);
    return;
  }
  if (!view.field && !view.line) return;
  drawPlane(context, view, width, height);
  drawPinnedBoundary(context, view, width, height);
  const { probe: found } = app.frame.header;
  if (!found || !view.field) return;
  const [x, y] = placed(view.sight, width, height);
  context.strokeStyle = variable("--ink");
  context.lineWidth = 2;
  context.beginPath();
  context.arc(x(found.at[0]), y(found.at[1]), 7, 0, 7);
  context.stroke();
}

/** Draw the rows, over the field: once, since they stay where they are. */
function drawRows() {
  if (!dots || !dots.isConnected) return;
  const [context, width, height] = prepared(dots);
  if (app.opening.header.width > 1) drawDots(context, withDrawn(seen()), width, height);
}

/** Write where the scores stand. */
function scoresPlace() {
  const { labels = [] } = app.opening.header, kind = labels.length ? "accuracy" : "r2";
  const cell = (/** @type {string} */ which, /** @type {string} */ what) => el("span", { class: "number", "data-score": `${which} ${what}` });
  const lines = ["loss", "quality"].flatMap((what) => [
    el("span", { "data-hint": what === "loss" ? "loss" : kind, tabindex: 0 }, say(what === "loss" ? "loss" : kind)), cell("train", what), cell("test", what)]);
  return el("div", { id: "scores" },
    el("div", { class: "scores" }, el("span"), el("span", { class: "faint number", "data-hint": "train" }, el("i", { class: "line train" }), say("train")), el("span", { class: "faint number", "data-hint": "held" }, el("i", { class: "line held" }), say("held")), ...lines,
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

/** Draw what is chosen over the epochs: the losses, or accuracy or R². */
function drawHistory() {
  if (!curve || !curve.isConnected) return;
  const [context, width, height] = prepared(curve);
  drawCurve(context, width, height, { ...series(), hovered });
}

/** What the curve shows. @returns {{rows: Float32Array, pinned: Float32Array|null, empty: string, bounded: boolean}} */
export function series() {
  const bounded = app.curve === "quality", name = bounded ? "quality" : "curve";
  return { rows: /** @type {Float32Array} */ (app.frame.arrays[name]) || new Float32Array(), pinned: pinnedRows(name), empty: say("curve_empty"), bounded };
}

curveOf(series);
app.on("opening", writeOutput);
app.on("frame", drawOutput);
app.on("numbers", writeScores);
app.on("magnified", () => { if (field && field.isConnected) drawField(); });
app.on("playing", writeScores);
app.on("theme", drawOutput);
for (const what of ["curve", "pinned", "draw"]) app.on(what, writeOutput);
