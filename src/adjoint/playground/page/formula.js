/** The formula that makes points: typed by the reader, understood by the session, refused with its place. */

import { app } from "./app.js";
import { el } from "./dom.js";
import { say } from "./words.js";

/** What was typed and could not be, and why. @type {{text: string, reason: string}|null} */
let refused = null;

/** The field, and what is wrong with what stands in it. @returns {Node[]} */
export function formulaField() {
  const reason = refused && el("p", { class: "bad", id: "formula-reason" }, refused.reason);
  const input = el("input", { id: "set-formula", type: "text", class: "mono", spellcheck: "false", autocapitalize: "off", autocomplete: "off",
    maxlength: app.menu.limits.formula, value: refused ? refused.text : app.settings.formula, "data-hint": "formula",
    "aria-invalid": Boolean(refused), "aria-describedby": refused ? "formula-reason" : null, onchange: () => use(input.value) });
  return [el("div", { class: "field wide" }, el("label", { for: "set-formula", "data-hint": "formula" }, say("formula")), input), 
    reason || el("p", { class: "faint small" }, say("formula_parts", app.menu.functions.join(", ")))];
}

/** Begin with the points of a formula. @param {string} text */
async function use(text) {
  refused = null;
  if (await app.change({ data: "formula", formula: text, loss: lossFor(text) })) return;
  refused = { text, reason: app.notice };
  app.tell("opening");
  const input = /** @type {HTMLInputElement|null} */ (document.getElementById("set-formula"));
  const [, place] = /(?:at place|第) (\d+)/.exec(app.notice) || [];
  input?.focus();
  if (place) input?.setSelectionRange(Number(place) - 1, Math.max(Number(place), text.length));
}

/** A loss for what a formula makes: classes where it compares, else numbers. @param {string} text */
export function lossFor(text) {
  const { classes, score, number } = app.menu.losses;
  const fits = /[<>]/.test(text) ? [...classes, ...score] : number;
  return fits.includes(app.settings.loss) && !app.menu.losses.counts.includes(app.settings.loss) ? app.settings.loss : fits[0];
}
