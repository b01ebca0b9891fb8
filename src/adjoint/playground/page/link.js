/** A link to a session: requests go out one after another, and frames come back. How they travel is its own matter. */

/**
 * @typedef {{[name: string]: any}} Header
 * @typedef {{header: Header, arrays: {[name: string]: Float32Array|Uint8Array},
 *   shapes: {[name: string]: number[]}}} Frame
 */

/**
 * Return header and arrays of a frame; `frame.py` says how they lie in it.
 * @param {ArrayBuffer} buffer
 * @param {number} start
 * @returns {Frame}
 */
export function unpack(buffer, start) {
  const view = new DataView(buffer);
  const size = view.getUint32(start, true);
  const text = new TextDecoder().decode(new Uint8Array(buffer, start + 4, size));
  const header = JSON.parse(text);
  /** @type {Frame} */
  const frame = { header, arrays: {}, shapes: {} };
  let at = start + 4 + size;
  for (const { name, kind, shape } of header.sections) {
    const count = shape.reduce((/** @type {number} */ a, /** @type {number} */ b) => a * b, 1);
    frame.shapes[name] = shape;
    if (kind === "uint8") {
      frame.arrays[name] = new Uint8Array(buffer, at, count);
      at += Math.ceil(count / 4) * 4;
    } else {
      frame.arrays[name] = new Float32Array(buffer, at, count);
      at += 4 * count;
    }
  }
  return frame;
}

export class Link {
  constructor() {
    /** Told when the session is there, and when it is no longer. @type {(connected: boolean, reason: string) => void} */
    this.changed = () => {};
    this.next = 1;
    /** @type {Map<number, {done: (frame: Frame) => void, failed: (error: Error) => void}>} */
    this.waiting = new Map();
    /** Whether the address of the page is the page's own, to keep settings and step in. */
    this.has_address = true;
    /** The theme of what the page stands in; none where the page stands alone. */
    this.theme = "";
    /** How the reader comes to a session again: by "reload", or else by a hand of theirs. */
    this.again = "";
    /** What the session cannot answer, since it has no Python. @type {Set<string>} */
    this.lacks = new Set();
  }

  /** Open the session. @returns {Promise<void>} */
  async open() {}

  /** Whether requests can go out. */
  get is_open() { return true; }

  /** Send the text of a request. @param {string} _text */
  post(_text) {}

  /** The training rests at the present picture. */
  rested() {}

  /** @param {ArrayBuffer} data */
  receive(data) {
    const id = Number(new DataView(data).getBigUint64(0, true));
    const waits = this.waiting.get(id);
    this.waiting.delete(id);
    if (!waits) return;
    const frame = unpack(data, 8);
    if (frame.header.what === "error") waits.failed(new Error(frame.header.error));
    else waits.done(frame);
  }

  /** No answer will come any more. @param {string} reason */
  lose(reason) {
    for (const { failed } of this.waiting.values()) failed(new Error("closed"));
    this.waiting.clear();
    this.changed(false, reason);
  }

  /**
   * Ask for something; a refusal is an error whose text is for the reader.
   * @param {string} what
   * @param {Header} [given]
   * @returns {Promise<Frame>}
   */
  ask(what, given = {}) {
    if (!this.is_open) return Promise.reject(new Error("closed"));
    const id = this.next++;
    return new Promise((done, failed) => {
      this.waiting.set(id, { done, failed });
      this.post(JSON.stringify({ id, do: what, ...given }));
    });
  }
}
