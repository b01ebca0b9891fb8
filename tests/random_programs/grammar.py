"""The lines that random programs are made of, each with places for names and numbers.

``{a}`` and ``{b}`` are float values, ``{e}`` is one with extreme entries, ``{v}`` and ``{u}`` have
entries along axes; ``{t}`` is an array that the program has made itself and may change, ``{x}`` an
argument, ``{c}`` a captured array, ``{m}`` a mask. ``{f}`` and ``{g}`` are functions of one and of
two values, ``{j}`` an index, ``{k}`` a number, ``{K}`` one that is special if the program is,
``{big}`` and ``{small}`` scales, ``{n}`` the name to be given.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Line:
    """A line, or a few.

    Attributes
    ----------
    text : str
    weight : float
    is_special : bool
        Belongs among special values alone.
    may_be_refused : bool
        Whether a tier may say that it does not do this.
    between : str
        What is done between two calls, with the same places.
    """

    text: str
    weight: float = 1.0
    is_special: bool = False
    may_be_refused: bool = False
    between: str = ""


def _lines(texts: str, weight: float = 1.0, **kinds) -> list[Line]:
    """Return the lines of a text; blank lines separate those of more than one line."""
    return [Line(text.strip("\n"), weight, **kinds) for text in texts.strip().split("\n\n")]


def _each(texts: str, weight: float = 1.0, **kinds) -> list[Line]:
    return [Line(text.strip(), weight, **kinds) for text in texts.strip().splitlines()]


ORDINARY = _each(
    """
    {n} = np.tanh({a})
    {n} = np.sin({a}) * {b}
    {n} = np.exp(-{a} * {a})
    {n} = np.log1p({a} * {a})
    {n} = np.sqrt(np.abs({a}) + 0.25)
    {n} = {a} + {b}
    {n} = {a} - {b}
    {n} = {a} * {b}
    {n} = {a} / (1.0 + {b} * {b})
    {n} = {a} / {b}
    {n} = {k} * {a} + {b}
    {n} = {a} ** 2 - {a}
    {n} = np.maximum({a}, {b})
    {n} = np.minimum({a}, {k})
    {n} = np.abs({a})
    {n} = np.where({a} > {b}, {a}, {b})
    {n} = np.sum({v}, axis=0)
    {n} = np.mean({a})
    {n} = np.sum({v}, axis=-1, keepdims=True) * {a}
    {n} = np.cumsum({v}, axis=0)
    {n} = {v} @ {u}
    {n} = {v}.T * 1.0
    {n} = {v}[::-1] + {v}
    {n} = {v}[{j}]
    {n} = np.concatenate([{v}, {u}])
    {n} = np.stack([{a}, {b}])
    {n} = np.max({v}, axis=-1)
    {n} = np.hypot({a}, {b})
    {n} = np.logaddexp({a}, {b})
    {n} = np.max({a}) - {a}
    """
)

# Signs of zeros, and what shows them.
ZEROS = _each(
    """
    {n} = 0.0 - {a}
    {n} = {a} + 0.0
    {n} = 0.0 + {a}
    {n} = {a} - 0.0
    {n} = np.maximum({a}, 0.0)
    {n} = np.maximum(-0.0, {a})
    {n} = {a} * 0.0
    {n} = {a} * -1.0
    {n} = -({a} - {b})
    {n} = -{a} + {b}
    {n} = {a} + -{b}
    {n} = {a} - -{b}
    {n} = np.arctan2({a} * 0.0, {b})
    {n} = np.copysign({k}, {a})
    {n} = np.signbit({a})
    {n} = np.where(np.signbit(0.0 - {a}), 1.0, {b})
    {n} = np.arctan2(0.0 - {a}, -1.0)
    {n} = np.arctan2({a} + 0.0, -1.0)
    {n} = {a} - np.floor({a})
    {n} = np.sum({a}) * 0.0
    """,
    1.0,
)

FINITENESS = _each(
    """
    {n} = np.where(np.isnan({a}), 0.0, {a})
    {n} = np.where(np.isfinite({a}), {a}, {k})
    {n} = np.where(np.isfinite({a} * {b}), {a} * {b}, -1.0)
    {n} = np.where(np.isinf({a}), {k}, {a})
    {n} = np.isnan({a}) | np.isinf({b})
    {n} = np.isfinite({a}) & ({b} > {k})
    {n} = np.nan_to_num({a})
    {n} = np.nan_to_num(np.tanh({a}))
    {n} = np.nanmean({a})
    {n} = np.nansum({v}, axis=0)
    {n} = np.isnan(np.tanh({a}))
    {n} = np.where(np.all(np.isfinite({a})), 1.0, {b})
    {n} = np.sum(np.isnan({a}))
    {n} = np.isfinite({a})
    {n} = {a} == {a}
    {n} = {a} != {a}
    """,
    0.9,
)

SLOPES = _each(
    """
    {n} = d({f})({e})
    {n} = d({f})({e}) * {b}
    {n} = d({f})({e}) + {b}
    {n} = np.where(d({f})({e}) >= {k}, 1.0, -1.0)
    {n} = np.fmin(d({f})({e}), {k})
    {n} = np.fmax(d({f})({e}), {b})
    {n} = d({f})({e}).astype(int)
    {n} = np.argmax(d({f})({e}))
    {n} = np.sort(d({f})({e}))
    {n} = np.clip(d({f})({e}), -1.0, 1.0)
    {n} = d({f})({e}) > {b}
    {n} = d({f})({e}) == 0.0
    {n} = d({g})({e}, {v})
    {n} = d({g})({e}, {e})
    {n} = np.where(d({g})({e}, {e}) > {k}, {e}, {b})
    {n} = np.fmax(d({g})({e}, {e}), {k})
    """,
    1.0,
)

SINKS = _each(
    """
    {n} = {a} > {b}
    {n} = {a} <= {k}
    {n} = np.fmin({a}, {b})
    {n} = np.fmax({a}, {k})
    {n} = np.round({a}).astype(int)
    {n} = np.argmax({v}, axis=0)
    {n} = np.argmin({a})
    {n} = np.sort({v})
    {n} = np.argsort({v})
    {n} = np.where({m}, {a}, {b})
    {n} = np.clip({a}, -1.0, {k})
    {n} = {v} / np.maximum(1.0, np.linalg.norm({v}))
    {n} = {v} * np.minimum(1.0, 1.0 / np.sqrt(np.sum({v} * {v})))
    {n} = np.sign({a})
    {n} = np.where({m}, {a}, 0.0)
    """,
    0.8,
)

SCALES = _each(
    """
    {n} = {a} * {big}
    {n} = {a} * {small}
    {n} = {a} / {small}
    {n} = np.exp({a})
    {n} = {a} * {K}
    {n} = {a} + {K}
    {n} = np.where({m}, {K}, {a})
    {n} = np.log({a})
    {n} = np.sqrt({a})
    {n} = 1.0 / {a}
    {n} = np.log(np.abs({a}))
    {n} = {a} ** 2
    {n} = {a} ** 3
    {n} = {a} ** 0.5
    {n} = np.where({a} > 0, np.log({a}), 0.0)
    {n} = np.exp({a}) * 0.0
    """,
    1.0,
    is_special=True,
)

ASSIGNMENTS = _lines(
    """
{n} = {v}.copy()
{n}[{j}] = {k}

