/** The panel of data and settings: each control changes one thing, most of them by beginning anew. */

import { app } from "./app.js";
import { changesByHand } from "./changes.js";
import { el } from "./dom.js";
import { formulaField, lossFor } from "./formula.js";
import { layerControls } from "./layers.js";
import { told } from "./refusals.js";
import { savedButtons } from "./saved.js";
import { setName, setPictures } from "./sets.js";
import { say } from "./words.js";

const panel = /** @type {HTMLElement} */ (document.getElementById("data"));
let pasted = { text: "", target: "" };

/**
 * A control with its label.
 * @param {string} name
 * @param {any} control
 * @param {string} [word]
 */
function field(name, control, word = name) {
  control.id = `set-${name}`;
  if (app.menu.fixed?.includes(name)) control.disabled = true;
  control.dataset.hint = word;
  return el("div", { class: "field" }, el("label", { for: control.id, "data-hint": word }, say(word)), control);
}

/** The settings that belong to a choice, and mean nothing to another. @type {Object<string, string>} */
const OF = { optimizer: "options", schedule: "schedule_options" };

/**
 * @param {string} name
 * @param {string[]} values
 * @param {(value: string) => string} [label]
 */
function select(name, values, label = (value) => value) {
  const control = el("select", { onchange: () => app.set({ [name]: control.value, ...(OF[name] ? { [OF[name]]: {} } : {}) }) },
    ...values.map((value) => el("option", { value, selected: value === app.now[name] }, label(value))));
  return field(name, control);
}

/** @param {string} name @param {Object} [given] @param {any} [within] */
function number(name, given = {}, within = null) {
  const known = within ? { ...within.defaults, ...app.now[within.group] } : app.now;
  const control = el("input", { type: "number", step: "any", value: known[name], ...given,
    onchange: () => {
      const value = control.value === "" ? null : Number(control.value);
      app.set(() => (within ? { [within.group]: { ...app.now[within.group], [name]: value } } : { [name]: value }));
    } });
  return field(name, control, within ? `option ${name}` : name);
}

/** @param {string} group @param {Object<string, any>} defaults */
function options(group, defaults) {
  return Object.entries(defaults).map(([name, value]) => {
    if (typeof value !== "boolean") return number(name, {}, { group, defaults });
    const now = { ...defaults, ...app.now[group] }[name];
    const control = el("input", { type: "checkbox", checked: now,
      onchange: () => app.set(() => ({ [group]: { ...app.now[group], [name]: control.checked } })) });
    return field(name, control, `option ${name}`);
  });
}

/** Change the data set, and the loss where the present one is for another kind of target. @param {string} data */
function changeData(data) {
  const { losses } = app.menu;
  if (data === "formula") { app.change({ data, loss: lossFor(app.settings.formula) }); return; }
  if (data === "drawn") { app.change({ data, loss: lossFor(app.opening.header.drawn.is_number ? "" : ">") }); return; }
  const toy = app.menu.data[data];
  const fits = toy && !toy.classes ? losses.number : losses.classes;
  const changes = { data };
  app.set(fits.includes(app.settings.loss) && !losses.counts.includes(app.settings.loss) ? changes : { ...changes, loss: fits[0] });
}

function lossNames() {
  const { losses } = app.menu, { labels = [], range } = app.opening.header;
  if (!labels.length) return losses.number.filter((/** @type {string} */ name) => range[0] >= 0 || !losses.counts.includes(name));
  return labels.length === 2 ? [...losses.classes, ...losses.score] : losses.classes;
}

function ownTable() {
  const text = el("textarea", { id: "paste", spellcheck: "false", "data-hint": "table", "aria-label": say("table"),
    placeholder: "x,y,label\n0.1,2.3,a\n…", value: pasted.text, oninput: changed, onpaste: (/** @type {ClipboardEvent} */ event) => {
      // Set at once: a browser that inserts thousands of lines one by one takes seconds for it.
      event.preventDefault();
      text.setRangeText(event.clipboardData?.getData("text") || "", text.selectionStart, text.selectionEnd, "end");
      changed();
    } });
  const target = el("select", { id: "target", "data-hint": "target", "aria-label": say("target"), onchange: () => { pasted.target = target.value; } });
  const file = el("input", { type: "file", class: "unseen", id: "file", tabindex: -1, "aria-label": say("file"), accept: ".csv,.tsv,.txt", onchange: async () => {
    if (!file.files.length) return;
    pasted = { text: await file.files[0].text(), target: "" };
    text.value = pasted.text;
    names();
  } });
  function changed() { pasted.text = text.value; names(); }
  function names() {
    const first = pasted.text.trimStart().split("\n")[0] || "";
    const dividing = first.replace(/(\d),(?=\d)/g, "$1");
    const mark = [";", "\t", ","].reduce((a, b) => (dividing.split(b).length > dividing.split(a).length ? b : a));
    const found = first.split(mark).map((name) => name.trim().replace(/^"|"$/g, "")).slice(0, 50);
    target.replaceChildren(el("option", { value: "" }, say("last_column")),
      ...found.filter(Boolean).map((name) => el("option", { value: name, selected: name === pasted.target }, name)));
  }
  names();
  return el("details", { open: app.opening.header.own_table },
    el("summary", { "data-hint": "paste" }, say("paste")), text,
    el("div", { class: "field" }, el("label", { for: "target", "data-hint": "target" }, say("target")), target),
    el("div", { class: "row" }, el("button", { "data-hint": "file", onclick: () => file.click() }, say("file")), file,
      el("button", { id: "use", "data-hint": "use", onclick: use }, say("use"))),
    ...(app.opening.header.notes || []).map((/** @type {string} */ note) => el("p", { class: "faint" }, told(note))));
}

