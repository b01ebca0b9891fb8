/** Colours: one for each class, and a scale for numbers with a sign. Both are told apart by colour-blind eyes. */

export const CLASSES = ["#e69f00", "#0072b2", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#999999", "#f0e442"];

/** What the style sheet says, read once for each theme: to ask at each picture has the browser compute styles. @type {Map<string, string>} */
const styles = new Map();
let stylesOf = "";

/** @param {string} name @returns {string} */
export function variable(name) {
  const root = document.documentElement, theme = root.dataset.theme || "";
  if (theme !== stylesOf) { styles.clear(); stylesOf = theme; }
  let found = styles.get(name);
  if (!found) {
    found = getComputedStyle(root).getPropertyValue(name).trim();
    styles.set(name, found);
  }
  return found;
}

/** @param {string} hex @returns {number[]} */
export function parts(hex) {
  return [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
}

/** @type {{zero: string, scale: Uint32Array}|null} */
let kept = null;

/** Return 256 colours from the negative through none to the positive, as pixels. */
export function scale() {
  const zero = variable("--zero");
  if (kept && kept.zero === zero) return kept.scale;
  const [low, middle, high] = [parts(CLASSES[0]), parts(zero), parts(CLASSES[1])];
  const found = new Uint8ClampedArray(256 * 4);
  for (let i = 0; i < 256; i++) {
    const share = (i - 127.5) / 127.5;
    const end = share < 0 ? low : high;
    const weight = 0.72 * Math.abs(share) ** 0.8;
    for (let c = 0; c < 3; c++) found[4 * i + c] = middle[c] + (end[c] - middle[c]) * weight;
    found[4 * i + 3] = 255;
  }
  kept = { zero, scale: new Uint32Array(found.buffer) };
  return kept.scale;
}

/**
 * Return a picture of one plane of bytes, or of one for each class.
 * @param {Uint8Array} bytes
 * @param {number} planes
 * @param {number} size
 */
export function picture(bytes, planes, size) {
  const image = new ImageData(size, size);
  const pixels = image.data, count = size * size;
  if (planes === 1) {
    const colours = scale(), words = new Uint32Array(pixels.buffer);
    for (let i = 0; i < count; i++) words[i] = colours[bytes[i]];
    return image;
  }
  const zero = parts(variable("--zero"));
  const ends = Array.from({ length: planes }, (_, k) => parts(CLASSES[k % CLASSES.length]));
  for (let i = 0; i < count; i++) {
    let best = 0;
    for (let k = 1; k < planes; k++) if (bytes[k * count + i] > bytes[best * count + i]) best = k;
    const sure = Math.max(0, (bytes[best * count + i] / 255 - 1 / planes) / (1 - 1 / planes));
    const weight = 0.15 + 0.57 * sure;
    for (let c = 0; c < 3; c++) pixels[4 * i + c] = zero[c] + (ends[best][c] - zero[c]) * weight;
    pixels[4 * i + 3] = 255;
  }
  return image;
}

/** The colour of a number by its sign. @param {number} x */
export function signed(x) {
  return variable(x < 0 ? "--negative" : "--positive");
}

/** The colour of a number from 0 (least) to 1 (greatest). @param {number} share */
export function ofScale(share) {
  const end = parts(CLASSES[share < 0.5 ? 0 : 1]), zero = parts(variable("--zero"));
  const weight = Math.min(1, Math.abs(share - 0.5) * 2) ** 0.8;
  return `rgb(${zero.map((z, c) => Math.round(z + (end[c] - z) * weight)).join(" ")})`;
}
