"""The page of a model of a table: a field for each column, what is predicted, and pasted rows."""

from __future__ import annotations

TABLE_PARTS = """<div class="pictures">
<div><h2 class="faint">Put in</h2><div id="fields" class="fields wide"></div>
<div class="bar"><button id="reset">Reset</button></div></div>
<div class="out"><h2 class="faint">Comes out</h2>
<p id="told" class="told" aria-live="polite"></p>
<table><tbody id="results"></tbody></table>
<p id="alert" role="alert" hidden></p></div>
</div>
<details><summary>Predict many rows</summary>
<p class="faint" id="how">Paste rows of a table, as from a spreadsheet or a CSV file. The first line
names the columns; what else there is, is ignored.</p>
<textarea id="pasted" rows="6" aria-describedby="how" aria-label="Rows of a table"></textarea>
<p id="wrong" role="alert" hidden></p>
<div class="scroll"><table><thead id="heads"></thead><tbody id="rows"></tbody></table></div>
<p class="faint" id="more" aria-live="polite"></p>
</details>
"""
TABLE_STYLE = """
.wide { grid-template-columns: repeat(auto-fill, minmax(min(20rem, 100%), 1fr)); }
.wide label { display: block; overflow-wrap: anywhere; }
.wide .inputs { display: flex; gap: .5rem; align-items: center; }
.wide .inputs > :not([type=range]):not([type=number]) { flex: 1; min-width: 0; max-width: 100%; }
select, textarea, input:not([type=range]) {
  background: var(--paper); border: 1px solid var(--line); border-radius: 6px;
  padding: .35rem .6rem; min-height: 2.5rem; box-sizing: border-box; color: inherit; font: inherit;
  color-scheme: light dark;
}
textarea { width: 100%; font: .875rem/1.4 ui-monospace, monospace; }
/* What comes out stays in sight where there are many columns. */
.out { position: sticky; top: 0; align-self: start; max-height: 100vh; overflow: auto; }
.out { background: var(--paper); }
@media (max-width: 40rem) {
  .out { order: -1; max-height: 40vh; border-bottom: 1px solid var(--line); z-index: 1; }
}
.told { font-size: 1.3rem; font-weight: 600; }
.told:empty { display: none; }
.scroll { overflow-x: auto; }
.scroll td, .scroll th { text-align: left; padding-right: 1rem; white-space: pre-wrap; }
summary { cursor: pointer; padding: .5rem 0; }
"""
TABLE_SCRIPT = r"""
const { instance } = await WebAssembly.instantiate(await unpacked(PAGE.module));
const predicted = (rows) => run(instance.exports, readRows(rows));
const UNSEEN = "\0unseen\0";
const MOST_ROWS = 1000;
const make = (tag, properties = {}, ...children) => {
  const found = Object.assign(document.createElement(tag), properties);
  found.append(...children);
  return found;
};
const option = (value, text) => make("option", { value, textContent: text });

// Returns a control for a column: an element with what it holds, and how it is set to the middle.
function control(field, id) {
  if (field.kind === "category") return choice(field, id);
  if (field.kind === "date") return moment(field, id);
  const input = make("input", { id, type: "number", step: "any", placeholder: "missing" });
  const [low, middle, high] = field.ends;
  const parts = [input];
  const slider = make("input", { type: "range", step: "any", min: low, max: high });
  slider.setAttribute("aria-label", `${field.name}, slider`);
  slider.addEventListener("input", () => {
    input.value = +slider.valueAsNumber.toPrecision(4);
    show();
  });
  input.addEventListener("input", () => {
    if (input.value !== "") slider.value = input.value;
  });
  if (field.ends.length) parts.unshift(slider);
  const reset = () => {
    input.value = slider.value = field.ends.length ? +middle.toPrecision(4) : 0;
  };
  return { parts, reset, value: () => (input.value === "" ? null : input.valueAsNumber) };
}

function choice(field, id) {
  if (field.levels.length > 500) {
    const list = make("datalist", { id: `${id}-list` }, ...field.levels.map((x) => option(x, "")));
    const input = make("input", { id, type: "text", placeholder: "missing" });
    input.setAttribute("list", list.id);
    const reset = () => (input.value = field.levels[0]);
    return { parts: [input, list], reset, value: () => input.value || null };
  }
  const known = field.levels.map((level, n) => option(String(n), level));
  const others = [option("missing", "(missing)"), option("unseen", "(another)")];
  const select = make("select", { id }, ...known, ...others);
  const reset = () => (select.selectedIndex = 0);
  const value = () => field.levels[select.value] ?? (select.value === "missing" ? null : UNSEEN);
  return { parts: [select], reset, value };
}

function moment(field, id) {
  const type = field.isTime ? "time" : field.hasHour ? "datetime-local" : "date";
  const input = make("input", { id, type, step: field.isTime || field.hasHour ? 1 : undefined });
  const reset = () => {
    const text = new Date(field.ends[1] * 1000).toISOString();
    input.value = field.isTime ? text.slice(11, 19) : text.slice(0, field.hasHour ? 19 : 10);
  };
  const value = () => {
    if (input.value === "") return null;
    return field.isTime ? input.value : new Date(input.valueAsNumber);
  };
  return { parts: [input], reset, value };
}

const controls = PAGE.fields.map((field, n) => {
  const found = control(field, `field-${n}`);
  const unit = field.unit ? `, ${field.unit}` : "";
  const label = make("label", { htmlFor: `field-${n}`, title: field.about });
  label.textContent = field.name + unit;
  const inputs = make("div", { className: "inputs" }, ...found.parts);
  inputs.addEventListener("input", () => show());
  $("fields").append(make("div", {}, label, inputs));
  return found;
});
const bars = PAGE.names.map((name) => {
  const row = $("results").insertRow();
  row.insertCell().textContent = name;
  const number = row.insertCell();
  const size = row.insertCell();
  size.className = "size";
  return { number, bar: size.appendChild(document.createElement("div")) };
});
const named = (n) => PAGE.names[n] ?? `y${n + 1}`;

// Returns what is told of the results of a row.
function told(own) {
  if (own.some(Number.isNaN)) return "";
  if (PAGE.isClassifier) return PAGE.names[likeliestOf(own)];
  const likely = PAGE.names.filter((_, k) => own[k] > 0.5);
  return PAGE.names.length ? likely.join(", ") : Array.from(own, (x) => shown(x)).join(", ");
}

function show() {
  let own = new Float64Array(SIZE).fill(NaN);
  $("alert").hidden = true;
  try {
    const values = controls.map((one, n) => [PAGE.fields[n].name, one.value()]);
    own = predicted([Object.fromEntries(values)]);
  } catch (error) {
    $("alert").textContent = error.message;
    $("alert").hidden = false;
  }
  const text = told(own);
  $("told").textContent = text && !PAGE.names.length ? `${PAGE.target}: ${text}` : text;
  bars.forEach(({ number, bar }, k) => {
    number.textContent = shown(own[k]);
    bar.style.width = `${100 * Math.min(1, Math.max(0, own[k] || 0))}%`;
  });
}

// Returns the rows of a text whose fields are parted by a mark; quotes keep marks and new lines.
function parted(text, mark) {
  const rows = [[""]];
  let quoted = false;
  for (let i = 0; i < text.length; i++) {
    const row = rows.at(-1);
    const letter = text[i];
    if (quoted && letter === '"' && text[i + 1] === '"') row[row.length - 1] += text[++i];
    else if (letter === '"' && (quoted || row.at(-1) === "")) quoted = !quoted;
    else if (quoted) row[row.length - 1] += letter;
    else if (letter === mark) row.push("");
    else if (letter === "\n") rows.push([""]);
    else if (letter !== "\r") row[row.length - 1] += letter;
  }
  return rows.filter((row) => row.length > 1 || row[0].trim() !== "");
}

function showRows() {
  const text = $("pasted").value.replace(/^\ufeff/, "");
  for (const name of ["heads", "rows", "more"]) $(name).replaceChildren();
  $("wrong").hidden = true;
  if (text.trim() === "") return;
  const first = text.trimStart().split("\n", 1)[0].replace(/"[^"]*"/g, "");
  const marks = ["\t", ";", ",", "|"];
  const counts = marks.map((mark) => first.split(mark).length);
  const [names, ...rows] = parted(text, marks[counts.indexOf(Math.max(...counts))]);
  try {
    const known = PAGE.fields.map((field) => field.name);
    const heads = names.map((name) => (known.includes(name) ? name : name.trim()));
    const found = predicted(
      rows.map((row) => Object.fromEntries(heads.map((name, k) => [name, row[k] ?? null]))),
    );
    const cells = ["", PAGE.target, ...(PAGE.isClassifier ? ["probability"] : [])];
    $("heads").append(make("tr", {}, ...cells.map((t) => make("th", { textContent: t }))));
    const isShort = Math.min(rows.length, MOST_ROWS);
    for (let n = 0; n < isShort; n++) {
      const own = found.subarray(n * SIZE, (n + 1) * SIZE);
      const chance = PAGE.isClassifier ? [shown(own[likeliestOf(own)])] : [];
      const texts = [String(n + 1), told(own), ...chance];
      $("rows").append(make("tr", {}, ...texts.map((t) => make("td", { textContent: t }))));
    }
    const rest = rows.length > isShort ? `; the first ${isShort} are shown` : "";
    $("more").textContent = `${rows.length} row${rows.length === 1 ? "" : "s"}${rest}`;
  } catch (error) {
    $("wrong").textContent = error.message;
    $("wrong").hidden = false;
  }
}

function reset() {
  for (const one of controls) one.reset();
  show();
}
$("reset").addEventListener("click", reset);
$("pasted").addEventListener("input", showRows);
globalThis.adjoint = { predicted };
reset();
"""
