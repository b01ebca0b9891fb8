"""The page of a network: its parts, and the script that shows what it makes of what is put in."""

from __future__ import annotations

NETWORK_PARTS = """<div class="pictures">
<div><h2 class="faint">Put in</h2><div id="fields" class="fields"></div>
<div class="bar"><button id="reset">Reset</button></div></div>
<div><h2 class="faint">Comes out</h2><table><tbody id="results"></tbody></table>
<p id="told" aria-live="polite"></p><p id="alert" role="alert" hidden></p></div>
<figure id="left">
<canvas id="plane" role="img" aria-label="The model's results over the plane"></canvas>
<figcaption>What the model makes of the plane; click to put a point in</figcaption></figure>
</div>
"""
NETWORK_SCRIPT = """
const [GIVEN, AT, COUNT] = [KINDS[PAGE.input[0]], PAGE.input[1], PAGE.input[2]];
const [WANTED, FROM, SIZE] = [KINDS[PAGE.output[0]], PAGE.output[1], PAGE.output[2]];
const { instance } = await WebAssembly.instantiate(await unpacked(PAGE.module));
const { one, many, memory } = instance.exports;

// Returns the results for numbers, row after row.
function run(numbers) {
  const rows = numbers.length / COUNT;
  const found = new WANTED(rows * SIZE);
  for (let row = 0; row < rows; ) {
    const count = rows - row >= PAGE.block ? PAGE.block : 1;
    const own = new GIVEN(memory.buffer, AT, count * COUNT);
    const convert = own instanceof BigInt64Array ? (x) => BigInt(Math.trunc(x)) : Number;
    for (let i = 0; i < own.length; i++) own[i] = convert(numbers[row * COUNT + i]);
    if ((count > 1 ? many : one)()) throw new RangeError("a number is out of range");
    found.set(new WANTED(memory.buffer, FROM, count * SIZE), row * SIZE);
    row += count;
  }
  return Float64Array.from(found, Number);
}

const called = (n) => PAGE.columns[n] ?? `x${n + 1}`;
const values = PAGE.ranges.map(([, , middle]) => middle);
const fields = PAGE.ranges.map(([low, high], n) => {
  const label = document.createElement("label");
  const [slider, field] = ["range", "number"].map((type) => {
    const input = document.createElement("input");
    Object.assign(input, { type, step: "any" });
    if (type === "range") Object.assign(input, { min: low, max: high });
    input.setAttribute("aria-label", `${called(n)}${type === "range" ? ", slider" : ""}`);
    input.addEventListener("input", () => put(n, input.valueAsNumber, input));
    return input;
  });
  const name = document.createElement("span");
  name.textContent = called(n);
  label.append(name, slider, field);
  $("fields").append(label);
  return [slider, field];
});

function put(n, value, from) {
  values[n] = value;
  for (const input of fields[n]) if (input !== from) input.value = value;
  show();
}

const classes = PAGE.labels.length === SIZE && SIZE > 1 ? SIZE : 0;
const results = Array.from({ length: SIZE }, (_, n) => {
  const row = $("results").insertRow();
  row.insertCell().textContent = classes ? PAGE.labels[n] : `y${n + 1}`;
  const number = row.insertCell();
  const size = row.insertCell();
  size.className = "size";
  const bar = size.appendChild(document.createElement("div"));
  bar.hidden = !classes;
  return { number, bar };
});
let plane = null;
if (COUNT === 2 && GIVEN !== BigInt64Array) {
  const margin = PAGE.ranges.map(([low, high]) => 0.05 * (high - low));
  const low = PAGE.ranges.map(([a], k) => a - margin[k]);
  const high = PAGE.ranges.map(([, b], k) => b + margin[k]);
  plane = new Plane($("plane"), low, high, classes || (SIZE > 1 ? SIZE : 0));
  plane.probabilities = classes > 0;
  const pick = (event) => {
    if (event.type === "pointermove" && !event.buttons) return;
    const box = $("plane").getBoundingClientRect();
    const x = low[0] + ((high[0] - low[0]) * (event.clientX - box.left)) / box.width;
    const y = high[1] - ((high[1] - low[1]) * (event.clientY - box.top)) / box.height;
    values[0] = +x.toPrecision(4);
    put(1, +y.toPrecision(4));
    for (const input of fields[0]) input.value = values[0];
  };
  for (const name of ["pointerdown", "pointermove"]) $("plane").addEventListener(name, pick);
} else {
  $("left").hidden = true;
}

function show() {
  let found = new Float64Array(SIZE).fill(NaN);
  $("alert").hidden = true;
  try {
    found = run(values);
  } catch (error) {
    $("alert").textContent = error.message;
    $("alert").hidden = false;
  }
  results.forEach(({ number, bar }, n) => {
    number.textContent = shown(found[n]);
    bar.style.width = `${100 * Math.min(1, Math.max(0, found[n] || 0))}%`;
  });
  if (classes) {
    const [best] = likeliest(found, true);
    $("told").textContent = Number.isNaN(found[best]) ? "" : `Most probable: ${PAGE.labels[best]}`;
  }
  if (!plane) return;
  const sample = plane.classes ? [0, 1] : extent(run(plane.rows));
  plane.draw(run, sample);
  plane.points(values, [1], () => ink("--ink"), 6);
}

function extent(numbers) {
  return numbers.reduce(([a, b], x) => [Math.min(a, x), Math.max(b, x)], [Infinity, -Infinity]);
}

function reset() {
  PAGE.ranges.forEach(([, , middle], n) => {
    values[n] = middle;
    for (const input of fields[n]) input.value = middle;
  });
  show();
}
$("reset").addEventListener("click", reset);
dark.addEventListener("change", show);
addEventListener("resize", show);
globalThis.adjoint = { run };
reset();
"""
