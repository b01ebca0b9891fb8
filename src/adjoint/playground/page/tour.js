/** The guided tour: a card under the bar that sets the page for each of its steps, and says what to look at. */

import { app } from "./app.js";
import { brief, el } from "./dom.js";
import { remember, remembered } from "./memory.js";
import { ARTICLE, STEPS } from "./tour_steps.js";
import { language, say } from "./words.js";

const card = /** @type {HTMLElement} */ (document.getElementById("tour"));

/**
 * What is known of the tour: where it is or was left, and whether it was declined or ended. It outlives the page.
 * @type {{at: number, state: "offered"|"running"|"left"|"closed"}}
 */
let known = { at: 0, state: "offered", ...recalled() };
/** What the page had before the tour. @type {{settings: Object<string, any>, step: number}|null} */
let before = null;
/** Of several wishes the latest counts. */
let wish = 0;

function recalled() {
  try {
    const { at, state } = JSON.parse(remembered("tour") || "{}");
    if (!Number.isInteger(at) || at < 0 || at >= STEPS.length || !["left", "running", "closed"].includes(state)) return {};
    return { at, state: state === "running" ? "left" : state };
  } catch { return {}; }
}

/** @param {Partial<typeof known>} changes */
function note(changes) {
  known = { ...known, ...changes };
  remember("tour", JSON.stringify(known));
  writeTour();
}

/** Whether there is something to tour: a model of the reader's own is no article. */
function isPossible() {
  return Boolean(app.menu.defaults) && !app.opening.header.own_model && !app.link.lacks.has("tour");
}

/** Write the card as it is to be now: an offer, a step, or where it was left. */
export function writeTour() {
  const { state, at } = known;
  card.hidden = !isPossible() || state === "closed";
  card.dataset.state = state;
  card.setAttribute("aria-label", say("tour"));
  if (card.hidden) { card.replaceChildren(); look([]); return; }
  if (state === "running") { writeStep(); return; }
  const text = state === "left" ? say("tour_left", at + 1, STEPS.length) : say("tour_offer", STEPS.length);
  card.replaceChildren(el("div", { class: "row" }, el("span", {}, text),
    button(state === "left" ? "tour_resume" : "tour_begin", () => enter(at), "main"),
    state === "left" && before ? button("tour_restore", restore) : null,
    button(state === "left" ? "close" : "tour_decline", () => note({ state: "closed" }))));
  look([]);
}

/** @param {string} word @param {() => void} action @param {string} [kind] @param {Object<string, any>} [given] */
function button(word, action, kind = "", given = {}) {
  return el("button", { class: kind, id: word.replace("_", "-"), "data-hint": word, onclick: action, ...given }, say(word));
}

function writeStep() {
  card.style.setProperty("--bar", `${document.getElementById("bar")?.offsetHeight || 0}px`);
  const step = STEPS[known.at], [title, text, attempt] = step[language()], is_last = known.at === STEPS.length - 1;
  card.replaceChildren(
    el("div", {}, el("h2", { id: "tour-title", tabindex: -1, "aria-describedby": "tour-text" }, `${known.at + 1}/${STEPS.length} · ${title}`),
      el("p", { id: "tour-text" }, text)),
    el("div", {}, el("p", { class: "try" }, el("b", {}, `${say("tour_try")}: `), attempt),
      el("p", { id: "tour-readings", class: "mono" }),
      el("div", { class: "row" },
        button("tour_previous", () => enter(known.at - 1), "", { disabled: known.at === 0 }),
        is_last ? button("tour_end", () => leave("closed"), "main") : button("tour_next", () => enter(known.at + 1), "main"),
        button("tour_again", () => enter(known.at)), button("tour_leave", () => leave("left")),
        el("span", { class: "faint keys" }, say("tour_keys")))));
  writeReadings();
}

/** Numbers of the page by the word that says what they are. @type {{[name: string]: () => any}} */
const READINGS = {
  loss: () => app.frame.header.train?.loss,
  accuracy: () => app.frame.header.train?.quality,
  printed: () => app.frame.header.train?.printed,
  rate: () => app.frame.header.rate,
  epochs: () => app.frame.header.epoch,
  value: () => entryOf("values"),
  gradient: () => entryOf("gradients"),
  difference: () => app.check?.difference,
};

/** The selected entry in all parameters, or in their gradients. @param {string} which */
function entryOf(which) {
  let start = 0;
  for (const { name, size } of app.opening.header.parameters) {
    if (name === app.entry?.name) return app.frame.arrays[which]?.[start + (app.entry?.index || 0)];
    start += size;
  }
  return undefined;
}

