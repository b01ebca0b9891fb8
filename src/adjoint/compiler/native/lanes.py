"""Lanes are one vector of numbers, or a single one, on which an operator writes an instruction.

They make a function of vectors readable as mathematics: ``x * y + 1`` writes what LLVM calls
``fmul`` and ``fadd``. No instruction carries a fast-math flag: infinities and NaN are as in NumPy,
and nothing is reordered.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
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


# A whole vector is passed in its registers, also on processors where LLVM prefers half of one.
_OUTLINED = 'nounwind "prefer-vector-width"="512" "min-legal-vector-width"="512"'


class Names:
    """Fresh names of one function, and what it needs of its module.

    Attributes
    ----------
    intrinsics : set of str
        Declarations of LLVM's functions.
    outlined : dict of str to str
        Texts of functions that are called rather than written out, by their names.
    label : str
        Of the part of the function that is being written.
    """

    def __init__(self, caller: Names | None = None) -> None:
        self.count = 0
        self.intrinsics: set[str] = caller.intrinsics if caller else set()
        self.outlined: dict[str, str] = caller.outlined if caller else {}
        self.label = "entry"

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

    def outline(self, name: str, function: Callable[..., Lanes], *args: Lanes) -> Lanes:
        """Call a function of lanes, written into the module where it is not yet there.

        Its result is of the first argument's kind.
        """
        whole = f"@adjoint.{name}.{'.'.join(arg.kind for arg in args)}.{self.width}"
        kind = args[0].kind
        if whole not in self.names.outlined:
            body = Block(self.width, Names(self.names))
            parameters = [Lanes(body, f"%x{i}", arg.kind) for i, arg in enumerate(args)]
            result = function(*parameters)
            head = f"define internal {self.type_of(kind)} {whole}({_list(parameters)}) {_OUTLINED}"
            end = f"  ret {result.typed()}"
            text = "\n".join([f"{head} {{", "entry:", *body.lines, end, "}"])
            self.names.outlined[whole] = text
        return self.write(f"call {self.type_of(kind)} {whole}({_list(args)})", kind)

    def either(
        self,
        condition: Lanes,
        yes: Callable[[], Sequence[Lanes]],
        no: Callable[[], Sequence[Lanes]],
    ) -> list[Lanes]:
        """Return what ``yes`` writes if any lane fulfils a condition, else what ``no`` does.

        Only for functions that are called: others have no branches.
        """
        first, second, join = (self.names.fresh()[1:] for _ in range(3))
        self.lines.append(f"  br i1 {condition.any()}, label %{first}, label %{second}")
        results, ends = [], []
        for label, write in ((first, yes), (second, no)):
            self._begin(label)
            results.append(write())
            ends.append(self.names.label)
            self.lines.append(f"  br label %{join}")
        self._begin(join)
        return [
            self.write(f"phi {self.type_of(x.kind)} [{x}, %{ends[0]}], [{y}, %{ends[1]}]", x.kind)
            for x, y in zip(*results, strict=True)
        ]

    def _begin(self, label: str) -> None:
        self.lines.append(f"{label}:")
        self.names.label = label


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

    def typed(self) -> str:
        """Return the lanes with their type, as arguments are given."""
        return f"{self.block.type_of(self.kind)} {self}"

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

    def with_lane(self, lane: int, number: Lanes) -> Lanes:
        """Return the lanes with a plain number in one of them."""
        if self.block.width == 1:
            return number
        return self.block.write(
            f"insertelement {self.typed()}, {number.typed()}, i32 {lane}", self.kind
        )

    def any(self) -> Lanes:
        """Return, as a single lane, whether a condition holds in any."""
        width = self.block.width
        if width == 1:
            return self
        block = self.block.resized(1)
        mask = block.write(f"bitcast {self.typed()} to i{width}", "i1")
        return block.write(f"icmp ne i{width} {mask}, 0", "i1")

    def is_nan(self) -> Lanes:
        """Return where a lane is NaN."""
        vector = self.block.type_of(self.kind)
        return self.block.write(f"fcmp uno {vector} {self}, {self}", "i1")

    def times_plus(self, factor: Any, term: Any) -> Lanes:
        """Return self · factor + term, rounded once where the processor can."""
        return self.block.call("fmuladd", self, self.lift(factor), self.lift(term))

    def fused(self, factor: Any, term: Any) -> Lanes:
        """Return self · factor + term, rounded once on every processor."""
        return self.block.call("fma", self, self.lift(factor), self.lift(term))

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
    """Return what functions need of their module: intrinsics, and functions that they call."""
    every = list(names)
    declared = sorted(set().union(*(one.intrinsics for one in every)))
    outlined = {name: text for one in every for name, text in one.outlined.items()}
    return "\n".join([*declared, *(outlined[name] for name in sorted(outlined))])


def _list(args: Iterable[Lanes]) -> str:
    return ", ".join(arg.typed() for arg in args)
