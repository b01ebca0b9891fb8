"""Lanes are one vector of numbers, or a single one, on which an operator writes an instruction.

They make a function of vectors readable as mathematics: ``x * y + 1`` writes what LLVM calls
``fmul`` and ``fadd``. No instruction carries a fast-math flag: infinities and NaN are as in NumPy,
and nothing is reordered.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .formats import FORMATS, LLVM_TYPES, Format, literal

_FLOAT = {"+": "fadd", "-": "fsub", "*": "fmul", "/": "fdiv"}
_INTEGER = {
    "+": "add",
    "-": "sub",
    "*": "mul",
    "&": "and",
    "|": "or",
    "^": "xor",
    "<<": "shl",
    ">>": "ashr",
}
# Ordered: false where a NaN is compared, but for "!=", which is true, as in NumPy.
_FLOAT_TESTS = {"<": "olt", "<=": "ole", ">": "ogt", ">=": "oge", "==": "oeq", "!=": "une"}
_INTEGER_TESTS = {"<": "slt", "<=": "sle", ">": "sgt", ">=": "sge", "==": "eq", "!=": "ne"}


class Names:
    """Fresh names of one function, and the intrinsics that it declares."""

    def __init__(self) -> None:
        self.count = 0
        self.intrinsics: set[str] = set()

    def fresh(self) -> str:
        """Return a name not used before."""
        self.count += 1
        return f"%v{self.count}"


class Block:
    """Straight-line instructions on vectors of one width.

    Parameters
    ----------
    width : int
        Number of lanes; 1 stands for plain numbers.
    names : Names
        Shared by the blocks of a function.
    """

    def __init__(self, width: int, names: Names) -> None:
        self.width = width
        self.names = names
        self.lines: list[str] = []

    def type_of(self, kind: str) -> str:
        """Return LLVM's name of the vector type."""
        plain = LLVM_TYPES[kind]
        return plain if self.width == 1 else f"<{self.width} x {plain}>"

    def resized(self, width: int) -> Block:
        """Return a block that writes to the same lines, in another width."""
        block = Block(width, self.names)
        block.lines = self.lines
        return block

    def write(self, instruction: str, kind: str) -> Lanes:
        """Append an instruction and return its result."""
        name = self.names.fresh()
        self.lines.append(f"  {name} = {instruction}")
        return Lanes(self, name, kind)

    def constant(self, value: float, kind: str) -> Lanes:
        """Return a number in every lane."""
        text = literal(value, kind)
        if self.width > 1:
            text = "<" + ", ".join([f"{LLVM_TYPES[kind]} {text}"] * self.width) + ">"
        return Lanes(self, text, kind)

    def spread(self, scalar: str, kind: str) -> Lanes:
        """Return a plain number, named by its text, in every lane."""
        if self.width == 1:
            return Lanes(self, scalar, kind)
        vector = self.type_of(kind)
        first = self.write(
            f"insertelement {vector} poison, {LLVM_TYPES[kind]} {scalar}, i32 0", kind
        )
        zeros = f"<{self.width} x i32> zeroinitializer"
        return self.write(f"shufflevector {vector} {first}, {vector} poison, {zeros}", kind)

    def call(self, intrinsic: str, *args: Lanes) -> Lanes:
        """Call one of LLVM's functions of vectors, of one type throughout."""
        kind = args[0].kind
        vector = self.type_of(kind)
        suffix = kind if self.width == 1 else f"v{self.width}{kind}"
        name = f"@llvm.{intrinsic}.{suffix}"
        self.names.intrinsics.add(f"declare {vector} {name}({', '.join([vector] * len(args))})")
        given = ", ".join(f"{vector} {arg}" for arg in args)
        return self.write(f"call {vector} {name}({given})", kind)


