/** The state of the page, and what changes it; panels listen, and draw what they are told. */

import { Link } from "./link.js";
import { told } from "./refusals.js";
import { say } from "./words.js";

/**
 * @typedef {import("./link.js").Frame} Frame
 * @typedef {import("./link.js").Header} Header
 * @typedef {{name: string, index: number}} Entry
 */

/** So many milliseconds are for training and making its picture together, and so many at least for training. */
const TURN = 16, LEAST = 5;
/** Nobody reads numbers that change sooner than after so many milliseconds, and each has the browser lay out its line. */
const LEGIBLE = 90;
/** With reduced motion there are no more pictures than this many milliseconds allow. */
const CALM = matchMedia("(prefers-reduced-motion: reduce)");

/** A selector of an element that is written anew: who uses the keyboard stays where they are. @param {Element|null} element */
function wayTo(element) {
  if (!element || element === document.body) return "";
  if (element.id) return `#${CSS.escape(element.id)}`;
  const names = element.getAttributeNames().filter((name) => name.startsWith("data-") || name === "aria-label");
  const inside = element.closest("[id]");
  if (!names.length || !inside) return "";
  return `#${CSS.escape(inside.id)} ${element.localName}${names.map((name) => `[${name}="${CSS.escape(element.getAttribute(name) || "")}"]`).join("")}`;
}

/** What is said of a lost connection for reasons of its own. @type {{[reason: string]: string}} */
const LOST = { kernel: "kernel_gone", closed: "cell_closed" };

class App {
  constructor() {
    /** @type {Map<string, (() => void)[]>} */
    this.listeners = new Map();
    this.link = new Link();  // to nobody, until the page has one of its own
    /** @type {Header} */ this.menu = {};
    /** @type {Header} */ this.settings = {};
    /** @type {Frame} */ this.opening = { header: {}, arrays: {}, shapes: {} };
    /** @type {Frame} */ this.frame = this.opening;
    /** @type {Header|null} */ this.derivation = null;
    this.derivedFor = "";
    /** The derivation that is under way, if one is. @type {Promise<void>|null} */ this.deriving = null;
    this.line = 1;
    /** @type {Entry|null} */ this.entry = null;
    /** @type {Header|null} */ this.check = null;
    /** @type {Header|null} */ this.update = null;
    this.playing = false;
    this.connected = false;
    this.busy = false;
    /** Whether many steps are taken at once; any other wish ends it. */ this.hurried = false;
    /** Whether a change is under way, for which playing waits. */ this.held = false;
    /** The change that was asked for last; the next one waits for it. @type {Promise<unknown>} */ this.latest = Promise.resolve();
    /** @type {{place: number, unit: number}|null} */ this.magnified = null;
    this.scale = "batch";
    this.speed = 10;
    this.furthest = 0;
    this.tab = "network";
    this.shows = "weights";
    /** What the curve shows: "loss" or "quality". */ this.curve = "loss";
    this.notice = "";
    this.about = "";
    this.frames = 0;
    this.numbersAt = 0;
  }

  /** @param {string} what @param {() => void} listener */
  on(what, listener) {
    const all = this.listeners.get(what) || [];
    all.push(listener);
    this.listeners.set(what, all);
  }

  /** @param {string} what */
  tell(what) {
    const had = document.activeElement, way = wayTo(had);
    for (const listener of this.listeners.get(what) || []) listener();
    if (had && !had.isConnected && way) /** @type {HTMLElement|null} */ (document.querySelector(way))?.focus({ preventScroll: true });
  }

  get step() { return this.frame.header.step || 0; }
  /** Whether the numbers of the derivation are those of the step that is shown. */
  get isDerived() { return !this.deriving && this.derivation?.step === this.step; }
  get stepsEach() { return this.opening.header.steps_each || 1; }

  /** @param {boolean} connected @param {string} reason */
  connection(connected, reason) {
    this.connected = connected;
    if (!connected) {
      this.playing = false;
      this.say(LOST[reason] ? say(LOST[reason]) : reason.includes("key") ? say("no_key") : `${say("lost")} ${told(reason)}`, "connection");
    }
    this.tell("connection");
  }

  /**
   * Show a sentence: on where the training stands until the next frame, on a refusal until the next answer.
   * @param {string} text
   * @param {string} [about] "training", "refusal" or "connection"
   */
  say(text, about = "training") {
    this.notice = text;
    this.about = about;
    this.tell("notice");
  }

  /**
   * Ask for a frame; a refusal is shown, and changes nothing.
   * @param {string} what
   * @param {Header} [given]
   */
  async ask(what, given) {
    try {
      const found = await this.link.ask(what, given);
      if (this.about === "refusal") this.say("");
      return found;
    } catch (error) {
      const text = /** @type {Error} */ (error).message;
      if (text !== "closed") this.say(told(text), "refusal");
      return null;
    }
  }

