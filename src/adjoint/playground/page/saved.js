/** A saved session: one file with settings, rows, drawn points, changes and the step; and back from it. */

import { app } from "./app.js";
import { save } from "./dialogs.js";
import { el } from "./dom.js";
import { say } from "./words.js";

/** The buttons that save and load. @returns {Node} */
export function savedButtons() {
  const file = el("input", { type: "file", class: "unseen", id: "session-file", tabindex: -1, "aria-label": say("load_session"), accept: ".json,application/json", onchange: () => load(file) });
  return el("div", { class: "row" },
    el("button", { id: "save-session", class: "small", "data-hint": "save_session", onclick: saveSession }, say("save_session")),
    el("button", { id: "load-session", class: "small", "data-hint": "load_session", onclick: () => file.click() }, say("load_session")), file);
}

async function saveSession() {
  app.stop();
  const found = await app.between(() => app.ask("session"));
  if (found) save("playground.json", found.header.text, "application/json");
}

/** @param {HTMLInputElement} input */
async function load(input) {
  const [file] = input.files || [];
  input.value = "";  // so that the same file can be chosen again
  if (!file) return;
  app.stop();
  if (file.size > 4 * app.menu.limits.session) { app.say(say("session_long"), "refusal"); return; }
  const text = await file.text();
  const step = await app.between(async () => {
    const found = await app.ask("load", { text });
    return found && app.opened(found) ? found.header.step_saved : 0;
  });
  if (step > 0) await app.goTo(step);
}
