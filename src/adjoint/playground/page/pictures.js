/** Pictures are the panels as files of SVG, each whole in itself, in light colours, with a title. */

import { app } from "./app.js";
import { CLASSES, picture, signed, variable } from "./colours.js";
import { drawCurve } from "./curve.js";
import { save } from "./dialogs.js";
import { brief, el, svg } from "./dom.js";
import { bars } from "./flow.js";
import { drawMark } from "./marks.js";
import { plan } from "./network.js";
import { Paper, clean } from "./paper.js";
import { drawDots, drawField, drawPixels, seen } from "./plane.js";
import { say } from "./words.js";

/** @typedef {{paper: any, width: number, height: number}} Picture */
/** So many links of a layer are drawn at most, as on the page. */
const MOST_LINKS = 160;

/** Do something while the page has its light colours. Nothing is painted meanwhile. @template T @param {() => T} act @returns {T} */
function inLight(act) {
  const root = document.documentElement, before = root.dataset.theme;
  root.dataset.theme = "light";
  try { return act(); } finally { root.dataset.theme = before; }
}

/** @param {string} name @param {string} title */
function titled(name, title) {
  const made = inLight(() => PANELS[name]());
  if (!made) return "";
  const { paper, width, height } = made;
  const told = `adjoint playground: ${title}, ${say("past")} ${app.step}, ${say("epoch")} ${app.frame.header.epoch}`;
  const root = svg("svg", { xmlns: "http://www.w3.org/2000/svg", width, height, viewBox: `0 0 ${width} ${height}`, role: "img" },
    svg("title", {}, clean(told)), svg("rect", { width, height, fill: "#ffffff" }), paper.group || paper);
  return `${new XMLSerializer().serializeToString(root)}\n`;
}

/**
 * The button that saves a panel.
 * @param {string} name "network", "graph", "output", "curve" or "flow"
 * @param {string} title
 */
export function svgButton(name, title) {
  return el("button", { class: "small", id: `svg-${name}`, "data-hint": "svg", "aria-label": `${title}: SVG`, onclick: () => {
    const text = titled(name, title);
    if (text) save(`${name}.svg`, text, "image/svg+xml");
  } }, "SVG");
}

/** @returns {Picture|null} */
function outputPicture() {
  const view = seen(), paper = new Paper(50, 12), side = 320;
  if (!view.field && !view.line) return null;
  drawField(/** @type {any} */ (paper), view, side, side);
  drawDots(/** @type {any} */ (paper), view, side, side);
  paper.fillStyle = variable("--ink");
  paper.font = "12px system-ui";
  const { sight, names, axes, labels, range } = view;
  const [first, second] = [names[axes?.[0] ?? 0], view.line ? names[names.length - 1] : names[axes?.[1] ?? 1]];
  paper.textAlign = "center";
  paper.fillText(first, side / 2, side + 16);
  paper.textAlign = "right";
  paper.fillText(second.slice(0, 7), -6, side / 2);
  if (!view.line) [[sight[1], side], [sight[3], 10]].forEach(([v, y]) => paper.fillText(brief(v, 3), -6, y));
  paper.fillText(brief(sight[2], 3), side, side + 16);
  paper.textAlign = "left";
  paper.fillText(brief(sight[0], 3), 0, side + 16);
  legend(paper, labels, range, names[names.length - 1], side + 36);
  return { paper, width: side + 64, height: side + 62 };
}

/** @param {any} paper @param {string[]} labels @param {number[]|null} range @param {string} name @param {number} y */
function legend(paper, labels, range, name, y) {
  let x = 6;
  labels.forEach((label, k) => {
    drawMark(paper, k, x, y - 4, 5, true);
    paper.fillStyle = variable("--ink");
    paper.fillText(label.slice(0, 12), x + 10, y);
    x += 22 + 7 * Math.min(12, label.length);
  });
  if (!range) return;
  paper.fillText(`${name.slice(0, 12)}: ${brief(range[0], 3)}`, 0, y);
  drawPixels(/** @type {any} */ (new Shifted(paper, 110, y - 11)), picture(Uint8Array.from({ length: 96 * 96 }, (_, i) => Math.round((i % 96) / 95 * 255)), 1, 96), 96, 12);
  paper.fillText(brief(range[1], 3), 212, y);
}

