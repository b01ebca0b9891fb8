/** Points drawn by hand: set and taken away on the output, by pointer or by keys; each edit begins a new training. */

import { app } from "./app.js";
import { el } from "./dom.js";
import { drawMark } from "./marks.js";
import { say } from "./words.js";

/** @typedef {[number, number, number]} Point two coordinates, and a class or a number */

const MOST_CLASSES = 5, MOST_PAST = 200;
let on = false, erases = false, kind = 0, value = 1, is_number = false;
/** @type {Point[]} */ let points = [];
/** What the points were before each edit. @type {Point[][]} */ let past = [];
/** Whether the session does not have these points: they are too few to learn from. */
let pending = false;
let sending = false, again = false;

/** Whether a click on the output draws. */
export function draws() { return on; }

/** The rows in the plane: those of the session, or while they are too few those that are drawn. @param {import("./plane.js").View} view @returns {import("./plane.js").View} */
export function withDrawn(view) {
  if (!on || !pending) return view;
  const values = points.map((point) => point[2]), range = is_number ? [Math.min(0, ...values), Math.max(1, ...values)] : null;
  return { ...view, points: Float32Array.from(points.flatMap(([x, y]) => [x, y])), targets: Float32Array.from(values),
    split: points.length, labels: is_number ? [] : ["0", "1", "2", "3", "4"], range };
}

function canDraw() {
  const { own_model, width } = app.opening.header;
  return !own_model && width === 2 && !app.link.lacks.has("draw");
}

/** Take up drawing: with the points that are there, as far as there may be so many. */
function begin() {
  const { drawn, labels = [] } = app.opening.header, { points: shown, targets } = app.opening.arrays;
  on = true; erases = false; pending = false; past = [];
  if (app.settings.data === "drawn" && drawn) ({ points, is_number } = { points: drawn.points.slice(), is_number: drawn.is_number });
  else {
    is_number = !labels.length;
    const brief = (/** @type {number} */ x) => Number(x.toPrecision(5));
    points = shown && targets.length <= app.menu.limits.drawn
      ? Array.from(targets, (target, i) => /** @type {Point} */ ([brief(shown[2 * i]), brief(shown[2 * i + 1]), is_number ? brief(target) : target])) : [];
  }
  app.tell("draw");
}

/** Change the points, so that it can be undone. @param {Point[]} now */
function edit(now) {
  past = [...past, points].slice(-MOST_PAST);
  points = now;
  send();
}

function undo() {
  const before = past.pop();
  if (before) { points = before; send(); }
}

/** Begin anew with the points, if they are enough; of edits that come meanwhile only the latest counts. */
async function send() {
  const is_enough = points.length > 1 && (is_number || new Set(points.map((point) => point[2])).size > 1);
  pending = !is_enough;
  if (!is_enough) { app.tell("draw"); return; }
  if (sending) { again = true; return; }
  sending = true;
  await app.between(async () => {
    do {
      again = false;
      app.opened(await app.ask("draw", { drawn: { points, is_number, sight: sight() } }));
    } while (again);
    sending = false;
  });
}

/** What is in sight stays while points are drawn. @returns {number[]} */
function sight() {
  const { drawn, sight } = app.opening.header;
  return app.settings.data === "drawn" && drawn ? drawn.sight : sight;
}

/** Set a point, or take away the nearest one. @param {number[]} at @param {boolean} [takes] */
export function drawAt([x, y], takes = erases) {
  const brief = (/** @type {number} */ v) => Number(v.toPrecision(5));
  if (takes) { eraseAt(x, y); return; }
  if (points.length >= app.menu.limits.drawn) { app.say(say("draw_full", app.menu.limits.drawn), "refusal"); return; }
  edit([...points, [brief(x), brief(y), is_number ? value : kind]]);
}

/** @param {number} x @param {number} y */
function eraseAt(x, y) {
  const [left, low, right, high] = app.opening.header.sight;
  const far = (/** @type {Point} */ [px, py]) => Math.hypot((px - x) / (right - left), (py - y) / (high - low));
  const best = points.reduce((a, point, i) => (a < 0 || far(point) < far(points[a]) ? i : a), -1);
  if (best >= 0 && far(points[best]) < 0.06) edit(points.filter((_, i) => i !== best));
}

