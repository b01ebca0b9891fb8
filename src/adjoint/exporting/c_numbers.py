"""Functions of C that read numbers and dates, as `table_functions` does in Python."""

from __future__ import annotations

FUNCTIONS = {
    # As many digits as may decide how a number is rounded, and one for all that follow.
    "digits": """
typedef struct {
    int count, exponent;
    uint8_t digits[800];
} PREFIX_digits;
""",
    "put": """
static void PREFIX_put(PREFIX_digits *found, uint32_t digit) {
    if (found->count == 0 && digit == 0) {
        return;
    }
    if (found->count < 800) {
        found->digits[found->count++] = (uint8_t)digit;
    } else {
        found->digits[799] |= digit != 0;
        found->exponent++;
    }
}
""",
    "big": """
/* A whole number that no type of C holds, in pieces of 32 bits. */
typedef struct {
    int size;
    uint32_t pieces[170];
} PREFIX_big;

static void PREFIX_times(PREFIX_big *x, uint32_t factor, uint32_t carry) {
    uint64_t over = carry;
    for (int i = 0; i < x->size; i++) {
        over += (uint64_t)x->pieces[i] * factor;
        x->pieces[i] = (uint32_t)over;
        over >>= 32;
    }
    if (over) {
        x->pieces[x->size++] = (uint32_t)over;
    }
}

static void PREFIX_scaled(PREFIX_big *x, int tens, int twos) {
    for (; tens > 0; tens -= tens > 9 ? 9 : tens) {
        uint32_t factor = 1;
        for (int i = 0; i < (tens > 9 ? 9 : tens); i++) {
            factor *= 10;
        }
        PREFIX_times(x, factor, 0);
    }
    for (; twos > 0; twos -= twos > 31 ? 31 : twos) {
        PREFIX_times(x, UINT32_C(1) << (twos > 31 ? 31 : twos), 0);
    }
}
""",
    # A number is right if it lies between the middles between the double and its neighbours.
    "beyond": """
/* Returns -1, 0 or 1 as a number is below, at or above the middle between a double and the next. */
static int PREFIX_beyond(const PREFIX_digits *given, int64_t bits) {
    const int64_t part = bits & INT64_C(0xFFFFFFFFFFFFF), power = bits >> 52;
    const uint64_t middle = 2 * (uint64_t)(power ? part | INT64_C(0x10000000000000) : part) + 1;
    const int twos = (int)(power ? power : 1) - 1076, tens = given->exponent;
    PREFIX_big x = {0, {0}}, y = {2, {0}};
    for (int i = 0; i < given->count; i++) {
        PREFIX_times(&x, 10, given->digits[i]);
    }
    y.pieces[0] = (uint32_t)middle;
    y.pieces[1] = (uint32_t)(middle >> 32);
    PREFIX_scaled(&x, tens, -twos);
    PREFIX_scaled(&y, -tens, twos);
    while (y.size > 0 && y.pieces[y.size - 1] == 0) {
        y.size--;
    }
    if (x.size != y.size) {
        return x.size < y.size ? -1 : 1;
    }
    for (int i = x.size - 1; i >= 0; i--) {
        if (x.pieces[i] != y.pieces[i]) {
            return x.pieces[i] < y.pieces[i] ? -1 : 1;
        }
    }
    return 0;
}
""",
    "rounded": """
/* Returns the double that is nearest to digits times a power of ten, or INFINITY. */
static double PREFIX_rounded(const PREFIX_digits *given) {
    uint64_t first = 0;
    int64_t bits;
    double x;
    const int taken = given->count < 18 ? given->count : 18;
    int tens = given->exponent + given->count - taken;
    if (given->count == 0 || given->exponent + given->count < -330) {
        return 0;
    }
    if (given->exponent + given->count > 310) {
        return INFINITY;
    }
    for (int i = 0; i < taken; i++) {
        first = 10 * first + given->digits[i];
    }
    x = (double)first;
    const int is_exact = taken == given->count && taken < 16 && tens >= -22 && tens <= 22;
    for (double power = 1; tens != 0;) {
        const int step = tens > 22 ? 22 : tens < -22 ? 22 : tens < 0 ? -tens : tens;
        for (int i = 0; i < step; i++) {
            power *= 10;
        }
        x = tens > 0 ? x * power : x / power;
        tens += tens > 0 ? -step : step;
        power = 1;
    }
    if (is_exact) {
        return x;
    }
    memcpy(&bits, &x, sizeof bits);
    bits = bits < INT64_C(0x7FF0000000000000) ? bits : INT64_C(0x7FEFFFFFFFFFFFFF);
    for (;;) {
        const int above = PREFIX_beyond(given, bits);
        if ((above > 0 || (above == 0 && (bits & 1))) && bits < INT64_C(0x7FF0000000000000)) {
            bits++;
            continue;
        }
        const int below = bits ? PREFIX_beyond(given, bits - 1) : 1;
        if (below > 0 || (below == 0 && (bits & 1) == 0)) {
            memcpy(&x, &bits, sizeof x);
            return x;
        }
        bits--;
    }
}
""",
    "number_column": """
typedef struct {
    const PREFIX_pattern *pattern;
    PREFIX_words missing;
    const char *before, *after;
    uint32_t decimal;
} PREFIX_number_column;
""",
    "skips": """
static int PREFIX_skips(PREFIX_text *text, const char *unit) {
    PREFIX_text rest = *text, other = PREFIX_whole(unit);
    if (other.at == other.end) {
        return 0;
    }
    while (other.at < other.end) {
        if (rest.at == rest.end || PREFIX_tidied(PREFIX_next(&rest)) != PREFIX_next(&other)) {
            return 0;
        }
    }
    *text = rest;
    return 1;
}
""",
    "is_over": """
/* Returns whether only signs follow that may stand behind a number and its unit. */
static int PREFIX_is_over(PREFIX_text rest) {
    while (rest.at < rest.end) {
        const uint32_t code = PREFIX_tidied(PREFIX_next(&rest));
        if (code != ' ' && code != ')' && code != '-') {
            return 0;
        }
    }
    return 1;
}
""",
    "amount": """
/* Returns the number of a text that matches a column's pattern; what is neither a digit nor the
   decimal mark is a sign, or only parts thousands. A unit is looked for at its end of the text
   alone, because an e in the middle is that of an exponent. */
static double PREFIX_amount(PREFIX_text text, const PREFIX_number_column *column) {
    PREFIX_digits found = {0, 0, {0}};
    uint32_t before = 0;
    int decimals = 0, is_negative = 0, power = 0, is_down = 0, in_power = 0, powers = 0;
    int begun = 0, ended = 0;
    while (text.at < text.end) {
        PREFIX_text rest = text;
        if (!begun && PREFIX_skips(&rest, column->before)) {
            begun = 1;
            text = rest;
            continue;
        }
        if (!ended && PREFIX_skips(&rest, column->after) && PREFIX_is_over(rest)) {
            ended = 1;
            text = rest;
            continue;
        }
        const uint32_t code = PREFIX_tidied(PREFIX_next(&text));
        const int is_power = before == 'e' || before == 'E';
        begun |= code != ' ' && code != '(' && code != '+' && code != '-';
        if (code >= '0' && code <= '9' && in_power) {
            power = power < 100000 ? 10 * power + (int)(code - '0') : power;
            powers = 1;
        } else if (code >= '0' && code <= '9') {
            PREFIX_put(&found, code - '0');
            found.exponent -= decimals;
        } else if (code == column->decimal) {
            decimals = 1;
        } else if (code == 'e' || code == 'E') {
            in_power = 1;
        } else if ((code == '-' || code == '(') && !is_power) {
            is_negative = 1;
        } else if (code == '-' && !powers) {
            is_down = 1;
        }
        before = code;
    }
    found.exponent += is_down ? -power : power;
    return is_negative ? -PREFIX_rounded(&found) : PREFIX_rounded(&found);
}
""",
    "number": """
/* Reads a text as a column writes numbers, NAN where there is none; returns 1 if it is one that is
   written in another way. */
static int PREFIX_number(const char *given, const PREFIX_number_column *column, double *number) {
    const PREFIX_text text = PREFIX_trimmed(given);
    *number = NAN;
    if (PREFIX_is_missing(text, &column->missing)) {
        return 0;
    }
    if (!PREFIX_matches(column->pattern, text)) {
        return PREFIX_matches(&ANY_NUMBER, text);
    }
    *number = PREFIX_amount(text, column);
    return 0;
}
""",
    # An estimator's numbers are those of Python, and nothing else will do.
    "plain_number": """
static int PREFIX_plain_number(
    const char *given, const PREFIX_number_column *column, double *number
) {
    const PREFIX_text text = PREFIX_trimmed(given);
    *number = NAN;
    if (given == NULL) {
        return 0;
    }
    if (!PREFIX_matches(column->pattern, text)) {
        return 1;
    }
    *number = PREFIX_amount(text, column);
    return 0;
}
""",
    "divided": """
/* Returns a quotient, rounded down. */
static int64_t PREFIX_divided(int64_t a, int64_t b) {
    return a / b - (a % b < 0);
}
""",
    "part": """
/* Returns a part of a moment: 0 its year, 1 its month, 2 its weekday, 3 its hour with decimals. */
static double PREFIX_part(int part, int64_t micros) {
    int64_t days = PREFIX_divided(micros, INT64_C(86400000000)), cycle, day, year, month;
    if (part == 3) {
        return (double)(micros - days * INT64_C(86400000000)) / 3.6e9;
    }
    if (part == 2) {
        return (double)(days + 3 - 7 * PREFIX_divided(days + 3, 7));
    }
    days += 719468;
    cycle = PREFIX_divided(days, 146097);
    day = days - cycle * 146097;
    year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
    day -= 365 * year + year / 4 - year / 100;
    month = (5 * day + 2) / 153;
    if (part == 1) {
        return (double)(month + 3 - 12 * (month / 10));
    }
    return (double)(year + cycle * 400 + month / 10);
}
""",
    "days": """
/* Returns the days from 1970 to the first of a month. */
static int64_t PREFIX_days(int64_t year, int64_t month) {
    year += 400 + (month - 3 < 0 ? -1 : 0);
    month = (month + 9) % 12;
    return 365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 - 865565;
}
""",
    "field": """
/* Returns the whole number of a part of a date. */
static int64_t PREFIX_field(const uint32_t *letters, const uint8_t *part, int64_t otherwise) {
    int64_t found = 0;
    for (int i = part[0]; i < part[1]; i++) {
        found = 10 * found + (int64_t)letters[i] - '0';
    }
    return part[0] < part[1] ? found : otherwise;
}
""",
    "month": """
static int64_t PREFIX_month(const uint32_t *letters, const uint8_t *part) {
    static const char names[] = "janfebmaraprmayjunjulaugsepoctnovdec";
    if (part[0] == part[1] || letters[part[0]] <= '9') {
        return PREFIX_field(letters, part, 1);
    }
    for (int i = 0; i < 12; i++) {
        int same = 0;
        for (int k = 0; k < 3; k++) {
            same += (letters[part[0] + k] | 32) == (uint32_t)names[3 * i + k];
        }
        if (same == 3) {
            return i + 1;
        }
    }
    return 0;
}
""",
    "moment": """
/* Returns 0, or 1 if the parts are of no date; what a clock showed, and that in Universal Time, in
   microseconds since 1970. */
static int PREFIX_moment(
    const uint32_t *letters, const uint8_t *p, int64_t *wall, int64_t *instant
) {
    const int64_t month = PREFIX_month(letters, p + 2), day = PREFIX_field(letters, p + 4, 1);
    const int64_t minute = PREFIX_field(letters, p + 8, 0);
    const int64_t second = PREFIX_field(letters, p + 10, 0);
    const uint32_t half = p[14] < p[15] ? letters[p[14]] | 32 : 0;
    int64_t year = PREFIX_field(letters, p, 1970), hour = PREFIX_field(letters, p + 6, 0);
    int64_t first, fraction = 0, ahead = 0;
    if (p[1] - p[0] == 2) {
        year += year >= CENTURY ? 1900 : 2000;
    }
    if (month < 1 || month > 12 || minute > 59 || second > 60
        || (half ? hour < 1 || hour > 12 : hour > 24 || (hour == 24 && minute + second > 0))) {
        return 1;
    }
    first = PREFIX_days(year, month);
    if (day < 1 || first + day > PREFIX_days(year + month / 12, month % 12 + 1)) {
        return 1;
    }
    hour = half ? hour % 12 + (half == 'p' ? 12 : 0) : hour;
    for (int i = 0; i < 6; i++) {
        fraction = 10 * fraction + (p[12] + i < p[13] ? (int64_t)letters[p[12] + i] - '0' : 0);
    }
    *wall = ((first + day - 1) * 86400 + (hour * 60 + minute) * 60 + second) * 1000000 + fraction;
    if (p[16] < p[17] && (letters[p[16]] == '+' || letters[p[16]] == '-')) {
        const int colon = p[17] - p[16] > 3 && letters[p[16] + 3] == ':';
        const uint8_t hours[2] = {(uint8_t)(p[16] + 1), (uint8_t)(p[16] + 3)};
        const uint8_t minutes[2] = {(uint8_t)(p[16] + 3 + colon), p[17]};
        ahead = 60 * PREFIX_field(letters, hours, 0) + PREFIX_field(letters, minutes, 0);
        ahead = letters[p[16]] == '-' ? -ahead : ahead;
    }
    *instant = *wall - ahead * 60000000;
    return 0;
}
""",
    "date_column": """
typedef struct {
    int count;
    const PREFIX_pattern *const *patterns;
    PREFIX_words missing;
    int parts;
    uint8_t part[4];
} PREFIX_date_column;
""",
    "date": """
/* Reads a text as a column writes dates: seconds since 1970, NAN where there is none, and parts. */
static void PREFIX_date(const char *given, const PREFIX_date_column *column, double *x) {
    PREFIX_text text = PREFIX_trimmed(given);
    uint32_t letters[MOST_LETTERS];
    int count = 0, is_missing = PREFIX_is_missing(text, &column->missing);
    x[0] = NAN;
    for (int i = 1; i <= column->parts; i++) {
        x[i] = 0;
    }
    while (text.at < text.end && !is_missing) {
        if (count == MOST_LETTERS) {
            return;
        }
        letters[count++] = PREFIX_tidied(PREFIX_next(&text));
    }
    for (int i = 0; i < column->count && !is_missing; i++) {
        uint8_t parts[PART_BYTES] = {0};
        int64_t wall, instant;
        if (!PREFIX_finds(column->patterns[i]->steps, 0, letters, 0, count, parts)) {
            continue;
        }
        if (PREFIX_moment(letters, parts, &wall, &instant)) {
            return;
        }
        x[0] = (double)instant / 1e6;
        for (int k = 0; k < column->parts; k++) {
            x[k + 1] = PREFIX_part(column->part[k], wall);
        }
        return;
    }
}
""",
}
