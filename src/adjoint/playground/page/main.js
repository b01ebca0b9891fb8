/** The page begins here: the connection, the panels, the keys, and what is said to screen readers. */

import { app } from "./app.js";
import * as address from "./address.js";
import { writeBar } from "./bar.js";
import { writeData } from "./data.js";
import { openKeys } from "./dialogs.js";
import { brief, el } from "./dom.js";
import { writeFlow } from "./flow.js";
import { remembered } from "./memory.js";
import { drawNetwork, isDrawn, writeNetwork } from "./network.js";
import { writeOutput } from "./output.js";
import { drawGraph, writePasses, writeSource } from "./passes.js";
import { svgButton } from "./pictures.js";
import { writeSelected } from "./selected.js";
import { listen } from "./tip.js";
import { writeTour } from "./tour.js";
import { language, say } from "./words.js";

const model = /** @type {HTMLElement} */ (document.getElementById("model"));
const news = /** @type {HTMLElement} */ (document.getElementById("news"));

/** Write the panel of the model: its tabs, and what the present one shows. */
function writeModel() {
  app.magnified = null;  // a unit that is taken away says no more that the pointer left it
  const tabs = ["network", "graph", "source"].map((name) => el("button", {
    role: "tab", id: `tab-${name}`, "data-hint": name, "aria-selected": app.tab === name, disabled: name !== "network" && app.link.lacks.has("derive"), onclick: () => { app.tab = name; app.tell("tab"); } }, say(name)));
  const saves = app.tab === "network" ? isDrawn() : app.tab === "graph";
  const shows = ["weights", "gradients"].map((name) => el("button", {
    "aria-pressed": app.shows === name, "data-hint": name, onclick: () => { app.shows = name; app.tell("tab"); } }, say(name)));
  const stage = el("div", { id: "stage", role: "tabpanel", tabindex: -1 });
  const before = document.getElementById("stage");
  const [top, left] = before ? [before.scrollTop, before.scrollLeft] : [0, 0];
  model.replaceChildren(el("div", { class: "tabs", role: "tablist" }, ...tabs,
    app.tab === "network" && isDrawn() ? el("span", { class: "choice end", role: "group" }, ...shows) : null,
    saves ? svgButton(app.tab, say(app.tab)) : null), stage);
  stage.scrollTo(left, top);
  writeStage();
  app.tell("magnified");
}

function writeStage() {
  const stage = /** @type {HTMLElement} */ (document.getElementById("stage"));
  if (app.tab === "network") writeNetwork(stage);
  else if (app.tab === "graph") drawGraph(stage);
  else writeSource(stage);
}

function writeAll() {
  document.documentElement.lang = language() === "zh" ? "zh-CN" : "en";
  writeBar(); writeData(); writeModel(); writeOutput(); writePasses(); writeSelected(); writeFlow(); writeTour();
}

app.on("opening", () => { writeBar(); writeModel(); });
app.on("tab", writeModel);
app.on("frame", () => { if (app.tab === "network") drawNetwork(); });
app.on("line", () => { if (app.tab === "network") drawNetwork(); else writeStage(); });
app.on("theme", () => { writeModel(); writeOutput(); });
app.on("language", () => { writeAll(); app.derive(); });
app.on("rest", () => {
  address.write();
  app.link.rested();
  const { train, epoch } = app.frame.header;
  if (!train) return;
  const kind = app.opening.header.labels.length ? "accuracy" : "r2";
  news.textContent = say("now", app.step, epoch, brief(train.loss), `${say(kind)} ${brief(train.quality)}`);
});
app.on("connection", () => {
  if (app.connected) return;
  const notice = document.getElementById("notice") || model;
  notice.replaceChildren(app.notice, " ", ...(app.link.again === "reload" ? [el("button", { onclick: () => location.reload() }, say("reconnect"))] : []));
});

/** @type {{[key: string]: () => void}} */
const KEYS = {
  " ": () => app.toggle(), ArrowRight: () => app.forward(), ArrowLeft: () => app.backward(), r: () => app.reset(),
  1: () => pace("operation"), 2: () => pace("batch"), 3: () => pace("epoch"),
  "[": () => app.walk(-1), "]": () => app.walk(1),
  "?": openKeys, n: () => show("network"), g: () => show("graph"), s: () => show("source"),
};

/** @param {string} name */
function pace(name) { if (name === "operation" && app.link.lacks.has("derive")) return; app.scale = name; app.tell("scale"); }
/** @param {string} name */
function show(name) { if (name !== "network" && app.link.lacks.has("derive")) return; app.tab = name; app.tell("tab"); }

document.addEventListener("keydown", (event) => {
  const target = /** @type {HTMLElement} */ (event.target);
  const types = target.matches("input, select, textarea, dialog, dialog *");
  const presses = event.key === " " && target.matches("button, summary, [role=button]");
  if (types || presses || event.ctrlKey || event.metaKey || event.altKey) return;
  const action = KEYS[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  if (!action) return;
  event.preventDefault();
  action();
});

let width = innerWidth;
addEventListener("resize", () => { if (innerWidth !== width) { width = innerWidth; writeModel(); writeOutput(); } });

/**
 * Begin: open the session at the other end of a link, and show it.
 * @param {import("./link.js").Link} link
 */
export async function begin(link) {
  app.link = link;
  link.changed = (connected, reason) => app.connection(connected, reason);
  const fragment = link.has_address ? location.hash : "";  // it is written anew as soon as a session is open
  const dark = matchMedia("(prefers-color-scheme: dark)");
  document.documentElement.dataset.theme = link.theme || remembered("theme") || (dark.matches ? "dark" : "light");
  document.documentElement.lang = language() === "zh" ? "zh-CN" : "en";
  listen();
  writeBar();
  try { await link.open(); } catch { return; }
  const menu = await app.ask("menu");
  if (menu) app.menu = menu.header;
  app.opened(await app.ask("open"));
  await address.read(fragment);
  document.body.dataset.ready = "yes";
}

Object.assign(globalThis, { playground: app });
