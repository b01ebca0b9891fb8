/** What a hidden layer has of its own: a norm and a dropout beside those of all layers. */

import { app } from "./app.js";
import { el } from "./dom.js";
import { say } from "./words.js";

/** The controls of all hidden layers. @param {boolean} is_open @returns {Node[]} */
export function layerControls(is_open) {
  const { layers } = app.settings;
  if (!layers.length || app.menu.fixed?.includes("norm")) return [];
  return [el("details", { class: "layers", open: is_open }, el("summary", { "data-hint": "by_layer" }, say("by_layer")), ...layers.map(line))];
}

/** @param {any} layer @param {number} n */
function line(layer, n) {
  const { layers } = app.settings, { norms } = app.menu, name = `${say("layer")} ${n + 1}`;
  const change = (/** @type {any} */ now) => app.change({ layers: layers.map((/** @type {any} */ each, /** @type {number} */ i) => (i === n ? { ...each, ...now } : each)) });
  const norm = el("select", { id: `layer-norm-${n + 1}`, "data-hint": "norm", "aria-label": `${say("norm")}, ${name}`, onchange: () => change({ norm: norm.value || null }) },
    el("option", { value: "", selected: layer.norm === null }, say("as_all")),
    ...norms.map((/** @type {string} */ value) => el("option", { value, selected: value === layer.norm }, value === "none" ? say("none") : value)));
  const dropout = el("input", { id: `layer-dropout-${n + 1}`, "data-hint": "dropout", type: "number", min: 0, max: 0.9, step: 0.1, placeholder: String(app.settings.dropout),
    value: layer.dropout ?? "", "aria-label": `${say("dropout")}, ${name}`, onchange: () => change({ dropout: dropout.value === "" ? null : Number(dropout.value) }) });
  return el("div", { class: "own-layer" }, el("span", {}, `${n + 1}: ${layer.units} ${layer.activation}`), norm, dropout);
}
