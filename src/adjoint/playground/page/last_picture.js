/** The last picture: network, output and losses on one canvas, for readers of a notebook without a kernel. */

import { app } from "./app.js";
import { variable } from "./colours.js";
import { brief } from "./dom.js";
import { say } from "./words.js";

const WIDTH = 960, HEIGHT = 400, LEFT = 580, PAD = 12, LINE = 18, SCALE = 1.25;

/** Return a picture of the training as it stands, as a data URL of JPEG: a field of colours is a quarter as large in it as in PNG. @returns {string} */
export function lastPicture() {
  const canvas = Object.assign(document.createElement("canvas"), { width: SCALE * WIDTH, height: SCALE * HEIGHT });
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  context.scale(SCALE, SCALE);
  context.fillStyle = variable("--panel");
  context.fillRect(0, 0, WIDTH, HEIGHT);
  const net = /** @type {HTMLCanvasElement|null} */ (document.querySelector("#net canvas"));
  if (net) fitted(context, [net], PAD, PAD, LEFT - 2 * PAD, HEIGHT - 2 * PAD);
  else layers(context);
  const [field, dots, curve] = ["field", "dots", "curve"].map((id) => /** @type {HTMLCanvasElement|null} */ (document.getElementById(id)));
  const side = field && dots ? 232 : 0;
  if (field && dots) fitted(context, [field, dots], LEFT, PAD, WIDTH - LEFT - PAD, side);
  scores(context, side + 2 * PAD + 8);
  if (curve) fitted(context, [curve], LEFT, side + 2 * PAD + 3 * LINE, WIDTH - LEFT - PAD, HEIGHT - side - 3 * PAD - 3 * LINE);
  return canvas.toDataURL("image/jpeg", 0.8);
}

/** Draw pictures one over another into a box, in its middle. @param {CanvasRenderingContext2D} context @param {HTMLCanvasElement[]} pictures @param {number} x @param {number} y @param {number} w @param {number} h */
function fitted(context, pictures, x, y, w, h) {
  const [{ width, height }] = pictures;
  if (!width || !height) return;
  const scale = Math.min(w / width, h / height);
  const box = /** @type {const} */ ([x + (w - scale * width) / 2, y + (h - scale * height) / 2, scale * width, scale * height]);
  for (const each of pictures) if (each.width) context.drawImage(each, ...box);
}

/** The modules of a model that is not drawn as units and links. @param {CanvasRenderingContext2D} context */
function layers(context) {
  const most = Math.floor((HEIGHT - 2 * PAD) / LINE);
  (app.opening.header.layers || []).slice(0, most).forEach((/** @type {any} */ layer, /** @type {number} */ i) =>
    written(context, `${layer.path}  ${layer.kind}(${layer.text})`.slice(0, 80), PAD, PAD + LINE * (i + 0.7), "12px monospace"));
}

/** @param {CanvasRenderingContext2D} context @param {number} y */
function scores(context, y) {
  const { train, test, epoch = 0 } = app.frame.header, kind = app.opening.header.labels.length ? "accuracy" : "r2";
  const lines = [["train", train], ["held", test]].filter(([, score]) => score)
    .map(([which, score]) => `${say(which)}: ${say("loss")} ${brief(score.loss)}, ${say(kind)} ${brief(score.quality)}`);
  [`${say("past")} ${app.step.toLocaleString("en")} · ${say("epoch")} ${epoch.toLocaleString("en")}`, ...lines].forEach((text, i) =>
    written(context, text, LEFT, y + LINE * (i + 0.3), "13px system-ui, sans-serif"));
}

/** @param {CanvasRenderingContext2D} context @param {string} text @param {number} x @param {number} y @param {string} font */
function written(context, text, x, y, font) {
  context.font = font;
  context.fillStyle = variable("--ink");
  context.fillText(text, x, y);
}
