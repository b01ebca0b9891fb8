"""Lanes that write C: one number each, so that the rules of native code print C99, too."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from ..compiler.native.formats import FORMATS
from ..compiler.native.lanes import Block, Lanes, Names
from .c_functions import FIXED, NEEDS
from .c_literals import TYPES, number
from .refusal import ExportError

# Expressions longer than this get a line of their own.
_LONGEST = 70
_ONE_TERM = re.compile(r"[\w.]+(\([^()]*\)|\[[^\[\]]*\])?")
_DEFINITION = re.compile(r"^(\s*)(?:const \w+ )(v\d+) = (.*);$")
_NAME = re.compile(r"\bv\d+\b")


class Functions:
    """The functions that a file of C defines for itself, by name, each after those it calls.

    Parameters
    ----------
    prefix : str
        What all their names begin with.
    """

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix
        self.texts: dict[str, str] = {}
        self.kinds: dict[str, str] = {}
        self.under_way: list[str] = []

    def fixed(self, name: str) -> str:
        """Return the name of one of the functions in `FIXED`, which becomes part of the file."""
        if name not in FIXED:
            raise ExportError(f"C99 has no {name}")
        for other in NEEDS.get(name, ()):
            self.fixed(other)
        whole = f"{self.prefix}_{name}"
        self.texts.setdefault(whole, FIXED[name].replace("PREFIX", self.prefix).strip())
        return whole

    def across(self, kind: str) -> str:
        """Return the name of the function that adds up an array: halves to each other."""
        name, number = f"{self.prefix}_across_{kind}", TYPES[kind]
        self.texts.setdefault(
            name,
            f"""static {number} {name}({number} *x, int count) {{
    for (int half = count / 2; half > 0; half /= 2) {{
        for (int i = 0; i < half; i++) {{
            x[i] += x[i + half];
        }}
    }}
    return x[0];
}}""",
        )
        return name

    def used_by(self, text: str) -> list[str]:
        """Return the functions that a text calls, and those that they call in turn, in order."""
        kept: list[str] = []
        for name, own in reversed(self.texts.items()):
            if re.search(rf"\b{name}\b", text):
                kept.append(own)
                text += own
        return kept[::-1]


class CBlock(Block):
    """Straight-line C on plain numbers."""

    def __init__(self, names: Names, functions: Functions) -> None:
        super().__init__(1, names)
        self.functions = functions

    def let(self, text: str, kind: str) -> CLanes:
        """Give an expression a name."""
        self.names.count += 1
        name = f"v{self.names.count}"
        self.lines.append(f"const {TYPES[kind]} {name} = {text};")
        return CLanes(self, name, kind)

    def resized(self, width: int) -> Block:
        """Return this block: its width is always 1."""
        return self

    def write(self, instruction: str, kind: str) -> Lanes:
        """Refuse what is written in LLVM's language itself."""
        raise ExportError("it is written for processors alone")

    def constant(self, value: float, kind: str) -> CLanes:
        """Return a constant."""
        return CLanes(self, number(value, kind), kind)

    def spread(self, scalar: str, kind: str) -> CLanes:
        """Return a number that has a name already."""
        return CLanes(self, scalar, kind)

    def call(self, intrinsic: str, *args: Lanes) -> CLanes:
        """Call a function of C's own library, written out, or multiply and add."""
        kind = args[0].kind
        if intrinsic == "fmuladd":
            x, y, z = args
            return self.let(f"{x} * {y} + {z}", kind)
        name = self.functions.fixed(f"{intrinsic}_{kind}")
        return self.let(f"{name}({', '.join(map(str, args))})", kind)

    def outline(self, name: str, function: Callable[..., Lanes], *args: Lanes) -> CLanes:
        """Call a function of lanes, which becomes a function of C at its first call."""
        whole = f"{self.functions.prefix}_{name}_{'_'.join(arg.kind for arg in args)}"
        # A function that outlines its own body under its own name is called from within.
        if whole in self.functions.under_way:
            whole += "_body"
        if whole not in self.functions.texts:
            self.functions.under_way.append(whole)
            body = CBlock(Names(), self.functions)
            given = [CLanes(body, f"x{i}", arg.kind) for i, arg in enumerate(args)]
            result = function(*given)
            parameters = ", ".join(f"{TYPES[arg.kind]} {arg}" for arg in given)
            lines = inlined([*body.lines, f"return {result};"])
            text = "\n".join(indented(lines, 1))
            head = f"static {TYPES[result.kind]} {whole}({parameters})"
            self.functions.texts[whole] = f"{head} {{\n{text}\n}}"
            self.functions.kinds[whole] = result.kind
            self.functions.under_way.pop()
        given_text = ", ".join(map(str, args))
        return self.let(f"{whole}({given_text})", self.functions.kinds[whole])

    def either(
        self,
        condition: Lanes,
        yes: Callable[[], Sequence[Lanes]],
        no: Callable[[], Sequence[Lanes]],
    ) -> list[Lanes]:
        """Return what ``yes`` writes if a condition holds, else what ``no`` writes."""
        start = len(self.lines)
        first = list(yes())
        branch = self.lines[start:]
        del self.lines[start:]
        second = list(no())
        other = self.lines[start:]
        del self.lines[start:]
        names = []
        for x in first:
            self.names.count += 1
            names.append(f"w{self.names.count}")
            self.lines.append(f"{TYPES[x.kind]} {names[-1]};")
        self.lines += [f"if ({condition}) {{", *branch]
        self.lines += [f"{n} = {x};" for n, x in zip(names, first, strict=True)]
        self.lines += ["} else {", *other]
        self.lines += [f"{n} = {x};" for n, x in zip(names, second, strict=True)] + ["}"]
        return [CLanes(self, n, x.kind) for n, x in zip(names, first, strict=True)]


