"""The part of a page's script that draws: a plane with its points, colours, and unpacking."""

from __future__ import annotations

PLANE = """
const $ = (name) => document.getElementById(name);
const dark = matchMedia("(prefers-color-scheme: dark)");
// Orange and blue stay apart in every common colour blindness; then others of other lightness.
const COLOURS = [
  [255, 140, 0], [65, 105, 225], [0, 158, 115], [204, 121, 167], [86, 180, 233], [110, 110, 110],
  [240, 228, 66], [140, 44, 4], [80, 60, 170], [178, 223, 138],
];
const ink = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const shown = (x, digits = 4) => {
  const isFar = Math.abs(x) >= 1e5 || (x && Math.abs(x) < 1e-3);
  return isFar ? x.toExponential(2) : String(+x.toPrecision(digits));
};

async function unpacked(text) {
  const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).arrayBuffer();
}

// Gives a canvas as many pixels as the screen has for it; returns its context and its size.
function surface(canvas) {
  const ratio = devicePixelRatio || 1;
  const [width, height] = [canvas.clientWidth, canvas.clientHeight];
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  const context = canvas.getContext("2d");
  context.scale(ratio, ratio);
  return { context, width, height };
}

// Points keep their class in colour and in shape.
function mark(context, kind, x, y, size) {
  context.beginPath();
  if (kind % 3 === 1) context.arc(x, y, size, 0, 7);
  else if (kind % 3 === 2) context.rect(x - size, y - size, 2 * size, 2 * size);
  else {
    context.moveTo(x, y - 1.2 * size);
    context.lineTo(x + 1.2 * size, y + size);
    context.lineTo(x - 1.2 * size, y + size);
    context.closePath();
  }
  context.fill();
  context.stroke();
}

// What a model makes of a plane: each place in the colour of its class, the paler the less sure.
class Plane {
  constructor(canvas, low, high, classes) {
    Object.assign(this, { canvas, low, high, classes, cells: 80 });
    const { cells } = this;
    this.rows = new Float64Array(2 * cells * cells);
    for (let i = 0; i < cells * cells; i++) {
      this.rows[2 * i] = low[0] + ((high[0] - low[0]) * ((i % cells) + 0.5)) / cells;
      const down = (Math.floor(i / cells) + 0.5) / cells;
      this.rows[2 * i + 1] = high[1] - (high[1] - low[1]) * down;
    }
    this.image = new ImageData(cells, cells);
    this.small = document.createElement("canvas");
    this.small.width = this.small.height = cells;
  }

  // `predict` gives for rows what the model makes of them; `scale` are least and greatest value.
  draw(predict, scale) {
    const found = predict(this.rows);
    const { cells, image, canvas } = this;
    const size = found.length / (cells * cells);
    const paper = dark.matches ? 22 : 255;
    for (let i = 0; i < cells * cells; i++) {
      const [colour, weight] = this.shade(found.subarray(i * size, (i + 1) * size), scale);
      for (let k = 0; k < 3; k++) image.data[4 * i + k] = paper + (colour[k] - paper) * weight;
      image.data[4 * i + 3] = 255;
    }
    this.small.getContext("2d").putImageData(image, 0, 0);
    const { context, width, height } = surface(canvas);
    context.imageSmoothingQuality = "high";
    context.drawImage(this.small, 0, 0, width, height);
    Object.assign(this, { context, width, height });
  }

  shade(values, [low, high]) {
    if (this.classes) {
      const [best, sure] = likeliest(values, this.probabilities);
      return [COLOURS[best % COLOURS.length], 0.08 + 0.47 * sure];
    }
    const part = Math.min(1, Math.max(0, (values[0] - low) / (high - low || 1)));
    const [from, to] = COLOURS;
    return [from.map((c, k) => c + (to[k] - c) * part), 0.15 + 0.4 * Math.abs(2 * part - 1)];
  }

  place(x, y) {
    const { low, high, width, height } = this;
    return [
      ((x - low[0]) * width) / (high[0] - low[0]),
      ((high[1] - y) * height) / (high[1] - low[1]),
    ];
  }

  points(rows, kinds, colours, size = 3) {
    const { context } = this;
    context.strokeStyle = dark.matches ? "#16161a" : "#fff";
    context.lineWidth = 0.6;
    for (let i = 0; i < kinds.length; i++) {
      context.fillStyle = colours(i);
      mark(context, kinds[i], ...this.place(rows[2 * i], rows[2 * i + 1]), size);
    }
  }
}

// Returns the class of a result, and how sure it is: 0 for equal probabilities, 1 for certainty.
function likeliest(values, areProbabilities) {
  let best = 0;
  for (let k = 1; k < values.length; k++) if (values[k] > values[best]) best = k;
  let top = values[best];
  if (!areProbabilities) {
    let sum = 0;
    for (const value of values) sum += Math.exp(value - values[best]);
    top = 1 / sum;
  }
  const even = 1 / values.length;
  return [best, Math.max(0, (top - even) / (1 - even)) || 0];
}

const rgb = (colour, alpha = 1) => `rgba(${colour.map(Math.round).join()},${alpha})`;
"""
