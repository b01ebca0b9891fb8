"""The part of a script that reads the columns of a row, as `table_functions` does in Python."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...tables.date_format import CENTURY, MONTHS
from ..c_texts import SPACES, same_signs
from ..fields import Field, missing_words
from ..patterns import in_javascript
from ..table_functions import ANY_NUMBER, SIMPLE_NUMBER
from .javascript import literal

_READING = r"""
const pattern = (text) => new RegExp(text, "u");
for (const column of COLUMNS) {
  column.pattern = pattern(column.pattern);
  for (const key of ["patterns", "usual", "units"]) column[key] = column[key].map(pattern);
  for (const key of ["texts", "numbers"]) column[key] = new Map(column[key]);
}
const WIDTH = COLUMNS.reduce((sum, column) => sum + column.width, 0);

// Says what a value is that stands in the place of another.
function kindOf(value) {
  if (value === null || value === undefined) return String(value);
  if (Array.isArray(value)) return "an array";
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}

// Returns a value as the text that a table would have: numbers as Python writes them.
function written(value, column) {
  if (typeof value === "string") return value;
  if (value instanceof Date) return Number.isNaN(+value) ? "" : value.toISOString();
  if (typeof value === "bigint" || typeof value === "boolean") return String(value);
  if (typeof value !== "number") {
    const name = JSON.stringify(column.name);
    throw new TypeError(`column ${name} holds ${kindOf(value)}; expected a text, a number or null`);
  }
  const size = Math.abs(value);
  if (!Number.isFinite(value)) return size === Infinity ? String(value).replace("inity", "") : "";
  if (size === 0 || (size >= 1e-4 && size < 1e16)) return String(value);
  return value.toExponential().replace(/e([+-])(\d)$/, "e$10$2");
}

// Returns a value as a tidy text, null where it is missing.
function tidyText(value, column, words = column.words) {
  if (value === null || value === undefined || Number.isNaN(value)) return null;
  let text = written(value, column).replace(TRIM, "");
  if (/[^\0-\x7f]/.test(text)) {
    text = Array.from(text, (letter) => SAME.get(letter) ?? letter).join("").replace(TRIM, "");
  }
  return text === "" || words.includes(text.toLowerCase()) ? null : text;
}

