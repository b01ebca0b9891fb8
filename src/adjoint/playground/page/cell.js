/** The page in the output of a notebook's cell: its session is in the kernel, behind the element that frames the page. */

import { app } from "./app.js";
import { lastPicture } from "./last_picture.js";
import { Link } from "./link.js";
import { begin } from "./main.js";
import { say } from "./words.js";

/** @typedef {import("./widget.js").Host} Host */

/** So long a request may take before it is said that the kernel has other work, in milliseconds. */
const PATIENCE = 2_000;
/** So long a training must rest before its picture is kept. */
const REST = 400;

class Cell extends Link {
  /** @param {Host} host */
  constructor(host) {
    super();
    this.host = host;
    this.has_address = false;
    this.theme = host.theme();
    this.is_lost = false;
    this.resting = 0;
    // One kernel answers all views of a widget: the numbers of their requests must differ.
    this.next = 1 + Math.floor(Math.random() * 2 ** 30) * 2 ** 20;
  }

  get is_open() { return !this.is_lost; }

  /** @param {string} text */
  post(text) { this.host.send({ ask: text }); }

  async open() {
    this.host.listen({
      frame: (buffer) => this.receive(buffer),
      lost: (reason) => { this.is_lost = true; this.lose(reason); },
      theme: (theme) => { document.documentElement.dataset.theme = theme; app.tell("theme"); },
    });
    await this.ask("menu");  // the first answer says that there is a kernel
    this.host.live();
    new ResizeObserver(() => this.host.resize(document.body.getBoundingClientRect().height)).observe(document.body);
    this.changed(true, "");
  }

  /** @param {string} what @param {import("./link.js").Header} [given] */
  ask(what, given) {
    const late = setTimeout(() => app.say(say("kernel_busy"), "waiting"), PATIENCE);
    return super.ask(what, given).finally(() => {
      clearTimeout(late);
      if (app.about === "waiting") app.say("");
    });
  }

  /** Give the present picture away, for the notebook to keep. */
  rested() {
    clearTimeout(this.resting);
    this.resting = window.setTimeout(() => { if (!app.playing && this.is_open) this.host.send({ picture: lastPicture() }); }, REST);
  }
}

document.documentElement.classList.add("in-cell");
begin(new Cell(/** @type {any} */ (window.frameElement).host));
