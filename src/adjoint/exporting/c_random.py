"""Random numbers and the order of rows in C: the words of `adjoint.core.philox`."""

from __future__ import annotations

from ..compiler.native.arrays.random_fill import BITS
from ..compiler.native.philox import MULTIPLIERS, ROUNDS, STEPS
from ..core.philox import ORDER_SITE, UNIFORM_SITE
from ..ops.random import HALF

_PHILOX = f"""
/* The high word of a product of two words, from four products of their halves. */
static uint64_t PREFIX_high(uint64_t a, uint64_t b) {{
    const uint64_t al = a & 0xFFFFFFFFu, ah = a >> 32, bl = b & 0xFFFFFFFFu, bh = b >> 32;
    const uint64_t middle = al * bh + (al * bl >> 32);
    const uint64_t other = ah * bl + (middle & 0xFFFFFFFFu);
    return ah * bh + (middle >> 32) + (other >> 32);
}}

/* Philox4x64-10, random words as a function of a key and a place; blocks are counted from 1. */
static void PREFIX_philox(uint64_t key, uint64_t block, uint64_t epoch, uint64_t site,
                          uint64_t *words) {{
    uint64_t second = 0;
    words[0] = block;
    words[1] = epoch;
    words[2] = site;
    words[3] = 0;
    for (int i = 0; i < {ROUNDS}; i++) {{
        const uint64_t a = words[0], b = words[2];
        words[0] = PREFIX_high(b, UINT64_C(0x{MULTIPLIERS[1]:X})) ^ words[1] ^ key;
        words[1] = b * UINT64_C(0x{MULTIPLIERS[1]:X});
        words[2] = PREFIX_high(a, UINT64_C(0x{MULTIPLIERS[0]:X})) ^ words[3] ^ second;
        words[3] = a * UINT64_C(0x{MULTIPLIERS[0]:X});
        key += UINT64_C(0x{STEPS[0]:X});
        second += UINT64_C(0x{STEPS[1]:X});
    }}
}}
"""
_SHUFFLE = f"""
/* The order of the rows in an epoch, by Fisher and Yates. */
static void PREFIX_shuffle(int32_t *order, int32_t count, uint64_t key, uint64_t epoch) {{
    uint64_t words[4];
    for (int32_t i = 0; i < count; i++) {{
        order[i] = i;
    }}
    for (int32_t i = count - 1; i >= 0; i--) {{
        if (i == count - 1 || i % 4 == 3) {{
            PREFIX_philox(key, (uint64_t)i / 4 + 1, epoch, {ORDER_SITE}, words);
        }}
        const int32_t j = (int32_t)((words[i % 4] >> 32) * ((uint64_t)i + 1) >> 32);
        const int32_t row = order[i];
        order[i] = order[j];
        order[j] = row;
    }}
}}
"""
_UNIFORM = """
/* Random numbers from 0 to 1; a state is two halves of a key and how often it was used. */
static void PREFIX_uniform_{kind}(const {plain} *state, int stride, {plain} *out, int count) {{
    const uint64_t key = (uint64_t)state[0] * {half} | (uint64_t)state[stride];
    const uint64_t drawn = (uint64_t)state[2 * stride];
    uint64_t words[4];
    for (int i = 0; i < count; i++) {{
        if (i % 4 == 0) {{
            PREFIX_philox(key, (uint64_t)i / 4 + 1, drawn, {site}, words);
        }}
        out[i] = ({plain})(words[i % 4] >> {shift}) * {unit};
    }}
}}
"""
_PLAIN = {"f64": "double", "f32": "float"}


def _uniform(kind: str) -> str:
    bits, suffix = BITS[kind], "f" if kind == "f32" else ""
    return _UNIFORM.format(
        kind=kind,
        plain=_PLAIN[kind],
        half=HALF,
        site=UNIFORM_SITE,
        shift=64 - bits,
        unit=f"(1.0{suffix} / {2**bits}.0{suffix})",
    )


RANDOM = {
    "philox": _PHILOX,
    "shuffle": _SHUFFLE,
    **{f"uniform_{kind}": _uniform(kind) for kind in _PLAIN},
}
NEEDED = {name: ["philox"] for name in RANDOM if name != "philox"}
