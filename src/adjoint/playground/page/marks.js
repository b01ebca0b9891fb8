/** Marks are how rows are drawn: a shape and a colour for each class, a colour for a number. */

import { CLASSES, ofScale, variable } from "./colours.js";

/**
 * Draw the mark of a class, or of a number from -1 (least) to -2 (greatest).
 * @param {CanvasRenderingContext2D} context
 * @param {number} kind
 * @param {number} x
 * @param {number} y
 * @param {number} r
 * @param {boolean} filled
 */
export function drawMark(context, kind, x, y, r, filled) {
  const colour = kind >= 0 ? CLASSES[kind % CLASSES.length] : ofScale(-kind - 1);
  context.beginPath();
  const corners = kind < 0 ? 0 : [0, 4, 3, 5, 8][kind % 5];
  if (!corners) context.arc(x, y, r, 0, 7);
  else for (let i = 0; i < corners; i++) {
    const angle = 2 * Math.PI * i / corners + (corners === 4 ? Math.PI / 4 : -Math.PI / 2);
    const far = corners === 8 && i % 2 ? r * 0.5 : r * 1.2;
    context.lineTo(x + far * Math.cos(angle), y + far * Math.sin(angle));
  }
  context.closePath();
  if (!filled && kind >= 0) {
    // A white rim: else a hollow mark is lost in a field of its own colour.
    context.lineWidth = 4.4;
    context.strokeStyle = "#ffffff";
    context.stroke();
  }
  context.lineWidth = filled ? 0.9 : 1.8;
  context.fillStyle = colour;
  // The colour of a number may be that of the field around it, so its edge is drawn in ink.
  context.strokeStyle = kind < 0 ? variable("--ink") : filled ? "#ffffff" : colour;
  if (kind < 0 && !filled) context.setLineDash([2, 1.5]);
  if (filled || kind < 0) context.fill();
  context.stroke();
  context.setLineDash([]);
}

/** The kind of a target's mark: its class, or where it lies in the range. @param {number} target @param {string[]} labels @param {number[]|null} range */
export function kindOf(target, labels, range) {
  if (labels.length || !range) return target;
  return -1 - Math.max(0, Math.min(1, (target - range[0]) / (range[1] - range[0])));
}
