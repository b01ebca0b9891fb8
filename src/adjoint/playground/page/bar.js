/** The bar: pace, scale, the way back, and what is taken away. */

import { app } from "./app.js";
import { el } from "./dom.js";
import { openCode, openKeys, saveModel } from "./dialogs.js";
import { remember } from "./memory.js";
import { say, switchLanguage } from "./words.js";

const SPEEDS = [1, 5, 10, 50, 200, 0];
const bar = /** @type {HTMLElement} */ (document.getElementById("bar"));

/** Write the bar anew. */
export function writeBar() {
  const scales = ["operation", "batch", "epoch"].map((name) =>
    el("button", { "data-hint": name, "aria-pressed": app.scale === name, disabled: name === "operation" && app.link.lacks.has("derive"),
      onclick: () => { app.scale = name; app.tell("scale"); } }, say(name)));
  const speed = el("select", { id: "speed", "data-hint": "speed",
    onchange: () => { app.speed = Number(speed.value); } },
  ...SPEEDS.map((each) => el("option", { value: each, selected: each === app.speed },
    each ? String(each) : say("fastest"))));
  const past = el("input", { type: "range", id: "past", min: 0, max: app.furthest, value: app.step,
    "data-hint": "past", "aria-label": say("past"),
    onchange: () => { app.stop(); app.goTo(Number(past.value)); } });
  bar.replaceChildren(
    el("span", { class: "brand" }, "adjoint"),
    el("div", { class: "group" },
      el("button", { id: "play", class: "main", "data-hint": app.playing ? "pause" : "play",
        onclick: () => app.toggle() }, say(app.playing ? "pause" : "play")),
      el("button", { id: "back", "data-hint": "back", onclick: () => app.backward() }, say("back")),
      el("button", { id: "step", "data-hint": "step", onclick: () => app.forward() }, say("step")),
      el("span", { class: "choice", id: "scale", role: "group", "aria-label": say("step") }, ...scales),
      el("button", { id: "reset", "data-hint": "reset", onclick: () => app.reset() }, say("reset"))),
    el("div", { class: "group" }, past, el("span", { class: "where mono", id: "where", "data-hint": "where" })),
    el("div", { class: "group" }, el("label", { for: "speed", "data-hint": "speed" }, say("speed")), speed),
    el("div", { class: "group end" },
      el("button", { id: "code", "data-hint": "code", disabled: app.link.lacks.has("program"), onclick: openCode }, say("code")),
      el("button", { id: "weights", "data-hint": "model", disabled: app.link.lacks.has("weights"), onclick: saveModel }, say("model")),
      app.opening.header.own_model ? null : el("button", { id: "tour-button", "data-hint": "tour", disabled: app.link.lacks.has("tour"), onclick: () => app.tell("tour") }, say("tour")),
      el("button", { id: "keys", "data-hint": "help", onclick: openKeys }, say("help")),
      el("button", { id: "language", "data-hint": "language", lang: document.documentElement.lang === "en" ? "zh" : "en",
        onclick: changeLanguage }, say("language")),
      el("button", { id: "theme", "data-hint": "dark", "aria-label": say("dark"), onclick: changeTheme }, "◐")),
    el("p", { class: "notice", id: "notice", role: "alert" }, app.notice));
  update();
}

/** Show how far the training is. */
export function update() {
  const where = document.getElementById("where"), past = /** @type {any} */ (document.getElementById("past"));
  const { epoch = 0, tier } = app.frame.header;
  if (where) {
    const text = `${app.step.toLocaleString("en")} · ${say("epoch")} ${epoch.toLocaleString("en")}`;
    if (where.textContent !== text) where.textContent = text;
    where.title = tier ? say(`tier_${tier}`) : "";
  }
  if (past) { past.max = app.furthest; past.value = app.step; }
}

function changeLanguage() {
  switchLanguage();
  app.tell("language");
}

function changeTheme() {
  const root = document.documentElement;
  root.dataset.theme = root.dataset.theme === "dark" ? "light" : "dark";
  remember("theme", root.dataset.theme);
  app.tell("theme");
}

app.on("numbers", update);
app.on("playing", writeBar);
app.on("scale", writeBar);
app.on("notice", () => {
  const notice = document.getElementById("notice");
  if (notice) notice.textContent = app.notice;
});
