/** Compare: one run is pinned, and what it was stays beside the present one until it is unpinned. */

import { app } from "./app.js";
import { settingsTold } from "./changes.js";
import { variable } from "./colours.js";
import { brief, el, prepared } from "./dom.js";
import { keep, kept } from "./memory.js";
import { drawBoundary, drawDots, drawField, seen } from "./plane.js";
import { setName } from "./sets.js";
import { say } from "./words.js";

/**
 * @typedef {{step: number, epoch: number, settings: any, train: any, test: any, kind: string,
 *   curve: Float32Array, quality: Float32Array, view: import("./plane.js").View}} Run
 */

/** By what name a reload finds it again. */
const KEPT = "pinned";
/** Arrays by the kind that a text of JSON names. @type {{[kind: string]: any}} */
const KINDS = { Float32Array, Uint8Array };
/** @type {Run|null} */ let run = keptRun();

/** What was pinned before the page was loaded anew; nothing where it cannot be read. @returns {Run|null} */
function keptRun() {
  try {
    const found = JSON.parse(kept(KEPT) || "null", (_, value) =>
      value && value.kind in KINDS ? new KINDS[value.kind](Uint8Array.from(atob(value.bytes), (c) => c.charCodeAt(0)).buffer) : value);
    return isRun(found) ? found : null;
  } catch { return null; }
}

/** Whether something has all that is shown of a run: it may have been kept by another version of the page. @param {any} found */
function isRun(found) {
  const { step, epoch, settings, curve, quality, view } = found || {};
  return [step, epoch].every(Number.isInteger) && Boolean(settings) && [curve, quality].every((each) => each instanceof Float32Array) &&
    [view?.names, view?.labels, view?.shape].every(Array.isArray) && [view.field, view.line].every((each) => each === null || ArrayBuffer.isView(each));
}

function keepRun() {
  const bytes = (/** @type {any} */ array) => btoa(Array.from(new Uint8Array(array.buffer, array.byteOffset, array.byteLength), (b) => String.fromCharCode(b)).join(""));
  keep(KEPT, run ? JSON.stringify(run, (_, value) =>
    ArrayBuffer.isView(value) ? { kind: value.constructor.name, bytes: bytes(value) } : value) : "");
}

/** Pin the present run. */
export function pin() {
  const { step, epoch, train, test } = app.frame.header, { curve, quality } = app.frame.arrays;
  run = { step, epoch, train, test, kind: app.opening.header.labels.length ? "accuracy" : "r2", settings: app.settings,
    curve: /** @type {Float32Array} */ (curve).slice(), quality: /** @type {Float32Array} */ (quality).slice(), view: seen() };
  keepRun();
  app.tell("pinned");
}

/** Forget the pinned run. */
function unpin() {
  run = null;
  keepRun();
  app.tell("pinned");
  document.getElementById("pin")?.focus();
}

/** The button that pins the present run, also in the place of another one. */
export function pinButton() {
  return el("button", { id: "pin", class: "small", "data-hint": "pin", onclick: pin }, say("pin"));
}

/** The numbers of the pinned run's curve, if there is one and they measure the same. @param {string} name "curve" or "quality" */
export function pinnedRows(name) {
  const kind = app.opening.header.labels?.length ? "accuracy" : "r2";
  if (!run || (name === "quality" ? run.kind !== kind : run.settings.loss !== app.settings.loss)) return null;
  return name === "quality" ? run.quality : run.curve;
}

/** Draw the pinned run's boundary over the present one, where both have the same axes. @param {CanvasRenderingContext2D} context @param {import("./plane.js").View} view @param {number} width @param {number} height */
export function drawPinnedBoundary(context, view, width, height) {
  if (!run || JSON.stringify([run.view.names, run.view.axes, run.view.labels]) !== JSON.stringify([view.names, view.axes, view.labels])) return;
  drawBoundary(context, run.view, view.sight, width, height, { dash: [4, 3], line: 1.6 });
}

/** What is shown of the pinned run: the picture, the scores, and what differs. @returns {Node[]} */
export function pinnedRun() {
  if (!run) return [];
  const { step, epoch, train, test, view, kind } = run;
  const canvas = el("canvas", { id: "pinned-field", role: "img", "aria-label": say("pinned_output") });
  const score = (/** @type {string} */ name, /** @type {any} */ of) => [el("span", {}, say(name === "quality" ? kind : name)), ...of.map((/** @type {any} */ each) => el("span", { class: "number", title: String(each?.[name]) }, brief(each?.[name], 3)))];
  if (view.field || view.line) requestAnimationFrame(() => draw(canvas));
  return [el("section", { id: "pinned", "aria-label": say("pinned") },
    el("div", { class: "row" }, el("h3", {}, say("pinned")), el("span", { class: "mono faint" }, `${say("past")} ${step.toLocaleString("en")} · ${say("epoch")} ${epoch.toLocaleString("en")}`),
      el("button", { id: "unpin", class: "small", onclick: unpin }, say("unpin"))),
    el("div", { class: "beside" }, view.field || view.line ? canvas : null,
      el("div", { class: "scores" }, el("span"), el("span", { class: "faint number" }, el("i", { class: "line pinned" }), say("train")), el("span", { class: "faint number" }, el("i", { class: "line pinned held" }), say("held")),
        ...score("loss", [train, test]), ...score("quality", [train, test]))),
    el("p", { id: "differs" }, el("span", { class: "faint" }, `${say("differs")}: `), differs(run.settings, app.settings).join("; ") || say("nothing_differs")))];
}

/** @param {HTMLCanvasElement} canvas */
function draw(canvas) {
  if (!run || !canvas.isConnected) return;
  const [context, width, height] = prepared(canvas);
  context.fillStyle = variable("--panel");
  context.fillRect(0, 0, width, height);
  drawField(context, run.view, width, height);
  drawDots(context, run.view, width, height);
}

/** What differs between settings, each as a sentence. @param {any} before @param {any} after @returns {string[]} */
export function differs(before, after) {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  return names.filter((name) => JSON.stringify(before[name]) !== JSON.stringify(after[name]))
    .map((name) => `${say(name)} ${told(name, before[name])} → ${told(name, after[name])}`);
}

/** A setting in words. @param {string} name @param {any} value @returns {string} */
function told(name, value) {
  if (value === undefined || value === null || value === "") return "–";
  if (name === "layers") return value.map(layer).join(", ") || "–";
  if (name === "features") return value.map((/** @type {string} */ each) => app.menu.features?.[each] || each).join(", ");
  if (name === "changes") return value.map((/** @type {any} */ { step, given }) => `${say("from_step", step)}: ${settingsTold(given)}`).join(", ") || "–";
  if (name === "data") return setName(value);
  if (typeof value === "object") return settingsTold(value);
  return typeof value === "string" ? say(value) : String(value);
}

/** A layer in words: its units, its activation, and what else was chosen for it. @param {any} given */
function layer({ units, activation, ...rest }) {
  const more = Object.values(rest).filter((x) => x !== null && x !== "");
  return [units, activation, ...more].join(" ");
}

app.on("opening", () => { if (run) app.tell("pinned"); });
app.on("settings", () => { if (run) app.tell("pinned"); });
