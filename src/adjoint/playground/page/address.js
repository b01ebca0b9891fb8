/** The address of the page holds settings and step; data of one's own are never in it. */

import { app } from "./app.js";
import { say } from "./words.js";

/** @param {any} a @param {any} b */
function same(a, b) {
  return JSON.stringify(a) === JSON.stringify(b);
}

/** Write settings that differ from the defaults, and the step. */
export function write() {
  if (!app.link.has_address) return;
  const defaults = app.menu.defaults || {};
  const differ = Object.fromEntries(
    Object.entries(app.settings).filter(([name, value]) => !same(value, defaults[name])));
  const parts = new URLSearchParams();
  if (!app.opening.header.own_model) parts.set("settings", JSON.stringify(differ));
  if (["own", "drawn"].includes(app.settings.data)) parts.set("rows", "not in this address");
  parts.set("step", String(app.step));
  history.replaceState(null, "", `${location.pathname}#${parts}`);
}

/**
 * Begin with what an address said, unless the session is there already.
 * @param {string} fragment what stood behind its #
 */
export async function read(fragment) {
  const parts = new URLSearchParams(fragment.slice(1));
  if (!parts.has("step") || app.opening.header.own_model) return;
  const step = Number(parts.get("step"));
  let settings = /** @type {any} */ (null);
  try {
    settings = JSON.parse(parts.get("settings") || "{}");
  } catch { app.say(say("bad_address")); return; }
  if (!settings || typeof settings !== "object" || Array.isArray(settings)) { app.say(say("bad_address")); return; }
  const all = { ...app.menu.defaults, ...settings };
  if (all.data === "own" && !app.opening.header.own_table) { app.say(say("own_missing")); return; }
  if (all.data === "drawn" && !app.opening.header.drawn) { app.say(say("drawn_missing")); return; }
  if (!same(sorted(all), sorted(app.settings))) {
    if (!app.opened(await app.ask("begin", { settings: all }))) return;
  }
  if (Number.isInteger(step) && step > 0 && step !== app.step) await app.goTo(step);
}

/** @param {any} value */
function sorted(value) {
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}
