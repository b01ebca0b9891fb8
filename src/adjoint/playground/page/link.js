/** The link to the session: requests go out one after another, and frames come back. */

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
  /**
   * @param {(connected: boolean, reason: string) => void} changed
   */
  constructor(changed) {
    this.changed = changed;
    this.next = 1;
    /** @type {Map<number, {done: (frame: Frame) => void, failed: (error: Error) => void}>} */
    this.waiting = new Map();
    /** @type {WebSocket|null} */
    this.socket = null;
    this.is_resumed = false;
  }

  /** Open the session, the one of before if it is still there. @returns {Promise<void>} */
  open() {
    const asked = new URLSearchParams(location.search);
    const key = asked.get("key") || sessionStorage.getItem("key") || "";
    sessionStorage.setItem("key", key);
    if (asked.has("key")) history.replaceState(null, "", location.pathname + location.hash);
    const before = sessionStorage.getItem("session") || "";
    const query = new URLSearchParams({ key, session: before });
    const socket = new WebSocket(`ws://${location.host}/session?${query}`);
    socket.binaryType = "arraybuffer";
    this.socket = socket;
    return new Promise((done, failed) => {
      socket.onmessage = ({ data }) => {
        if (typeof data === "string") {
          this.is_resumed = data === before;
          sessionStorage.setItem("session", data);
          this.changed(true, "");
          done();
        } else this.receive(data);
      };
      socket.onclose = ({ reason }) => {
        for (const { failed } of this.waiting.values()) failed(new Error("closed"));
        this.waiting.clear();
        this.changed(false, reason);
        failed(new Error(reason || "closed"));
      };
    });
  }

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

  /**
   * Ask for something; a refusal is an error whose text is for the reader.
   * @param {string} what
   * @param {Header} [given]
   * @returns {Promise<Frame>}
   */
  ask(what, given = {}) {
    const socket = this.socket;
    if (!socket || socket.readyState !== WebSocket.OPEN) return Promise.reject(new Error("closed"));
    const id = this.next++;
    return new Promise((done, failed) => {
      this.waiting.set(id, { done, failed });
      socket.send(JSON.stringify({ id, do: what, ...given }));
    });
  }
}
