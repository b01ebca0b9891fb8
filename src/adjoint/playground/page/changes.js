/** What was changed by hand while it trained: from which step on, to what, and how it is taken back. */

import { app } from "./app.js";
import { el } from "./dom.js";
import { say } from "./words.js";

/** The list of changes; nothing where there are none. @returns {Node[]} */
export function changesByHand() {
  const { changes = [] } = app.settings;
  if (!changes.length) return [];
  return [el("div", { id: "changes" }, el("h3", { "data-hint": "changes" }, say("changes")), el("ol", {}, ...changes.map(line)))];
}

/** @param {{step: number, given: any}} change @param {number} n */
function line({ step, given }, n) {
  const text = `${say("from_step", step.toLocaleString("en"))}: ${settingsTold(given)}`;
  return el("li", { class: step >= app.step ? "faint" : "" }, el("span", {}, text),
    el("button", { class: "small", "data-forget": n, title: say("forget_change"), "aria-label": `${say("forget_change")}: ${text}`, onclick: () => forget(step) }, "✕"));
}

/** Settings and their values in a line. @param {Object<string, any>} given @returns {string} */
export function settingsTold(given) {
  return Object.entries(given).flatMap(([name, value]) =>
    value && typeof value === "object" && !Array.isArray(value)
      ? Object.entries(value).map(([inner, x]) => `${say(inner)} ${x}`)
      : [`${say(name)} ${typeof value === "string" ? say(value) : value}`]).join(", ") || say("defaults");
}

/** Take back the change at a step: all steps are taken again without it. @param {number} at */
function forget(at) {
  return app.between(async () => {
    const step = app.step, changes = app.settings.changes.filter((/** @type {any} */ each) => each.step !== at);
    if (await app.restart({ changes }) && step) await app.goTo(step);
  });
}
