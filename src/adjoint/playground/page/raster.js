/** A raster is a picture of curves and fields that is made pixel by pixel: thousands of curves are too slow as paths. */

/** More pixels than these for one of the page show nothing more, and take longer. */
const FINEST = 2;

/**
 * How far a link has risen at each of some columns, as shares; it leaves and arrives level.
 * @param {number} columns
 */
function rise(columns) {
  const share = new Float32Array(columns + 1), steep = new Float32Array(columns + 1);
  for (let i = 0; i <= columns; i++) {
    share[i] = risen(i / columns);
    steep[i] = slope(i / columns) / columns;
  }
  return { share, steep };
}

/** Where on a link, from 0 to 1, it has come so far to the right. @param {number} along */
function placeOf(along) {
  let [low, high] = [0, 1];
  for (let i = 0; i < 20; i++) {
    const t = (low + high) / 2;
    if (1.5 * t - 1.5 * t * t + t * t * t < along) low = t; else high = t;
  }
  return (low + high) / 2;
}

/** The share of its rise that a link has behind it at a share of its way to the right. @param {number} along */
export function risen(along) {
  const t = placeOf(along);
  return (3 - 2 * t) * t * t;
}

/** And how steep it is there. @param {number} along */
export function slope(along) {
  const t = placeOf(along);
  return 6 * t * (1 - t) / (1.5 - 3 * t + 3 * t * t);
}

/**
 * Where the pixels of an enlarged row lie in a row of so many, and how far they are on the way to the next one.
 * @param {number} side
 * @param {number} size
 */
function sampling(side, size) {
  const first = new Uint16Array(size), share = new Float32Array(size);
  for (let i = 0; i < size; i++) {
    const at = Math.max(0, Math.min(side - 1, (i + 0.5) * side / size - 0.5));
    // A picture that is made smaller is not blurred.
    first[i] = size > side ? Math.min(side - 2, Math.floor(at)) : Math.round(at);
    share[i] = size > side ? at - first[i] : 0;
  }
  return { first, share };
}

export class Raster {
  /** @param {HTMLCanvasElement} canvas */
  constructor(canvas) {
    this.canvas = canvas;
    this.context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d", { alpha: false, willReadFrequently: true }));
    this.ratio = 1;
    this.image = new ImageData(1, 1);
    [this.width, this.rows] = [1, 1];
    this.words = new Int32Array(this.image.data.buffer);
    /** @type {Map<number, ReturnType<typeof rise>>} */ this.rises = new Map();
    /** @type {Map<number, ReturnType<typeof sampling>>} */ this.samplings = new Map();
  }

  /**
   * Begin a picture of a size, in the page's pixels.
   * @param {number} width
   * @param {number} height
   * @param {number[]} background red, green and blue
   */
  begin(width, height, background) {
    this.ratio = Math.min(FINEST, window.devicePixelRatio || 1);
    const [w, h] = [Math.max(1, Math.round(width * this.ratio)), Math.max(1, Math.round(height * this.ratio))];
    if (this.image.width !== w || this.image.height !== h) {
      this.image = new ImageData(w, h);
      this.words = new Int32Array(this.image.data.buffer);
      [this.width, this.rows] = [w, h];
      this.canvas.width = w;
      this.canvas.height = h;
    }
    const pixel = new Int32Array(Uint8Array.of(...background, 255).buffer)[0];
    this.words.fill(pixel);
  }

  /** Show what was drawn. */
  finish() { this.context.putImageData(this.image, 0, 0); }

  /**
   * Draw a link from left to right.
   * @param {{x: number, y: number}} from
   * @param {{x: number, y: number}} to
   * @param {number[]} colour red, green and blue
   * @param {number} alpha
   * @param {number} width
   * @param {boolean} dashed
   */
  link(from, to, colour, alpha, width, dashed) {
    const { ratio } = this, left = Math.round(from.x * ratio), columns = Math.round(to.x * ratio) - left;
    if (columns < 1 || left < 0 || left + columns > this.image.width) return;
    let found = this.rises.get(columns);
    if (!found) this.rises.set(columns, found = rise(columns));
    const { share, steep } = found, start = from.y * ratio, high = (to.y - from.y) * ratio, thick = width * ratio;
    const outer = colour[0] | colour[2] << 16, inner = colour[1] << 8, dash = 10 * ratio, drawn = dashed ? 6 * ratio : dash;
    let way = 0;
    for (let i = 0; i < columns; i++) {
      const tilt = Math.abs(high * steep[i]), along = Math.sqrt(1 + tilt * tilt);
      way += along;
      if (way > dash) way %= dash;
      if (way <= drawn) this.column(left + i, start + high * share[i], thick * along, tilt > 1 ? tilt : 1, outer, inner, alpha);
    }
  }

  /**
   * Draw the part of a stroke that is in one column of pixels.
   * @param {number} x
   * @param {number} middle
   * @param {number} height
   * @param {number} blur how far the stroke rises within the column: over so many rows it fades
   * @param {number} outer red and blue, where they lie in a pixel
   * @param {number} inner green
   * @param {number} alpha
   */
  column(x, middle, height, blur, outer, inner, alpha) {
    const { words, width, rows } = this, reach = (height + blur) / 2;
    const most = 256 * alpha * Math.min(1, height / blur), gain = 256 * alpha / blur, centre = middle - 0.5;
    const first = Math.max(0, Math.floor(middle - reach)), last = Math.min(rows - 1, Math.floor(middle + reach));
    for (let y = first, at = first * width + x; y <= last; y++, at += width) {
      const covered = gain * (reach - Math.abs(y - centre)), share = (covered < most ? covered : most) | 0;
      if (share <= 0) continue;
      const pixel = words[at], rest = 256 - share;
      // Red and blue are blended in one product: neither reaches into the other's bits.
      const mixed = (Math.imul(pixel & 0xff00ff, rest) + Math.imul(outer, share)) >>> 8 & 0xff00ff;
      words[at] = mixed | (Math.imul(pixel & 0xff00, rest) + Math.imul(inner, share)) >>> 8 & 0xff00 | 0xff000000;
    }
  }

  /**
   * Draw a square field of bytes.
   * @param {Uint8Array} bytes
   * @param {number} side how many bytes there are in a row
   * @param {number} x its left edge
   * @param {number} y its upper edge
   * @param {number} size
   * @param {Uint32Array} colours one for each value of a byte
   */
  field(bytes, side, x, y, size, colours) {
    const { ratio, words } = this, { width, height } = this.image;
    const pixels = Math.max(1, Math.round(size * ratio)), left = Math.round(x * ratio), top = Math.round(y * ratio);
    let found = this.samplings.get(pixels);
    if (!found) this.samplings.set(pixels, found = sampling(side, pixels));
    const { first, share } = found, smooth = pixels > side;
    for (let j = 0; j < pixels; j++) {
      if (top + j < 0 || top + j >= height) continue;
      const row = first[j] * side, down = share[j];
      for (let i = 0; i < pixels; i++) {
        if (left + i < 0 || left + i >= width) continue;
        const at = row + first[i];
        let value = bytes[at];
        if (smooth) {
          const upper = value + (bytes[at + 1] - value) * share[i];
          const lower = bytes[at + side] + (bytes[at + side + 1] - bytes[at + side]) * share[i];
          value = Math.round(upper + (lower - upper) * down);
        }
        words[(top + j) * width + left + i] = colours[value];
      }
    }
  }
}