  /** Take over what an opening frame says. @param {Frame|null} frame */
  opened(frame) {
    if (!frame) { this.tell("opening"); return false; }
    this.opening = frame;
    this.settings = frame.header.settings;
    const names = frame.header.parameters.map((/** @type {Header} */ p) => p.name);
    if (this.entry && !names.includes(this.entry.name)) this.entry = null;
    this.furthest = frame.header.step;
    this.forget();
    this.tell("opening");
    this.received(frame);
    return true;
  }

  /** @param {Frame|null} frame */
  received(frame) {
    if (!frame) { this.playing = false; this.tell("playing"); return; }
    this.frame = frame;
    this.frames += 1;
    this.furthest = Math.max(this.furthest, frame.header.step);
    const ends = frame.header.diverged || frame.header.stopped;
    if (frame.header.diverged) this.say(say("diverged"));
    else if (frame.header.stopped && this.playing) this.say(say("stopped"));
    else if (this.notice && this.about === "training") this.say("");
    if (this.playing && ends) { this.playing = false; this.tell("playing"); }
    this.check = null;
    this.tell("frame");
    const now = performance.now();
    if (!this.playing || now - this.numbersAt >= LEGIBLE) { this.numbersAt = now; this.tell("numbers"); }
    if (!this.playing) this.rested();
  }

  /** The training rests: the address and the derivation are brought up to date. */
  rested() {
    this.derive();
    this.tell("rest");
  }

  /** Forget what belongs to another network. */
  forget() {
    this.derivation = this.deriving = null; this.derivedFor = ""; this.update = null; this.check = null; this.line = 1;
  }

  // --- pace

  toggle() {
    if (!this.connected) return;
    this.hurried = false;
    this.playing = !this.playing;
    if (this.playing) this.say("");
    this.tell("playing");
    if (this.playing) this.run();
    else if (!this.busy) this.rested();
  }

  stop() {
    if (this.playing) this.toggle();
  }

  /** Ask for the steps of one picture after a step. @param {number} step */
  turn(step) {
    const until = this.speed ? step + this.speed : this.menu.limits.steps;
    return this.ask("take", { until, milliseconds: Math.max(LEAST, TURN - (this.frame.header.milliseconds || 0)) });
  }

  /** Train and draw; while a picture is drawn the steps of the next one are taken. */
  async run() {
    if (this.busy || this.held) return;
    this.busy = true;
    /** @type {Promise<Frame|null>|null} */ let next = null;
    while (this.playing && !this.held) {
      const started = performance.now();
      /** @type {Frame|null} */ const frame = await (next || this.turn(this.step));
      /** @type {any} */ const goes = frame && this.playing && !this.held && !frame.header.diverged && !frame.header.stopped;
      next = goes && !CALM.matches ? this.turn(frame.header.step) : null;
      this.received(frame);
      await new Promise(requestAnimationFrame);
      const wait = CALM.matches ? 500 - (performance.now() - started) : 0;
      if (wait > 0) await new Promise((done) => setTimeout(done, wait));
    }
    const last = next ? await next : null;
    this.busy = false;
    if (last) this.received(last);
    else if (!this.playing) this.rested();
    if (this.playing) this.run();  // it was pressed again meanwhile
  }

  /** Wait until nothing is under way, so that no click is lost. */
  async idle() {
    this.hurried = false;
    while (this.busy) await new Promise((done) => setTimeout(done, 5));
  }

  /** Go to a step, forward or back. @param {number} step */
  async goTo(step) {
    await this.idle();
    this.busy = this.hurried = true;
    let frame = step < this.step || this.frame.header.diverged
      ? await this.ask("back", { to: Math.max(0, step) })
      : await this.ask("take", { until: step, milliseconds: 100 });
    while (this.hurried && frame && frame.header.step < step && !frame.header.diverged && !frame.header.stopped) {
      const before = frame.header.step;
      this.say(frame.header.making ? say("making") : say("again", before.toLocaleString("en"), step.toLocaleString("en")));
      frame = await this.ask("take", { until: step, milliseconds: 100 });
      if (frame && frame.header.step === before && !frame.header.making) break;
    }
    this.busy = false;
    if (frame) this.received(frame);
    if (this.playing) this.run();  // it was pressed meanwhile
  }

  async forward() {
    this.stop();
    await this.idle();
    if (this.scale === "operation") return this.walk(1);
    const left = this.stepsEach - (this.frame.header.in_epoch || 0);
    return this.goTo(this.step + (this.scale === "epoch" ? left : 1));
  }

  async backward() {
    this.stop();
    await this.idle();
    if (this.scale === "operation") return this.walk(-1);
    const inside = this.frame.header.in_epoch || this.stepsEach;
    return this.goTo(this.step - (this.scale === "epoch" ? inside : 1));
  }

  /** Go along the lines of the two passes; behind the last one comes the next batch. @param {number} by */
  async walk(by) {
    await this.derive();
    const count = this.derivation ? this.derivation.steps.length : 0;
    if (this.line + by > count) {
      await this.goTo(this.step + 1);
      this.line = 1;
    } else if (this.line + by < 1) {
      if (!this.step) return;
      await this.goTo(this.step - 1);
      await this.derive();
      this.line = this.derivation ? this.derivation.steps.length : 1;
    } else this.line += by;
    this.tell("line");
  }

