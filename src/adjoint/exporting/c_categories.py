"""Functions of C that find the number of a category by its text."""

from __future__ import annotations

from collections.abc import Iterable

from .c_literals import number, string
from .c_texts import wrapped
from .fields import Field

_TYPE = """
typedef struct {{
    PREFIX_words missing, texts;
    const uint32_t *numbers_of_texts;
{numbers}    int gap;
}} PREFIX_categories;
"""
_NUMBERS = """    int count;
    const double *numbers;
    const uint32_t *numbers_of_numbers;
"""
_SIMPLE = """    if (PREFIX_matches(&SIMPLE_NUMBER, text)) {
        static const PREFIX_number_column plain = {NULL, {0, NULL}, "", "", '.'};
        const double found = PREFIX_amount(text, &plain);
        for (int i = 0; i < column->count; i++) {
            if (column->numbers[i] == found) {
                return column->numbers_of_numbers[i];
            }
        }
        return 0;
    }
"""
_CATEGORY = """
/* Returns the number of a category, 0 for one that was rare or not there. */
static double PREFIX_category(const char *given, const PREFIX_categories *column) {{
    PREFIX_text text = PREFIX_trimmed(given);
    int place;
    if (PREFIX_is_missing(text, &column->missing)) {{
        return column->gap;
    }}
{simple}    if (PREFIX_order(text, "true", 1) == 0) {{
        text = PREFIX_whole("true");
    }} else if (PREFIX_order(text, "false", 1) == 0) {{
        text = PREFIX_whole("false");
    }}
    place = PREFIX_place(text, &column->texts);
    return place < 0 ? 0 : column->numbers_of_texts[place];
}}
"""
_PLACE = """
/* Returns the place of a text among some that are sorted; -1 if it is not there. */
static int PREFIX_place(PREFIX_text text, const PREFIX_words *sorted) {
    int low = 0, high = sorted->count;
    while (low < high) {
        const int middle = low + (high - low) / 2;
        const int order = PREFIX_order(text, sorted->words[middle], 0);
        if (order == 0) {
            return middle;
        }
        low = order < 0 ? low : middle + 1;
        high = order < 0 ? middle : high;
    }
    return -1;
}
"""
_EXACT = """
/* Returns the number of a category whose text is the same, byte for byte; 0 if there is none. */
static double PREFIX_exact_category(const char *given, const PREFIX_categories *column) {
    int low = 0, high = given ? column->texts.count : 0;
    while (low < high) {
        const int middle = low + (high - low) / 2;
        const unsigned char *a = (const unsigned char *)given;
        const unsigned char *b = (const unsigned char *)column->texts.words[middle];
        while (*a && *a == *b) {
            a++;
            b++;
        }
        if (*a == *b) {
            return column->numbers_of_texts[middle];
        }
        low = *a < *b ? low : middle + 1;
        high = *a < *b ? middle : high;
    }
    return 0;
}
"""


def functions(has_numbers: bool) -> dict[str, str]:
    """Return the functions by name; numbers are among them where a category is one."""
    return {
        "categories": _TYPE.format(numbers=_NUMBERS if has_numbers else ""),
        "place": _PLACE,
        "category": _CATEGORY.format(simple=_SIMPLE if has_numbers else ""),
        "exact_category": _EXACT,
    }


def constants(prefix: str, name: str, field: Field, *, has_numbers: bool) -> list[str]:
    """Return the constants of a column.

    Parameters
    ----------
    has_numbers : bool
        Whether a category of any column is a number.
    """
    # C cannot be given a text with a NUL, so that such a category is never met.
    texts = dict(sorted((key, n) for key, n in field.by_text.items() if "\0" not in key))
    missing = () if field.is_exact else field.words
    lines = [
        f"static const char *const {name}_missing[] = {{",
        f"{wrapped(map(string, missing))}\n}};",
        f"static const char *const {name}_texts[] = {{\n{wrapped(map(string, texts))}\n}};",
        _numbers(f"{name}_of_texts", texts.values()),
    ]
    parts = [f"{{{len(missing)}, {name}_missing}}, {{{len(texts)}, {name}_texts}}"]
    parts.append(f"{name}_of_texts")
    if has_numbers:
        found = field.by_number
        values = wrapped(number(x, "f64") for x in found)
        lines += [
            f"static const double {name}_numbers[] = {{\n{values}\n}};",
            _numbers(f"{name}_of_numbers", found.values()),
        ]
        parts.append(f"{len(found)}, {name}_numbers, {name}_of_numbers")
    parts.append(str(field.gap))
    row = ",\n    ".join(parts)
    return [*lines, f"static const {prefix}_categories {name} = {{\n    {row}\n}};"]


def _numbers(name: str, numbers: Iterable[int]) -> str:
    items = wrapped(map(str, numbers))
    return f"static const uint32_t {name}[] = {{\n{items}\n}};"
