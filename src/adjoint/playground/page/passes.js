/** The two passes: the lines of the derivation one by one, the graph, and the source; all show one line. */

import { app } from "./app.js";
import { brief, el, maths, svg } from "./dom.js";
import { say } from "./words.js";

const panel = /** @type {HTMLElement} */ (document.getElementById("passes"));

/** The given value whose numbers are shown too: the rows of the batch, or their targets. */
let opened = "";

/** Write the panel of the present line. */
export function writePasses() {
  const found = app.derivation;
  const title = el("h2", { "data-hint": "passes" }, say("passes"));
  if (app.link.lacks.has("derive")) { panel.replaceChildren(title, el("p", { class: "faint" }, say("needs_python"))); return; }
  // Numbers of the step before fade until those of this one are there.
  panel.ariaBusy = String(Boolean(found) && !app.playing && !app.isDerived);
  if (!found || app.playing) {
    panel.replaceChildren(title, el("p", { class: "faint" }, app.playing ? say("paused_only") : app.notice || "…"));
    return;
  }
  const step = found.steps[app.line - 1], count = found.steps.length;
  const go = (/** @type {number} */ line) => () => { app.line = line; app.tell("line"); };
  const buttons = [["first", "⇤", 1], ["previous", "←", Math.max(1, app.line - 1)], ["next", "→", Math.min(count, app.line + 1)], ["last", "⇥", count]]
    .map(([key, sign, line]) => el("button", { class: "small", id: `line-${key}`, "data-hint": key, "aria-label": say(/** @type {string} */ (key)), onclick: go(Number(line)) }, /** @type {string} */ (sign)));
  const list = found.steps.map((/** @type {any} */ each) => el("button", {
    "aria-current": each.number === app.line, class: step.reads.includes(each.name) ? "part" : "", "data-hint": "lines", "data-detail": each.rule, "data-line": each.number, onclick: go(each.number) }, each.name));
  panel.replaceChildren(
    el("div", { class: "row" }, title, ...buttons, el("span", { class: "faint", "data-hint": step.part }, `${say(step.part)} · ${say("line_of", app.line, count)}`)),
    el("div", { class: "steps", role: "group", "aria-label": say("lines"), "data-hint": "lines" }, ...list),
    el("div", { class: "formula", id: "formula" }, maths(step.formula)),
    el("p", { class: "mono", id: "line-source" }, `${step.name} = ${step.source}`),
    el("p", {}, el("span", { class: "faint", "data-hint": "rule" }, `${say("rule")}: `), step.rule),
    el("div", { class: "row", "data-hint": "reads" }, el("span", { class: "faint" }, `${say("reads")}:`), ...step.reads.map(reader)),
    shown(step), ...unfolded(step));
}

/** @param {any} step @returns {Node[]} */
function unfolded(step) {
  const given = step.reads.includes(opened) && app.derivation?.given.find((/** @type {any} */ each) => each.name === opened);
  return given ? [el("h3", { class: "mono" }, opened), shown(given)] : [];
}

/** A value that the line reads: a way to the line that gives it. @param {string} name */
function reader(name) {
  const line = app.lineOf(name);
  const given = app.derivation?.given.find((/** @type {any} */ each) => each.name === name);
  const about = line ? app.derivation?.steps[line - 1] : given;
  const path = app.derivation?.paths[name];
  const look = () => { opened = opened === name ? "" : name; app.tell("line"); };
  const go = line ? () => { app.line = line; app.tell("line"); } : path ? () => app.choose(path, 0) : given ? look : null;
  return el("button", { class: "small mono", disabled: !go, "data-reads": name, "data-hint": "reads", "data-detail": about ? about.shape.join("×") : "", onclick: () => go && go() }, name);
}

/**
 * The numbers of a line, as many as there is room for.
 * @param {any} step
 * @param {number[]|null} [here]
 */
export function shown(step, here = null) {
  const { shape, values } = step;
  const rows = values.map((/** @type {any[]} */ row, /** @type {number} */ r) => el("tr", {},
    ...row.map((x, c) => el("td", { title: String(x), class: here && here[0] === r && here[1] === c ? "here" : "" }, brief(x))),
    ...(shape.length && shape[shape.length - 1] > row.length ? [el("td", {}, "…")] : [])));
  const all = shape.length > 1 ? shape.slice(0, -1).reduce((/** @type {number} */ a, /** @type {number} */ b) => a * b, 1) : 1;
  if (all > values.length) rows.push(el("tr", {}, el("td", {}, "⋮")));
  return el("div", { class: "matrix" }, el("span", { class: "faint", "data-hint": "shape" }, `${say("shape")} (${shape.join(", ")})`), el("table", {}, ...rows));
}

