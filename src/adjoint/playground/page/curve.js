/** A curve: numbers on training and test rows over the epochs, of this run and of the pinned one. */

import { variable } from "./colours.js";
import { brief } from "./dom.js";
import { say } from "./words.js";

/** Rows of three numbers: the epoch, and what was measured on training and on test rows. @typedef {Float32Array|number[]} Rows */

/** @param {Rows} rows @param {number} column */
function column(rows, column) {
  return Array.from({ length: rows.length / 3 }, (_, i) => rows[3 * i + column]);
}

/**
 * Draw a curve.
 * @param {CanvasRenderingContext2D} context
 * @param {number} width
 * @param {number} height
 * @param {{rows: Rows, pinned?: Rows|null, hovered?: number|null, empty: string, bounded?: boolean}} given ``bounded`` numbers are not shown on a logarithmic scale
 */
export function drawCurve(context, width, height, { rows, pinned = null, hovered = null, empty, bounded = false }) {
  const ink = variable("--faint");
  context.font = "11px system-ui, sans-serif";
  context.fillStyle = ink;
  if (!rows.length && !pinned?.length) { context.textAlign = "left"; context.fillText(empty, 6, 20); return; }
  const lines = [[rows, 1], [rows, 2], [pinned || [], 1], [pinned || [], 2]].map(([from, k]) => column(/** @type {Rows} */ (from), /** @type {number} */ (k)));
  const epochs = column(rows, 0), others = column(pinned || [], 0);
  const all = lines.flat().filter((v) => Number.isFinite(v));
  if (!all.length) { context.textAlign = "left"; context.fillText("–", 6, 20); return; }
  let low = Math.min(...all), high = Math.max(...all);
  const log = !bounded && low > 0 && high / low > 100;
  const scaled = (/** @type {number} */ v) => (log ? Math.log10(v) : v);
  [low, high] = [scaled(low), scaled(high)];
  if (!(high > low)) { low -= 0.5; high += 0.5; }
  const [left, right, top, bottom] = [52, width - 8, 8, height - 18];
  const ends = [...epochs, ...others], first = Math.min(...ends), last = Math.max(...ends, first + 1);
  const x = (/** @type {number} */ v) => left + (v - first) / (last - first) * (right - left);
  const y = (/** @type {number} */ v) => bottom - (scaled(v) - low) / (high - low) * (bottom - top);
  context.strokeStyle = variable("--line");
  context.lineWidth = 1;
  context.strokeRect(left, top, right - left, bottom - top);
  context.textAlign = "right";
  for (const v of [low, high]) context.fillText(brief(log ? 10 ** v : v, 2), left - 4, (v === low ? bottom : top + 8));
  context.textAlign = "left";
  context.fillText(String(Math.round(10 * first) / 10), left, height - 4);
  context.textAlign = "right";
  context.fillText(`${say("epoch")} ${Math.round(last).toLocaleString("en")}`, right, height - 4);
  const marks = [[variable("--positive"), []], [variable("--held"), [5, 3]], [ink, []], [ink, [5, 3]]];
  for (const k of [2, 3, 0, 1]) {
    const line = lines[k], along = k < 2 ? epochs : others;
    if (!line.some(Number.isFinite)) continue;
    context.strokeStyle = /** @type {string} */ (marks[k][0]);
    context.setLineDash(/** @type {number[]} */ (marks[k][1]));
    context.lineWidth = k < 2 ? 1.6 : 1;
    context.beginPath();
    line.forEach((v, i) => { if (Number.isFinite(v)) context.lineTo(x(along[i]), y(v)); });
    context.stroke();
  }
  context.setLineDash([]);
  if (hovered !== null && epochs.length) drawHovered(hovered);

  /** @param {number} place */
  function drawHovered(place) {
    const near = epochs.reduce((a, e, i) => (Math.abs(x(e) - place) < Math.abs(x(epochs[a]) - place) ? i : a), 0);
    context.strokeStyle = ink;
    context.beginPath();
    context.moveTo(x(epochs[near]), top); context.lineTo(x(epochs[near]), bottom);
    context.stroke();
    context.fillStyle = variable("--ink");
    context.textAlign = "right";
    context.fillText(`${Math.round(10 * epochs[near]) / 10}: ${lines.slice(0, 2).filter((line) => Number.isFinite(line[near])).map((line) => brief(line[near])).join(" / ")}`, right - 4, top + 14);
  }
}
