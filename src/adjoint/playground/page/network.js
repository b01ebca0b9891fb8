/** The network: units as fields, links by size and sign; layers and units are added and removed here. */

import { app } from "./app.js";
import { CLASSES, picture, signed, variable } from "./colours.js";
import { brief, el, prepared } from "./dom.js";
import { hint, say } from "./words.js";

const HEAD = 74, FOOT = 12;

/** @typedef {{x: number, y: number, size: number, place: number|null, unit: number, kind: string}} Unit */

/** @type {Unit[][]} */
let columns = [];
/** @type {any} */ let net = null;
/** @type {any} */ let canvas = null;
/** @type {OffscreenCanvas|null} */ let small = null;

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
  canvas = el("canvas", { "aria-hidden": "true" });
  net = el("div", { id: "net" }, canvas);
  canvas.addEventListener("click", pick);
  canvas.addEventListener("pointermove", point);
  stage.replaceChildren(net);
  const layers = linear(), sizes = [layers[0].in, ...layers.map((layer) => layer.out)];
  net.style.minWidth = `${Math.max(280, sizes.length * 88)}px`;
  const width = net.clientWidth, height = net.clientHeight - HEAD - FOOT;
  const gap = width / sizes.length;
  columns = sizes.map((count, c) => {
    const pitch = Math.min(52, height / count), size = Math.max(5, Math.min(40, pitch - 6));
    const top = HEAD + (height - pitch * count) / 2;
    return Array.from({ length: count }, (_, unit) => ({
      x: gap * (c + 0.5), y: top + pitch * (unit + 0.5), size, unit,
      place: c ? layers[c - 1].place : null, kind: c === 0 ? "input" : c === sizes.length - 1 ? "output" : "hidden" }));
  });
  columns.forEach((column, c) => net.append(head(c, column, sizes), ...column.map(button)));
  drawNetwork();
}

/** @param {HTMLElement} stage */
function writeModules(stage) {
  net = canvas = null;
  const rows = (app.opening.header.layers || []).map((/** @type {any} */ layer) =>
    el("tr", {}, el("td", { class: "mono" }, layer.path), el("td", { class: "mono" }, `${layer.kind}(${layer.text})`)));
  const parameters = app.opening.header.parameters.map((/** @type {any} */ p) =>
    el("button", { class: "small mono", onclick: () => app.choose(p.name, 0) }, `${p.name} ${p.shape.join("×")}`));
  stage.replaceChildren(el("table", {}, ...rows), el("h3", {}, say("parameter")), el("div", { class: "steps" }, ...parameters));
}