  reset() {
    this.stop();
    return this.goTo(0);
  }

  // --- settings

  /** The settings as they are for the step to come, with what was changed by hand. @returns {Header} */
  get now() { return { ...this.settings, ...this.frame.header.now }; }

  /**
   * Change settings: those of the optimiser from here on, all others by beginning anew.
   * @param {Header|(() => Header)} given or what gives them when the changes before this one are made
   */
  set(given) {
    return this.between(() => {
      const changes = typeof given === "function" ? given() : given;
      return this.step && this.leadsOn(changes) ? this.adjust(changes) : this.restart(changes);
    });
  }

  /** Begin anew with some settings changed; what was changed by hand holds from the first step on. @param {Header} changes */
  change(changes) { return this.between(() => this.restart(changes)); }

  /**
   * Change something between two steps, one change after another; what played plays on.
   * @template T @param {() => Promise<T>} act @returns {Promise<T>}
   */
  between(act) {
    const done = this.latest.then(async () => {
      this.held = true;
      await this.idle();
      try { return await act(); } finally {
        this.held = false;
        this.tell("playing");
        if (this.playing) this.run();
      }
    });
    this.latest = done.catch(() => {});
    return done;
  }

  /** Whether a training can go on with other settings. @param {Header} changes */
  leadsOn(changes) {
    const { settings, first_only } = this.menu.changeable, own = this.opening.header.own_model;
    if (!Object.keys(changes).every((name) => (own ? name === "lr" : settings.includes(name)))) return false;
    const before = this.now.options, after = changes.options || before;
    return [...Object.keys(before), ...Object.keys(after)].every((name) =>
      before[name] === after[name] || (typeof (after[name] ?? before[name]) !== "boolean" && !first_only.includes(name)));
  }

  /** Go on from here with other settings of the optimiser. @param {Header} given */
  async adjust(given) {
    const step = this.step, frame = await this.ask("change", { given });
    if (frame) {
      this.settings = frame.header.settings;
      this.furthest = step;
      if (frame.header.step < step) await this.goTo(step);  // with these its update has another form
      else this.received(frame);
    }
    this.tell("settings");
  }

  /** @param {Header} changes */
  async restart(changes) {
    const before = "changes" in changes ? this.settings : { ...this.now, changes: [] };
    return this.opened(await this.ask("begin", { settings: { ...before, ...changes } }));
  }

  /** Look elsewhere: other axes, held columns or a point. @param {Header} given */
  async look(given) {
    if (this.playing || this.busy) {
      await this.ask("look", given);
    } else this.received(await this.ask("look", given));
  }

  // --- one thing

  /** Choose an entry of a parameter. @param {string} name @param {number} index */
  choose(name, index) {
    this.entry = { name, index };
    this.check = null;
    const line = this.gradientLine(name);
    if (line) this.line = line;
    this.tell("line");
  }

  /** Return the name of a parameter in the derivation. @param {string} path */
  shortName(path) {
    const paths = this.derivation ? this.derivation.paths : {};
    return Object.keys(paths).find((name) => paths[name] === path) || "";
  }

  /** Return the line that gives the gradient of a parameter. @param {string} path */
  gradientLine(path) {
    return this.lineOf(this.derivation ? this.derivation.gradient[path] : "");
  }

  /** @param {string} name @returns {number|null} */
  lineOf(name) {
    const steps = this.derivation ? this.derivation.steps : [];
    const found = steps.find((/** @type {Header} */ each) => each.name === name);
    return found ? found.number : null;
  }

  /** Have the derivation of the batch to come. */
  async derive() {
    if (this.playing || this.link.lacks.has("derive")) return;
    const lang = document.documentElement.lang.slice(0, 2);
    const key = `${this.step} ${lang} ${this.frames}`;
    if (this.derivedFor !== key) {
      this.derivedFor = key;
      this.deriving = this.derived(key, lang);
    }
    await this.deriving;
  }

  /** Take over a derivation, unless another one is wanted by now. @param {string} key @param {string} lang */
  async derived(key, lang) {
    const found = await this.ask("derive", { lang });
    if (this.derivedFor !== key) return;
    this.deriving = null;
    this.derivation = found && found.header.step === this.step ? found.header : null;
    const count = this.derivation ? this.derivation.steps.length : 1;
    this.line = Math.min(this.line, count);
    this.tell("derivation");
    this.tell("line");
  }

  async checkEntry() {
    const { entry, frame } = this;
    if (!entry) return;
    const found = await this.ask("check", entry);
    if (this.entry !== entry || this.frame !== frame) return;  // it is of another entry, or of another step
    this.check = found && found.header;
    this.tell("line");
  }

  async updateRule() {
    const { entry, opening } = this;
    if (!entry) return;
    const found = await this.ask("update", entry);
    if (this.entry !== entry || this.opening !== opening) return;
    this.update = found && found.header;
    this.tell("line");
  }
}

export const app = new App();
