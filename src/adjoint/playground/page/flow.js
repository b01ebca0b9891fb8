/** The gradient flow: how large gradients are from layer to layer, and how far weights move. */

import { app } from "./app.js";
import { brief, el, setText } from "./dom.js";
import { svgButton } from "./pictures.js";
import { say } from "./words.js";

const panel = /** @type {HTMLElement} */ (document.getElementById("flow"));
const [LEAST, MOST] = [-9, 1];

/** Where a size lies on the logarithmic scale, from 0 to 1. @param {any} x */
function share(x) {
  if (typeof x !== "number" || !(x > 0)) return 0;
  return Math.max(0.01, Math.min(1, (Math.log10(x) - LEAST) / (MOST - LEAST)));
}

/** The bars: a name, the shares of the scale that its two bars take, and the gradient as text. */
export function bars() {
  return (app.frame.header.flow || []).map((/** @type {any[]} */ [name, value, gradient, change]) => ({
    name: short(name), gradient: share(gradient), ratio: share(value > 0 ? change / value : 0), text: brief(gradient, 3) }));
}

/** @param {string} name */
function short(name) {
  return name.replace("layers", "").replace("weight", "W").replace("bias", "b");
}

/** @typedef {{name: string, bar: HTMLElement, thin: HTMLElement, box: HTMLElement, number: HTMLElement}} Line */

/** @type {Line[]} */ let lines = [];
/** @type {any} */ let badges = null;

/** Write the panel anew. */
export function writeFlow() {
  const { flow = [] } = app.frame.header;
  lines = flow.map((/** @type {any[]} */ [name]) => line(name));
  badges = el("p", { class: "row" });
  panel.replaceChildren(el("div", { class: "row" }, el("h2", { "data-hint": "flowing" }, say("flowing")), svgButton("flow", say("flowing"))),
    el("div", { class: "legend" }, el("span", { "data-hint": "size_of_gradient" }, swatch("accent"), say("size_of_gradient")),
      el("span", { "data-hint": "change" }, swatch("change"), say("change"))),
    el("div", { class: "bars" }, ...lines.flatMap(({ name, box, number }) => [
      el("button", { "data-detail": name, "data-hint": "row_of_flow", onclick: () => app.choose(name, 0) }, short(name)), box, number])),
    badges);
  updateFlow();
}

/** @param {string} name @returns {Line} */
function line(name) {
  const [bar, thin, guide] = [el("i"), el("b"), el("u")];
  guide.style.left = `${100 * share(1e-3)}%`;
  return { name, bar, thin, box: el("div", { class: "bar", role: "img" }, bar, thin, guide), number: el("span", { class: "number" }) };
}

/** Show the sizes of now: what is written stays, and only numbers and lengths change. */
function updateFlow() {
  const { flow = [], idle = {} } = app.frame.header;
  if (flow.length !== lines.length) { writeFlow(); return; }
  flow.forEach((/** @type {any[]} */ [, value, gradient, change], /** @type {number} */ i) => {
    const ratio = value > 0 ? change / value : 0, { bar, thin, box, number } = lines[i];
    bar.style.transform = `scaleX(${share(gradient).toFixed(3)})`;
    thin.style.transform = `scaleX(${share(ratio).toFixed(3)})`;
    setText(number, brief(gradient, 3));
    if (!app.playing) {
      box.title = `${say("size_of_gradient")}: ${gradient} · ${say("change")}: ${ratio}`;
      box.ariaLabel = box.title;
      number.title = String(gradient);
    }
  });
  const wrong = Object.values(idle).flat().filter(Boolean);
  const count = (/** @type {string} */ kind) => wrong.filter((each) => each === kind).length;
  const told = ["dead", "saturated"].map((kind) => `${kind}${count(kind)}`).join() + Object.keys(idle).length;
  if (badges.dataset.told === told) return;
  badges.dataset.told = told;
  const found = ["dead", "saturated"].filter(count).map((kind) =>
    el("span", { class: "bad", "data-hint": kind }, `${kind === "dead" ? "†" : "≈"} ${count(kind)} ${say(kind)}`));
  badges.replaceChildren(...(found.length || !Object.keys(idle).length ? found : [el("span", { class: "faint", "data-hint": "no_idle" }, say("no_idle"))]));
}

/** @param {string} kind */
function swatch(kind) {
  const found = el("i");
  found.style.cssText = `display:inline-block;width:12px;height:8px;background:${kind === "accent" ? "var(--accent)" : "#e69f00"}`;
  return found;
}

app.on("opening", () => { lines = []; });
app.on("numbers", updateFlow);
app.on("playing", updateFlow);