class Lanes:
    """A vector value; operators write instructions to its block, and lift Python's numbers."""

    __slots__ = ("block", "kind", "text")

    def __init__(self, block: Block, text: str, kind: str) -> None:
        self.block = block
        self.text = text
        self.kind = kind

    @property
    def format(self) -> Format:
        """The floating-point format of the lanes."""
        return FORMATS[self.kind]

    def __str__(self) -> str:
        return self.text

    def lift(self, other: Any) -> Lanes:
        """Return a number as a vector of this kind."""
        return other if isinstance(other, Lanes) else self.block.constant(other, self.kind)

    def _binary(self, operator: str, other: Any) -> Lanes:
        name = _FLOAT[operator] if self.kind in FORMATS else _INTEGER[operator]
        vector = self.block.type_of(self.kind)
        return self.block.write(f"{name} {vector} {self}, {self.lift(other)}", self.kind)

    def compare(self, test: str, other: Any) -> Lanes:
        """Return where a comparison, ``"<"`` and so on, holds."""
        float_like = self.kind in FORMATS
        name = f"fcmp {_FLOAT_TESTS[test]}" if float_like else f"icmp {_INTEGER_TESTS[test]}"
        vector = self.block.type_of(self.kind)
        return self.block.write(f"{name} {vector} {self}, {self.lift(other)}", "i1")

    def choose(self, yes: Lanes, no: Any) -> Lanes:
        """Return ``yes`` where this condition holds, else ``no``."""
        condition, vector = self.block.type_of("i1"), self.block.type_of(yes.kind)
        return self.block.write(
            f"select {condition} {self}, {vector} {yes}, {vector} {yes.lift(no)}", yes.kind
        )

    def convert(self, instruction: str, kind: str) -> Lanes:
        """Return the lanes in another kind, by one of LLVM's conversions."""
        old, new = self.block.type_of(self.kind), self.block.type_of(kind)
        return self.block.write(f"{instruction} {old} {self} to {new}", kind)

    def part(self, start: int, count: int) -> Lanes:
        """Return ``count`` of the lanes, from one on."""
        if count == self.block.width:
            return self
        vector, block = self.block.type_of(self.kind), self.block.resized(count)
        if count == 1:
            return block.write(f"extractelement {vector} {self}, i32 {start}", self.kind)
        picked = ", ".join(f"i32 {lane}" for lane in range(start, start + count))
        mask = f"<{count} x i32> <{picked}>"
        return block.write(f"shufflevector {vector} {self}, {vector} poison, {mask}", self.kind)

    def is_nan(self) -> Lanes:
        """Return where a lane is NaN."""
        vector = self.block.type_of(self.kind)
        return self.block.write(f"fcmp uno {vector} {self}, {self}", "i1")

    def times_plus(self, factor: Any, term: Any) -> Lanes:
        """Return self · factor + term, rounded once where the processor can."""
        return self.block.call("fmuladd", self, self.lift(factor), self.lift(term))

    def at_least(self, bound: float) -> Lanes:
        """Return the greater of self and ``bound``; NaN stays NaN."""
        return self.compare("<", bound).choose(self.lift(bound), self)

    def at_most(self, bound: float) -> Lanes:
        """Return the smaller of self and ``bound``; NaN stays NaN."""
        return self.compare(">", bound).choose(self.lift(bound), self)

    def __neg__(self) -> Lanes:
        if self.kind not in FORMATS:
            return self.lift(0) - self
        return self.block.write(f"fneg {self.block.type_of(self.kind)} {self}", self.kind)

    def __abs__(self) -> Lanes:
        return self.block.call("fabs", self)

    def __add__(self, other: Any) -> Lanes:
        return self._binary("+", other)

    def __sub__(self, other: Any) -> Lanes:
        return self._binary("-", other)

    def __mul__(self, other: Any) -> Lanes:
        return self._binary("*", other)

    def __truediv__(self, other: Any) -> Lanes:
        return self._binary("/", other)

    def __rsub__(self, other: Any) -> Lanes:
        return self.lift(other) - self

    def __rtruediv__(self, other: Any) -> Lanes:
        return self.lift(other) / self

    def __and__(self, other: Any) -> Lanes:
        return self._binary("&", other)

    def __or__(self, other: Any) -> Lanes:
        return self._binary("|", other)

    def __xor__(self, other: Any) -> Lanes:
        return self._binary("^", other)

    def __lshift__(self, other: Any) -> Lanes:
        return self._binary("<<", other)

    def __rshift__(self, other: Any) -> Lanes:
        return self._binary(">>", other)

    __radd__ = __add__
    __rmul__ = __mul__


def declarations(names: Iterable[Names]) -> str:
    """Return the declarations of all intrinsics used."""
    return "\n".join(sorted(set().union(*(one.intrinsics for one in names))))
