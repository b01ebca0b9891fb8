"""A loop nest as C: loops over the entries of arrays, around arithmetic on one entry of each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from ..compiler.native.arrays.loop_nest import Access, LoopNest, Store, loops
from ..compiler.native.arrays.loop_nest_code import CHUNK, LIGHT, identity
from ..compiler.native.formats import FORMATS
from ..compiler.native.instructions import INSTRUCTIONS
from ..compiler.native.kernel import Element
from ..compiler.native.lanes import Lanes
from ..compiler.native.target import Target
from .c_lanes import CBlock, CLanes, inlined
from .c_literals import TYPES, number
from .c_loops import Loops
from .c_places import Variable, offset
from .c_scalars import applied

# Where an access lies: the array, or the place in it, of its first entry.
Found = Callable[[Access], tuple[Variable, int]]


class NestInC:
    """Writes one nest, loop by loop from the outermost.

    A sum takes its entries in the order of native code for a target: in as many lanes, in chains,
    and in chunks. All else has one entry of each array to a turn.

    Parameters
    ----------
    nest : LoopNest
    target : Target
    lines : Loops
        Its lines grow.
    found : callable
        Tells where an access lies.
    """

    def __init__(self, nest: LoopNest, target: Target, lines: Loops, found: Found) -> None:
        self.nest, self.lines, self.found = nest, lines, found
        self.width = nest.lanes(target)
        self.axes, lanes = loops(nest, self.width)
        if lanes is None or not self.axes[lanes].is_reduced:
            self.width = 1
        self.strides = {
            access: tuple(axis.strides[n] for axis in self.axes)
            for n, access in enumerate(nest.accesses())
        }
        self.order = nest.elements()
        self.levels: dict[Element, int] = {}
        for element in self.order:
            own = [self.levels[arg] for arg in element.args]
            if isinstance(element.payload, Access):
                strides = self.strides[element.payload]
                own += [axis + 1 for axis, stride in enumerate(strides) if stride]
            self.levels[element] = max(own, default=0)
        stored = [x for store in nest.stores for x in (store.element, *store.indices)]
        # What lines of inner loops use.
        self.wanted = {*stored, *([] if nest.factor is None else [nest.factor])} | {
            arg for x in self.order for arg in x.args if self.levels[arg] < self.levels[x]
        }
        self.first_reduced = next(
            (n for n, axis in enumerate(self.axes) if axis.is_reduced), len(self.axes)
        )
        self.values: dict[Element, str] = {}
        self.indices: list[str] = []
        self.depth = 0

    def write(self) -> None:
        """Write the loops."""
        self._level(0)

    # --- loops

    def _level(self, level: int) -> None:
        if level < len(self.axes) or self.nest.operation is not None:
            self._enter(level)
        if self.nest.operation is not None and level == self.first_reduced:
            self._reduction(level)
        elif level == len(self.axes):
            self._innermost(level, self._stores)
        else:
            with self._turn(0, self.axes[level].size):
                self._level(level + 1)

    @contextmanager
    def _loop(self, start: int | str, stop: int | str, step: int = 1) -> Iterator[str]:
        name = f"i{self.depth}"
        following = f"{name}++" if step == 1 else f"{name} += {step}"
        self.lines.lines.append(f"for (int {name} = {start}; {name} < {stop}; {following}) {{")
        self.depth += 1
        yield name
        self.depth -= 1
        self.lines.lines.append("}")

    @contextmanager
    def _turn(self, start: int | str, stop: int | str) -> Iterator[str]:
        """Write a loop over the entries of an axis."""
        with self._loop(start, stop) as index:
            self.indices.append(index)
            yield index
            self.indices.pop()

    # --- elements

    def _enter(self, level: int) -> None:
        """Write the elements that depend on the loops so far, for the lines in other loops."""
        block = self.lines.block()
        own = self._computed(level, block)
        for element in own:
            if element in self.wanted and element.operation != "constant":
                self.values[element] = self.lines.kept(block, self.values[element], element.kind)
        self.lines.lines += inlined(block.lines)

    def _computed(self, level: int, block: CBlock) -> list[Element]:
        own = [x for x in self.order if self.levels[x] == level]
        for element in own:
            self.values[element] = str(self._element(element, block))
        return own

    def _element(self, element: Element, block: CBlock) -> Lanes:
        if element.operation == "load":
            place, at = self._place(element.payload, element.args)
            return place.read(block, at, element.kind)
        return applied(element, block, self.values)

    def _place(self, access: Access, numbers: Sequence[Element]) -> tuple[Variable, str]:
        place, start = self.found(access)
        terms = list(zip(self.indices, self.strides[access], strict=False))
        terms += [(self.values[x], scale) for x, scale in zip(numbers, access.scales, strict=True)]
        return place, offset(start, terms)

    # --- results

    def _innermost(self, level: int, last: Callable[[CBlock], None]) -> None:
        """Write what depends on the innermost loop, and what is done with it."""
        block = self.lines.block()
        if self.nest.operation is None or level != self.first_reduced:
            self._computed(level, block)
        last(block)
        self.lines.lines += inlined(block.lines)

    def _stores(self, block: CBlock) -> None:
        for store in self.nest.stores:
            self._store(block, store, self.values[store.element])

    def _store(self, block: CBlock, store: Store, value: str) -> None:
        place, at = self._place(store.access, store.indices)
        sign = "+=" if store.adds else "="
        block.lines.append(f"{place.at(at)} {sign} {value};")

    # --- reductions

    def _reduction(self, level: int) -> None:
        store, lines = self.nest.stores[0], self.lines.lines
        kind = store.element.kind
        lines.append("{")
        self._begin("total", kind, self.width)
        self._reduced(level)
        if not self.nest.running:
            if self.width > 1:
                self._across(kind)
            block = self.lines.block()
            total = "total" if self.width == 1 else "total[0]"
            if self.nest.operation == "add" and kind in FORMATS:
                total += f" + {number(0.0, kind)}"
            self._store(block, store, total)
            lines += inlined(block.lines)
        lines.append("}")

    def _begin(self, name: str, kind: str, count: int) -> None:
        nothing = number(identity(self.nest.operation, kind), kind)
        if count == 1:
            self.lines.lines.append(f"{TYPES[kind]} {name} = {nothing};")
            return
        self.lines.lines += [
            f"{TYPES[kind]} {name}[{count}];",
            f"for (int i = 0; i < {count}; i++) {{",
            f"{name}[i] = {nothing};",
            "}",
        ]

    def _reduced(self, level: int) -> None:
        if level > self.first_reduced and level < len(self.axes):
            self._enter(level)
        if level == len(self.axes):
            self._innermost(level, lambda block: self._grow(block, "total"))
        elif level == len(self.axes) - 1 and not self.nest.running:
            self._stretches(level)
        else:
            with self._turn(0, self.axes[level].size):
                self._reduced(level + 1)

    def _stretches(self, level: int) -> None:
        """Write the innermost loop of a reduction, in chunks, with several totals in turn."""
        size, step = self.axes[level].size, self.width
        stop = size // step * step
        chains = 4 if len(self.order) <= LIGHT and stop >= 8 * step else 1
        stride = chains * step
        even, chunk, done = stop // stride * stride, CHUNK * stride, 0
        kind = self.nest.stores[0].element.kind
        if even > 2 * chunk:
            done = even // chunk * chunk
            with self._loop(0, done, chunk) as start:
                self._stretch(level, start, f"{start} + {chunk}", kind, chains)
        if chains == 1 and not done and level == self.first_reduced:
            done = even = 0  # the total is a new one: it takes all entries itself
        if even > done:
            self.lines.lines.append("{")
            self._stretch(level, done, even, kind, chains)
            self.lines.lines.append("}")
        if size > even:
            self._turns(level, even, size, "total", step)

    def _stretch(self, level: int, start: int | str, stop: int | str, kind: str, n: int) -> None:
        """Reduce a part of a loop to parts of its own, and add them to the total."""
        count = n * self.width
        self._begin("part", kind, count)
        self._turns(level, start, stop, "part", count)
        lanes = "" if self.width == 1 else "[lane]"
        block = self.lines.block()
        if self.width == 1:
            parts = ["part"] if n == 1 else [f"part[{k}]" for k in range(n)]
        else:
            self.lines.lines.append(f"for (int lane = 0; lane < {self.width}; lane++) {{")
            parts = [f"part[{f'{k * self.width} + ' if k else ''}lane]" for k in range(n)]
        values: list[Lanes] = [CLanes(block, part, kind) for part in parts]
        while len(values) > 1:
            values = [
                INSTRUCTIONS[self.operation](x, y)
                for x, y in zip(values[::2], values[1::2], strict=True)
            ]
        found = INSTRUCTIONS[self.operation](CLanes(block, f"total{lanes}", kind), values[0])
        block.lines.append(f"total{lanes} = {found};")
        self.lines.lines += [*inlined(block.lines), *["}"] * (self.width > 1)]

    @property
    def operation(self) -> str:
        """What combines the entries."""
        assert self.nest.operation is not None
        return self.nest.operation

    def _turns(self, level: int, start: int | str, stop: int | str, name: str, count: int) -> None:
        """Write a loop whose turns add to the lanes of a total in turn."""
        with self._turn(start, stop) as index:
            own = name if count == 1 else f"{name}[{index} % {count}]"
            self._innermost(level + 1, lambda block: self._grow(block, own))

    def _grow(self, block: CBlock, total: str) -> None:
        """Add an entry to a total."""
        store = self.nest.stores[0]
        value, kind = self.values[store.element], store.element.kind
        before: Lanes = CLanes(block, total, kind)
        if self.nest.factor is not None:
            # The factor must not be used in the first turn: 0 times an infinite one would be NaN.
            index = self.indices[-1] if self.first_reduced < len(self.axes) else None
            if index is not None:
                factor, zero = self.values[self.nest.factor], number(0.0, kind)
                before = block.let(f"{total} * ({index} > 0 ? {factor} : {zero})", kind)
        if self.operation == "add" and kind in FORMATS and self.nest.factor is None:
            block.lines.append(f"{total} += {value};")
        else:
            found = INSTRUCTIONS[self.operation](before, CLanes(block, value, kind))
            block.lines.append(f"{total} = {found};")
        if self.nest.running:
            self._store(block, store, total)

    def _across(self, kind: str) -> None:
        """Add the halves of the lanes to each other until one lane is left."""
        block = self.lines.block()
        x, y = CLanes(block, "total[i]", kind), CLanes(block, "total[i + half]", kind)
        block.lines.append(f"total[i] = {INSTRUCTIONS[self.operation](x, y)};")
        self.lines.lines += [
            f"for (int half = {self.width // 2}; half > 0; half /= 2) {{",
            "for (int i = 0; i < half; i++) {",
            *inlined(block.lines),
            "}",
            "}",
        ]