{n} = {v} * 1.0
{n}[{j}] = {u}[{j}]

{n} = +{v}
{n}[{v} > {k}] = 0.0

{n} = {v} * {k}
{n}[1:] = {n}[:-1]

{n} = np.zeros_like({v})
for i in range(len({v})):
    {n}[i] = {v}[i] * (i + 1.0)

{t}[{j}] = {k}

{t}[...] = {a}

{t}[{j}] += {k}

{t}[::2] *= {k}

{t} += {a}

{t} -= {k}

{t} *= {b}

{t} /= 2.0

{t} += np.sum({a})

{t}[1:] += {t}[:-1]

{t}[...] = {t}[::-1]

{t}[[0, 0]] += 1.0

{t}[np.isnan({t})] = 0.0

{t} **= 2

{t} %= 2.0

{t} += {t}

{n} = {v}[::-1] * 1.0
{n} -= {n}[0]

{n} = {v} * 1.0
{n}[{j}], s{n} = {n}[0] * 2.0, {n}[{j}]
{n} = {n} - s{n}

{n} = {t}
{n} += {a}

{n} = {t}
{n} *= 0.5
{n} = {n} - {t}

{n} = {t}
{t}[{j}] = {k}
{n} = {n} * {b}

{n} = {v} * 0.5
for i in range(3):
    {n} += {a} * i

