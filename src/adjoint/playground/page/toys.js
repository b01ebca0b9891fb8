/** Toy sets that are drawn here, for the page without Python; its numbers are not those of NumPy. */

/** Numbers from 0 to 1 that a seed determines; Marsaglia's xorshift, after its seed was stirred. */
export class Chance {
  /** @param {number} seed */
  constructor(seed) {
    this.state = new Uint32Array([seed >>> 0, Math.floor(seed / 2 ** 32) ^ 0x9e3779b9, 0x243f6a88, 0xb7e15162]);
    for (let i = 0; i < 24; i++) this.uniform();
  }

  uniform() {
    const s = this.state;
    let t = s[3];
    const first = s[0];
    s[3] = s[2]; s[2] = s[1]; s[1] = first;
    t ^= t << 11; t ^= t >>> 8;
    s[0] = t ^ first ^ (first >>> 19);
    return (s[0] + 0.5) / 2 ** 32;
  }

  /** A normal number of mean 0 and deviation 1. */
  normal() { return Math.sqrt(-2 * Math.log(this.uniform())) * Math.cos(2 * Math.PI * this.uniform()); }

  /** Numbers from 0 to n - 1 in an order by chance. @param {number} n @returns {number[]} */
  order(n) {
    const found = Array.from({ length: n }, (_, i) => i);
    for (let i = n - 1; i > 0; i--) {
      const j = Math.floor(this.uniform() * (i + 1));
      [found[i], found[j]] = [found[j], found[i]];
    }
    return found;
  }
}

/** A point of a class, from a share of its way and without noise. @type {{[name: string]: (label: number, share: number, chance: Chance) => [number, number]}} */
const POINTS = {
  moons: (label, share) => label
    ? [1 - Math.cos(Math.PI * share), 0.5 - Math.sin(Math.PI * share)]
    : [Math.cos(Math.PI * share), Math.sin(Math.PI * share)],
  circles: (label, share) => {
    const radius = label ? 0.5 : 1;
    return [radius * Math.cos(2 * Math.PI * share), radius * Math.sin(2 * Math.PI * share)];
  },
  spirals: (label, share) => {
    const radius = 0.15 + 1.85 * share, angle = 3.5 * Math.PI * share + Math.PI * label;
    return [radius * Math.cos(angle), radius * Math.sin(angle)];
  },
  xor: (label, _, chance) => {
    const [x, y] = [0.1 + 0.9 * chance.uniform(), 0.1 + 0.9 * chance.uniform()];
    const sign = chance.uniform() < 0.5 ? 1 : -1;
    return [sign * x, label ? -sign * y : sign * y];
  },
};

export const TOYS = Object.keys(POINTS);

/**
 * Return points of two classes in an order by chance.
 * @param {string} name
 * @param {number} rows
 * @param {number} noise
 * @param {number} seed
 */
export function toy(name, rows, noise, seed) {
  const chance = new Chance(seed), X = new Float64Array(2 * rows), y = new Float64Array(rows);
  const half = Math.ceil(rows / 2);
  chance.order(rows).forEach((place, i) => {
    const label = place < half ? 0 : 1, count = label ? rows - half : half;
    const share = (place - label * half) / Math.max(count - 1, 1);
    POINTS[name](label, share, chance).forEach((v, axis) => { X[2 * i + axis] = v + noise * chance.normal(); });
    y[i] = label;
  });
  return { X, y };
}
