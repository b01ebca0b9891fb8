/** The names of the data sets, and small pictures of them: which is meant is seen before it is chosen. */

import { ofScale } from "./colours.js";
import { el } from "./dom.js";
import { drawMark } from "./marks.js";
import { say } from "./words.js";

/** What a set is called; those of the reader's have names in both languages. @param {string} set */
export function setName(set) { return ["own", "drawn", "formula"].includes(set) ? say(`set_${set}`) : set; }

/** How wide a picture is, and the room around its points. */
const SIZE = 38, EDGE = 4;

/** The pictures that were drawn: the panel is written anew with each change. @type {Map<string, HTMLCanvasElement>} */
const drawn = new Map();

/** @param {number[][]} picture @param {boolean} classes */
function draw(picture, classes) {
  const canvas = el("canvas", { width: 2 * SIZE, height: 2 * SIZE, "aria-hidden": "true" }), context = canvas.getContext("2d");
  context.scale(2, 2);
  for (const [x, y, target] of picture) {
    const [left, top] = [EDGE + x * (SIZE - 2 * EDGE), SIZE - EDGE - y * (SIZE - 2 * EDGE)];
    context.fillStyle = ofScale(target);
    if (classes) drawMark(context, target, left, top, 1.7, true);
    else context.fillRect(left - 1.7, top - 1.7, 3.4, 3.4);
  }
  return canvas;
}

/**
 * A button for each set that has a picture.
 * @param {{[name: string]: {classes: boolean, picture?: number[][]}}} sets
 * @param {string} chosen
 * @param {(name: string) => void} choose
 */
export function setPictures(sets, chosen, choose) {
  const named = Object.entries(sets).filter(([, set]) => set.picture);
  return el("div", { class: "sets", id: "sets", role: "group" }, ...named.map(([name, { classes, picture = [] }]) => {
    const canvas = drawn.get(name) || draw(picture, classes);
    drawn.set(name, canvas);
    return el("button", { "data-set": name, "data-hint": name, "aria-label": name, "aria-pressed": name === chosen, onclick: () => choose(name) }, canvas);
  }));
}
