/** The network: units as fields, links by size and sign; layers and units are added and removed here. */

import { app } from "./app.js";
import { CLASSES, parts, scale, variable } from "./colours.js";
import { brief, el, setText } from "./dom.js";
import { Raster, risen, slope } from "./raster.js";
import { hint, say } from "./words.js";

const HEAD = 74, FOOT = 24;
/** A unit's field has so many pixels in a row, and so many in all. */
const SIDE = 24, PIXELS = SIDE * SIDE;

/** @typedef {{x: number, y: number, size: number, place: number|null, unit: number, kind: string}} Unit */

/** @type {Unit[][]} */
let columns = [];
/** @type {any} */ let net = null;
/** The weights that lead to each column: their parameter, and where it begins among all. @type {{name: string, start: number}[]} */
let layout = [];
/** @type {Raster|null} */ let raster = null;
/** The buttons of the units. @type {HTMLElement[]} */ let units = [];
/** How wide and high the picture is. */ let sized = [0, 0];

/** @returns {any[]} */
function linear() {
  return app.opening.header.layers.filter((/** @type {any} */ layer) => layer.in && layer.kind === "Linear");
}

/** Whether the model is a chain whose linear layers can be drawn as units and links. */
export function isDrawn() {
  const { layers = [], width } = app.opening.header;
  const found = linear();
  const fits = found.every((layer, i) => i === 0 || found[i - 1].out === layer.in);
  return layers.length > 0 && found.length > 0 && fits && width > 0 && found[0].in <= 64 &&
    found.every((layer) => layer.out <= 64) && layers[0].kind === "Linear";
}

/** Where units stand, where a parameter's entries begin among all, and what stands in a unit without a field. */
export function plan() {
  return { columns, start: at, name: (/** @type {Unit} */ unit) => (unit.kind === "input" ? inputName(unit.unit) : outputName(unit.unit)) };
}

/** Where a parameter's entries begin among all. @param {string} name */
function at(name) {
  let start = 0;
  for (const parameter of app.opening.header.parameters) {
    if (parameter.name === name) return start;
    start += parameter.size;
  }
  return -1;
}

/** Write what stands over the picture: heads of layers, and a button for each unit. @param {HTMLElement} stage */
export function writeNetwork(stage) {
  if (!isDrawn()) { writeModules(stage); return; }
  const canvas = el("canvas", { "aria-hidden": "true", onclick: pick, onpointermove: point });
  net = el("div", { id: "net" }, canvas);
  raster = new Raster(canvas);
  stage.replaceChildren(net);
  const layers = linear(), sizes = [layers[0].in, ...layers.map((layer) => layer.out)];
  net.style.minWidth = `${Math.max(280, sizes.length * 88)}px`;
  sized = [net.clientWidth, net.clientHeight];
  const height = sized[1] - HEAD - FOOT, gap = sized[0] / sizes.length;
  columns = sizes.map((count, c) => {
    const pitch = Math.min(70, height / count), size = Math.max(5, Math.min(52, 0.8 * pitch));
    const top = HEAD + (height - pitch * count) / 2;
    return Array.from({ length: count }, (_, unit) => ({
      x: gap * (c + 0.5), y: top + pitch * (unit + 0.5), size, unit,
      place: c ? layers[c - 1].place : null, kind: c === 0 ? "input" : c === sizes.length - 1 ? "output" : "hidden" }));
  });
  layout = columns.map(([{ place }]) => {
    const name = `layers[${place}].weight`;
    return { name, start: place === null ? -1 : at(name) };
  });
  net.append(signs());
  columns.forEach((column, c) => net.append(head(c, column, sizes), ...column.map(button)));
  units = [...net.querySelectorAll(".unit")];
  drawNetwork();
}

/** What links stand for. */
function signs() {
  return el("p", { class: "legend signs faint", "data-hint": app.shows },
    el("span", {}, el("i", { class: "line train" }), say("positive")), el("span", {}, el("i", { class: "line minus" }), say("negative")), el("span", {}, say("link_width")));
}

