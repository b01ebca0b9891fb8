"""Functions of C that read texts: as code points, trimmed, tidied, compared, matched.

Each does what `table_functions` does in Python. Texts are never copied, so that a long one takes
no memory; tables of Unicode are made from Python's.
"""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterable, Sequence

from ..tables.number_format import TIDY
from .patterns import END, FORK, JUMP, LETTER, MATCH, START, Ranges, Step
from .refusal import ExportError

# The parts of a date that a pattern names, by the place where C keeps them.
NAMES = ("year", "month", "day", "hour", "minute", "second", "fraction", "half", "zone")
FUNCTIONS = {
    "text": """
typedef struct {
    const unsigned char *at, *end;
} PREFIX_text;
""",
    "next": """
/* Returns a code point, and goes on; a byte that is not of UTF-8 is U+FFFD. */
static uint32_t PREFIX_next(PREFIX_text *rest) {
    static const uint32_t least[4] = {0, 0x80, 0x800, 0x10000};
    const unsigned char *p = rest->at;
    const int more = p[0] < 0xC2 || p[0] > 0xF4 ? 0 : p[0] < 0xE0 ? 1 : p[0] < 0xF0 ? 2 : 3;
    uint32_t code = p[0] & (0x3Fu >> more);
    rest->at = p + 1;
    if (p[0] < 0x80) {
        return p[0];
    }
    if (more == 0 || rest->end - p <= more) {
        return 0xFFFD;
    }
    for (int i = 1; i <= more; i++) {
        if ((p[i] & 0xC0) != 0x80) {
            return 0xFFFD;
        }
        code = code << 6 | (p[i] & 0x3Fu);
    }
    if (code < least[more] || code > 0x10FFFF || (code >= 0xD800 && code < 0xE000)) {
        return 0xFFFD;
    }
    rest->at = p + more + 1;
    return code;
}
""",
    "whole": """
static PREFIX_text PREFIX_whole(const char *given) {
    PREFIX_text found;
    found.at = found.end = (const unsigned char *)(given ? given : "");
    while (*found.end) {
        found.end++;
    }
    return found;
}
""",
    "trimmed": """
/* Returns a text without the spaces around it. */
static PREFIX_text PREFIX_trimmed(const char *given) {
    PREFIX_text rest = PREFIX_whole(given), found = {rest.at, rest.at};
    while (rest.at < rest.end) {
        const unsigned char *start = rest.at;
        const uint32_t code = PREFIX_next(&rest);
        int is_space = 0;
        for (int i = 0; i < SPACE_COUNT; i++) {
            is_space |= code >= PREFIX_spaces[i][0] && code <= PREFIX_spaces[i][1];
        }
        if (!is_space) {
            found.at = found.at == found.end ? start : found.at;
            found.end = rest.at;
        }
    }
    return found;
}
""",
    "tidied": """
/* Returns one sign for all that mean the same: digits of other scripts, full-width signs. */
static uint32_t PREFIX_tidied(uint32_t code) {
    for (int i = 0; code >= 0x80 && i < SAME_COUNT; i++) {
        const uint32_t *row = PREFIX_same[i];
        if (code >= row[0] && code <= row[1]) {
            return row[2] + row[3] * (code - row[0]);
        }
    }
    return code;
}
""",
    "lowered": """
static uint32_t PREFIX_lowered(uint32_t code) {
    for (int i = 0; code >= 0x80 && i < LOWER_COUNT; i++) {
        if (code == PREFIX_lower[i][0]) {
            return PREFIX_lower[i][1];
        }
    }
    return code >= 'A' && code <= 'Z' ? code + 32 : code;
}
""",
    "order": """
/* Returns -1, 0 or 1 as a text comes before a key, is the same, or comes after it. */
static int PREFIX_order(PREFIX_text text, const char *key, int any_case) {
    PREFIX_text other = PREFIX_whole(key);
    while (text.at < text.end && other.at < other.end) {
        uint32_t a = PREFIX_tidied(PREFIX_next(&text));
        const uint32_t b = PREFIX_next(&other);
        a = any_case ? PREFIX_lowered(a) : a;
        if (a != b) {
            return a < b ? -1 : 1;
        }
    }
    return (text.at < text.end) - (other.at < other.end);
}
""",
    "words": """
typedef struct {
    int count;
    const char *const *words;
} PREFIX_words;
""",
    "is_missing": """
static int PREFIX_is_missing(PREFIX_text text, const PREFIX_words *missing) {
    for (int i = 0; i < missing->count; i++) {
        if (PREFIX_order(text, missing->words[i], 1) == 0) {
            return 1;
        }
    }
    return text.at == text.end;
}
""",
    "step": """
/* What is done at one place of a pattern: 0 it matches, 1 a letter of some ranges, 2 go to another
   place, 3 try the next place, then another, 4 a part begins, 5 a part ends. */
typedef struct {
    uint8_t kind;
    uint16_t to, count;
} PREFIX_step;

typedef struct {
    int count;
    const PREFIX_step *steps;
} PREFIX_pattern;
""",
    "is_among": """
static int PREFIX_is_among(uint32_t code, const PREFIX_step *step) {
    for (int i = 0; i < step->count; i++) {
        const uint32_t *range = PREFIX_letters[step->to + i];
        if (code >= range[0] && code <= range[1]) {
            return 1;
        }
    }
    return 0;
}
""",
    "matches": """
/* Tells whether a whole text matches, by all places where a match of its beginning may stand. */
static int PREFIX_matches(const PREFIX_pattern *pattern, PREFIX_text text) {
    const int count = pattern->count;
    uint8_t now[MOST_STEPS] = {1}, then[MOST_STEPS];
    for (;;) {
        uint32_t code;
        int ways = 0;
        for (int i = 0; i < count; i++) {
            const PREFIX_step *step = pattern->steps + i;
            if (now[i] && step->kind == 3) {
                now[i + 1] = now[step->to] = 1;
            } else if (now[i] && step->kind == 2 && !now[step->to]) {
                now[step->to] = 1;
                i = step->to < i ? step->to - 1 : i;
            }
        }
        if (text.at == text.end) {
            return now[count - 1];
        }
        code = PREFIX_tidied(PREFIX_next(&text));
        memset(then, 0, sizeof then);
        for (int i = 0; i < count; i++) {
            if (now[i] && pattern->steps[i].kind == 1
                && PREFIX_is_among(code, pattern->steps + i)) {
                then[i + 1] = 1;
                ways = 1;
            }
        }
        if (!ways) {
            return 0;
        }
        memcpy(now, then, sizeof now);
    }
}
""",
    "finds": """
/* Tells whether letters match from a place on, and where the parts of a date begin and end. */
static int PREFIX_finds(
    const PREFIX_step *steps, int place, const uint32_t *letters, int at, int count, uint8_t *parts
) {
    for (;;) {
        const PREFIX_step *step = steps + place;
        uint8_t before[PART_BYTES];
        switch (step->kind) {
        case 0:
            return at == count;
        case 1:
            if (at == count || !PREFIX_is_among(letters[at], step)) {
                return 0;
            }
            at++;
            place++;
            break;
        case 2:
            place = step->to;
            break;
        case 3:
            memcpy(before, parts, sizeof before);
            if (PREFIX_finds(steps, place + 1, letters, at, count, parts)) {
                return 1;
            }
            memcpy(parts, before, sizeof before);
            place = step->to;
            break;
        default:
            parts[2 * step->to + (step->kind == 5)] = (uint8_t)at;
            place++;
        }
    }
}
""",
}


