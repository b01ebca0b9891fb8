"""Draws random programs; a line is kept if NumPy runs it and its numbers are of use."""

from __future__ import annotations

import re
import warnings
from typing import Any

import numpy as np

from .grammar import LINES, PRELUDE, Line
from .program import Program, copied_arguments, plain_derivative
from .slopes import PAIRS, SLOPES

_MOST_ENTRIES = 40
_MOST_LINES = 9
# In ordinary programs, numbers stay of a size at which rounding errors do.
_MOST_MAGNITUDE = 1e3

_SHAPES = [(3,), (3,), (2, 3), (2, 3), (3, 2), (9,), (1, 3), (), (2, 2), (5,), (1,), (3, 3)]
_SPECIAL = {
    "np.float64": "nan inf -inf 0. -0. 0. -0. 5e-324 -1e-310 1e-200 -1e200 1e200 1e308 -710. 1.",
    "np.float32": "nan inf -inf 0. -0. 0. -0. 1e-45 -1e-40 1e-30 -1e30 1e30 3e38 -88. 1.",
}
_SCALES = {"np.float64": ("1e200", "1e-200"), "np.float32": ("1e30", "1e-30")}
_PLACE = re.compile(r"\{(\w+)\}")


class _RejectedError(Exception):
    """A line does not fit here."""


def generate(seed: int) -> Program:
    """Return the program of a seed; odd seeds have special values."""
    return _Generator(seed).program()