/** @param {HTMLElement} stage */
function writeModules(stage) {
  net = raster = null;
  const rows = (app.opening.header.layers || []).map((/** @type {any} */ layer) =>
    el("tr", {}, el("td", { class: "mono" }, layer.path), el("td", { class: "mono" }, `${layer.kind}(${layer.text})`)));
  const parameters = app.opening.header.parameters.map((/** @type {any} */ p) =>
    el("button", { class: "small mono", onclick: () => app.choose(p.name, 0) }, `${p.name} ${p.shape.join("×")}`));
  stage.replaceChildren(el("table", {}, ...rows), el("h3", { "data-hint": "parameter" }, say("parameter")), el("div", { class: "steps", "data-hint": "parameter" }, ...parameters));
}

/** @param {number} c @param {Unit[]} column @param {number[]} sizes */
function head(c, column, sizes) {
  const box = el("div", { class: "head" });
  box.style.left = `${column[0].x}px`;
  if (c === 0) { box.append(el("span", { "data-hint": "input" }, say("input"))); return box; }
  if (c === sizes.length - 1) {
    box.append(el("span", { "data-hint": "output" }, say("output")));
    if (!app.opening.header.own_model && sizes.length - 2 < app.menu.limits.layers) {
      box.append(el("button", { class: "small", id: "add-layer", "data-hint": "add_layer", "aria-label": say("add_layer"),
        onclick: () => app.change({ layers: [...app.settings.layers, { units: 4, activation: lastActivation() }] }) }, `+ ${say("layer")}`));
    }
    return box;
  }
  if (app.opening.header.own_model) { box.append(el("span", { "data-hint": "layer" }, `${say("layer")} ${c}`)); return box; }
  const layers = app.settings.layers, own = layers[c - 1];
  const changed = (/** @type {any} */ now) => app.change({ layers: layers.map((/** @type {any} */ each, /** @type {number} */ i) => (i === c - 1 ? { ...each, ...now } : each)) });
  const activation = el("select", { "data-hint": "activation", "aria-label": `${say("activation")}, ${say("layer")} ${c}`, "data-layer": c, onchange: () => changed({ activation: activation.value }) },
    ...app.menu.activations.map((/** @type {string} */ value) => el("option", { value, selected: value === own.activation }, value)));
  box.append(
    el("span", { class: "row" },
      el("button", { class: "small", "data-less": c, "data-hint": "remove_unit", "aria-label": `${say("remove_unit")}, ${say("layer")} ${c}`, disabled: own.units < 2, onclick: () => changed({ units: own.units - 1 }) }, "−"),
      String(own.units),
      el("button", { class: "small", "data-more": c, "data-hint": "add_unit", "aria-label": `${say("add_unit")}, ${say("layer")} ${c}`, disabled: own.units >= app.menu.limits.units, onclick: () => changed({ units: own.units + 1 }) }, "+")),
    activation,
    el("button", { class: "small", "data-remove": c, "data-hint": "remove_layer", "aria-label": `${say("remove_layer")} ${c}`,
      onclick: () => app.change({ layers: layers.filter((/** @type {any} */ _, /** @type {number} */ i) => i !== c - 1) }) }, "✕"));
  return box;
}

function lastActivation() {
  const layers = app.settings.layers;
  return layers.length ? layers[layers.length - 1].activation : "tanh";
}

/** @param {Unit} unit */
function called(unit) {
  if (unit.kind === "input") return inputName(unit.unit);
  return unit.kind === "output" ? `${say("output")} ${outputName(unit.unit)}` : `${say("unit")} ${unit.unit + 1}`;
}

/** @param {Unit} unit */
function button(unit) {
  const name = called(unit);
  const found = el("button", { class: `unit ${unit.kind}`, "data-hint": "unit", "data-detail": name, "aria-label": name, onclick: () => chooseUnit(unit) }, written(unit));
  if (unit.kind === "output" && app.opening.header.labels.length > 1 && columns[columns.length - 1].length > 1) {
    const colour = CLASSES[unit.unit % CLASSES.length];
    found.style.color = colour === CLASSES[1] ? variable("--positive") : colour;
  }
  if (unit.kind === "hidden") {
    for (const kind of ["pointerenter", "focus"]) found.addEventListener(kind, () => magnify(unit));
    for (const kind of ["pointerleave", "blur"]) found.addEventListener(kind, () => magnify(null));
  }
  found.style.left = `${unit.x - unit.size / 2}px`;
  found.style.top = `${unit.y - unit.size / 2}px`;
  found.style.width = found.style.height = `${unit.size}px`;
  return found;
}

