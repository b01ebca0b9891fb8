/** The page as a server gives it: its session is at the other end of a WebSocket, and survives a reload. */

import { Link } from "./link.js";
import { begin } from "./main.js";

class Socket extends Link {
  constructor() {
    super();
    /** @type {WebSocket|null} */
    this.socket = null;
    this.again = "reload";
  }

  get is_open() { return this.socket?.readyState === WebSocket.OPEN; }

  /** @param {string} text */
  post(text) { this.socket?.send(text); }

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
          sessionStorage.setItem("session", data);
          this.changed(true, "");
          done();
        } else this.receive(data);
      };
      socket.onclose = ({ reason }) => {
        this.lose(reason);
        failed(new Error(reason || "closed"));
      };
    });
  }
}

begin(new Socket());
