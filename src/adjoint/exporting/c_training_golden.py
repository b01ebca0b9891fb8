"""The golden training of an exported training in C: a main that trains a little and compares."""

from __future__ import annotations

import numpy as np

from ..core.annotations import Array
from .c_learner import Learner
from .c_literals import STORED, TYPES, number
from .c_source import golden_rows


def golden_main(learner: Learner) -> str:
    """Return a main behind a macro: first predictions, losses to the last bit, and weights."""
    golden, prefix, plain = learner.golden, learner.prefix, TYPES[learner.kind]
    count, epochs = len(golden.data[0]), len(golden.losses)
    arrays = [
        _golden_array(f"golden_{x.name}", x.kind, array)
        for x, array in zip(learner.data, golden.data, strict=True)
    ]
    losses = ", ".join(number(x, "f64") for x in golden.losses)
    found = learner.first_predictions
    size = max(found[0].size, 1)
    each = max(int(np.prod(learner.arranged.data[0].shape[1:])), 1)
    names = ", ".join(f"golden_{x.name}" for x in learner.data)
    sizes = "\n".join(
        f"    digest = digest_of(digest, now->{m.name}, {m.size});"
        for m in learner.members[: learner.arranged.form.parameters]
    )
    _, result, _ = learner.predict.outputs[0]
    return _MAIN.format(
        macro=prefix.upper(),
        prefix=prefix,
        plain=plain,
        word="uint64_t" if learner.kind == "f64" else "uint32_t",
        data="\n".join(arrays),
        losses=losses,
        epochs=epochs,
        count=count,
        names=names,
        sizes=sizes,
        digest=f"{digest_of(golden.weights):016X}",
        seed=learner.arranged.given.seed,
        predictions=_golden_array("golden_y_first", result, found),
        predicted=len(found),
        size=size,
        each=each,
        result=STORED[result],
        given=f"golden_{learner.data[0].name}",
        tolerance=learner.tolerance,
    )


def digest_of(weights: Array) -> int:
    """Return a number that depends on every bit of every weight, but takes -0 for 0."""
    words = np.ravel(weights + 0.0).view(np.uint64 if weights.dtype.itemsize == 8 else np.uint32)
    found = 0xCBF29CE484222325
    for word in words.tolist():
        found = (found ^ word) * 0x100000001B3 % 2**64
    return int(found)


def _golden_array(name: str, kind: str, array: Array) -> str:
    items = ", ".join(number(item, kind) for item in np.ravel(array))
    calls, size = len(array), max(array[0].size, 1)
    flat = golden_rows(items, calls).replace("{", "").replace("}", "")
    return f"static const {STORED[kind]} {name}[{calls * size}] = {{{flat}}};"


_MAIN = """#ifdef {macro}_MAIN
#include <stdio.h>

{data}
static const double golden_losses[{epochs}] = {{{losses}}};
{predictions}

static uint64_t digest_of(uint64_t digest, const {plain} *x, int count) {{
    for (int i = 0; i < count; i++) {{
        const {plain} number = x[i] + 0; /* -0 becomes 0 */
        {word} bits;
        memcpy(&bits, &number, sizeof bits);
        digest = (digest ^ bits) * UINT64_C(0x100000001B3);
    }}
    return digest;
}}

int main(void) {{
    static {prefix}_training training;
    static int32_t order[{count}];
    uint64_t digest = UINT64_C(0xCBF29CE484222325);
    {prefix}_init(&training, UINT64_C({seed}));
    for (int n = 0; n < {predicted}; n++) {{
        {result} found[{size}];
        if ({prefix}_predict(&training, {given} + {each} * n, found)) {{
            printf("row %d: out of range\\n", n);
            return 1;
        }}
        for (int i = 0; i < {size}; i++) {{
            const double a = (double)found[i], b = (double)golden_y_first[{size} * n + i];
            const double d = a - b, most = {tolerance} * (1 + (b < 0 ? -b : b));
            if (!(a == b || (a != a && b != b)) && !((d < 0 ? -d : d) <= most)) {{
                printf("row %d: predicts %.17g, expected %.17g\\n", n, a, b);
                return 1;
            }}
        }}
    }}
    for (int n = 0; n < {epochs}; n++) {{
        double loss = 0;
        const int status = {prefix}_epoch(&training, {names}, {count}, order, &loss);
        if (status || loss != golden_losses[n]) {{
            printf("epoch %d: status %d, loss %.17g, expected %.17g\\n", n, status, loss,
                   golden_losses[n]);
            return 1;
        }}
    }}
    const {prefix}_numbers *now = &training.numbers[training.turn];
{sizes}
    if (digest != UINT64_C(0x{digest})) {{
        puts("the weights have other bits than expected");
        return 1;
    }}
    puts("{epochs} golden epochs, to the last bit: ok");
    return 0;
}}
#endif"""
