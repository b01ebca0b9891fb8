"""Body code is a loop, or a choice, as one function that calls those of its bodies.

It is ``void name(operands…, results…, doubt, places…, memory…)``. What is carried lies in the first
operands, and then in two places by turns, so that a body never writes where it reads.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from ....core.annotations import Array
from ....graphs.loops.loop import Loop
from ....graphs.loops.repetition import Repetition
from ..lanes import Names


@dataclass(frozen=True)
class BodyFunction:
    """The function of a body, and the memory that it needs.

    Parameters
    ----------
    name : str
    memory : int
        In bytes.
    constants : tuple of (int, array)
        The arrays that must be in its memory, each with its first byte.
    doubts : bool
        Whether its result may be in doubt.
    """

    name: str
    memory: int
    constants: tuple[tuple[int, Array], ...] = ()
    doubts: bool = True


@dataclass
class FunctionText:
    """The text of a function, under any name."""

    parameters: list[str]
    lines: list[str] = field(default_factory=list)
    names: Names = field(default_factory=Names)

    def text(self, name: str) -> str:
        """Return the text."""
        head = f"define internal void @{name}({', '.join(self.parameters)}) #0 {{"
        return "\n".join([head, "entry:", *self.lines, "  ret void", "}"])

    # --- instructions

    def moved(self, pointer: str, index: str, bytes_: int) -> str:
        """Return the address so many times so many bytes behind a pointer."""
        at, name = self.names.fresh(), self.names.fresh()
        self.lines += [
            f"  {at} = mul i64 {index}, {bytes_}",
            f"  {name} = getelementptr i8, ptr {pointer}, i64 {at}",
        ]
        return name

    def call(self, body: BodyFunction, pointers: Sequence[str], memory: str) -> None:
        """Call a body, and note whether its result is in doubt."""
        given = ", ".join(f"ptr {pointer}" for pointer in (*pointers, "%flag", memory))
        self.lines.append(f"  call void @{body.name}({given})")
        if not body.doubts:
            return
        now, before, both = (self.names.fresh() for _ in range(3))
        self.lines += [
            f"  {now} = load i8, ptr %flag",
            f"  {before} = load i8, ptr %doubt",
            f"  {both} = or i8 {now}, {before}",
            f"  store i8 {both}, ptr %doubt",
        ]

    def copy(self, target: str, source: str, bytes_: int) -> None:
        """Copy so many bytes."""
        copy = "@llvm.memcpy.p0.p0.i64"
        self.names.intrinsics.add(f"declare void {copy}(ptr, ptr, i64, i1)")
        self.lines.append(f"  call void {copy}(ptr {target}, ptr {source}, i64 {bytes_}, i1 false)")

    def starts(self) -> None:
        """Begin: nothing is in doubt yet."""
        self.lines += ["  %flag = alloca i8", "  store i8 0, ptr %doubt"]


def gathered_carries(loop: Loop) -> dict[int, int]:
    """Return which carried results are gathered, too: their place is the next row of those."""
    nodes = [getattr(x, "node", n) for n, x in enumerate(loop.body.outputs)]
    after = {node: n for n, node in enumerate(nodes) if n >= loop.carried}
    return {n: after[node] for n, node in enumerate(nodes[: loop.carried]) if node in after}


def write_scan(
    loop: Loop, body: BodyFunction, operands: Sequence[int], results: Sequence[int]
) -> FunctionText:
    """Return the function of a loop of known length.

    Its body gives no carried result that is gathered, too.

    Parameters
    ----------
    operands, results : sequence of int
        The bytes of each, of one turn where there is one part for each turn.
    """
    count, end = loop.carried, loop.carried + loop.scanned
    given = [f"%in{n}" for n in range(len(operands))]
    taken = [f"%out{n}" for n in range(len(results))]
    places = [(f"%even{n}", f"%odd{n}") for n in range(count)]
    text = FunctionText(_parameters(given, taken, places, 1))
    text.starts()
    if loop.length:
        lines = text.lines
        lines += ["  br label %turn", "turn:"]
        lines.append("  %t = phi i64 [0, %entry], [%next, %turn]")
        for n in range(count):
            lines.append(f"  %now{n} = phi ptr [{given[n]}, %entry], [%new{n}, %turn]")
        gathered = gathered_carries(loop)
        _choose_places(text, places, but=gathered)
        lines.append(
            f"  %row = sub i64 {loop.length - 1}, %t" if loop.reverse else "  %row = add i64 0, %t"
        )
        inputs = [
            *(f"%now{n}" for n in range(count)),
            *(text.moved(given[n], "%row", operands[n]) for n in range(count, end)),
            *given[end:],
        ]
        parts = {n: text.moved(taken[n], "%row", results[n]) for n in range(count, len(taken))}
        for n, place in gathered.items():
            lines.append(f"  %new{n} = getelementptr i8, ptr {parts[place]}, i64 0")
        own = [f"%new{n}" for n in range(count) if n not in gathered]
        outputs = [*own, *parts.values()]
        text.call(body, [*inputs, *outputs], "%memory0")
        lines += [
            "  %next = add i64 %t, 1",
            f"  %more = icmp slt i64 %next, {loop.length}",
            "  br i1 %more, label %turn, label %end",
            "end:",
        ]
    for n in range(count):
        text.copy(taken[n], f"%new{n}" if loop.length else given[n], results[n])
    return text


def write_repetition(
    loop: Repetition, test: BodyFunction, body: BodyFunction, operands: Sequence[int]
) -> FunctionText:
    """Return the function of a loop as long as a condition holds."""
    count = loop.carried
    given = [f"%in{n}" for n in range(len(operands))]
    taken = [f"%out{n}" for n in range(count)]
    places = [(f"%even{n}", f"%odd{n}") for n in range(count)]
    text = FunctionText(_parameters(given, taken, places, 2))
    text.starts()
    lines = text.lines
    lines += ["  %holds = alloca i8", "  br label %test", "test:"]
    lines.append("  %t = phi i64 [0, %entry], [%next, %turn]")
    for n in range(count):
        lines.append(f"  %now{n} = phi ptr [{given[n]}, %entry], [%new{n}, %turn]")
    now = [f"%now{n}" for n in range(count)]
    text.call(test, [*now, *given[count:], "%holds"], "%memory0")
    lines += [
        "  %truth = load i8, ptr %holds",
        "  %more = icmp ne i8 %truth, 0",
        "  br i1 %more, label %turn, label %end",
        "turn:",
    ]
    _choose_places(text, places)
    text.call(body, [*now, *given[count:], *(f"%new{n}" for n in range(count))], "%memory1")
    lines += ["  %next = add i64 %t, 1", "  br label %test", "end:"]
    for n in range(count):
        text.copy(taken[n], now[n], operands[n])
    return text


def write_choice(
    sides: Sequence[BodyFunction], operands: Sequence[int], results: Sequence[int]
) -> FunctionText:
    """Return the function of a choice between two bodies, of which the first operand decides."""
    given = [f"%in{n}" for n in range(len(operands))]
    taken = [f"%out{n}" for n in range(len(results))]
    text = FunctionText(_parameters(given, taken, [], 2))
    text.starts()
    text.lines += [
        "  %byte = load i8, ptr %in0",
        "  %choice = icmp ne i8 %byte, 0",
        "  br i1 %choice, label %yes, label %no",
    ]
    for n, (label, side) in enumerate(zip(("yes", "no"), sides, strict=True)):
        text.lines.append(f"{label}:")
        text.call(side, [*given[1:], *taken], f"%memory{n}")
        text.lines.append("  br label %end")
    text.lines.append("end:")
    return text


def _parameters(
    given: Sequence[str], taken: Sequence[str], places: Sequence[tuple[str, str]], bodies: int
) -> list[str]:
    both = [place for pair in places for place in pair]
    memory = [f"%memory{n}" for n in range(bodies)]
    return [f"ptr {name}" for name in (*given, *taken, "%doubt", *both, *memory)]


def _choose_places(
    text: FunctionText, places: Sequence[tuple[str, str]], *, but: Collection[int] = ()
) -> None:
    """Choose where the next values go: not where the present ones lie."""
    if not places:
        return
    text.lines += ["  %parity = and i64 %t, 1", "  %isodd = icmp ne i64 %parity, 0"]
    for n, (even, odd) in enumerate(places):
        if n in but:
            continue
        text.lines.append(f"  %new{n} = select i1 %isodd, ptr {odd}, ptr {even}")