def ranges_of(codes: Collection[int]) -> Ranges:
    """Return code points as ranges that rise."""
    found: list[tuple[int, int]] = []
    for code in sorted(codes):
        if found and code == found[-1][1] + 1:
            found[-1] = found[-1][0], code
        else:
            found.append((code, code))
    return tuple(found)


# What `str.strip` takes away.
SPACES = ranges_of([code for code in range(sys.maxunicode + 1) if chr(code).isspace()])


def same_signs() -> list[tuple[int, int, int, int]]:
    """Return what `TIDY` changes, as first and last code point, what becomes of them, its step."""
    found: list[list[int]] = []
    for code, plain in sorted((code, ord(str(x))) for code, x in TIDY.items()):
        if found:
            first, last, to, step = found[-1]
            if code == last + 1 and plain in (
                (to, to + 1) if first == last else (to + step * (code - first),)
            ):
                found[-1] = [first, code, to, plain - to if first == last else step]
                continue
        found.append([code, code, plain, 0])
    return [(a, b, c, d) for a, b, c, d in found]


def lower_letters(words: Collection[str]) -> list[tuple[int, int]]:
    """Return the letters beyond ASCII whose small ones are in some words, with those.

    Raises
    ------
    ExportError
        If a word has a letter whose small form depends on what is around it, or is two letters.
    """
    wanted = set("".join(words))
    strange = sorted(wanted & set("\u03c3\u03c2\u0307"))
    if strange:
        word = next(word for word in words if strange[0] in word)
        raise ExportError(
            f"C99: the text {word!r} for missing values has {strange[0]!r}, whose capital depends "
            "on its place; --to py carries it"
        )
    pairs = ((code, chr(code).lower()) for code in range(128, sys.maxunicode + 1))
    return [(c, ord(low)) for c, low in pairs if low != chr(c) and len(low) == 1 and low in wanted]