/** Draw the graph, with the box of the present line lit. @param {HTMLElement} stage */
export function drawGraph(stage) {
  const graph = app.derivation && app.derivation.graph;
  stage.replaceChildren();
  if (!graph) { stage.append(el("p", { class: "faint" }, app.derivation ? say("no_graph") : say("paused_only"))); return; }
  const step = app.derivation?.steps[app.line - 1];
  const pad = 12, width = graph.right - graph.left + 2 * pad;
  const picture = svg("svg", { width, height: graph.height + 2 * pad, viewBox: `${graph.left - pad} ${-pad} ${width} ${graph.height + 2 * pad}`, role: "group", "aria-label": say("graph") });
  for (const way of graph.ways) {
    const path = way.points.map((/** @type {number[]} */ p, /** @type {number} */ i) => `${i ? "L" : "M"}${p[0]} ${p[1]}`).join("");
    picture.append(svg("path", { d: path, class: `way ${way.flow}` }, svg("title", {}, way.tip)));
    if (way.label) picture.append(svg("text", { x: way.at[0], y: way.at[1], class: "label" }, way.label));
  }
  const lines = new Set((step ? step.reads : []).map((/** @type {string} */ name) => app.lineOf(name)));
  for (const box of graph.boxes) {
    const [x, y, w, h] = box.box;
    const isLit = step && (box.forward === step.number || box.backward === step.number);
    const isPart = lines.has(box.forward) || lines.has(box.backward);
    const to = () => { app.line = step && box.forward === app.line && box.backward ? box.backward : box.forward || box.backward || app.line; app.tell("line"); };
    const group = svg("g", { class: `box ${box.kind}${isLit ? " lit" : isPart ? " part" : ""}`, tabindex: 0, role: "button", "aria-label": box.lines.map((/** @type {string[]} */ l) => l[0]).join(", "), onclick: to,
      onkeydown: (/** @type {KeyboardEvent} */ event) => { if (event.key === "Enter") to(); } },
    svg("title", {}, box.tip), svg("rect", { x, y, width: w, height: h, rx: 5 }));
    box.lines.forEach((/** @type {string[]} */ line, /** @type {number} */ i) =>
      group.append(svg("text", { x: x + 10, y: y + 8 + 17 * i + 9, class: line[1] }, line[0])));
    picture.append(group);
  }
  stage.append(el("div", { id: "graph", "data-hint": "graph" }, picture));
  const lit = picture.querySelector(".lit");
  if (lit) {
    const top = Number(lit.querySelector("rect").getAttribute("y"));
    if (top < stage.scrollTop || top + 100 > stage.scrollTop + stage.clientHeight) stage.scrollTop = top - stage.clientHeight / 3;
  }
}

/** Write both passes as NumPy, with the present line lit. @param {HTMLElement} stage */
export function writeSource(stage) {
  const found = app.derivation;
  stage.replaceChildren();
  if (!found) { stage.append(el("p", { class: "faint" }, say("paused_only"))); return; }
  const lines = /** @type {Node[]} */ ([]);
  let part = "";
  for (const step of found.steps) {
    if (step.part !== part) lines.push(el("div", { class: "remark" }, `# ${say(step.part)}`));
    part = step.part;
    const button = el("button", { class: step.number === app.line ? "lit" : "", "data-line": step.number, "data-hint": "lines", "data-detail": step.rule, onclick: () => { app.line = step.number; app.tell("line"); } },
      `${step.name} = ${step.source}  `, el("span", { class: "faint" }, `# (${step.shape.join(", ")})`));
    lines.push(button);
  }
  stage.append(el("pre", { id: "source", "data-hint": "lines" }, ...lines));
  stage.querySelector(".lit")?.scrollIntoView({ block: "nearest" });
}

app.on("line", writePasses);
app.on("opening", () => { if (app.link.lacks.has("derive")) writePasses(); });
for (const what of ["playing", "rest"]) app.on(what, writePasses);