class CLanes(Lanes):
    """A number of C."""

    __slots__ = ()
    block: CBlock

    def _binary(self, operator: str, other: Lanes | float) -> CLanes:
        left, right = str(self), str(self.lift(other))
        if self.kind in FORMATS:
            return self.block.let(f"{left} {operator} {right}", self.kind)
        if self.kind == "i1":
            return self.block.let(f"{left} {operator} {right}", self.kind)
        if operator in (">>", "&", "|", "^"):
            return self.block.let(f"{left} {operator} {right}", self.kind)
        # Overflow has no meaning in C for signed numbers; unsigned ones wrap around.
        kind = TYPES[self.kind]
        shift = right if operator == "<<" else f"(u{kind}){right}"
        return self.block.let(f"({kind})((u{kind}){left} {operator} {shift})", self.kind)

    def compare(self, test: str, other: Lanes | float) -> CLanes:
        """Return whether a comparison holds."""
        return self.block.let(f"{self} {test} {self.lift(other)}", "i1")

    def choose(self, yes: Lanes, no: Lanes | float) -> CLanes:
        """Return ``yes`` where this holds, else ``no``."""
        return self.block.let(f"{self} ? {yes} : {yes.lift(no)}", yes.kind)

    def convert(self, instruction: str, kind: str) -> CLanes:
        """Return the number in another kind, or its bits."""
        if instruction == "bitcast":
            name = self.block.functions.fixed(f"bits_{self.kind}_{kind}")
            return self.block.let(f"{name}({self})", kind)
        if instruction.startswith("fpto"):
            raise ExportError("C99 has no cast of a float to an integer here")
        return self.block.let(f"({TYPES[kind]}){self}", kind)

    def part(self, start: int, count: int) -> CLanes:
        """Return the number: it is all there is."""
        return self

    def any(self) -> CLanes:
        """Return the truth value itself."""
        return self

    def is_nan(self) -> CLanes:
        """Return whether the number is NaN."""
        return self.block.let(f"{self} != {self}", "i1")

    def __neg__(self) -> CLanes:
        if self.kind not in FORMATS:
            return self.lift(0)._binary("-", self)  # type: ignore[return-value]
        return self.block.let(f"-{self}", self.kind)


def inlined(lines: list[str]) -> list[str]:
    """Return lines in which an expression that is used once stands where it is used."""
    uses: dict[str, int] = {}
    for line in lines:
        for name in _NAME.findall(line):
            uses[name] = uses.get(name, 0) + 1
    known: dict[str, str] = {}
    found: list[str] = []

    def put(text: str) -> str:
        return _NAME.sub(lambda m: known.pop(m[0]) if m[0] in known else m[0], text)

    for line in lines:
        match = _DEFINITION.match(line)
        if match is None:
            found.append(put(line))
            continue
        text = put(match[3])
        if uses[match[2]] == 1:
            continue  # nobody reads it
        if uses[match[2]] == 2 and len(text) < _LONGEST:
            known[match[2]] = text if _ONE_TERM.fullmatch(text) else f"({text})"
        else:
            found.append(line[: match.start(3)] + text + ";")
    return found


def indented(lines: Sequence[str], depth: int) -> list[str]:
    """Return lines indented by the brackets that are open."""
    found = []
    for line in lines:
        if line.startswith("}"):
            depth -= 1
        found.append("    " * depth + line)
        if line.endswith("{"):
            depth += 1
    return found
