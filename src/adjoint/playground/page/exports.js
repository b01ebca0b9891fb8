/** The model as a file for where there is no adjoint: NumPy, ONNX, C, WebAssembly, a page. */

import { app } from "./app.js";
import { save } from "./dialogs.js";
import { el } from "./dom.js";
import { say } from "./words.js";

/** What each target is called. @type {{[target: string]: string}} */
const NAMES = { py: "NumPy", onnx: "ONNX", c: "C", wasm: "WebAssembly", html: "HTML" };

/** A button for each target, and where it is said what became of it. @returns {Node} */
export function exportButtons() {
  const said = el("span", { class: "faint", role: "status" });
  const buttons = (app.menu.exports || []).map((/** @type {string} */ target) => el("button", { class: "small", id: `export-${target}`, "data-hint": `export ${target}`, onclick: () => give(target, said) }, NAMES[target] || target));
  return el("div", { class: "row", id: "exports", role: "group", "aria-label": say("exports") }, el("span", { "data-hint": "exports" }, `${say("exports")}:`), ...buttons, said);
}

/** @param {string} target @param {HTMLElement} said */
async function give(target, said) {
  said.className = "faint";
  said.textContent = say("exporting");
  const found = await app.ask("export", { target });
  said.textContent = found ? `${found.header.name}, ${found.arrays.file.length.toLocaleString("en")} B` : app.notice;
  if (!found) said.className = "bad";
  else save(found.header.name, /** @type {any} */ (found.arrays.file), "application/octet-stream");
}
