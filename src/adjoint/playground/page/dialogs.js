/** Dialogs: the program, the written step, and the keys; and what is saved as a file. */

import { app } from "./app.js";
import { el } from "./dom.js";
import { exportButtons } from "./exports.js";
import { terms } from "./glossary.js";
import { say } from "./words.js";

/** So far a dialog is from what is around it. */
const MARGIN = 8;

/** @param {string} title @param {...(Node|null)} inside */
function dialog(title, ...inside) {
  const found = el("dialog", { "aria-label": title }, el("div", { class: "row" }, el("h2", { tabindex: -1, autofocus: true }, title)), ...inside,
    el("button", { "data-hint": "close", onclick: () => found.close() }, say("close")));
  found.addEventListener("close", () => found.remove());
  document.body.append(found);
  found.showModal();
  if (parent !== window) bringIntoSight(found);
}

/** Put a dialog where the reader sees it: the frame in a notebook may be higher than the screen. @param {HTMLElement} found */
function bringIntoSight(found) {
  new IntersectionObserver(([{ intersectionRect: seen }], observer) => {
    observer.disconnect();
    found.style.maxHeight = `${Math.max(0, seen.height - 2 * MARGIN)}px`;
    const free = seen.height - found.offsetHeight;
    found.style.inset = `${seen.top + free / 2}px 0 auto`;
  }).observe(document.body);
}

/** Copy what is shown, also where a page may not write to the clipboard by itself. @param {HTMLElement} shown @returns {Promise<boolean>} whether it was copied */
async function copied(shown) {
  try {
    await navigator.clipboard.writeText(shown.textContent || "");
    return true;
  } catch {
    getSelection()?.selectAllChildren(shown);
    return document.execCommand("copy");
  }
}

/** @param {string} name @param {BlobPart} content @param {string} kind */
export function save(name, content, kind) {
  const link = el("a", { href: URL.createObjectURL(new Blob([content], { type: kind })), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

/** Show the program, and the whole step beside it. */
export async function openCode() {
  app.stop();
  const program = await app.ask("program");
  if (!program) return;
  let text = program.header.text, name = "training.py";
  const shown = el("pre", { id: "program", tabindex: 0 }, text);
  const show = async (/** @type {string} */ what) => {
    const found = await app.ask(what);
    if (!found) return;
    text = found.header.text;
    name = what === "program" ? "training.py" : "step.py";
    shown.textContent = text;
  };
  const copy = el("button", { id: "copy", "data-hint": "copy", onclick: async () => { if (await copied(shown)) copy.textContent = say("copied"); } }, say("copy"));
  dialog(say("code"),
    el("div", { class: "row" }, el("button", { "data-hint": "program", onclick: () => show("program") }, say("program")),
      el("button", { id: "whole-step", "data-hint": "whole_step", onclick: () => show("source") }, say("whole_step"))),
    shown,
    el("div", { class: "row" }, copy, el("button", { "data-hint": "save", onclick: () => save(name, text, "text/x-python") }, say("save")),
      app.settings.data === "own" ? el("button", { id: "own-rows", "data-hint": "own_rows", onclick: saveRows }, say("own_rows")) : null),
    exportButtons());
}

async function saveRows() {
  const found = await app.ask("table");
  if (found) save("rows.csv", found.header.text, "text/csv");
}

/** Save the weights as a file of safetensors. */
export async function saveModel() {
  app.stop();
  const found = await app.ask("weights");
  if (found) save("model.safetensors", /** @type {any} */ (found.arrays.file), "application/octet-stream");
}

/** Show what keys do. */
export function openKeys() {
  const list = terms();  // of the page, and not of this dialog
  dialog(say("help"), el("h3", {}, say("key_names")), el("ul", {}, ...say("keys").split(" · ").map((line) => el("li", {}, line))), list);
}
