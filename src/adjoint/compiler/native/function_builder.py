"""A function builder writes one function in LLVM's language from top to bottom, with its loops."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from .formats import LLVM_TYPES
from .lanes import Block, Lanes, Names
from .target import ANY, Target

Index = str | int


class Loop:
    """A loop that is being written: its index, and the values it carries from turn to turn.

    Attributes
    ----------
    index : str or int
        The name of the counter, or 0 if there is only one turn.
    carried : list of Lanes
        The values at the start of a turn. Inside of the loop, assign the values at the end of the
        turn; after it, these are the values at the end of the last turn.
    """

    def __init__(self, index: Index, carried: list[Lanes]) -> None:
        self.index = index
        self.carried = carried


class FunctionBuilder:
    """The text of one function.

    Parameters
    ----------
    parameters : sequence of str
        The types and names of the parameters, as LLVM writes them.
    target : Target
        What the function is written for.
    """

    def __init__(self, parameters: Sequence[str], *, target: Target = ANY) -> None:
        self.parameters = parameters
        self.names = Names(target=target)
        self.lines: list[str] = []
        self.label = "entry"

    def block(self, width: int) -> Block:
        """Return a block that writes instructions of a width to this function."""
        block = Block(width, self.names)
        block.lines = self.lines
        return block

    def address(self, pointer: str, kind: str, *terms: tuple[Index, int]) -> str:
        """Return the address of the entry Σ index · stride of the array at a pointer."""
        entry = self.entry(*terms)
        if entry == 0:
            return pointer
        name = self.names.fresh()
        self.lines.append(
            f"  {name} = getelementptr {LLVM_TYPES[kind]}, ptr {pointer}, i64 {entry}"
        )
        return name

    def entry(self, *terms: tuple[Index, int]) -> Index:
        """Return Σ index · stride: an integer if all indices are known, otherwise a name."""
        scalar = self.block(1)
        fixed = sum(index * stride for index, stride in terms if isinstance(index, int))
        total: Index = fixed
        for index, stride in terms:
            if isinstance(index, int) or stride == 0:
                continue
            part = index if stride == 1 else scalar.write(f"mul i64 {index}, {stride}", "i64").text
            total = part if total == 0 else scalar.write(f"add i64 {part}, {total}", "i64").text
        return total

    @contextmanager
    def loop(self, stop: Index, step: int = 1, carried: Sequence[Lanes] = ()) -> Iterator[Loop]:
        """Write a loop from 0 in steps to below a stop; it takes at least one turn.

        What is written inside of the ``with`` block is the body of the loop.
        """
        if isinstance(stop, int) and stop <= step:
            yield Loop(0, list(carried))
            return
        index, label = self.names.fresh(), f"loop{self.names.fresh()[2:]}"
        following = self.names.fresh()
        starts = list(carried)
        own = [Lanes(x.block, self.names.fresh(), x.kind) for x in starts]
        before = self.label
        self.lines += [f"  br label %{label}", f"{label}:"]
        # LLVM wants the phis first, but their last operands are known only at the end of the body.
        heading = len(self.lines)
        self.label = label
        loop = Loop(index, list(own))
        yield loop
        phis = [f"  {index} = phi i64 [0, %{before}], [{following}, %{self.label}]"]
        for start, inside, end in zip(starts, own, loop.carried, strict=True):
            phis.append(
                f"  {inside} = phi {start.block.type_of(start.kind)} [{start}, %{before}], "
                f"[{end}, %{self.label}]"
            )
        self.lines[heading:heading] = phis
        again = self.names.fresh()
        self.lines += [
            f"  {following} = add i64 {index}, {step}",
            f"  {again} = icmp slt i64 {following}, {stop}",
            f"  br i1 {again}, label %{label}, label %{label}.end",
            f"{label}.end:",
        ]
        self.label = f"{label}.end"

    def text(self, name: str) -> str:
        """Return the text of the function, under a name."""
        return "\n".join(
            [
                f"define internal void @{name}({', '.join(self.parameters)}) #0 {{",
                "entry:",
                *self.lines,
                "  ret void",
                "}",
            ]
        )
