/** Elements are made here: text is always text, and mathematics only what is on a list. */

/**
 * Return an element. A property that begins with "on" is a listener, others are attributes.
 * @param {string} name
 * @param {Record<string, any>} [given]
 * @param {...(Node|string|null|undefined)} inside
 * @returns {any}
 */
export function el(name, given = {}, ...inside) {
  const found = document.createElement(name);
  for (const [key, value] of Object.entries(given)) {
    if (value === null || value === undefined) continue;
    if (key.startsWith("aria-")) { found.setAttribute(key, String(value)); continue; }
    if (value === false) continue;
    if (key.startsWith("on")) found.addEventListener(key.slice(2), value);
    else if (key === "value" || key === "checked") /** @type {any} */ (found)[key] = value;
    else found.setAttribute(key, value === true ? "" : String(value));
  }
  found.append(...inside.filter((each) => each !== null && each !== undefined));
  return found;
}

const SVG = "http://www.w3.org/2000/svg";

/**
 * Return an element of SVG.
 * @param {string} name
 * @param {Record<string, any>} given
 * @param {...(Node|string)} inside
 * @returns {any}
 */
export function svg(name, given = {}, ...inside) {
  const found = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(given)) {
    if (key.startsWith("on")) found.addEventListener(key.slice(2), value);
    else found.setAttribute(key, String(value));
  }
  found.append(...inside);
  return found;
}

const MATHS = "http://www.w3.org/1998/Math/MathML";
const KNOWN = new Set(("math mrow mi mn mo mtext mspace mfrac msup msub msubsup msqrt mroot mtable " +
  "mtr mtd munder mover munderover").split(" "));
const ATTRIBUTES = new Set(["displaystyle", "form", "width", "class", "mathvariant", "stretchy"]);

/**
 * Return mathematics of its text, rebuilt from known elements alone.
 * @param {string} text
 * @returns {Node}
 */
export function maths(text) {
  const parsed = new DOMParser().parseFromString(text, "text/html").querySelector("math");
  const found = parsed ? copied(parsed) : null;
  if (found instanceof Element) found.setAttribute("displaystyle", "true");
  return found || document.createTextNode("");
}

/** @param {Node} node @returns {Node|null} */
function copied(node) {
  if (node.nodeType === Node.TEXT_NODE) return document.createTextNode(node.nodeValue || "");
  if (!(node instanceof Element) || !KNOWN.has(node.localName)) return null;
  const made = document.createElementNS(MATHS, node.localName);
  for (const { name, value } of node.attributes) {
    if (ATTRIBUTES.has(name)) made.setAttribute(name, value);
  }
  for (const child of node.childNodes) {
    const inner = copied(child);
    if (inner) made.append(inner);
  }
  return made;
}

/**
 * Return a number in a few digits.
 * @param {number|string|null|undefined} x
 * @param {number} [digits]
 */
export function brief(x, digits = 4) {
  if (x === null || x === undefined) return "–";
  if (typeof x === "string") return x.replace("-", "−");
  if (x === 0) return "0";
  const size = Math.abs(x);
  const text = size >= 1e5 || size < 1e-3 ? x.toExponential(digits - 2) : x.toPrecision(digits);
  return text.replace(/^-/, "−").replace("e-", "e−");
}

/** @type {WeakMap<Element, [number, number]>} */
const sizes = new WeakMap();
const watcher = new ResizeObserver((entries) => {
  for (const { target } of entries) sizes.set(target, [target.clientWidth, target.clientHeight]);
});

/**
 * Set the text of an element, if it is another one.
 * @param {any} element
 * @param {string} text
 */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/**
 * Set the size of a canvas to that of its box, in the screen's own pixels.
 * @param {HTMLCanvasElement} canvas
 * @returns {[CanvasRenderingContext2D, number, number]}
 */
export function prepared(canvas) {
  const ratio = window.devicePixelRatio || 1;
  let size = sizes.get(canvas);
  if (!size) {
    size = [canvas.clientWidth, canvas.clientHeight];
    // To ask for the size at each picture would have the browser lay out the page before it has to.
    if (canvas.isConnected) { sizes.set(canvas, size); watcher.observe(canvas); }
  }
  const [width, height] = size;
  const [w, h] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== w || canvas.height !== h) { canvas.width = w; canvas.height = h; }
  // Drawn by the processor: without a graphics card that is many times faster, and small enough with one.
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d", { willReadFrequently: true }));
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  return [context, width, height];
}