{n} = 0.0
for i in range(3):
    {n} += np.sum({a}) * i

{n} = {v}[0]
s{n} = {n}
s{n} = s{n} * 1.0
s{n} += 1.0
{n} = {n} * s{n}

{n} = np.sum({a})
s{n} = {n}
s{n} += 1.0
{n} = {n} - s{n} * 2.0

def forward{n}(h):
    h = h * 1.0
    h += np.tanh(h)
    return h


{n} = forward{n}({v})

{n} = {v} * 1.0
s{n} = {n} * {b}
{n} *= 3.0
{n} = {n} + s{n}
""",
    0.5,
)

REFUSABLE_ASSIGNMENTS = _lines(
    """
{n} = {t}[:2]
{n}[0] = 5.0

{n} = {t}[:2]
{n} *= 3.0

{n} = {t}[{j}:]
{n} += {k}

{n} = {t}.T
{n} *= 2.0

{n} = {t}.reshape(-1)
{n} -= {k}

{n} = {t}[...]
{n} += 1.0

for row in {t}:
    row *= 2.0

{t}.T[{j}] = {k}

{t}.sort()

{t}.fill({k})

np.copyto({t}, {a})

np.add({t}, {a}, out={t})

np.maximum({t}, 0.0, out={t})

{t}[{t} > {k}] *= 2.0

np.put({t}, [0], [{k}])

np.put_along_axis({t}, np.argsort({t}), {k}, -1)

{n} = {t}[0]
{t}[0] = {k}
{n} = {n} * 1.0

{n} = {x}.copy()
{n} += 1.0
{x}[...] = {n}

{x}[0] = 5.0

{x} += 1.0

{x} *= {k}

{n} = {x}
{n} -= 0.5

{n} = {x}[1:]
{n} *= 3.0
{n} = {n} - np.sum({x})

{t} += np.float64(1.5) * np.ones(np.shape({t}))

def residual{n}(h):
    h += np.tanh(h)
    return h


{n} = residual{n}({t})

{n} = np.ravel({t})
{n} += 1.0
""",
    0.35,
    may_be_refused=True,
)

# What was read once is changed afterwards.
BUFFERS = _lines(
    """
{n} = 0.0
z{n} = np.zeros(np.shape({v}))
for i in range(3):
    z{n}[:] = i
    {n} = {n} + np.sum({v} * z{n})

z{n} = np.ones(np.shape({v}))
{n} = {v} * z{n}
z{n}[0] = 7.0

z{n} = np.array([0, 1])
{n} = {v}[z{n}]
z{n}[0] = 1

z{n} = np.zeros(np.shape({v}), bool)
{n} = np.where(z{n}, {v}, {k})
z{n}[...] = True

{n} = {v} * {c}
{c} *= 2.0
{n} = {n} + np.sum({c})

z{n} = np.zeros(2)
z{n}[0] = {k}
{n} = {v} * z{n}[0] + z{n}[1]
z{n} += 1.0

