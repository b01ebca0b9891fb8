/** Paper takes what is drawn on a canvas, and keeps it as SVG: each panel is drawn by one function for both. */

import { svg } from "./dom.js";

/** Characters that no XML may have. */
const FORBIDDEN = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

/** Text as a file of XML may have it. @param {any} text */
export function clean(text) {
  return String(text).replace(FORBIDDEN, "");
}

/** @param {number} x */
const brief = (x) => String(Math.round(100 * x) / 100);

export class Paper {
  /** @param {number} x @param {number} y where it begins */
  constructor(x = 0, y = 0) {
    this.group = svg("g", { transform: `translate(${brief(x)} ${brief(y)})` });
    this.fillStyle = this.strokeStyle = "#000000";
    this.lineWidth = this.globalAlpha = 1;
    this.font = "12px sans-serif";
    this.textAlign = "left";
    this.textBaseline = "alphabetic";
    this.imageSmoothingEnabled = true;
    this.path = "";
    /** @type {number[]} */ this.dash = [];
  }

  beginPath() { this.path = ""; }
  closePath() { if (this.path) this.path += "Z"; }
  /** @param {number} x @param {number} y */
  moveTo(x, y) { this.path += `M${brief(x)} ${brief(y)}`; }
  /** @param {number} x @param {number} y */
  lineTo(x, y) { this.path += `${this.path ? "L" : "M"}${brief(x)} ${brief(y)}`; }
  /** @param {number} a @param {number} b @param {number} c @param {number} d @param {number} x @param {number} y */
  bezierCurveTo(a, b, c, d, x, y) { this.path += `C${[a, b, c, d, x, y].map(brief).join(" ")}`; }
  /** A whole circle; nothing else is drawn here. @param {number} x @param {number} y @param {number} r */
  arc(x, y, r) { this.path += `M${brief(x - r)} ${brief(y)}a${brief(r)} ${brief(r)} 0 1 0 ${brief(2 * r)} 0a${brief(r)} ${brief(r)} 0 1 0 ${brief(-2 * r)} 0`; }
  /** @param {number[]} dash */
  setLineDash(dash) { this.dash = dash; }

  lines() {
    return { fill: "none", stroke: this.strokeStyle, "stroke-width": brief(this.lineWidth), ...this.seen(),
      ...(this.dash.length ? { "stroke-dasharray": this.dash.join(" ") } : {}) };
  }

  seen() { return this.globalAlpha < 1 ? { opacity: brief(this.globalAlpha) } : {}; }

  stroke() { if (this.path) this.group.append(svg("path", { d: this.path, ...this.lines() })); }
  fill() { if (this.path) this.group.append(svg("path", { d: this.path, fill: this.fillStyle, ...this.seen() })); }
  clearRect() {}

  /** @param {number} x @param {number} y @param {number} width @param {number} height @param {Object} look */
  rectangle(x, y, width, height, look) {
    this.group.append(svg("rect", { x: brief(x), y: brief(y), width: brief(width), height: brief(height), ...look }));
  }

  /** @param {number} x @param {number} y @param {number} width @param {number} height */
  fillRect(x, y, width, height) { this.rectangle(x, y, width, height, { fill: this.fillStyle, ...this.seen() }); }
  /** @param {number} x @param {number} y @param {number} width @param {number} height */
  strokeRect(x, y, width, height) { this.rectangle(x, y, width, height, this.lines()); }

  /** @param {string} text @param {number} x @param {number} y */
  fillText(text, x, y) {
    const [, size] = /([\d.]+)px/.exec(this.font) || [];
    const anchor = { center: "middle", right: "end" }[this.textAlign] || "start";
    this.group.append(svg("text", { x: brief(x), y: brief(y + (this.textBaseline === "middle" ? 0.35 * Number(size) : 0)),
      fill: this.fillStyle, "font-size": size, "font-family": this.font.includes("mono") ? "monospace" : "system-ui, sans-serif", "text-anchor": anchor }, clean(text)));
  }

  /** A picture is embedded, so that the file needs no other. @param {any} image @param {number} x @param {number} y @param {number} width @param {number} height */
  drawImage(image, x, y, width, height) {
    const canvas = Object.assign(document.createElement("canvas"), { width: image.width, height: image.height });
    /** @type {any} */ (canvas.getContext("2d")).drawImage(image, 0, 0);
    this.group.append(svg("image", { x: brief(x), y: brief(y), width: brief(width), height: brief(height), preserveAspectRatio: "none", href: canvas.toDataURL("image/png") }));
  }
}