class Patterns:
    """Programs that match texts, as constants of C that share their ranges of letters.

    Attributes
    ----------
    most : int
        The number of steps of the longest.
    """

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix
        self.ranges: list[tuple[int, int]] = []
        self.places: dict[Ranges, int] = {}
        self.names: dict[tuple[Step, ...], str] = {}
        self.texts: list[str] = []
        self.most = 1

    def constant(self, steps: Sequence[Step]) -> str:
        """Return the name of a program, which is written once."""
        key = tuple(steps)
        if key not in self.names:
            name = f"{self.prefix}_pattern_{len(self.names)}"
            self.names[key] = name
            rows = map(self._row, steps)
            self.texts.append(
                f"static const {self.prefix}_step {name}_steps[] = {{\n{wrapped(rows)}\n}};\n"
                f"static const {self.prefix}_pattern {name} = {{{len(steps)}, {name}_steps}};"
            )
            self.most = max(self.most, len(steps))
        return self.names[key]

    def _row(self, step: Step) -> str:
        if step.kind == LETTER:
            return f"{{1, {self._letters(step.ranges)}, {len(step.ranges)}}}"
        to = NAMES.index(step.name) if step.kind in (START, END) else step.to
        assert step.kind in (MATCH, JUMP, FORK, START, END)
        return f"{{{step.kind}, {to}, 0}}"

    def _letters(self, ranges: Ranges) -> int:
        if ranges not in self.places:
            self.places[ranges] = len(self.ranges)
            self.ranges += ranges
        return self.places[ranges]

    def letters(self) -> str:
        """Return the ranges of letters."""
        return table(f"{self.prefix}_letters", self.ranges or [(0, 0)])


def table(name: str, rows: Sequence[Sequence[int]]) -> str:
    """Return a constant array of rows of code points."""
    text = (f"{{{', '.join(map(hex, row))}}}" for row in rows)
    return f"static const uint32_t {name}[{len(rows)}][{len(rows[0])}] = {{\n{wrapped(text)}\n}};"


def wrapped(items: Iterable[str], width: int = 92) -> str:
    """Return items as the lines of a list of C, 0 where there is none."""
    lines, line = [], ""
    for item in items:
        if line and len(line) + len(item) > width:
            lines.append(f"    {line.rstrip()}")
            line = ""
        line += f"{item}, "
    lines.append(f"    {line.rstrip(', ') or 0}")
    return "\n".join(lines)
