/** The glossary: all terms that are on the page now, for those who cannot point at them. */

import { el } from "./dom.js";
import { toldOf } from "./tip.js";
import { say } from "./words.js";

/** What an element is called. @param {HTMLElement} element */
function called(element) {
  if (element.matches("select, input, textarea")) return /** @type {HTMLSelectElement} */ (element).labels?.[0]?.textContent || element.ariaLabel || "";
  return element.ariaLabel || (element.textContent || "").trim();
}

/** Return the terms with their texts, each once. */
export function terms() {
  const found = new Map();
  for (const element of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-hint]"))) {
    const key = element.dataset.hint || "", word = say(key), text = toldOf(element);
    // Where the page has no word for it, as for a feature, it is called what stands there.
    if (text && !found.has(key)) found.set(key, [word === key ? called(element) : word, text]);
  }
  return el("dl", { id: "glossary" }, el("h3", {}, say("terms_here")),
    ...[...found.values()].flatMap(([name, text]) => [el("dt", {}, name), el("dd", {}, text)]));
}