/** @param {number} c @param {Unit[]} column @param {number[]} sizes */
function head(c, column, sizes) {
  const box = el("div", { class: "head" });
  box.style.left = `${column[0].x}px`;
  if (c === 0) { box.append(say("input")); return box; }
  if (c === sizes.length - 1) {
    box.append(say("output"));
    if (!app.opening.header.own_model && sizes.length - 2 < app.menu.limits.layers) {
      box.append(el("button", { class: "small", id: "add-layer", title: say("add_layer"), "aria-label": say("add_layer"),
        onclick: () => app.change({ layers: [...app.settings.layers, { units: 4, activation: lastActivation() }] }) }, `+ ${say("layer")}`));
    }
    return box;
  }
  if (app.opening.header.own_model) { box.append(`${say("layer")} ${c}`); return box; }
  const layers = app.settings.layers, own = layers[c - 1];
  const changed = (/** @type {any} */ now) => app.change({ layers: layers.map((/** @type {any} */ each, /** @type {number} */ i) => (i === c - 1 ? { ...each, ...now } : each)) });
  const activation = el("select", { "aria-label": `${say("layer")} ${c}`, "data-layer": c, onchange: () => changed({ activation: activation.value }) },
    ...app.menu.activations.map((/** @type {string} */ value) => el("option", { value, selected: value === own.activation }, value)));
  box.append(
    el("span", { class: "row" },
      el("button", { class: "small", "data-less": c, title: say("remove_unit"), "aria-label": `${say("remove_unit")}, ${say("layer")} ${c}`, disabled: own.units < 2, onclick: () => changed({ units: own.units - 1 }) }, "−"),
      String(own.units),
      el("button", { class: "small", "data-more": c, title: say("add_unit"), "aria-label": `${say("add_unit")}, ${say("layer")} ${c}`, disabled: own.units >= app.menu.limits.units, onclick: () => changed({ units: own.units + 1 }) }, "+")),
    activation,
    el("button", { class: "small", "data-remove": c, title: say("remove_layer"), "aria-label": `${say("remove_layer")} ${c}`,
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
  const found = el("button", { class: "unit", title: name, "aria-label": name, onclick: () => chooseUnit(unit) });
  if (unit.kind === "hidden") {
    for (const kind of ["pointerenter", "focus"]) found.addEventListener(kind, () => magnify(unit));
    for (const kind of ["pointerleave", "blur"]) found.addEventListener(kind, () => magnify(null));
  }
  found.style.left = `${unit.x - unit.size / 2}px`;
  found.style.top = `${unit.y - unit.size / 2}px`;
  found.style.width = found.style.height = `${unit.size}px`;
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
  const [dx, dy] = [b.x - a.x, b.y - a.y];
  let [low, high] = [0, 1];
  for (let i = 0; i < 16; i++) {
    const t = (low + high) / 2, along = 1.5 * t - 1.5 * t * t + t * t * t;
    if (a.x + dx * along < x) low = t; else high = t;
  }
  const t = (low + high) / 2, slope = dy * 6 * t * (1 - t) / (dx * (1.5 - 3 * t + 3 * t * t));
  return Math.abs(y - a.y - dy * (3 - 2 * t) * t * t) / Math.hypot(1, slope);
}

/** Draw links and units as they are now. */
export function drawNetwork() {
  if (!canvas || !canvas.isConnected) return;
  const [context] = prepared(canvas);
  drawLinks(context);
  drawUnits(context);
  mark();
}

/** Links of about the same size are drawn in one stroke: thousands of strokes take too long. */
const LEVELS = 8;
/** So many links of a layer are drawn at most, the largest: more are one dark field, and slow. */
const MOST_LINKS = 160;

/** How large a link must be to be drawn. @param {Float32Array|Uint8Array} own */
function leastDrawn(own) {
  return own.length > MOST_LINKS ? Float32Array.from(own, Math.abs).sort()[own.length - MOST_LINKS] : 0;
}

/** @param {CanvasRenderingContext2D} context */
function drawLinks(context) {
  const numbers = app.frame.arrays[app.shows === "weights" ? "values" : "gradients"];
  if (!numbers) return;
  const paths = Array.from({ length: 2 * LEVELS }, () => new Path2D());
  /** @type {Path2D|null} */ let chosen = null;
  for (let c = 1; c < columns.length; c++) {
    const name = `layers[${columns[c][0].place}].weight`, start = at(name), width = columns[c].length;
    if (start < 0) continue;
    const own = numbers.subarray(start, start + columns[c - 1].length * width);
    let most = 1e-30;
    for (const x of own) most = Math.max(most, Math.abs(x));
    const least = leastDrawn(own);
    const pick = app.entry && app.entry.name === name ? app.entry.index : -1;
    for (const from of columns[c - 1]) for (const to of columns[c]) {
      const index = from.unit * width + to.unit, x = own[index];
      if (Math.abs(x) < least && index !== pick) continue;
      const level = Math.min(LEVELS - 1, Math.floor(LEVELS * Math.abs(x) / most)) || 0;
      const path = index === pick ? (chosen = new Path2D()) : paths[level + (x < 0 ? LEVELS : 0)];
      const middle = (from.x + to.x) / 2;
      path.moveTo(from.x, from.y);
      path.bezierCurveTo(middle, from.y, middle, to.y, to.x, to.y);
    }
  }
  const [negative, positive] = [signed(-1), signed(1)];
  paths.forEach((path, i) => {
    const share = (i % LEVELS + 0.5) / LEVELS;
    stroke(context, path, i < LEVELS ? positive : negative, 0.15 + 0.8 * share, 0.5 + 4.5 * share, i >= LEVELS);
  });
  if (chosen) stroke(context, chosen, variable("--ink"), 1, 4, false);
  context.globalAlpha = 1;
  context.setLineDash([]);
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Path2D} path
 * @param {string} colour
 * @param {number} alpha
 * @param {number} width
 * @param {boolean} dashed
 */
function stroke(context, path, colour, alpha, width, dashed) {
  context.strokeStyle = colour;
  context.globalAlpha = alpha;
  context.lineWidth = width;
  context.setLineDash(dashed ? [6, 4] : []);
  context.stroke(path);
}

/** @param {CanvasRenderingContext2D} context */
function drawUnits(context) {
  small = small || new OffscreenCanvas(24, 24);
  const brush = /** @type {OffscreenCanvasRenderingContext2D} */ (small.getContext("2d", { willReadFrequently: true }));
  const ink = variable("--ink"), back = variable("--panel");
  context.font = "12px system-ui, sans-serif";
  context.textAlign = "center";
  context.textBaseline = "middle";
  for (const unit of columns.flat()) {
    const { x, y, size } = unit, bytes = app.frame.arrays[`units ${unit.place}`];
    context.fillStyle = back;
    context.fillRect(x - size / 2, y - size / 2, size, size);
    if (unit.kind === "hidden" && bytes) {
      brush.putImageData(picture(/** @type {Uint8Array} */ (bytes.subarray(unit.unit * 576, unit.unit * 576 + 576)), 1, 24), 0, 0);
      context.imageSmoothingEnabled = size > 24;
      context.drawImage(small, x - size / 2, y - size / 2, size, size);
    } else if (size > 11) {
      context.fillStyle = unit.kind === "output" && app.opening.header.labels.length > 1 && columns[columns.length - 1].length > 1
        ? CLASSES[unit.unit % CLASSES.length] : ink;
      if (context.fillStyle === CLASSES[1]) context.fillStyle = signed(1);
      const text = unit.kind === "input" ? inputName(unit.unit) : outputName(unit.unit);
      context.fillText(text.length > 6 ? `${text.slice(0, 5)}…` : text, x, y, size + 8);
    }
    context.strokeStyle = ink;
    context.lineWidth = 1;
    context.strokeRect(x - size / 2, y - size / 2, size, size);
  }
}

/** @param {number} i */
function outputName(i) {
  const { labels = [], names = [] } = app.opening.header;
  return columns[columns.length - 1].length > 1 ? labels[i] || `${i}` : names[names.length - 1] || "y";
}

/** Mark idle units and the chosen one, and say what is in the unit that a point leads through. */
function mark() {
  const { idle = {}, probe } = app.frame.header;
  const told = JSON.stringify([idle, app.entry, app.playing ? null : probe]);
  if (net.dataset.told === told) return;
  net.dataset.told = told;
  net.querySelectorAll(".mark").forEach((/** @type {Element} */ each) => each.remove());
  const buttons = net.querySelectorAll(".unit");
  columns.flat().forEach((unit, i) => {
    const wrong = unit.kind === "hidden" && idle[/** @type {number} */ (unit.place)]?.[unit.unit];
    const chosen = app.entry && unit.place !== null && app.entry.name === `layers[${unit.place}].bias` && app.entry.index === unit.unit;
    buttons[i].setAttribute("aria-pressed", String(Boolean(chosen)));
    const value = probe && unit.kind !== "input" && (unit.kind === "output" ? probe.outputs[unit.unit] : probe.hidden[/** @type {number} */ (unit.place)]?.[unit.unit]);
    const text = [buttons[i].getAttribute("aria-label"), wrong ? `${say(wrong)}: ${hint(wrong)}` : "", typeof value === "number" ? brief(value) : ""];
    buttons[i].title = text.filter(Boolean).join(" · ");
    if (!wrong) return;
    const sign = el("span", { class: "mark" }, wrong === "dead" ? "†" : "≈");
    sign.style.left = `${unit.x + unit.size / 2 - 5}px`;
    sign.style.top = `${unit.y - unit.size / 2 - 5}px`;
    net.append(sign);
  });
}
