/** The page as a file of its own: its session is in the browser, with networks that were built ahead. */

import { number } from "./choices.js";
import { Engine } from "./engine.js";
import { Link } from "./link.js";
import { begin } from "./main.js";

/** What needs Python: it is grey on this page. */
const LACKS = ["derive", "check", "update", "program", "source", "weights", "table", "bring", "draw", "formula", "session", "load", "change", "tour"];

/** What number of a step may be asked for. @type {[number, number, boolean]} */
const STEPS = [0, 2 ** 53, true];

class Browser extends Link {
  constructor() {
    super();
    this.lacks = new Set(LACKS);
    /** @type {Engine|null} */ this.engine = null;
    /** @type {Promise<any>} */ this.turn = Promise.resolve();
  }

  async open() {
    const { networks, modules } = /** @type {any} */ (globalThis).given;
    const packed = Uint8Array.from(atob(modules), (c) => c.charCodeAt(0));
    const unpacked = new Response(new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip")));
    const bytes = new Uint8Array(await unpacked.arrayBuffer());
    let at = 0;
    for (const each of networks) { each.bytes = bytes.slice(at, at + each.length); at += each.length; }
    this.engine = new Engine(networks);
    await this.engine.begin(this.engine.choices.defaults);
    this.changed(true, "");
  }

  /**
   * Answer one request after another, as a server does.
   * @param {string} what
   * @param {import("./link.js").Header} [given]
   */
  ask(what, given = {}) {
    const found = this.turn.then(() => this.answer(what, given));
    this.turn = found.catch(() => {});
    return found;
  }

  /** @param {string} what @param {import("./link.js").Header} given @returns {Promise<import("./link.js").Frame>} */
  async answer(what, given) {
    const engine = /** @type {Engine} */ (this.engine);
    if (what === "menu") return { header: engine.choices.menu(), arrays: {}, shapes: {} };
    if (what === "begin") await engine.begin(given.settings);
    if (what === "begin" || what === "open") return engine.opening();
    if (what === "take") engine.take(number("until", given.until, STEPS), given.milliseconds);
    else if (what === "back") {
      engine.rewind(number("to", given.to, STEPS));
      engine.take(given.to, 100);
    }
    else if (what === "look") engine.probe = given.probe || null;
    else throw new Error(`${what}: this page has no Python`);
    return engine.frame();
  }
}

begin(new Browser());