/** A place on a paper at which a picture is put. */
class Shifted {
  /** @param {any} paper @param {number} x @param {number} y */
  constructor(paper, x, y) { this.paper = paper; this.x = x; this.y = y; this.imageSmoothingEnabled = true; }
  /** @param {any} image @param {number} x @param {number} y @param {number} width @param {number} height */
  drawImage(image, x, y, width, height) { this.paper.drawImage(image, this.x + x, this.y + y, width, height); }
}

/** @param {() => any} series @returns {Picture} */
function curvePicture(series) {
  const paper = new Paper(4, 4);
  drawCurve(/** @type {any} */ (paper), 480, 240, series());
  const kind = app.curve === "loss" ? "loss" : app.opening.header.labels.length ? "accuracy" : "r2";
  /** @type {[string, string, number[]][]} */ ([["train", "--positive", []], ["held", "--held", [5, 3]]]).forEach(([word, colour, dash], i) => {
    const x = 52 + 130 * i;
    Object.assign(paper, { strokeStyle: variable(colour), lineWidth: 1.6, textAlign: "left", fillStyle: variable("--ink") });
    paper.setLineDash(dash);
    paper.beginPath();
    paper.moveTo(x, 254);
    paper.lineTo(x + 22, 254);
    paper.stroke();
    paper.fillText(`${say(kind)}, ${say(word)}`, x + 28, 258);
  });
  return { paper, width: 488, height: 272 };
}

/** @returns {Picture|null} */
function networkPicture() {
  const { columns, start, name } = plan(), canvas = document.querySelector("#net canvas");
  if (!columns.length || !canvas) return null;
  const paper = new Paper(0, -40);
  for (let c = 1; c < columns.length; c++) drawLinks(paper, columns[c - 1], columns[c], start);
  paper.globalAlpha = 1;
  paper.setLineDash([]);
  paper.font = "12px system-ui";
  paper.textAlign = "center";
  columns.forEach((column, c) => {
    for (const unit of column) drawUnit(paper, unit, name);
    paper.fillStyle = variable("--ink");
    const heading = c === 0 ? say("input") : c === columns.length - 1 ? say("output") : app.settings.layers?.[c - 1]?.activation || `${say("layer")} ${c}`;
    paper.fillText(heading, column[0].x, 60);
  });
  return { paper, width: canvas.clientWidth, height: canvas.clientHeight - 40 };
}

/** @param {Paper} paper @param {any[]} from @param {any[]} to @param {(name: string) => number} start */
function drawLinks(paper, from, to, start) {
  const numbers = app.frame.arrays[app.shows === "weights" ? "values" : "gradients"], begin = start(`layers[${to[0].place}].weight`);
  if (!numbers || begin < 0) return;
  const own = Array.from(numbers.subarray(begin, begin + from.length * to.length)), most = Math.max(1e-30, ...own.map(Math.abs));
  const least = own.length > MOST_LINKS ? own.map(Math.abs).sort((a, b) => b - a)[MOST_LINKS - 1] : 0;
  from.forEach((a, i) => to.forEach((b, j) => {
    const x = own[i * to.length + j], share = Math.abs(x) / most, middle = (a.x + b.x) / 2;
    if (!(Math.abs(x) >= least)) return;
    paper.strokeStyle = signed(x);
    paper.globalAlpha = 0.2 + 0.75 * share;
    paper.lineWidth = 0.5 + 4.5 * share;
    paper.setLineDash(x < 0 ? [6, 4] : []);
    paper.beginPath();
    paper.moveTo(a.x, a.y);
    paper.bezierCurveTo(middle, a.y, middle, b.y, b.x, b.y);
    paper.stroke();
  }));
}