/**
 * Do what a key says in the picture; return whether it said something.
 * @param {KeyboardEvent} event
 * @param {() => number[]} cursor where the point that is followed is
 */
export function drawKey(event, cursor) {
  if (!on || event.altKey) return false;
  const { key } = event, digit = Number(key);
  if ((event.ctrlKey || event.metaKey) && key.toLowerCase() !== "z") return false;
  if (key.toLowerCase() === "z") undo();
  else if (key === "Enter" || key === " ") drawAt(cursor(), false);
  else if (key === "Delete" || key === "Backspace") drawAt(cursor(), true);
  else if (!is_number && digit >= 1 && digit <= MOST_CLASSES) { kind = digit - 1; erases = false; app.tell("draw"); }
  else if (key === "Escape") { on = false; app.tell("draw"); }
  else return false;
  event.preventDefault();
  event.stopPropagation();
  return true;
}

/** The tools under the picture. @returns {Node[]} */
export function drawTools() {
  if (!canDraw()) return [];
  const start = el("button", { id: "draw", class: "small", "aria-pressed": on, "data-hint": "draw", onclick: () => { if (on) { on = false; app.tell("draw"); } else begin(); } }, `✎ ${say("draw")}`);
  if (!on) return [el("div", { class: "row" }, start)];
  const tool = (/** @type {string} */ id, /** @type {() => void} */ act, disabled = false) => el("button", { id: id.replace("_", "-"), class: "small", disabled, onclick: act }, say(id));
  const kinds = el("select", { id: "draw-kind", "aria-label": say("draw_kind"), onchange: () => changeKind(kinds.value === "number") },
    ...["classes", "number"].map((each) => el("option", { value: each, selected: (each === "number") === is_number }, say(`draw_${each}`))));
  return [el("div", { id: "draw-tools", class: "row", role: "group", "aria-label": say("draw") }, start, kinds,
    ...(is_number ? [valueField()] : [classButtons()]),
    el("button", { id: "draw-erase", class: "small", "aria-pressed": erases, onclick: () => { erases = !erases; app.tell("draw"); } }, say("draw_erase")),
    tool("draw_undo", undo, !past.length), tool("draw_clear", () => edit([]), !points.length),
    el("span", { class: "faint", id: "drawn-count", role: "status" }, pending ? say("draw_more") : say("draw_count", points.length))),
  el("p", { class: "faint small" }, say("draw_keys"))];
}

function classButtons() {
  return el("span", { class: "choice", role: "group", "aria-label": say("classes") }, ...Array.from({ length: MOST_CLASSES }, (_, k) => {
    const mark = el("canvas", { width: 16, height: 16, "aria-hidden": "true" });
    drawMark(mark.getContext("2d"), k, 8, 8, 5, true);
    return el("button", { "data-class": k, "aria-pressed": !erases && kind === k, "aria-label": `${say("draw_class")} ${k}`,
      onclick: () => { kind = k; erases = false; app.tell("draw"); } }, mark, String(k));
  }));
}

function valueField() {
  const input = el("input", { id: "draw-value", type: "number", step: "any", value, "aria-label": say("value"),
    onchange: () => { value = Math.max(-1e6, Math.min(1e6, Number(input.value) || 0)); input.value = value; } });
  return input;
}

/** @param {boolean} number */
function changeKind(number) {
  is_number = number;
  edit(number ? points : points.map(([x, y, target]) => [x, y, Number.isInteger(target) && target >= 0 && target < MOST_CLASSES ? target : Number(target > 0)]));
}

app.on("opening", () => {
  const { drawn } = app.opening.header;
  if (on && (app.settings.data !== "drawn" || !drawn || !canDraw())) { on = false; return; }
  if (on && !sending) ({ points, is_number } = { points: drawn.points.slice(), is_number: drawn.is_number });
});