function readNumber(given, column) {
  if (!column.pattern.test(given)) {
    if (!column.exact && !ANY_NUMBER.test(given)) return NaN;
    const name = JSON.stringify(column.name);
    const told = column.exact ? "no number" : "a number, but written in another way";
    throw new RangeError(`column ${name}: ${JSON.stringify(given)} is ${told}`);
  }
  let text = given;
  for (const unit of column.units) text = text.replace(unit, "$1");
  const isNegative = /(?:^|[^eE])[-(]/.test(text);
  text = text.replace(/^[ (+-]+|[ )-]+$/g, "");
  const [decimal, thousands] = column.marks;
  if (thousands) text = text.replaceAll(thousands, "");
  const size = Number(text.replace(decimal, "."));
  return isNegative ? -size : size;
}

const floor = (a, b) => Math.floor(a / b);

// Returns the days from 1970 to the first of a month; years begin in March.
function daysBefore(year, month) {
  const own = month < 3 ? year - 1 : year;
  const leaps = floor(own, 4) - floor(own, 100) + floor(own, 400);
  return 365 * own + leaps + floor(153 * ((month + 9) % 12) + 2, 5) - 719468;
}

// Returns the days since 1970 and the microseconds of a day, and by how many it is ahead of UTC.
function momentOf(parts) {
  const number = (name, otherwise) => Number(parts[name] || otherwise);
  let year = number("year", 1970);
  if (parts.year?.length === 2) year += year >= CENTURY ? 1900 : 2000;
  const name = parts.month ?? "1";
  const inWords = MONTHS.indexOf(name.slice(0, 3).toLowerCase()) + 1;
  const month = /^\d/.test(name) ? Number(name) : inWords;
  const [day, minute, second] = [number("day", 1), number("minute", 0), number("second", 0)];
  let hour = number("hour", 0);
  const half = (parts.half ?? "").slice(0, 1).toLowerCase();
  const isLast = hour === 24 && minute + second === 0;
  const isHour = half ? hour >= 1 && hour <= 12 : hour < 24 || isLast;
  if (month < 1 || month > 12 || !isHour || minute > 59 || second > 60 || day < 1) return null;
  const first = daysBefore(year, month);
  if (first + day > daysBefore(year + floor(month, 12), (month % 12) + 1)) return null;
  if (half) hour = (hour % 12) + (half === "p" ? 12 : 0);
  let micros = ((hour * 60 + minute) * 60 + second) * 1e6;
  micros += Number((parts.fraction ?? "").slice(0, 6).padEnd(6, "0"));
  const over = floor(micros, 864e8);
  const zone = parts.zone ?? "";
  let ahead = 0;
  if (zone[0] === "+" || zone[0] === "-") {
    const digits = zone.slice(1).replace(":", "");
    ahead = Number(digits.slice(0, 2)) * 60 + Number(digits.slice(2) || 0);
    if (zone[0] === "-") ahead = -ahead;
  }
  return { days: first + day - 1 + over, micros: micros - over * 864e8, ahead };
}

function partOf(part, { days, micros }) {
  if (part === "hour") return micros / 3.6e9;
  if (part === "weekday") return days + 3 - 7 * floor(days + 3, 7);
  const cycle = floor(days + 719468, 146097);
  let day = days + 719468 - cycle * 146097;
  const year = floor(day - floor(day, 1460) + floor(day, 36524) - floor(day, 146096), 365);
  day -= 365 * year + floor(year, 4) - floor(year, 100);
  const month = floor(5 * day + 2, 153);
  const isNext = floor(month, 10); // January and February are of the next year
  return part === "month" ? month + 3 - 12 * isNext : year + cycle * 400 + isNext;
}

function readDate(value, column) {
  const isText = typeof value === "string";
  const text = tidyText(value, column, isText ? column.words : WORDS) ?? "";
  const patterns = isText ? column.patterns : column.usual;
  const found = patterns.map((one) => one.exec(text)).find(Boolean);
  const moment = found ? momentOf(found.groups) : null;
  if (moment === null) return [NaN, ...column.parts.map(() => 0)];
  const micros = BigInt(moment.days) * 86400000000n + BigInt(moment.micros - moment.ahead * 6e7);
  return [Number(micros) / 1e6, ...column.parts.map((part) => partOf(part, moment))];
}

function readCategory(value, column) {
  if (column.exact) return column.texts.get(value) ?? 0;
  const text = tidyText(value, column);
  if (text === null) return column.gap;
  if (SIMPLE_NUMBER.test(text)) return column.numbers.get(Number(text) + 0) ?? 0;
  return column.texts.get(/^(?:true|false)$/i.test(text) ? text.toLowerCase() : text) ?? 0;
}

function readValue(value, column) {
  if (column.kind === "category") return [readCategory(value, column)];
  if (column.kind === "date") return readDate(value, column);
  let number = NaN;
  if (typeof value === "number" || typeof value === "bigint") number = Number(value);
  else if (column.exact && typeof value === "string") {
    number = readNumber(value.replace(TRIM, ""), column);
  } else {
    const text = tidyText(value, column);
    if (text !== null) number = readNumber(text, column);
  }
  if (column.needed && Number.isNaN(number)) {
    throw new RangeError(`column ${JSON.stringify(column.name)} misses a number`);
  }
  return [number];
}

// Returns the numbers of rows, each an object of values by column.
function readRows(rows) {
  if (!Array.isArray(rows)) throw new TypeError(`expected an array of rows, got ${kindOf(rows)}`);
  const numbers = new Float64Array(rows.length * WIDTH);
  let place = 0;
  for (const column of COLUMNS) {
    let [words, known] = [0, 0];
    for (const [n, row] of rows.entries()) {
      if (row === null || typeof row !== "object") {
        throw new TypeError(`row ${n + 1} is ${kindOf(row)}; expected an object`);
      }
      if (!Object.hasOwn(row, column.name)) {
        throw new RangeError(`row ${n + 1} has no column ${JSON.stringify(column.name)}`);
      }
      const value = row[column.name];
      const found = readValue(value, column);
      numbers.set(found, n * WIDTH + place);
      words += typeof value === "string" && tidyText(value, column) !== null;
      known += !Number.isNaN(found[0]);
    }
    if (column.kind !== "category" && words >= 20 && !known) {
      const name = JSON.stringify(column.name);
      throw new RangeError(`column ${name} holds texts that are no ${column.kind}s`);
    }
    place += column.width;
  }
  return numbers;
}
"""


def reading_script(fields: Sequence[Field]) -> str:
    """Return the functions that make numbers of rows, and the columns that they read."""
    spaces = "".join(f"\\u{{{low:x}}}-\\u{{{high:x}}}" for low, high in SPACES)
    same = [
        [chr(code), chr(to + step * (code - first))]
        for first, last, to, step in same_signs()
        for code in range(first, last + 1)
    ]
    lines = [
        f"const COLUMNS = {literal([_described(field) for field in fields])};",
        f"const TRIM = /^[{spaces}]+|[{spaces}]+$/gu;",
        f"const SAME = new Map({literal(same)});",
        f"const WORDS = {literal(list(missing_words(())))};",
        f'const SIMPLE_NUMBER = new RegExp({literal(in_javascript(SIMPLE_NUMBER))}, "u");',
        f'const ANY_NUMBER = new RegExp({literal(in_javascript(ANY_NUMBER))}, "u");',
        f"const [CENTURY, MONTHS] = {literal([CENTURY, list(MONTHS)])};",
    ]
    return "\n".join(lines) + _READING


def _described(field: Field) -> dict[str, Any]:
    before, after = ("".join(rf"\u{{{ord(x):x}}}" for x in unit) for unit in field.units)
    return {
        "name": field.name,
        "kind": field.kind,
        "width": len(field.numbers),
        "exact": field.is_exact,
        "needed": field.must_be_there,
        "words": list(field.words),
        "gap": field.gap,
        "texts": [[key, number] for key, number in field.by_text.items()],
        "numbers": [[key, number] for key, number in field.by_number.items()],
        "pattern": in_javascript(field.pattern),
        "marks": list(field.marks),
        "units": [f"^([ (+-]*){before}", f"{after}([ )-]*)$"],
        "patterns": [in_javascript(one) for one in field.patterns],
        "usual": [in_javascript(one) for one in field.usual_patterns],
        "parts": list(field.parts),
    }