/** @param {Paper} paper @param {any} unit @param {(unit: any) => string} name */
function drawUnit(paper, unit, name) {
  const { x, y, size, kind } = unit, bytes = app.frame.arrays[`units ${unit.place}`];
  paper.fillStyle = "#ffffff";
  paper.fillRect(x - size / 2, y - size / 2, size, size);
  if (kind === "hidden" && bytes) {
    const pixels = picture(/** @type {Uint8Array} */ (bytes.subarray(unit.unit * 576, unit.unit * 576 + 576)), 1, 24);
    drawPixels(/** @type {any} */ (new Shifted(paper, x - size / 2, y - size / 2)), pixels, size, size);
  } else if (kind !== "hidden") {
    const many = kind === "output" && app.opening.header.labels.length > 1;
    paper.fillStyle = many && CLASSES[unit.unit] ? (unit.unit === 1 ? signed(1) : CLASSES[unit.unit]) : variable("--ink");
    paper.textBaseline = "middle";
    paper.fillText(name(unit).slice(0, 6), x, y);
    paper.textBaseline = "alphabetic";
  }
  paper.strokeStyle = variable("--ink");
  paper.lineWidth = 1;
  paper.strokeRect(x - size / 2, y - size / 2, size, size);
}

/** @returns {Picture} */
function flowPicture() {
  const paper = new Paper(8, 8), all = bars();
  paper.font = "12px system-ui";
  all.forEach((/** @type {any} */ { name, gradient, ratio, text }, /** @type {number} */ i) => {
    const y = 22 * i;
    paper.fillStyle = variable("--ink");
    paper.fillText(name, 0, y + 12);
    paper.fillText(text, 330, y + 12);
    paper.fillStyle = variable("--back");
    paper.fillRect(120, y, 200, 16);
    paper.fillStyle = variable("--accent");
    paper.fillRect(120, y + 1, 200 * gradient, 9);
    paper.fillStyle = "#e69f00";
    paper.fillRect(120, y + 12, 200 * ratio, 4);
  });
  const y = 22 * all.length + 6;
  /** @type {[string, string, number][]} */ ([[variable("--accent"), say("size_of_gradient"), 0], ["#e69f00", say("change"), 190]]).forEach(([colour, text, x]) => {
    paper.fillStyle = colour;
    paper.fillRect(x, y, 12, 8);
    paper.fillStyle = variable("--ink");
    paper.fillText(text, x + 16, y + 9);
  });
  return { paper, width: 410, height: y + 30 };
}

/** The styles of the graph's parts, which in a file stand at each. */
const STYLES = ["fill", "stroke", "stroke-width", "stroke-dasharray", "font-size", "font-family"];

/** @returns {Picture|null} */
function graphPicture() {
  const shown = document.querySelector("#graph svg");
  if (!shown) return null;
  const copy = /** @type {Element} */ (shown.cloneNode(true)), [own, other] = [shown, copy].map((each) => [...each.querySelectorAll("rect, path, text")]);
  own.forEach((each, i) => {
    const style = getComputedStyle(each);
    for (const name of STYLES) other[i].setAttribute(name, style.getPropertyValue(name));
  });
  for (const each of [copy, ...copy.querySelectorAll("*")]) for (const name of ["class", "tabindex", "role", "aria-label"]) each.removeAttribute(name);
  return { paper: copy, width: Number(shown.getAttribute("width")), height: Number(shown.getAttribute("height")) };
}

/** What is asked for the numbers of the curve; the panel of the output says it. @type {() => any} */
let series = () => ({ rows: [], empty: "" });
/** @param {() => any} asked */
export function curveOf(asked) { series = asked; }

/** @type {{[name: string]: () => Picture|null}} */
const PANELS = { network: networkPicture, graph: graphPicture, output: outputPicture, curve: () => curvePicture(series), flow: flowPicture };