async function use() {
  app.stop();
  await app.between(async () => app.opened(await app.ask("bring", { text: pasted.text, target: pasted.target || null })));
}

function features() {
  const chosen = app.settings.features;
  return el("div", {}, el("h3", { "data-hint": "features" }, say("features")),
    el("div", { class: "chips", id: "features" },
      ...Object.entries(app.menu.features).map(([name, formula]) => {
        const has = chosen.includes(name);
        return el("button", { "aria-pressed": has, "data-name": name, "data-hint": name, onclick: () => app.set({
          features: has ? chosen.filter((/** @type {string} */ each) => each !== name) : [...chosen, name] }) },
        /** @type {string} */ (formula));
      })));
}

/** What a given model trains with, as it was given. */
function facts() {
  const { settings } = app, { rows = [] } = app.opening.header;
  const told = { given_rows: rows[0], given_test: rows[1], loss: settings.loss, optimizer: settings.optimizer, batch_size: settings.batch_size };
  return el("div", { id: "facts" }, ...Object.entries(told).map(([name, value]) =>
    el("div", { class: "field" }, el("span", { "data-hint": name }, say(name)), el("span", { class: "mono" }, String(value)))));
}

/** Write the panel anew. */
export function writeData() {
  const { menu, settings } = app, { own_model, own_table, drawn } = app.opening.header;
  if (!menu.data) return;
  if (own_model) {
    panel.replaceChildren(el("h2", { "data-hint": "data" }, say("data")), el("p", { class: "faint" }, say("given_model")), facts(),
      number("lr", { min: 0 }), ...changesByHand(), number("seed", { min: 0, step: 1 }));
    return;
  }
  const is_own = settings.data === "own", is_given = is_own || settings.data === "drawn", toy = menu.data[settings.data] || {};
  const sets = [...Object.keys(menu.data), ...(app.link.lacks.has("formula") ? [] : ["formula"]), ...(drawn ? ["drawn"] : []), ...(own_table ? ["own"] : [])];
  const set = el("select", { onchange: () => changeData(set.value) },
    ...sets.map((value) => el("option", { value, selected: value === settings.data }, setName(value))));
  panel.replaceChildren(
    el("h2", { "data-hint": "data" }, say("data")),
    ...(menu.built ? [el("p", { class: "faint", id: "built" }, say("in_browser", menu.built))] : []),
    setPictures(menu.data, settings.data, changeData),
    field("set", set),
    ...(settings.data === "formula" ? formulaField() : []),
    ...(is_given ? [] : [number("rows", { min: 10, max: menu.limits.rows, step: 1 }), number("noise", { min: 0, max: 5, step: 0.05 })]),
    ...(toy.any ? [number("classes", { min: 2, max: menu.limits.classes, step: 1 })] : []),
    number("test", { min: 0, max: 0.9, step: 0.1 }),
    number("seed", { min: 0, step: 1 }),
    ...(is_own || menu.built ? [] : [features()]),
    ...(app.link.lacks.has("bring") ? [] : [ownTable()]),
    ...(app.link.lacks.has("session") ? [] : [savedButtons()]),
    el("h2", { "data-hint": "training" }, say("training")),
    select("loss", lossNames()),
    select("optimizer", Object.keys(menu.optimizers)),
    number("lr", { min: 0 }),
    ...changesByHand(),
    number("batch_size", { min: 1, step: 1 }),
    select("initialise", menu.initialisers, (value) => (["auto", "from_0_to_1"].includes(value) ? say(value) : value)),
    select("norm", menu.norms, (value) => (value === "none" ? say("none") : value)),
    number("dropout", { min: 0, max: 0.9, step: 0.1 }),
    ...layerControls(panel.querySelector("details.layers[open]") !== null),
    select("dtype", menu.dtypes),
    el("details", { open: panel.querySelector("details.more[open]") !== null, class: "more" },
      el("summary", { "data-hint": "more" }, say("more")),
      select("mistake", menu.mistakes, (value) => say(value)),
      ...options("options", menu.optimizers[settings.optimizer]),
      select("schedule", Object.keys(menu.schedules)),
      ...options("schedule_options", menu.schedules[app.now.schedule]),
      el("h3", { "data-hint": "stop" }, say("stop")),
      number("stop_epoch", { min: 0, step: 1 }),
      number("stop_loss", { min: 0 })));
}

/** What may change while it trains, as it is written. */
let written = "";
function writeChanged() {
  const { changes = [] } = app.settings, past = changes.filter((/** @type {any} */ each) => each.step < app.step);
  const now = JSON.stringify([app.frame.header.now, changes, past.length]);
  if (now !== written && app.menu.data) { written = now; writeData(); }
}

app.on("opening", writeData);
app.on("settings", writeData);
app.on("numbers", writeChanged);