/** Longer names stand beside their units, where there are as many pixels. */
const FITS = 3, ROOM = 32;

/** The name of an input or an output, if there is room. @param {Unit} unit */
function written(unit) {
  if (unit.kind === "hidden" || unit.size < 12) return null;
  const text = unit.kind === "input" ? inputName(unit.unit) : outputName(unit.unit);
  const room = columns[0][0].x - columns[0][0].size / 2 - 6;
  if (text.length <= FITS || room < ROOM) return el("span", {}, text.length > 6 ? `${text.slice(0, 5)}…` : text);
  const found = el("span", { class: "beside" }, text);
  found.style.maxWidth = `${room}px`;
  return found;
}

/** Show a unit's picture in the place of the output, where it is large. @param {Unit|null} unit */
function magnify(unit) {
  app.magnified = unit && unit.place !== null ? { place: unit.place, unit: unit.unit } : null;
  app.tell("magnified");
}

/** @param {number} i */
function inputName(i) {
  const { names = [] } = app.opening.header;
  const { features = [], data } = app.settings;
  if (app.opening.header.own_model || data === "own") return names[i] || `x${i + 1}`;
  return app.menu.features[features[i]] || `x${i + 1}`;
}

/** A unit is chosen by its bias; where it has none, by its first weight. @param {Unit} unit */
function chooseUnit(unit) {
  if (unit.place === null) return;
  const bias = `layers[${unit.place}].bias`;
  if (at(bias) >= 0) app.choose(bias, unit.unit);
  else app.choose(`layers[${unit.place}].weight`, unit.unit);
}

/** Choose the link nearest to a click. @param {MouseEvent} event */
function pick(event) {
  const { name, index } = nearest(event.offsetX, event.offsetY);
  if (name) app.choose(name, index);
}

/** Say the weight of the link under the pointer. @param {PointerEvent} event */
function point(event) {
  const canvas = /** @type {HTMLCanvasElement} */ (event.currentTarget);
  if (app.playing) { canvas.title = ""; return; }
  const { name, index, from, to } = nearest(event.offsetX, event.offsetY);
  canvas.style.cursor = name ? "pointer" : "";
  canvas.title = name && from && to
    ? `${say("weight_of", from, to)}: ${brief(app.frame.arrays.values?.[at(name) + index])} · ${say("gradient")} ${brief(app.frame.arrays.gradients?.[at(name) + index])}` : "";
}

/** The link nearest to a place, if one is near. @param {number} x @param {number} y */
function nearest(x, y) {
  let best = 7, name = "", index = 0, ends = ["", ""];
  for (let c = 1; c < columns.length; c++) {
    if (x < columns[c - 1][0].x || x > columns[c][0].x) continue;
    const weight = `layers[${columns[c][0].place}].weight`;
    for (const from of columns[c - 1]) for (const to of columns[c]) {
      const far = distance(x, y, from, to);
      if (far < best) { best = far; name = weight; index = from.unit * columns[c].length + to.unit; ends = [called(from), called(to)]; }
    }
  }
  return { name, index, from: ends[0], to: ends[1] };
}

/** How far a place is from the curve of a link, about. @param {number} x @param {number} y @param {Unit} a @param {Unit} b */
function distance(x, y, a, b) {
  const along = (x - a.x) / (b.x - a.x), [dx, dy] = [b.x - a.x, b.y - a.y];
  return Math.abs(y - a.y - dy * risen(along)) / Math.hypot(1, slope(along) * dy / dx);
}

/** Draw links and units as they are now. */
export function drawNetwork() {
  if (!raster || !raster.canvas.isConnected) return;
  raster.begin(sized[0], sized[1], parts(variable("--panel")));
  drawLinks(raster);
  drawFields(raster);
  raster.finish();
  mark();
}

/** So many sizes of links are told apart. */
const LEVELS = 256;
/** So many links of a layer are drawn at most, the largest: more are one dark field, and slow. */
const MOST_LINKS = 160;