class _Generator:
    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.is_special = bool(seed % 2)
        self.dtype = str(self.rng.choice(["np.float64", "np.float64", "np.float32"]))
        self.own: set[str] = set()
        self.count = 0
        lines = [x for x in LINES if self.is_special or not x.is_special]
        # Infinite partial derivatives need special values.
        more = 2.0 if self.is_special else 1.0
        weights = np.array([x.weight * (more if "d(" in x.text else 1.0) for x in lines])
        self.candidates, self.weights = lines, weights / weights.sum()

    def program(self) -> Program:
        shapes = [_SHAPES[n] for n in self.rng.integers(len(_SHAPES), size=2)]
        if self.rng.random() < 0.5:
            shapes[1] = shapes[0]
        captured = [*PRELUDE.strip("\n").split("\n\n\n"), f"c0 = {self._array(shapes[0] or (2,))}"]
        program = Program(
            captured=tuple(captured),
            parameters=("x", "y"),
            arguments=tuple(map(self._array, shapes)),
            lines=(),
            between=(),
            results=(),
            is_special=self.is_special,
        )
        self.values = _values(program)
        size = int(self.rng.integers(4, _MOST_LINES + 1))
        for _ in range(12 * size):
            if len(program.lines) == size:
                break
            program = self._extended(program)
        return program.but(results=self._results(program))

    def _extended(self, program: Program) -> Program:
        """Return the program with one line more, if that runs."""
        line = self.candidates[self.rng.choice(len(self.candidates), p=self.weights)]
        try:
            longer, name = self._with_line(program, line)
            values = _values(longer)
            self._check(values)
        except Exception:  # whatever NumPy has against it
            return program
        self.values = values
        if name in values and not line.text.startswith("{n} = {t}"):
            self.own.add(name)
        self.count += 1
        return longer

    def _with_line(self, program: Program, line: Line) -> tuple[Program, str]:
        name = f"t{self.count}"
        places: dict[str, str] = {"n": name}

        def fill(match: Any) -> str:
            place = match[1]
            if place not in places:
                places[place] = self._choice(place)
            return places[place]

        text = _PLACE.sub(fill, line.text)
        between = _PLACE.sub(fill, line.between)
        if "z{n}" in line.text or "s{n}" in line.text:
            text = text.replace(f"z{name}", f"z{self.count}").replace(f"s{name}", f"s{self.count}")
        return program.but(
            lines=(*program.lines, text),
            between=(*program.between, *([between] if between else [])),
            may_be_refused=program.may_be_refused
            or line.may_be_refused
            or ("t" in places and self._has_views(places["t"]))
            or (_changes(line) and _has_flat_slope(program)),
        ), name

    def _has_views(self, name: str) -> bool:
        """Return whether an array shares its memory with others, which ours do not."""
        changed = self.values[name]
        return changed.base is not None or any(
            x is not changed and np.shares_memory(x, changed)
            for x in self.values.values()
            if isinstance(x, np.ndarray)
        )

    def _choice(self, place: str) -> str:
        draw = {
            "a": lambda: self._name(lambda x: x.dtype.kind == "f"),
            "b": lambda: self._name(lambda x: x.dtype.kind == "f"),
            "v": lambda: self._name(lambda x: x.dtype.kind == "f" and x.ndim and x.size),
            "u": lambda: self._name(lambda x: x.dtype.kind == "f" and x.ndim),
            "e": self._extreme_name,
            "m": lambda: self._name(lambda x: x.dtype.kind == "b"),
            "t": self._own_name,
            "x": lambda: str(self.rng.choice(["x", "y"])),
            "c": lambda: "c0",
            "j": lambda: str(self.rng.choice(["0", "1", "-1"])),
            "k": lambda: repr(round(float(self.rng.normal()), 2)),
            "K": lambda: str(self.rng.choice(_SPECIAL[self.dtype].split())),
            "big": lambda: _SCALES[self.dtype][0],
            "small": lambda: _SCALES[self.dtype][1],
            "f": lambda: self._early(list(SLOPES)),
            "g": lambda: self._early(list(PAIRS)),
        }
        return draw[place]()

    def _name(self, fits: Any) -> str:
        names = [
            n for n, x in self.values.items() if isinstance(x, (np.ndarray, np.generic)) and fits(x)
        ]
        if not names:
            raise _RejectedError
        # Mostly late ones, so that programs are deep.
        return names[-1 - min(int(self.rng.geometric(0.3)) - 1, len(names) - 1)]

    def _extreme_name(self) -> str:
        try:
            return self._name(lambda x: x.dtype.kind == "f" and _is_extreme(x))
        except _RejectedError:
            return self._choice("a")

    def _own_name(self) -> str:
        names = [
            n
            for n in self.own
            if getattr(self.values.get(n), "ndim", 0) and self.values[n].dtype.kind == "f"
        ]
        if not names:
            raise _RejectedError
        return str(self.rng.choice(sorted(names)))

    def _early(self, names: list[str]) -> str:
        """Return mostly one of the first: those meet the product of 0 and infinity."""
        return names[min(int(self.rng.geometric(0.2)) - 1, len(names) - 1)]

    def _check(self, values: dict[str, Any]) -> None:
        for x in values.values():
            if not isinstance(x, (np.ndarray, np.generic)):
                continue
            if x.size > _MOST_ENTRIES or x.dtype.kind not in "fbi" or x.ndim > 3:
                raise _RejectedError
            # NumPy says nothing of what a cast of NaN gives.
            if x.dtype.kind == "i" and np.any(np.abs(x.astype(float)) > 2**31):
                raise _RejectedError
            is_ordinary = x.dtype.kind != "f" or bool(np.all(np.abs(x) < _MOST_MAGNITUDE))
            if not self.is_special and not is_ordinary:
                raise _RejectedError

    def _results(self, program: Program) -> tuple[str, ...]:
        names = [n for n, x in self.values.items() if isinstance(x, (np.ndarray, np.generic))]
        late = names[::-1][:6] if len(names) > 2 else names
        return tuple(sorted(late[:4], key=names.index))

    def _array(self, shape: tuple[int, ...]) -> str:
        x = np.round(self.rng.normal(size=shape), 2)
        entries = [repr(float(e)) for e in x.flat]
        if self.is_special:
            for n in self.rng.integers(len(entries), size=self.rng.integers(1, 3)):
                entries[n] = str(self.rng.choice(_SPECIAL[self.dtype].split()))
        if not shape:
            return f"{self.dtype}({entries[0]})"
        reshaped = f".reshape({', '.join(map(str, shape))})" if len(shape) > 1 else ""
        return f"np.array([{', '.join(entries)}], {self.dtype}){reshaped}"


def _values(program: Program) -> dict[str, Any]:
    """Return the program's variables after a plain run, oldest first."""
    inspected = program.but(results=("dict(locals())",))
    names = inspected.load(plain_derivative)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        (values,) = names["program"](*copied_arguments(names))
        names["change"]()
        names["program"](*copied_arguments(names))
    return values


def _is_extreme(x: Any) -> bool:
    with np.errstate(all="ignore"):
        size = np.abs(x)
        return bool(np.any(~((size == 0) | ((size > 1e-20) & (size < 1e20)))))


def _changes(line: Line) -> bool:
    """Return whether a line changes an array in place."""
    return any(sign in line.text for sign in ("+=", "-=", "*=", "/=", "%=", "] ="))


def _has_flat_slope(program: Program) -> bool:
    """Return whether a derivative is constant, and so a plain array: no tensor goes into it."""
    return any(f"np.{name}(t, u)" in line for name in ("fmin", "maximum") for line in program.lines)
