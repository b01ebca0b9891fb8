/** The gradient flow: how large gradients are from layer to layer, and how far weights move. */

import { app } from "./app.js";
import { brief, el } from "./dom.js";
import { say } from "./words.js";

const panel = /** @type {HTMLElement} */ (document.getElementById("flow"));
const [LEAST, MOST] = [-9, 1];

/** Where a size lies on the logarithmic scale, from 0 to 1. @param {any} x */
function share(x) {
  if (typeof x !== "number" || !(x > 0)) return 0;
  return Math.max(0.01, Math.min(1, (Math.log10(x) - LEAST) / (MOST - LEAST)));
}

/** Write the panel. */
export function writeFlow() {
  const { flow = [], idle = {} } = app.frame.header;
  const lines = flow.flatMap((/** @type {any[]} */ [name, value, gradient, change]) => {
    const ratio = value > 0 ? change / value : 0;
    const [bar, thin, guide] = [el("i"), el("b"), el("u")];
    bar.style.width = `${100 * share(gradient)}%`;
    thin.style.width = `${100 * share(ratio)}%`;
    guide.style.left = `${100 * share(1e-3)}%`;
    const told = `${say("size_of_gradient")}: ${gradient} · ${say("change")}: ${ratio}`;
    return [el("button", { title: name, onclick: () => app.choose(name, 0) }, name.replace("layers", "").replace("weight", "W").replace("bias", "b")),
      el("div", { class: "bar", title: told, role: "img", "aria-label": told }, bar, thin, guide),
      el("span", { class: "number", title: String(gradient) }, brief(gradient, 3))];
  });
  const wrong = Object.values(idle).flat().filter(Boolean);
  const count = (/** @type {string} */ kind) => wrong.filter((each) => each === kind).length;
  const badges = ["dead", "saturated"].filter(count).map((kind) =>
    el("span", { class: "bad", "data-hint": kind }, `${kind === "dead" ? "†" : "≈"} ${count(kind)} ${say(kind)}`));
  panel.replaceChildren(el("h2", {}, say("flowing")),
    el("div", { class: "legend" }, el("span", { "data-hint": "size_of_gradient" }, swatch("accent"), say("size_of_gradient")),
      el("span", { "data-hint": "change" }, swatch("change"), say("change"))),
    el("div", { class: "bars" }, ...lines),
    el("p", { class: "row" }, ...(badges.length ? badges : [el("span", { class: "faint" }, say("no_idle"))])));
}

/** @param {string} kind */
function swatch(kind) {
  const found = el("i");
  found.style.cssText = `display:inline-block;width:12px;height:8px;background:${kind === "accent" ? "var(--accent)" : "#e69f00"}`;
  return found;
}

app.on("frame", writeFlow);
