/** The selected weight or bias: its value, its gradient, the check, and the rule that changes it. */

import { app } from "./app.js";
import { brief, el, maths } from "./dom.js";
import { shown } from "./passes.js";
import { say } from "./words.js";

const panel = /** @type {HTMLElement} */ (document.getElementById("selected"));

/** Write the panel. */
export function writeSelected() {
  const { parameters = [] } = app.opening.header;
  const list = el("select", { id: "parameter", "data-hint": "parameter", "aria-label": say("parameter"), onchange: () => app.choose(list.value, 0) },
    ...(app.entry ? [] : [el("option", { value: "", selected: true }, "—")]),
    ...parameters.map((/** @type {any} */ p) => el("option", { value: p.name, selected: app.entry?.name === p.name }, p.name)));
  const head = el("div", { class: "row" }, el("h2", { "data-hint": "selected" }, say("selected")), list);
  if (!app.entry) { panel.replaceChildren(head, el("p", { class: "faint" }, say("choose"))); return; }
  const { name, index } = app.entry;
  const parameter = parameters.find((/** @type {any} */ p) => p.name === name);
  const place = placed(index, parameter.shape);
  place.forEach((at, axis) => {
    const input = el("input", { type: "number", min: 0, max: parameter.shape[axis] - 1, value: at, "aria-label": `${say("parameter")} ${axis}`, class: "place", "data-hint": "place",
      onchange: () => { place[axis] = Math.max(0, Math.min(parameter.shape[axis] - 1, Number(input.value))); app.choose(name, flat(place, parameter.shape)); } });
    input.style.width = "58px";
    head.append(input);
  });
  const start = parameters.slice(0, parameters.indexOf(parameter)).reduce((/** @type {number} */ sum, /** @type {any} */ p) => sum + p.size, 0);
  const number = (/** @type {string} */ which) => app.frame.arrays[which]?.[start + index];
  const short = app.shortName(name) || name;
  const is_known = number("values") !== undefined;
  panel.replaceChildren(head, ...(is_known ? [] : [el("p", { class: "faint" }, say("many_numbers"))]),
    el("p", { class: "mono", id: "entry" }, `${short}[${place.join(", ")}]  `, ...[["value", "values"], ["gradient", "gradients"]].map(([word, which]) =>
      el("span", { "data-hint": word, tabindex: 0 }, `${say(word)} ${brief(number(which))}  `))),
    ...gradient(name, place), checked(), updated());
}

/** @param {number} index @param {number[]} shape */
function placed(index, shape) {
  const found = [];
  for (let axis = shape.length - 1; axis >= 0; axis--) { found.unshift(index % shape[axis]); index = Math.floor(index / shape[axis]); }
  return found;
}

/** @param {number[]} place @param {number[]} shape */
function flat(place, shape) {
  return place.reduce((sum, at, axis) => sum * shape[axis] + at, 0);
}

/** @param {string} name @param {number[]} place @returns {Node[]} */
function gradient(name, place) {
  const line = app.gradientLine(name);
  if (!line || app.playing || !app.derivation) return [el("p", { class: "faint" }, app.playing ? say("paused_only") : "")];
  const step = app.derivation.steps[line - 1];
  const here = place.length > 1 ? place : [0, place[0]];
  return [el("div", { "aria-busy": !app.isDerived }, el("div", { class: "formula" }, maths(step.formula)), shown(step, here), ...writtenOut(step, here))];
}

/** @param {string} name @returns {any} */
function valueOf(name) {
  const { steps = [], given = [] } = app.derivation || {};
  return [...steps, ...given].find((/** @type {any} */ each) => each.name === name);
}

/** The entry as a sum over the rows of the batch, with its numbers: as many as are here. @param {any} step @param {number[]} place @returns {Node[]} */
function writtenOut(step, place) {
  const product = /^(\w+)\.T @ (\w+)$/.exec(step.source), sum = /^np\.sum\((\w+), axis=0\)$/.exec(step.source);
  const factors = (product || sum || []).slice(1).map((name, k) => ({ found: valueOf(name), column: product && k === 0 ? place[0] : place[1] }));
  if (!factors.length || factors.some(({ found, column }) => found?.shape.length !== 2 || column >= found.values[0].length)) return [];
  const { shape: [count], values } = factors[0].found;
  const terms = values.map((/** @type {any} */ _, /** @type {number} */ r) =>
    factors.map(({ found, column }) => brief(found.values[r][column], 3)).map((text) => (text.startsWith("−") ? `(${text})` : text)).join(" · "));
  const entry = step.values[place[0]]?.[place[1]];
  return [el("p", { class: "mono", id: "terms", "data-hint": "terms" }, `${count > terms.length ? [...terms, "…"].join(" + ") : terms.join(" + ")} = ${brief(entry)}`)];
}

function checked() {
  const found = app.check;
  const button = el("button", { id: "check", "data-hint": "check", disabled: app.playing || app.link.lacks.has("check"), onclick: () => app.checkEntry() }, say("check"));
  if (!found) return el("p", {}, button);
  const line = (/** @type {string} */ key, /** @type {any} */ x) => el("div", { class: "mono", "data-hint": key, tabindex: 0, title: String(x) }, `${say(key)}: ${brief(x, 8)}`);
  const is_good = typeof found.difference === "number" && found.difference < found.bound;
  return el("div", { id: "checked" }, button, line("engine", found.engine), line("numeric", found.numeric),
    el("div", { class: `mono ${is_good ? "good" : "bad"}`, "data-hint": "difference", tabindex: 0 }, `${is_good ? "✓" : "✗"} ${say("difference")}: ${brief(found.difference, 3)}`));
}

function updated() {
  if (app.link.lacks.has("update")) return el("p", { class: "faint" }, say("needs_python"));
  const is_own = app.update && app.entry && app.update.name === app.entry.name;
  return el("details", { open: Boolean(is_own), id: "update", ontoggle: (/** @type {any} */ event) => { if (event.target.open && !is_own) app.updateRule(); } },
    el("summary", { "data-hint": "update" }, say("update")), is_own && app.update ? el("pre", {}, app.update.lines.join("\n")) : null);
}

app.on("line", writeSelected);
app.on("opening", writeSelected);
app.on("playing", writeSelected);
for (const what of ["numbers", "rest"]) app.on(what, () => { if (app.entry) writeSelected(); });
