"""Lanes are one vector of numbers; an operator on them writes an instruction in LLVM's language.

With them a function of vectors reads as mathematics: ``x * y + 1`` writes what LLVM calls ``fmul``
and ``fadd``. A vector of one lane is a plain number. No instruction carries a fast-math flag, since
these would let LLVM reorder sums and assume that there is no NaN.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeAlias

from .formats import FORMATS, LLVM_TYPES, Format, literal
from .target import ANY, Target

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
# Tests of floats begin with "o" (ordered) if they are false for NaN, with "u" if they are true.
_FLOAT_TESTS = {"<": "olt", "<=": "ole", ">": "ogt", ">=": "oge", "==": "oeq", "!=": "une"}
_INTEGER_TESTS = {"<": "slt", "<=": "sle", ">": "sgt", ">=": "sge", "==": "eq", "!=": "ne"}


Liftable: TypeAlias = "Lanes | float"
"""What an operator takes beside lanes: other lanes, or a number that then stands in every lane."""

# Without these attributes LLVM passes a vector of 512 bits in two registers on processors for which
# it prefers vectors of 256.
_OUTLINED = 'nounwind "prefer-vector-width"="512" "min-legal-vector-width"="512"'


class Names:
    """The names that a function has used, and what it needs beside it in its module.

    Attributes
    ----------
    intrinsics : set of str
        Declarations of LLVM's own functions that are called.
    outlined : dict of str to str
        The texts of functions that are called instead of being written out, by name.
    label : str
        The label of the basic block that is being written, to which a ``phi`` has to refer.
    target : Target
        What the function is written for.
    """

    def __init__(self, caller: Names | None = None, *, target: Target = ANY) -> None:
        self.count = 0
        self.target: Target = caller.target if caller else target
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
        Number of lanes; blocks of width 1 hold plain numbers.
    names : Names
        Shared by all blocks of a function.
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
        """Return a block of another width that writes to the same lines."""
        block = Block(width, self.names)
        block.lines = self.lines
        return block

    def write(self, instruction: str, kind: str) -> Lanes:
        """Append an instruction and return its result."""
        name = self.names.fresh()
        self.lines.append(f"  {name} = {instruction}")
        return Lanes(self, name, kind)

    def constant(self, value: float, kind: str) -> Lanes:
        """Return a constant in every lane."""
        text = literal(value, kind)
        if self.width > 1:
            text = f"splat ({LLVM_TYPES[kind]} {text})"
        return Lanes(self, text, kind)

    def spread(self, scalar: str, kind: str) -> Lanes:
        """Return a plain number, given by its name in LLVM's language, in every lane."""
        if self.width == 1:
            return Lanes(self, scalar, kind)
        vector = self.type_of(kind)
        first = self.write(
            f"insertelement {vector} poison, {LLVM_TYPES[kind]} {scalar}, i32 0", kind
        )
        zeros = f"<{self.width} x i32> zeroinitializer"
        return self.write(f"shufflevector {vector} {first}, {vector} poison, {zeros}", kind)

    def joined(self, parts: Sequence[Lanes]) -> Lanes:
        """Return lanes of this width, from parts of equal widths; there must be a power of two."""
        if len(parts) == 1:
            return parts[0]
        half = len(parts) // 2
        block = self.resized(self.width // 2)
        first, second = block.joined(parts[:half]), block.joined(parts[half:])
        every = ", ".join(f"i32 {lane}" for lane in range(self.width))
        return self.write(
            f"shufflevector {first.typed()}, {second.typed()}, <{self.width} x i32> <{every}>",
            first.kind,
        )

    def call(self, intrinsic: str, *args: Lanes) -> Lanes:
        """Call one of LLVM's functions whose arguments and result all have one type."""
        kind = args[0].kind
        vector = self.type_of(kind)
        suffix = kind if self.width == 1 else f"v{self.width}{kind}"
        name = f"@llvm.{intrinsic}.{suffix}"
        self.names.intrinsics.add(f"declare {vector} {name}({', '.join([vector] * len(args))})")
        given = ", ".join(f"{vector} {arg}" for arg in args)
        return self.write(f"call {vector} {name}({given})", kind)

    def outline(self, name: str, function: Callable[..., Lanes], *args: Lanes) -> Lanes:
        """Call a function of lanes, which is written into the module at its first call.

        Its result must have the kind of the first argument.
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
        """Return what ``yes`` writes if a condition holds in any lane, else what ``no`` writes.

        Only outlined functions may use it: code that is written out stays in one basic block.
        """
        first, second, join = (self.names.fresh()[1:] for _ in range(3))
        # Both branches end at one label, where each result is a phi of the two.
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
    """A vector; operators write instructions to its block, and accept Python's numbers."""

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
        """Return the lanes with their type in front, as LLVM writes arguments."""
        return f"{self.block.type_of(self.kind)} {self}"

    def lift(self, other: Liftable) -> Lanes:
        """Return a number as a vector of this kind; lanes are returned as they are."""
        return other if isinstance(other, Lanes) else self.block.constant(other, self.kind)

    def _binary(self, operator: str, other: Liftable) -> Lanes:
        name = _FLOAT[operator] if self.kind in FORMATS else _INTEGER[operator]
        vector = self.block.type_of(self.kind)
        return self.block.write(f"{name} {vector} {self}, {self.lift(other)}", self.kind)

    def compare(self, test: str, other: Liftable) -> Lanes:
        """Return where a comparison such as ``"<"`` holds, as truth values."""
        float_like = self.kind in FORMATS
        name = f"fcmp {_FLOAT_TESTS[test]}" if float_like else f"icmp {_INTEGER_TESTS[test]}"
        vector = self.block.type_of(self.kind)
        return self.block.write(f"{name} {vector} {self}, {self.lift(other)}", "i1")

    def choose(self, yes: Lanes, no: Liftable) -> Lanes:
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
        """Return ``count`` of the lanes, beginning with lane ``start``."""
        if count == self.block.width:
            return self
        return self.picked(range(start, start + count))

    def picked(self, lanes: Sequence[int], other: Lanes | None = None) -> Lanes:
        """Return some of these lanes, and of those of a second vector, which are counted on."""
        vector, block = self.block.type_of(self.kind), self.block.resized(len(lanes))
        if len(lanes) == 1 and other is None:
            return block.write(f"extractelement {vector} {self}, i32 {lanes[0]}", self.kind)
        mask = f"<{len(lanes)} x i32> <{', '.join(f'i32 {lane}' for lane in lanes)}>"
        second = "poison" if other is None else other.text
        return block.write(f"shufflevector {vector} {self}, {vector} {second}, {mask}", self.kind)

    def padded(self, count: int) -> Lanes:
        """Return ``count`` lanes of which these are the first, the others of no known value."""
        width, block = self.block.width, self.block.resized(count)
        if width == count:
            return self
        if width == 1:
            vector = block.type_of(self.kind)
            return block.write(f"insertelement {vector} poison, {self.typed()}, i32 0", self.kind)
        mask = ", ".join(f"i32 {lane}" if lane < width else "i32 poison" for lane in range(count))
        vector = self.block.type_of(self.kind)
        return block.write(
            f"shufflevector {self.typed()}, {vector} poison, <{count} x i32> <{mask}>", self.kind
        )

    def with_lane(self, lane: int, number: Lanes) -> Lanes:
        """Return the lanes with one of them replaced by a plain number."""
        if self.block.width == 1:
            return number
        return self.block.write(
            f"insertelement {self.typed()}, {number.typed()}, i32 {lane}", self.kind
        )

    def any(self) -> Lanes:
        """Return a single truth value: whether a condition holds in any lane."""
        width = self.block.width
        if width == 1:
            return self
        block = self.block.resized(1)
        # The truth values become the bits of one integer, which is compared with 0 at once.
        mask = block.write(f"bitcast {self.typed()} to i{width}", "i1")
        return block.write(f"icmp ne i{width} {mask}, 0", "i1")

    def is_nan(self) -> Lanes:
        """Return where a lane is NaN."""
        vector = self.block.type_of(self.kind)
        return self.block.write(f"fcmp uno {vector} {self}, {self}", "i1")

    def times_plus(self, factor: Liftable, term: Liftable) -> Lanes:
        """Return self · factor + term, rounded once if the target does that."""
        if not self.block.names.target.fuses:
            return self * factor + term
        return self.block.call("fmuladd", self, self.lift(factor), self.lift(term))

    def fused(self, factor: Liftable, term: Liftable) -> Lanes:
        """Return self · factor + term, rounded once on every processor, if need be in software."""
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

    def __add__(self, other: Liftable) -> Lanes:
        return self._binary("+", other)

    def __sub__(self, other: Liftable) -> Lanes:
        return self._binary("-", other)

    def __mul__(self, other: Liftable) -> Lanes:
        return self._binary("*", other)

    def __truediv__(self, other: Liftable) -> Lanes:
        return self._binary("/", other)

    def __rsub__(self, other: Liftable) -> Lanes:
        return self.lift(other) - self

    def __rtruediv__(self, other: Liftable) -> Lanes:
        return self.lift(other) / self

    def __and__(self, other: Liftable) -> Lanes:
        return self._binary("&", other)

    def __or__(self, other: Liftable) -> Lanes:
        return self._binary("|", other)

    def __xor__(self, other: Liftable) -> Lanes:
        return self._binary("^", other)

    def __lshift__(self, other: Liftable) -> Lanes:
        return self._binary("<<", other)

    def __rshift__(self, other: Liftable) -> Lanes:
        return self._binary(">>", other)

    __radd__ = __add__
    __rmul__ = __mul__


def declarations(names: Iterable[Names]) -> str:
    """Return what functions need in their module: declarations, and the functions they call."""
    every = list(names)
    declared = sorted(set().union(*(one.intrinsics for one in every)))
    outlined = {name: text for one in every for name, text in one.outlined.items()}
    return "\n".join([*declared, *(outlined[name] for name in sorted(outlined))])


def _list(args: Iterable[Lanes]) -> str:
    return ", ".join(arg.typed() for arg in args)
