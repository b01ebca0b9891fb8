"""The page of a training: its parts, and the script that plays, steps, resets and draws it."""

from __future__ import annotations

TRAINING_PARTS = """<div class="bar">
<button id="play" class="first" aria-pressed="false">Play</button>
<button id="step">Step</button>
<button id="epoch">Epoch</button>
<button id="reset">Reset</button>
<span id="settings" class="bar" style="margin:0"></span>
</div>
<p id="alert" role="alert" hidden></p>
<div class="pictures">
<figure id="left"><canvas id="plane" role="img"></canvas>
<figcaption>The rows, and what the model makes of the plane</figcaption></figure>
<figure><canvas id="curve" role="img"></canvas>
<figcaption>Mean loss of each epoch</figcaption></figure>
</div>
<dl>
<dt>Epoch</dt><dd id="epochs">0</dd>
<dt>Loss</dt><dd id="loss">–</dd>
<dt id="right.name">Accuracy</dt><dd id="right">–</dd>
<dt>Speed</dt><dd id="speed">–</dd>
</dl>
<p class="faint"><kbd>space</kbd> plays and pauses, <kbd>s</kbd> takes a step, <kbd>e</kbd> an
epoch, <kbd>r</kbd> resets. A step is one batch.</p>
"""
TRAINING_SCRIPT = """
const { about, plane: shape } = PAGE;
const module = await WebAssembly.compile(await unpacked(PAGE.module));
const data = [];
for (const { kind, text } of PAGE.data) data.push(new KINDS[kind](await unpacked(text)));
const training = new Training(await WebAssembly.instantiate(module), about, data);
const [rows, targets] = data;
const numbers = Array.from(targets, Number);
// Not by Math.min(...numbers): a call takes only so many arguments.
const extent = (list) =>
  list.reduce(([a, b], y) => [Math.min(a, y), Math.max(b, y)], [Infinity, -Infinity]);
const bounds = extent(numbers);
const plane = shape && new Plane($("plane"), shape.low, shape.high, shape.classes);
let losses = [];
let plays = false;
let [steps, rate, drawing] = [1, 0, 0];

if (!plane) $("left").hidden = true;
if (!plane?.classes) for (const name of ["right", "right.name"]) $(name).hidden = true;

for (const [name, value] of Object.entries(training.settings)) {
  const label = document.createElement("label");
  const field = document.createElement("input");
  Object.assign(field, { type: "number", step: "any", value, id: `setting.${name}` });
  label.append(name === "lr" ? "learning rate" : name, field);
  field.addEventListener("input", () => {
    const given = field.valueAsNumber;
    field.setAttribute("aria-invalid", !Number.isFinite(given));
    if (Number.isFinite(given)) training.settings[name] = given;
  });
  $("settings").append(label);
}

function drawPlane() {
  if (!plane) return;
  const whole = training.predict(rows);
  const size = whole.length / numbers.length;
  plane.draw((x) => training.predict(x), bounds);
  const colour = (y) => {
    if (shape.classes) return rgb(COLOURS[y % COLOURS.length]);
    const part = (y - bounds[0]) / (bounds[1] - bounds[0] || 1);
    return rgb(COLOURS[0].map((c, k) => c + (COLOURS[1][k] - c) * part));
  };
  plane.points(rows, shape.classes ? numbers : numbers.map(() => 1), (i) => colour(numbers[i]));
  if (!shape.classes) return;
  let right = 0;
  numbers.forEach((y, i) => {
    right += likeliest(whole.subarray(i * size, (i + 1) * size))[0] === y;
  });
  $("right").textContent = `${((100 * right) / numbers.length).toFixed(1)} % of the rows`;
  $("plane").setAttribute("aria-label", `Decision regions; ${$("right").textContent} are right`);
}

// The curve has the greatest and the least loss of the epochs that share a column of pixels.
function drawCurve() {
  const { context, width, height } = surface($("curve"));
  const [left, bottom, top] = [58, 24, 8];
  const positive = losses.filter((loss) => loss > 0);
  context.font = "12px system-ui, sans-serif";
  context.fillStyle = ink("--faint");
  context.strokeStyle = ink("--line");
  context.strokeRect(left, top, width - left - 1, height - top - bottom);
  const count = Math.max(losses.length, 2);
  context.fillText("1", left, height - 8);
  context.textAlign = "right";
  const latest = losses.length ? `epoch ${count.toLocaleString("en")}` : "no epoch yet";
  context.fillText(latest, width - 2, height - 8);
  const isLog = positive.length === losses.length;
  const of = (loss) => (isLog ? Math.log10(loss) : loss);
  let [low, high] = extent(losses.map(of));
  if (!losses.length) return;
  if (high - low < 1e-6) [low, high] = [low - 0.5, high + 0.5];
  const place = (loss) => {
    const part = (of(loss) - low) / (high - low);
    return height - bottom - 4 - part * (height - top - bottom - 8);
  };
  context.textBaseline = "middle";
  for (const [value, at] of [[high, 0], [low, 1], [(low + high) / 2, 0.5]]) {
    const loss = isLog ? 10 ** value : value;
    context.fillText(shown(loss, 3), left - 6, top + 6 + at * (height - top - bottom - 12));
  }
  context.strokeStyle = ink("--forward");
  context.lineWidth = 2;
  context.beginPath();
  const column = (n) => left + 1 + ((width - left - 3) * n) / (count - 1);
  for (let n = 0; n < losses.length; ) {
    const x = column(n);
    let [least, most] = [losses[n], losses[n]];
    context.lineTo(x, place(losses[n]));
    for (n += 1; n < losses.length && column(n) < x + 1; n++) {
      least = Math.min(least, losses[n]);
      most = Math.max(most, losses[n]);
    }
    if (most > least) {
      context.lineTo(x, place(most));
      context.lineTo(x, place(least));
    }
  }
  context.stroke();
  $("curve").setAttribute("aria-label", `Loss curve, now at ${shown(losses.at(-1))}`);
}

function show() {
  const { epoch, step } = training;
  const batches = Math.ceil(training.rows / about.batch);
  const rest = step ? `, step ${step} of ${batches}` : "";
  $("epochs").textContent = `${epoch.toLocaleString("en")}${rest}`;
  $("loss").textContent = losses.length ? shown(losses.at(-1)) : "–";
  $("speed").textContent = rate ? `${Math.round(rate).toLocaleString("en")} steps a second` : "–";
  drawPlane();
  drawCurve();
}

function taken() {
  return training.epoch * Math.ceil(training.rows / about.batch) + training.step;
}

function advance(until, most) {
  try {
    losses.push(...training.advance(until, most));
  } catch (error) {
    play(false);
    $("alert").textContent = `${error.message}. Reset, and try a smaller learning rate.`;
    $("alert").hidden = false;
  }
}

function play(now) {
  if (now === plays || (now && isOver())) return;
  plays = now;
  $("play").textContent = plays ? "Pause" : "Play";
  $("play").setAttribute("aria-pressed", plays);
  if (plays) requestAnimationFrame(frame);
}

const isOver = () => PAGE.epochs && training.epoch >= PAGE.epochs;

// A frame trains for some milliseconds, in calls of so many steps as take one or two, and draws. It
// trains longer where drawing is slow, so that at least a third of the time goes into steps.
function frame() {
  if (!plays) return;
  const [start, before] = [performance.now(), taken()];
  const end = start + Math.min(40, Math.max(8, drawing / 2));
  let now = start;
  do {
    advance(PAGE.epochs || Infinity, steps);
    const took = performance.now() - now;
    now += took;
    steps = took < 1 ? 2 * steps : took > 3 ? Math.ceil(steps / 2) : steps;
  } while (plays && !isOver() && now < end);
  rate = now > start ? (1e3 * (taken() - before)) / (now - start) : rate;
  show();
  drawing = performance.now() - now;
  if (isOver()) play(false);
  else if (plays) requestAnimationFrame(frame);
}

function once(until, most) {
  play(false);
  advance(until, most);
  show();
}

const actions = {
  play: () => play(!plays),
  step: () => once(Infinity, 1),
  epoch: () => once(training.epoch + 1, Infinity),
  reset: () => {
    play(false);
    $("alert").hidden = true;
    [losses, rate] = [[], 0];
    training.reset();
    show();
  },
};
for (const [name, action] of Object.entries(actions)) $(name).addEventListener("click", action);
const keys = { " ": "play", s: "step", e: "epoch", r: "reset" };
addEventListener("keydown", (event) => {
  const other = event.ctrlKey || event.metaKey || event.altKey;
  const action = keys[event.key];
  if (!action || other || event.target.closest("input, button")) return;
  event.preventDefault();
  actions[action]();
});
dark.addEventListener("change", show);
addEventListener("resize", show);
globalThis.adjoint = { training, losses: () => losses };
show();
"""
