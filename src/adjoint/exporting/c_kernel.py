"""A kernel as C: numbers before a loop over the rows of a batch, in it, and after it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ..compiler.native.kernel import Element, Kernel, Stage
from ..compiler.native.lanes import Lanes
from .c_lanes import CBlock, inlined
from .c_literals import SIZES, TYPES, number
from .c_loops import Loops
from .c_places import Variable
from .c_scalars import applied


class KernelInC:
    """Writes one kernel.

    Totals over the rows are added up in lanes, in the order of native code: row after row, each to
    the next lane, and at the end halves of the lanes to each other.

    Parameters
    ----------
    kernel : Kernel
    loops : Loops
        Its lines grow.
    inputs, outputs : mapping of int to Variable
        Where the arrays of the kernel's entries lie; those of a row at a pointer to the row.
    lanes : int
    """

    def __init__(
        self,
        kernel: Kernel,
        loops: Loops,
        inputs: Mapping[int, Variable],
        outputs: Mapping[int, Variable],
        lanes: int,
    ) -> None:
        self.kernel, self.loops, self.lanes = kernel, loops, lanes
        self.inputs, self.outputs = inputs, outputs
        self.values: dict[Element, str] = {}
        self.totals = [x for x in kernel.at(Stage.AFTER) if x.operation == "total"]

    def write(self, rows: Iterable[str]) -> None:
        """Write the kernel; ``rows`` are the lines that point to row i of a batch."""
        self._compute(Stage.BEFORE)
        names = self._begin_totals()
        self.loops.lines += [f"for (int i = 0; i < {self.kernel.rows}; i++) {{"]
        self.loops.lines += [f"const int lane = i % {self.lanes};"] * (self.lanes > 1)
        self.loops.lines += rows
        self._compute(Stage.ROW, [self._grown(x, name) for x, name in names.items()])
        self.loops.lines += ["}"]
        for total, name in names.items():
            self.values[total] = self._across(total, name)
        self._compute(
            Stage.AFTER,
            [
                (f"{self.outputs[entry.array].at(entry.number)} = ", (x,))
                for entry, x in self.kernel.results
            ],
        )

    @property
    def stack(self) -> int:
        """How many bytes the totals take."""
        return sum(SIZES[x.kind] for x in self.totals) * self.lanes

    def _begin_totals(self) -> dict[Element, str]:
        """Write variables for the totals, which are empty sums; return their names."""
        names: dict[Element, str] = {}
        for kind in dict.fromkeys(x.kind for x in self.totals):
            own = [x for x in self.totals if x.kind == kind]
            nothing = number(-0.0, kind)
            if self.lanes == 1:
                names |= {x: f"s{len(names) + n}" for n, x in enumerate(own)}
                self.loops.lines += [f"{TYPES[kind]} {names[x]} = {nothing};" for x in own]
                continue
            names |= {x: f"s_{kind}[{n}]" for n, x in enumerate(own)}
            self.loops.lines += [
                f"{TYPES[kind]} s_{kind}[{len(own)}][{self.lanes}];",
                f"for (int i = 0; i < {len(own) * self.lanes}; i++) {{",
                f"s_{kind}[i / {self.lanes}][i % {self.lanes}] = {nothing};",
                "}",
            ]
        return names

    def _grown(self, total: Element, name: str) -> tuple[str, tuple[Element, ...]]:
        lane = "" if self.lanes == 1 else "[lane]"
        return f"{name}{lane} += ", total.args

    def _across(self, total: Element, name: str) -> str:
        """Write the sum of the lanes; return its name."""
        if self.lanes == 1:
            return name
        kind = total.kind
        # Lanes beyond the last row have one zero more, which tells 0 from -0.
        left = self.kernel.rows % self.lanes
        self.loops.lines += [
            line
            for line in (
                f"for (int i = {left}; i < {self.lanes}; i++) {{",
                f"{name}[i] += {number(0, kind)};",
                "}",
            )
            if left and len(total.args) == 1
        ]
        block = self.loops.block()
        found = self.loops.kept(
            block, f"{self.loops.functions.across(kind)}({name}, {self.lanes})", kind
        )
        self.loops.lines += block.lines
        return found

    # --- elements

    def _compute(
        self,
        stage: Stage,
        last: Iterable[tuple[str, tuple[Element, ...]]] = (),
    ) -> None:
        """Write the elements of a stage, and what is done with them: a beginning, and factors."""
        block = self.loops.block()
        own = [x for x in self.kernel.at(stage) if x.operation != "total"]
        for element in own:
            self.values[element] = str(self._element(element, block))
        if stage is Stage.BEFORE:
            later = [x for s in (Stage.ROW, Stage.AFTER) for x in self.kernel.at(s)]
            wanted = {arg for x in later for arg in x.args} | {x for _, x in self.kernel.results}
            for element in own:
                if element in wanted and element.operation not in ("constant", "load"):
                    self.values[element] = self.loops.kept(
                        block, self.values[element], element.kind
                    )
        for beginning, factors in last:
            block.lines.append(f"{beginning}{' * '.join(self.values[x] for x in factors)};")
        self.loops.lines += inlined(block.lines)

    def _element(self, element: Element, block: CBlock) -> Lanes:
        if element.operation in ("load", "row_load"):
            entry = element.payload
            return self.inputs[entry.array].read(block, entry.number, element.kind)
        return applied(element, block, self.values)