/** @param {Raster} picture */
function drawLinks(picture) {
  const numbers = /** @type {Float32Array} */ (app.frame.arrays[app.shows === "weights" ? "values" : "gradients"]);
  if (!numbers) return;
  const colours = [parts(variable("--negative")), parts(variable("--positive"))];
  for (let c = 1; c < columns.length; c++) {
    const [before, after] = [columns[c - 1], columns[c]], { start, name } = layout[c];
    if (start < 0) continue;
    const own = numbers.subarray(start, start + before.length * after.length);
    const { order, level } = bySize(own);
    for (const index of order.subarray(Math.max(0, order.length - MOST_LINKS))) {
      const share = (level[index] + 0.5) / LEVELS, from = before[Math.floor(index / after.length)];
      picture.link(from, after[index % after.length], colours[own[index] < 0 ? 0 : 1], 0.15 + 0.8 * share, 0.5 + 4.5 * share, own[index] < 0);
    }
    const pick = app.entry && app.entry.name === name ? app.entry.index : -1;
    if (pick >= 0) picture.link(before[Math.floor(pick / after.length)], after[pick % after.length], parts(variable("--ink")), 1, 4, false);
  }
}

/**
 * The places of numbers in the order of their sizes, the largest last, and how large each is beside the largest.
 * @param {Float32Array} numbers
 */
function bySize(numbers) {
  let most = 1e-30;
  for (const x of numbers) most = Math.max(most, Math.abs(x));
  const level = new Uint8Array(numbers.length), before = new Uint32Array(LEVELS + 1);
  for (let i = 0; i < numbers.length; i++) {
    level[i] = Math.min(LEVELS - 1, Math.floor(LEVELS * Math.abs(numbers[i]) / most)) || 0;
    before[level[i] + 1] += 1;
  }
  for (let l = 1; l <= LEVELS; l++) before[l] += before[l - 1];
  const order = new Uint32Array(numbers.length);
  for (let i = 0; i < numbers.length; i++) order[before[level[i]]++] = i;
  return { order, level };
}

/** @param {Raster} picture */
function drawFields(picture) {
  const colours = scale(), blank = new Uint8Array(PIXELS).fill(127);
  for (const unit of columns.flat()) {
    if (unit.kind !== "hidden") continue;
    const bytes = /** @type {Uint8Array|undefined} */ (app.frame.arrays[`units ${unit.place}`]), at = unit.unit * PIXELS;
    picture.field(bytes ? bytes.subarray(at, at + PIXELS) : blank, SIDE, unit.x - unit.size / 2, unit.y - unit.size / 2, unit.size, colours);
  }
}

/** @param {number} i */
function outputName(i) {
  const { labels = [], names = [] } = app.opening.header;
  return columns[columns.length - 1].length > 1 ? labels[i] || `${i}` : names[names.length - 1] || "y";
}

/** Mark idle units and the chosen one; at rest say what is in the unit that a point leads through. */
function mark() {
  const { idle = {}, probe } = app.frame.header;
  columns.flat().forEach((unit, i) => {
    const wrong = (unit.kind === "hidden" && idle[/** @type {number} */ (unit.place)]?.[unit.unit]) || "";
    const chosen = app.entry && unit.place !== null && app.entry.name === `layers[${unit.place}].bias` && app.entry.index === unit.unit;
    const told = `${wrong} ${Boolean(chosen)} ${app.playing ? "" : JSON.stringify(probe)}`, button = units[i];
    if (button.dataset.told === told) return;
    button.dataset.told = told;
    button.setAttribute("aria-pressed", String(Boolean(chosen)));
    if (!app.playing) button.dataset.detail = button.ariaDescription = described(unit, button, wrong, probe);
    sign(unit, button, wrong);
  });
}

/** @param {Unit} unit @param {HTMLElement} button @param {string} wrong @param {any} probe */
function described(unit, button, wrong, probe) {
  const value = probe && unit.kind !== "input" && (unit.kind === "output" ? probe.outputs[unit.unit] : probe.hidden[/** @type {number} */ (unit.place)]?.[unit.unit]);
  const text = [button.getAttribute("aria-label"), wrong ? `${say(wrong)}: ${hint(wrong)}` : "", typeof value === "number" ? brief(value) : ""];
  return text.filter(Boolean).join(" · ");
}

/** Show or take away the sign of a dead or a saturated unit. @param {Unit} unit @param {HTMLElement} button @param {string} wrong */
function sign(unit, button, wrong) {
  const text = { dead: "†", saturated: "≈" }[wrong];
  let found = button.querySelector(".mark");
  if (!text) { found?.remove(); return; }
  if (!found) button.append(found = el("span", { class: "mark" }));
  setText(found, text);
}