z{n} = np.ones(np.shape({v}))
{n} = {v} + z{n}
z{n} -= 3.0
{n} = np.maximum({n}, z{n})
""",
    0.45,
    may_be_refused=True,
)

CAPTURED = [
    Line("{n} = {a} * arrays[0]", 0.3, between="arrays[0][...] = 2.5"),
    Line("{n} = {a} * arrays[1]", 0.3, between="arrays[1] = np.array([-3.0])"),
    Line("{n} = {a} + sum(np.sum(w) for w in arrays)", 0.3, between="arrays.append(c0)"),
    Line("{n} = {a} * table.get('w', 0.0)", 0.3, between="del table['w']"),
    Line("{n} = {a} * Settings.table['u']", 0.3, between="Settings.table['u'] = 3.0"),
    Line("{n} = {a} * (lambda w: w * 2.0)(number)", 0.3, between="global number\nnumber = 8.0"),
    Line("{n} = ({a} if hasattr(o, 'k') else -{a}) * 1.0", 0.3, between="del o.k"),
    Line("{n} = bounded({a})", 0.3, between="bounded.__defaults__ = (0.25,)"),
    Line("{n} = nested({a})", 0.3, between="weights[...] = -2.0"),
    Line("{n} = {a} * half", 0.3, between="global half\nhalf = np.float32(0.75)"),
    Line("{n} = {a} * {c}", 0.5, between="{c}[...] = 1.5"),
    Line("{n} = {v} + np.sum({c})", 0.4, between="{c}[0] = 4.0"),
    Line("{n} = np.where({c} > {k}, {a}, 1.0)", 0.4, between="{c}[...] = -{c}"),
    Line("{n} = {a} * o.k", 0.4, between="o.k = 5.0"),
    Line("{n} = {a} + o.sub.v", 0.4, between="o.sub.v = -2.0"),
    Line("{n} = {a} * o.w", 0.4, between="o.w = o.w + 1.0"),
    Line("{n} = {a} * o.w", 0.4, between="o.w[0] = 3.0"),
    Line("{n} = {a} - table['w']", 0.4, between="table['w'] = 3.0"),
    Line("{n} = {a} - table['list'][1]", 0.4, between="table['list'][1] = 3.0"),
    Line("{n} = {a} * Settings.rate", 0.4, between="Settings.rate = 3.0"),
    Line("{n} = {a} * number", 0.4, between="global number\nnumber = -1.5"),
    Line("{n} = ({a} if flag else {a} * 2.0) * 1.0", 0.4, between="global flag\nflag = False"),
    Line("{n} = scaled({a})", 0.4, between="weights[...] = 2.0"),
    Line("{n} = shifted({a})", 0.4, between="o.k = -4.0"),
    Line("{n} = model({a})", 0.4, between="model.scale = 0.25"),
    Line("{n} = model({a})", 0.4, between="model.offset[...] = 0.75"),
]

EFFECTS = _each(
    """
    {n} = {a} + rng.standard_normal()
    {n} = {a} * rng.uniform(size=np.shape({a}))
    {n} = {a} + np.random.rand()
    {n} = {a} * np.random.standard_normal(np.shape({a}))
    {n} = {a} + next(iterator)
    {n} = {a} * next(generator)
    {n} = {a} + draw()
    """,
    0.35,
    may_be_refused=True,
) + _lines(
    """
o.count += 1.0
{n} = {a} * o.count

table['w'] += 0.5
{n} = {a} - table['w']

o.w[0] += 1.0
{n} = {a} + np.sum(o.w)

log.append(1.0)
{n} = {a} * sum(log)
""",
    0.35,
    may_be_refused=True,
)

LINES = [
    *ORDINARY,
    *ZEROS,
    *FINITENESS,
    *SLOPES,
    *SINKS,
    *SCALES,
    *ASSIGNMENTS,
    *REFUSABLE_ASSIGNMENTS,
    *BUFFERS,
    *CAPTURED,
    *EFFECTS,
]

# What programs capture; ``weights`` and ``c0`` are arrays, drawn for each program.
PRELUDE = """
class Settings:
    rate = 0.5
    table = {"u": 2.0}


class Model:
    def __init__(self):
        self.scale = 1.5
        self.offset = np.array([0.5])

    def __call__(self, h):
        return h * self.scale + self.offset[0]


model = Model()
number = 0.75
flag = True
log = [1.0]
table = {"w": 0.25, "list": [1.0, 2.0]}
o = SimpleNamespace(k=2.0, w=np.array([1.5]), count=0.0, sub=SimpleNamespace(v=0.5))
rng = np.random.default_rng(0)
iterator = iter([1.0, 2.0, 3.0, 4.0] * 8)
generator = (0.5 * i for i in range(64))
weights = np.array([0.5])
arrays = [np.array([0.5]), np.array([1.5])]
half = np.float32(0.5)
np.random.seed(0)


def scaled(h, by=weights):
    return h * by[0]


def add(a, h):
    return h + a.k


def bounded(h, bound=1.5):
    return np.minimum(h, bound)


def nested(h):
    def inner():
        return h * weights[0]

    return inner()


shifted = functools.partial(add, o)


def draw():
    return rng.random()
"""