function writeReadings() {
  const place = document.getElementById("tour-readings");
  if (!place || known.state !== "running") return;
  const { readings = [] } = STEPS[known.at];
  const text = readings.map((name) => `${say(name)} ${brief(READINGS[name](), 4)}`).join(" · ");
  if (place.textContent !== text) place.textContent = text;
}

/** Mark what is to be looked at. @param {string[]} selectors */
function look(selectors) {
  for (const each of document.querySelectorAll(".looked")) each.classList.remove("looked");
  for (const each of selectors.map((selector) => document.querySelector(selector))) {
    each?.closest("details")?.setAttribute("open", "");
    (each?.closest(".field") || each)?.classList.add("looked");
  }
}

/** Mark it again: what is written anew has lost its mark. */
function lookAgain() {
  if (known.state === "running") look(STEPS[known.at].look);
}

/** Go to a step: set the page for it, and show it. @param {number} at */
async function enter(at) {
  if (at < 0 || at >= STEPS.length || !app.connected) return;
  before = before || { settings: app.settings, step: app.step };
  const step = STEPS[at], mine = ++wish;
  note({ at, state: "running" });
  document.getElementById("tour-title")?.focus({ preventScroll: true });
  app.stop();
  card.ariaBusy = "true";  // a screen reader waits until the page is as the step says
  await set(step, mine);
  if (mine === wish) card.ariaBusy = "false";
}

/** Set the page for a step as long as no other is wished for. @param {import("./tour_steps.js").TourStep} step @param {number} mine */
async function set(step, mine) {
  if (!await reach({ ...app.menu.defaults, ...ARTICLE, ...step.settings }, 0) || mine !== wish) return;
  await app.goTo((step.epochs || 0) * app.stepsEach);
  await app.derive();
  if (mine === wish) await show(step);
}

/** Begin with settings, unless they are there, and go to a step. @param {Object<string, any>} settings @param {number} step */
async function reach(settings, step) {
  await app.idle();
  if (!app.opened(await app.ask("begin", { settings }))) return false;
  if (step) await app.goTo(step);
  return true;
}

/** Show what a step is about. @param {import("./tour_steps.js").TourStep} step */
async function show(step) {
  app.tab = step.tab || app.tab;
  app.shows = step.shows || app.shows;
  app.scale = step.scale || app.scale;
  app.entry = null;
  if (step.entry) app.choose(...step.entry);
  else app.line = app.lineOf(step.line || "") || app.line;
  for (const what of ["scale", "tab", "line"]) app.tell(what);
  if (step.check) await app.checkEntry();
  if (step.update) await app.updateRule();
  lookAgain();
  writeReadings();
  bringIntoSight(step.look[0]);
}

/** So much of what is to be looked at is brought into sight. */
const ENOUGH = 420;

/** Scroll to what is to be looked at, where it is not in sight; the card stays. @param {string} selector */
function bringIntoSight(selector) {
  const box = document.querySelector(selector)?.getBoundingClientRect();
  if (!box) return;
  const first = card.getBoundingClientRect().bottom + 8, hidden = Math.min(box.bottom, box.top + ENOUGH) + 8 - innerHeight;
  const by = box.top - hidden < first || box.top < first ? box.top - first : hidden;
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  if (by > 0 || box.top < first) scrollBy({ top: by, behavior: calm ? "auto" : "smooth" });
}

/** Leave the tour; the page stays as it is. @param {"left"|"closed"} state */
function leave(state) {
  wish += 1;
  card.ariaBusy = "false";
  note({ state });
  if (state === "closed") before = null;
  app.tell("tab");  // there is more room for the network now
  document.getElementById(state === "left" ? "tour-resume" : "tour-button")?.focus();
}

/** Bring back what the page had before the tour. */
async function restore() {
  const was = before;
  before = null;
  if (was) await reach(was.settings, was.step);
  note({ state: "closed" });
}

card.addEventListener("keydown", (event) => {
  const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (known.state !== "running" || !by || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  event.stopPropagation();  // elsewhere these keys take steps
  enter(known.at + by);
});
document.addEventListener("keydown", (event) => {
  const target = /** @type {HTMLElement} */ (event.target);
  if (event.key === "Escape" && known.state === "running" && !target.matches("dialog, dialog *, select")) leave("left");
});

app.on("tour", () => { if (isPossible()) enter(known.state === "left" ? known.at : 0); });
for (const what of ["opening", "language"]) app.on(what, () => { writeTour(); lookAgain(); });
for (const what of ["line", "tab", "scale", "playing", "theme"]) app.on(what, lookAgain);
for (const what of ["numbers", "line"]) app.on(what, writeReadings);
